package load

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/password"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
)

// The parts of a sign-in, in order. Each ends for all users before the next one begins, so that
// each has a rate and a CPU time of its own.
const (
	FirstFactor  = "first factor"  // POST /v1/client/sign_ins with the password
	SecondFactor = "second factor" // attempt_second_factor: the session and its token are made
	Page         = "touch, client" // what a page of the application asks for after the sign-in
)

// visit is one user's browser at the Frontend API.
type visit struct {
	cookie  string // the client's token
	signIn  string
	session string
}

// clientCookie is the name of the cookie with the client's token, as at Clerk.
const clientCookie = "__client"

// aPassword is the password of every user of a journey.
const aPassword = "correct horse battery staple"

// cheapDigest returns a digest of aPassword that costs nothing to compare. Comparing a password is
// slow on purpose and its cost is a setting, so it would hide the cost of the sign-in.
func cheapDigest(ctx context.Context) (string, error) {
	digest, err := password.New(password.Params{Memory: 8, Time: 1, Threads: 1}, rand.Reader).Hash(ctx, secret.New(aPassword))
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return digest, nil
}

// SignIns lets every user sign in with password and authenticator code, in a new browser each time,
// and then open a page. It repeats that until each part ran as often as the configuration asks. The
// results are those of the parts, and of both factors together.
func (r *Runner) SignIns(ctx context.Context) ([]Result, error) {
	all := []*measure{{operation: FirstFactor}, {operation: SecondFactor}, {operation: Page}}
	whole := &measure{operation: "sign-in"}
	for whole.checks < r.Checks {
		now, err := r.advance(ctx, totp.Period)
		if err != nil {
			return nil, err
		}
		visits := make([]visit, r.Users)
		for n, do := range []func(i int) error{
			func(i int) error { return r.first(ctx, &visits[i], i) },
			func(i int) error { return r.second(ctx, &visits[i], codeAt(r.users[i].key, now)) },
			func(i int) error { return r.open(ctx, &visits[i]) },
		} {
			if err := r.round(all[n], do); err != nil {
				return nil, fmt.Errorf("%s: %w", all[n].operation, err)
			}
		}
		whole.checks += r.Users
	}
	whole.elapsed, whole.cpu = all[0].elapsed+all[1].elapsed, all[0].cpu+all[1].cpu
	for i := range all[0].took {
		whole.took = append(whole.took, all[0].took[i]+all[1].took[i])
	}
	var out []Result
	for _, m := range append(all, whole) {
		out = append(out, m.result())
	}
	return out, nil
}

func (r *Runner) first(ctx context.Context, v *visit, user int) error {
	status, err := r.ask(ctx, v, http.MethodPost, "/v1/client/sign_ins", url.Values{"strategy": {"password"}, "identifier": {username(user)}, "password": {aPassword}})
	if err == nil && status != "needs_second_factor" {
		return fmt.Errorf("the sign-in is %s", status)
	}
	return err
}

func (r *Runner) second(ctx context.Context, v *visit, code string) error {
	status, err := r.ask(ctx, v, http.MethodPost, "/v1/client/sign_ins/"+v.signIn+"/attempt_second_factor", url.Values{"strategy": {"totp"}, "code": {code}})
	if err == nil && status != "complete" {
		return fmt.Errorf("the sign-in is %s", status)
	}
	return err
}

func (r *Runner) open(ctx context.Context, v *visit) error {
	session := v.session
	if _, err := r.ask(ctx, v, http.MethodPost, "/v1/client/sessions/"+session+"/touch", nil); err != nil {
		return err
	}
	_, err := r.ask(ctx, v, http.MethodGet, "/v1/client", nil)
	return err
}

// ask sends a request of the browser and returns the status in the answer. It keeps the client's
// cookie and the ids of the sign-in and the session.
func (r *Runner) ask(ctx context.Context, v *visit, method, path string, form url.Values) (status string, err error) {
	req, err := http.NewRequestWithContext(ctx, method, r.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		return "", fmt.Errorf("request: %w", err)
	}
	if method != http.MethodGet {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if v.cookie != "" {
		req.Header.Set("Cookie", clientCookie+"="+v.cookie)
	}
	res, err := r.server.HTTP.Do(req)
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return "", fmt.Errorf("read answer: %w", err)
	}
	var out struct {
		Response struct {
			ID      string `json:"id"`
			Object  string `json:"object"`
			Status  string `json:"status"`
			Created string `json:"created_session_id"`
		} `json:"response"`
	}
	if err := json.Unmarshal(body, &out); err != nil || res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s %s answers %d", method, path, res.StatusCode)
	}
	for _, c := range res.Cookies() {
		if c.Name == clientCookie {
			v.cookie = c.Value
		}
	}
	if out.Response.Object == "sign_in_attempt" {
		v.signIn, v.session = out.Response.ID, out.Response.Created
	}
	return out.Response.Status, nil
}

func username(user int) string { return fmt.Sprintf("load_%d", user) }

// measure adds up the rounds of one operation.
type measure struct {
	operation    string
	checks       int
	elapsed, cpu time.Duration
	took         []time.Duration
}

func (m *measure) result() Result {
	sorted := slices.Sorted(slices.Values(m.took))
	at := func(share float64) time.Duration { return sorted[int(share*float64(len(sorted)-1))] }
	return Result{Operation: m.operation, Checks: m.checks, Elapsed: m.elapsed, CPU: m.cpu, P50: at(.50), P95: at(.95), P99: at(.99)}
}

// round runs do once for every user and adds what it took.
func (r *Runner) round(m *measure, do func(i int) error) error {
	if r.CPU == nil {
		return errors.New("load: the configuration has no CPU")
	}
	took := make([]time.Duration, r.Users)
	cpu, start := r.CPU(), time.Now()
	err := r.each(func(i int) error {
		began := time.Now()
		err := do(i)
		took[i] = time.Since(began)
		return err
	})
	m.elapsed, m.cpu = m.elapsed+time.Since(start), m.cpu+r.CPU()-cpu
	m.checks += r.Users
	m.took = append(m.took, took...)
	return err
}
