// Package load measures a running server from outside: closed loops of clients that check codes over the Backend API.
package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
)

// Config says what to measure.
type Config struct {
	URL       string
	SecretKey secret.Value
	Clients   int // each sends its next request when its last was answered
	Users     int
	Checks    int // per operation, at least
}

// Result is what one operation showed.
type Result struct {
	Operation     string
	Checks        int
	Elapsed       time.Duration
	P50, P95, P99 time.Duration
}

// Rate is checks per second.
func (r Result) Rate() float64 { return float64(r.Checks) / r.Elapsed.Seconds() }

// Runner drives one server.
type Runner struct {
	Config
	client *http.Client
	users  []user
}

type user struct {
	id   string
	key  secret.Value
	used int // backup codes
}

const backupCodes = 20

// New creates the users, each with an authenticator app and backup codes.
func New(ctx context.Context, c Config) (*Runner, error) {
	r := &Runner{Config: c, users: make([]user, c.Users)}
	r.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: c.Clients}, Timeout: 30 * time.Second}
	err := r.each(func(i int) error {
		key, err := totp.ParseSecret(fmt.Sprintf("JBSWY3DPEHPK3PXPJBSWY3DP%08s", base32Digits(i)))
		if err != nil {
			return fmt.Errorf("make secret: %w", err)
		}
		codes := make([]string, backupCodes)
		for n := range codes {
			codes[n] = backupCode(i, n)
		}
		var out struct {
			ID string `json:"id"`
		}
		body := map[string]any{"totp_secret": key.Reveal(), "backup_codes": codes, "skip_password_requirement": true}
		if _, err := r.call(ctx, http.MethodPost, "/v1/users", body, &out); err != nil {
			return err
		}
		r.users[i] = user{id: out.ID, key: key}
		return nil
	})
	return r, err
}

// base32Digits writes a number with letters of the base-32 alphabet.
func base32Digits(n int) string {
	out := []byte("AAAAAAAA")
	for i := range out {
		out[i] = "ABCDEFGHIJKLMNOP"[n>>(4*i)&15]
	}
	return string(out)
}

func backupCode(user, n int) string { return fmt.Sprintf("%05d-%05d", user, n) }

// each runs do for every user, on all clients at once.
func (r *Runner) each(do func(i int) error) error {
	var next atomic.Int64
	errs := make([]error, r.Clients)
	var wait sync.WaitGroup
	for c := range r.Clients {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < r.Users && errs[c] == nil; i = int(next.Add(1)) - 1 {
				errs[c] = do(i)
			}
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

func (r *Runner) call(ctx context.Context, method, path string, body, out any) (int, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return 0, fmt.Errorf("encode: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, method, r.URL+path, bytes.NewReader(data))
	if err != nil {
		return 0, fmt.Errorf("request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+r.SecretKey.Reveal())
	req.Header.Set("Content-Type", "application/json")
	res, err := r.client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, fmt.Errorf("read answer: %w", err)
	}
	if out == nil {
		return res.StatusCode, nil
	}
	if res.StatusCode != http.StatusOK {
		return res.StatusCode, fmt.Errorf("%s %s answered %d", method, path, res.StatusCode)
	}
	return res.StatusCode, json.Unmarshal(answer, out)
}

// Run measures one operation: totp, wrong or backup.
func (r *Runner) Run(ctx context.Context, operation string) (Result, error) {
	round, ok := map[string]func(context.Context) (check, error){"totp": r.right, "wrong": r.wrong, "backup": r.backup}[operation]
	if !ok {
		return Result{}, fmt.Errorf("unknown operation %q: totp, wrong or backup", operation)
	}
	out := Result{Operation: operation}
	var all []time.Duration
	for out.Checks < r.Checks {
		next, err := round(ctx)
		if err != nil {
			return out, err
		}
		took := make([]time.Duration, r.Users)
		start := time.Now()
		err = r.each(func(i int) error {
			began := time.Now()
			status, err := r.call(ctx, http.MethodPost, "/v1/users/"+r.users[i].id+"/verify_totp", map[string]string{"code": next.code(i)}, nil)
			took[i] = time.Since(began)
			if err == nil && status != next.status {
				err = fmt.Errorf("%s: answered %d, want %d", operation, status, next.status)
			}
			return err
		})
		if err != nil {
			return out, err
		}
		out.Elapsed += time.Since(start)
		out.Checks += r.Users
		all = append(all, took...)
	}
	slices.Sort(all)
	at := func(share float64) time.Duration { return all[int(share*float64(len(all)-1))] }
	out.P50, out.P95, out.P99 = at(.50), at(.95), at(.99)
	return out, nil
}

// check is what every client does in a round: one code per user, and the status that it must get.
type check struct {
	code   func(i int) string
	status int
}

// right moves the server's clock by a step, so that every user has a fresh code. Moving it is not measured.
func (r *Runner) right(ctx context.Context) (check, error) {
	now, err := r.advance(ctx, totp.Period)
	return check{func(i int) string { return codeAt(r.users[i].key, now) }, http.StatusOK}, err
}

func codeAt(key secret.Value, at time.Time) string {
	text, err := totp.Code(key, at)
	if err != nil {
		return ""
	}
	return text
}

// wrong unlocks everybody first, which is not measured either, and then fails once each.
func (r *Runner) wrong(ctx context.Context) (check, error) {
	now, err := r.advance(ctx, 0)
	if err != nil {
		return check{}, err
	}
	err = r.each(func(i int) error {
		_, err := r.call(ctx, http.MethodPost, "/v1/users/"+r.users[i].id+"/unlock", map[string]any{}, &struct{}{})
		return err
	})
	never := codeAt(r.users[0].key, now.Add(-time.Hour))
	return check{func(int) string { return never }, http.StatusUnprocessableEntity}, err
}

func (r *Runner) backup(context.Context) (check, error) {
	n := r.users[0].used
	if n == backupCodes {
		return check{}, errors.New("backup codes are used up: ask for fewer checks or more users")
	}
	for i := range r.users {
		r.users[i].used++
	}
	return check{func(i int) string { return backupCode(i, n) }, http.StatusOK}, nil
}

// advance moves the server's clock and returns its time.
func (r *Runner) advance(ctx context.Context, by time.Duration) (time.Time, error) {
	var out struct {
		Now time.Time `json:"now"`
	}
	_, err := r.call(ctx, http.MethodPatch, "/dev/clock", map[string]int64{"advance_seconds": int64(by / time.Second)}, &out)
	return out.Now, err
}
