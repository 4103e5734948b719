package attack_test

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/password"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/local"
)

// tap is a proxy that records every secret in requests and answers.
type tap struct {
	next http.Handler
	mu   sync.Mutex
	seen map[string]string // by value: the kind of secret
	log  bytes.Buffer
}

// Write collects lines of the log.
func (p *tap) Write(line []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(line)
}

var (
	digitsOnly = regexp.MustCompile(`^\d{6}$`)
	fullNumber = regexp.MustCompile(`^\+1\d{10}$`)
)

func (p *tap) note(what, text string) {
	const short = 10
	if len(text) < short && !digitsOnly.MatchString(text) || strings.ContainsAny(text, " \x00\n%.$'\"") && what != "token" {
		return
	}
	// Errors have codes too.
	if what == "number" && !fullNumber.MatchString(text) || what == "code" && !digitsOnly.MatchString(text) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen[text] = what
}

// secretNames are the fields of requests and answers that hold secrets.
var secretNames = map[string]string{
	"code": "code", "ticket": "ticket", "token": "token", "jwt": "token", "secret": "app secret", "totp_secret": "app secret", "backup_codes": "backup code", "codes": "backup code",
	"password": "password", "phone_number": "number",
}

func (p *tap) walk(name string, v any) {
	switch x := v.(type) {
	case map[string]any:
		for k, inner := range x {
			p.walk(k, inner)
		}
	case []any:
		for _, inner := range x {
			p.walk(name, inner)
		}
	case string:
		if what := secretNames[name]; what != "" {
			p.note(what, x)
		}
	}
}

// ServeHTTP answers deletions without doing them, so that all records are still there at the end.
func (p *tap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	var sent any
	if json.Unmarshal(body, &sent) == nil {
		p.walk("", sent)
	} else if form, err := url.ParseQuery(string(body)); err == nil {
		for name, values := range form {
			for _, v := range values {
				p.walk(name, v)
			}
		}
	}
	if r.Method == http.MethodDelete && strings.HasPrefix(r.URL.Path, "/v1/users/user_") && strings.Count(r.URL.Path, "/") == 3 {
		_, _ = w.Write([]byte(`{}`))
		return
	}
	made := httptest.NewRecorder()
	p.next.ServeHTTP(made, r)
	var got any
	if json.Unmarshal(made.Body.Bytes(), &got) == nil {
		p.walk("", got)
	}
	for _, c := range made.Result().Cookies() {
		p.note("client token", c.Value)
	}
	for name, values := range made.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(made.Code)
	_, _ = w.Write(made.Body.Bytes())
}

// forms returns the forms in which a secret could have been written.
func forms(text string) []string {
	out := []string{text, base64.StdEncoding.EncodeToString([]byte(text)), hex.EncodeToString([]byte(text))}
	if plain := strings.ReplaceAll(text, "-", ""); plain != text {
		out = append(out, plain)
	}
	if raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text); err == nil && len(raw) >= 10 {
		out = append(out, string(raw), base64.StdEncoding.EncodeToString(raw), hex.EncodeToString(raw))
	}
	if fullNumber.MatchString(text) {
		out = append(out, text[1:], text[2:], url.QueryEscape(text))
	}
	return out
}

// holds reports whether data contain a text as a whole word, because six digits are part of many
// longer numbers.
func holds(data []byte, text string) bool {
	word := func(i int) bool {
		return i >= 0 && i < len(data) && (data[i] >= '0' && data[i] <= '9' || data[i] >= 'a' && data[i] <= 'z' || data[i] >= 'A' && data[i] <= 'Z')
	}
	for from := 0; ; {
		i := bytes.Index(data[from:], []byte(text))
		if i < 0 {
			return false
		}
		i += from
		if !word(i-1) && !word(i+len(text)) {
			return true
		}
		from = i + 1
	}
}

// TestNothingAtRest runs all attacks and keeps every record. Then neither the store's file nor the
// log may hold a secret in any usual form: code, ticket, token, password, backup code or phone
// number.
func TestNothingAtRest(t *testing.T) {
	dir, p := t.TempDir(), &tap{seen: map[string]string{}}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	app, err := local.Open(t.Context(), local.Config{
		Dir: dir, PublicURL: server.URL, AppName: "Example", SecretKey: secret.New(key), Now: time.Now, Log: slog.New(slog.NewTextHandler(p, nil)),
		Passwords: password.Params{Memory: 64, Time: 1, Threads: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	p.next = app
	report, out, _ := run(t, server.URL, "A", "B", "C", "E", "F", "H")
	if err := app.Close(); err != nil {
		t.Fatal(err)
	}
	const many = 40
	if len(report.Results) < many {
		t.Fatalf("the journey was short:\n%s", out)
	}
	store, err := os.ReadFile(filepath.Join(dir, "countersign.db"))
	if err != nil {
		t.Fatal(err)
	}
	log := regexp.MustCompile(`us=\d+`).ReplaceAll(p.log.Bytes(), nil)
	p.note("secret key", key)
	kinds := map[string]int{}
	for text, what := range p.seen {
		kinds[what]++
		for _, form := range forms(text) {
			if holds(log, form) {
				t.Errorf("the log holds a %s: %s", what, form)
			}
			if holds(store, form) {
				t.Errorf("the store holds a %s: %s", what, form)
			}
		}
	}
	for _, what := range []string{"code", "ticket", "token", "client token", "app secret", "backup code", "password", "number"} {
		if kinds[what] == 0 {
			t.Errorf("no %s passed: nothing would be found", what)
		}
	}
	if !holds(store, "ada@example.com") {
		t.Error("no e-mail address is found in the store, where they are: the search finds nothing")
	}
	t.Logf("looked for %v in %d bytes of store and %d of log", kinds, len(store), len(log))
}
