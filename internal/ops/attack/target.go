package attack

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
)

// requestLimit is how long one request may take.
const requestLimit = 30 * time.Second

// target is the deployment under attack.
type target struct {
	Config
	client      *http.Client
	development bool
	limited     bool
	policy      account.Policy
	ahead       int // seconds by which the development server's clock was moved

	mu   sync.Mutex
	told []string // answers with forbidden content, see listen
}

// aim connects to the target and finds out what it offers.
func aim(ctx context.Context, c Config) (*target, error) {
	t := &target{Config: c, client: &http.Client{
		Timeout:       requestLimit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{MaxIdleConnsPerHost: volley, MaxConnsPerHost: 2 * volley},
	}}
	clock, err := t.send(ctx, ask{path: "/dev/clock"})
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", c.URL, err)
	}
	t.development = clock.status == http.StatusOK && clock.text("now") != ""
	set, err := t.send(ctx, t.backend(http.MethodGet, "/v1/instance", nil))
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", c.URL, err)
	}
	if set.status != http.StatusOK {
		return nil, fmt.Errorf("GET /v1/instance answers %d %s: is the secret key right?", set.status, set.code())
	}
	t.limited = set.at("ip_limits") == true
	t.policy = (&account.Settings{StrictGuessing: set.at("strict_guessing") == true}).Policy()
	return t, nil
}

// restore moves the development server's clock back.
func (t *target) restore(ctx context.Context) error {
	if t.ahead == 0 {
		return nil
	}
	r, err := t.send(context.WithoutCancel(ctx), ask{method: http.MethodPatch, path: "/dev/clock", json: map[string]any{"advance_seconds": -t.ahead}})
	if err == nil && r.status != http.StatusOK {
		err = errors.New("the development clock could not be moved back")
	}
	return err
}

// ask is a request to send.
type ask struct {
	method, path string
	form         url.Values
	json         any
	// raw is a body exactly as sent, with the content type kind.
	raw, kind string
	header    map[string]string
	host      string
	cookie    string
}

// with returns the request with one more header.
func (a ask) with(name, value string) ask {
	a.header = maps.Clone(a.header)
	if a.header == nil {
		a.header = map[string]string{}
	}
	a.header[name] = value
	return a
}

// query returns the request with text added to its query.
func (a ask) query(text string) ask {
	sep := "?"
	if strings.Contains(a.path, "?") {
		sep = "&"
	}
	a.path += sep + text
	return a
}

// backend returns a request with the secret key.
func (t *target) backend(method, path string, body any) ask {
	return ask{method: method, path: path, json: body, header: map[string]string{"Authorization": "Bearer " + t.SecretKey.Reveal()}}
}

// reply is an answer with its body read.
type reply struct {
	ask    ask
	status int
	header http.Header
	body   []byte
	cookie string // the client token that the answer set
}

func (a ask) request(ctx context.Context, base string) (*http.Request, error) {
	body, kind := a.raw, a.kind
	switch {
	case a.json != nil:
		data, err := json.Marshal(a.json)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		body, kind = string(data), "application/json"
	case a.form != nil:
		body, kind = a.form.Encode(), "application/x-www-form-urlencoded"
	}
	method := a.method
	if method == "" {
		method = http.MethodGet
	}
	to, query, _ := strings.Cut(a.path, "?")
	r, err := http.NewRequestWithContext(ctx, method, base, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(to, "//") { // Opaque would take the path for a host
		r.URL.Path = to
	} else {
		r.URL.Opaque = to
	}
	r.URL.RawQuery = query
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for name, value := range a.header {
		r.Header.Set(name, value)
	}
	if a.cookie != "" {
		r.Header.Set("Cookie", "__client="+a.cookie)
	}
	if a.host != "" {
		r.Host = a.host
	}
	return r, nil
}

// send sends a request and reads the answer.
func (t *target) send(ctx context.Context, a ask) (reply, error) {
	r, err := a.request(ctx, t.URL)
	if err != nil {
		return reply{}, err
	}
	res, err := t.client.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = res.Body.Close() }()
	const most = 4 << 20
	body, err := io.ReadAll(io.LimitReader(res.Body, most))
	if err != nil {
		return reply{}, fmt.Errorf("read answer: %w", err)
	}
	out := reply{ask: a, status: res.StatusCode, header: res.Header, body: body}
	for _, c := range res.Cookies() {
		if c.Name == "__client" {
			out.cookie = c.Value
		}
	}
	t.listen(out)
	return out, nil
}

// inner are words about internals, which no error may contain.
var inner = []string{"panic", "goroutine", "runtime.", ".go:", "/internal/", "bbolt", "dynamodb", "amazonaws", "AWS.", "sql:", "stack trace", "\tat "}

// listen records answers with forbidden content.
func (t *target) listen(got reply) {
	what := ""
	if got.status >= http.StatusInternalServerError {
		what = "a server error"
	}
	if got.status >= http.StatusBadRequest {
		for _, word := range inner {
			if bytes.Contains(got.body, []byte(word)) {
				what = fmt.Sprintf("the word %q", word)
			}
		}
	}
	if what == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.told = append(t.told, fmt.Sprintf("%v, with %s", got, what))
}

// at returns the value at a path such as "response.id" or "errors.0.code" of the body, or nil.
func (r reply) at(path string) any {
	var v any
	if json.Unmarshal(r.body, &v) != nil {
		return nil
	}
	for step := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

func (r reply) text(path string) string {
	s, _ := r.at(path).(string)
	return s
}

// code returns the code of the error, or "".
func (r reply) code() string { return r.text("errors.0.code") }

func (r reply) String() string {
	method := r.ask.method
	if method == "" {
		method = http.MethodGet
	}
	path, _, _ := strings.Cut(r.ask.path, "?")
	return strings.TrimSpace(fmt.Sprintf("%s %s answers %d %s", method, path, r.status, r.code()))
}

// randomLetters returns n random letters.
func randomLetters(n int) string { return strings.ToLower(rand.Text())[:n] }
