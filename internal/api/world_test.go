package api_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/test/mfatest"
)

const secretKey = "sk_test_of_these_tests"

// world is the API over a service under test.
type world struct {
	*mfatest.World
	*api.API
	memory *store.Memory
	faults *store.Faulty
	log    bytes.Buffer
	// observe sees every request with its answer; nil sees none.
	observe func(*http.Request, *answer)

	// parsed is true when the request that is being served read a new phone number.
	parsed bool

	mu    sync.Mutex
	peers int
}

func newWorld(t testing.TB, change ...func(*api.Config)) *world {
	t.Helper()
	w := &world{memory: store.NewMemory()}
	w.faults = store.NewFaulty(w.memory)
	c := api.Config{
		Instance: operation.Instance{PublicURL: "http://localhost:8080", PublishableKey: "pk_test_x", AppName: "Example", Development: true},
		Accepts:  api.OneKey(secret.New(secretKey)), Address: w.address, Log: slog.New(slog.NewJSONHandler(&w.log, nil)),
	}
	for _, f := range change {
		f(&c)
	}
	w.World = mfatest.New(t, domain.Config{Store: noting{w.faults}, Sender: w, Numbers: w.numbers, Issuer: c.PublicURL, SMSHost: "localhost"})
	c.Service = w.Service
	_, err := c.Service.Settings.Change(t.Context(), func(s *account.Settings) { s.IPLimits = true })
	w.Must(err)
	// A deployment makes the first key before it takes requests.
	w.Must(c.Service.Tokens.RotateSigningKey(t.Context(), 0))
	w.API, err = api.New(c, api.Operations()...)
	w.Must(err)
	return w
}

// Send implements [tx.Sender].
func (w *world) Send(ctx context.Context, m tx.Message) error {
	note(ctx, operation.SendsSMS)
	return w.World.Send(ctx, m)
}

// answer is a response with its body read.
type answer struct {
	testing.TB
	*http.Response
	body []byte
}

// at returns what is at a path such as "response.id" or "errors.0.code" of the body, or nil.
func (a *answer) at(path string) any {
	var v any
	if json.Unmarshal(a.body, &v) != nil {
		return nil
	}
	for _, step := range strings.Split(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[step]
		case []any:
			if i := int(step[0] - '0'); len(step) == 1 && i < len(x) {
				v = x[i]
			} else {
				return nil
			}
		default:
			return nil
		}
	}
	return v
}

func (a *answer) text(path string) string {
	a.Helper()
	s, ok := a.at(path).(string)
	if !ok {
		a.Fatalf("no text at %s of %d %s", path, a.StatusCode, a.body)
	}
	return s
}

func (a *answer) want(status int, code string) *answer {
	a.Helper()
	got, _ := a.at("errors.0.code").(string)
	if a.StatusCode != status || got != code {
		a.Fatalf("%d %s, want %d %s: %s", a.StatusCode, got, status, code, a.body)
	}
	return a
}

func (a *answer) ok() *answer {
	a.Helper()
	if a.StatusCode/100 != 2 {
		a.Fatalf("%d %s", a.StatusCode, a.body)
	}
	return a
}

func (w *world) send(r *http.Request) *answer {
	w.Helper()
	rec := httptest.NewRecorder()
	w.parsed = false
	w.ServeHTTP(rec, r)
	if w.parsed {
		lines := strings.Split(strings.TrimSpace(w.log.String()), "\n")
		var line struct{ Operation string }
		w.Must(json.Unmarshal([]byte(lines[len(lines)-1]), &line))
		noteOf(line.Operation, operation.Numbers)
	}
	body, err := io.ReadAll(rec.Result().Body)
	w.Must(err)
	a := &answer{w.TB, rec.Result(), body}
	a.native(r)
	if w.observe != nil {
		w.observe(r, a)
	}
	return a
}

// backend calls the Backend API with a JSON body, or none.
func (w *world) backend(method, path, body string) *answer {
	w.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+secretKey)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return w.send(r)
}

func (w *world) user() string {
	w.Helper()
	return w.backend("POST", "/v1/users", `{"username":"user`+rand.Text()+`","password":"correct horse"}`).ok().text("id")
}

func (w *world) ticket(user string) string {
	w.Helper()
	return w.backend("POST", "/v1/sign_in_tokens", `{"user_id":"`+user+`"}`).ok().text("token")
}

// browser is a client by one of the carriers.
type browser struct {
	*world
	carrier tx.TokenTransport
	token   string
	session string
	origin  string // of the pages; "" sends none
}

// call sends a form as clerk-js does, and keeps the token that comes back.
func (b *browser) call(method, path string, form ...string) *answer {
	b.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		values.Add(form[i], form[i+1])
	}
	u, err := url.Parse(path)
	b.Must(err)
	q := u.Query()
	if b.session != "" {
		q.Set("_clerk_session_id", b.session)
	}
	switch b.carrier {
	case tx.Native:
		q.Set("_is_native", "1")
	case tx.DevBrowser:
		q.Set("__clerk_db_jwt", b.token)
	}
	u.RawQuery = q.Encode()
	r := httptest.NewRequest(method, u.String(), strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if b.origin != "" {
		r.Header.Set("Origin", b.origin)
	}
	switch b.carrier {
	case tx.Native:
		r.Header.Set("Authorization", b.token)
	case tx.Cookie:
		if b.token != "" {
			r.AddCookie(&http.Cookie{Name: "__client", Value: b.token})
		}
	}
	a := b.send(r)
	if t := a.Header.Get("Authorization"); b.carrier == tx.Native && t != "" {
		b.token = t
	}
	if t := a.Header.Get("Clerk-Db-Jwt"); b.carrier == tx.DevBrowser && t != "" {
		b.token = t
	}
	for _, c := range a.Cookies() {
		if c.Name == "__client" {
			b.token = c.Value
		}
	}
	return a
}

// open returns a browser that is not signed in.
func (w *world) open(carrier tx.TokenTransport) *browser {
	w.Helper()
	b := &browser{world: w, carrier: carrier}
	if carrier == tx.DevBrowser {
		b.token = w.send(httptest.NewRequest("POST", "/v1/dev_browser", nil)).ok().text("id")
	}
	return b
}

func (b *browser) enter(user string) *answer {
	b.Helper()
	a := b.call("POST", "/v1/client/sign_ins", "strategy", "ticket", "ticket", b.ticket(user)).ok()
	b.session, _ = a.at("response.created_session_id").(string)
	return a
}

// signedIn is a browser with a cookie, in a session of a new user.
func (w *world) signedIn() *browser {
	w.Helper()
	b := w.open(tx.Cookie)
	b.enter(w.user())
	return b
}

// enrolApp binds an authenticator app and returns what shows its codes.
func (b *browser) enrolApp() func() string {
	b.Helper()
	key := secret.New(b.call("POST", "/v1/me/totp").ok().text("response.secret"))
	app := func() string {
		code, err := totp.Code(key, b.Now())
		b.Must(err)
		return code
	}
	b.call("POST", "/v1/me/totp/attempt_verification", "code", app()).ok()
	b.Advance(time.Minute)
	return app
}

// address is another one for every request, so that the limits per address count and never bind.
func (w *world) address(*http.Request) netip.Addr {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.peers++
	return netip.AddrFrom4([4]byte{10, byte(w.peers >> 8), byte(w.peers), 1})
}
