// Package load measures a running server from outside: clients verify codes over the Backend API,
// each sending its next request after the last answer. No load generator (vegeta) is used, because
// each request needs a fresh code of its own user.
package load

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/countersign-mfa/countersign/client"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
)

// Config says what to measure.
type Config struct {
	URL       string
	SecretKey secret.Value
	Clients   int // each sends its next request after its last answer
	Users     int
	Checks    int // per operation, at least
	// CPU returns the CPU time that the server has used so far.
	CPU func() time.Duration
	// Passwords lets the server hash the users' passwords. Else it gets digests that cost nothing to
	// compare, so that a sign-in shows its own cost.
	Passwords bool
}

// Result holds the measurements of one operation.
type Result struct {
	Operation     string
	Checks        int
	Elapsed       time.Duration
	CPU           time.Duration // of the server, for all checks
	P50, P95, P99 time.Duration
}

// Rate returns the checks per second.
func (r Result) Rate() float64 { return float64(r.Checks) / r.Elapsed.Seconds() }

// Runner drives one server.
type Runner struct {
	Config
	server *client.Client
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
	r := &Runner{Config: c, server: client.New(c.URL, c.SecretKey.Reveal(), c.Clients), users: make([]user, c.Users)}
	digest, err := cheapDigest(ctx)
	if err != nil {
		return nil, err
	}
	err = r.each(func(i int) error {
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
		body := map[string]any{"username": username(i), "totp_secret": key.Reveal(), "backup_codes": codes}
		if c.Passwords {
			body["password"] = aPassword
		} else {
			body["password_digest"], body["password_hasher"] = digest, "argon2id"
		}
		if err := r.server.Call(ctx, http.MethodPost, "/v1/users", body, &out); err != nil {
			return err
		}
		r.users[i] = user{id: out.ID, key: key}
		return nil
	})
	return r, err
}

// Remove deletes the users that New created.
func (r *Runner) Remove(ctx context.Context) error {
	return r.each(func(i int) error {
		return r.server.Call(ctx, http.MethodDelete, "/v1/users/"+r.users[i].id, nil, nil)
	})
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
	var all errgroup.Group
	all.SetLimit(r.Clients)
	for i := range r.users {
		all.Go(func() error { return do(i) })
	}
	return all.Wait()
}

// Run measures one operation: totp, wrong or backup.
func (r *Runner) Run(ctx context.Context, operation string) (Result, error) {
	round, ok := map[string]func(context.Context) (check, error){"totp": r.right, "wrong": r.wrong, "backup": r.backup}[operation]
	if !ok {
		return Result{}, fmt.Errorf("unknown operation %q: totp, wrong or backup", operation)
	}
	m := &measure{operation: operation}
	for m.checks < r.Checks {
		next, err := round(ctx)
		if err != nil {
			return Result{}, err
		}
		err = r.round(m, func(i int) error {
			return next.want(r.server.Call(ctx, http.MethodPost, "/v1/users/"+r.users[i].id+"/verify_totp", map[string]string{"code": next.code(i)}, nil))
		})
		if err != nil {
			return Result{}, err
		}
	}
	return m.result(), nil
}

// check is a round: one code per user, and the expected answer.
type check struct {
	code func(i int) string
	want func(error) error
}

func accepted(err error) error { return err }

func refused(err error) error {
	if err == nil {
		return errors.New("a wrong code was accepted")
	}
	if answer := (*client.Error)(nil); errors.As(err, &answer) && answer.Status == http.StatusUnprocessableEntity {
		return nil
	}
	return err
}

// right moves the server's clock by one step, so that every user has a fresh code. Moving it is not
// measured.
func (r *Runner) right(ctx context.Context) (check, error) {
	now, err := r.advance(ctx, totp.Period)
	return check{func(i int) string { return codeAt(r.users[i].key, now) }, accepted}, err
}

func codeAt(key secret.Value, at time.Time) string {
	text, err := totp.Code(key, at)
	if err != nil {
		return ""
	}
	return text
}

// wrong unlocks every user, which is not measured, and returns a round of one wrong code each.
func (r *Runner) wrong(ctx context.Context) (check, error) {
	now, err := r.advance(ctx, 0)
	if err != nil {
		return check{}, err
	}
	err = r.each(func(i int) error {
		return r.server.Call(ctx, http.MethodPost, "/v1/users/"+r.users[i].id+"/unlock", nil, nil)
	})
	never := codeAt(r.users[0].key, now.Add(-time.Hour))
	return check{func(int) string { return never }, refused}, err
}

func (r *Runner) backup(context.Context) (check, error) {
	n := r.users[0].used
	if n == backupCodes {
		return check{}, errors.New("backup codes are used up: ask for fewer checks or more users")
	}
	for i := range r.users {
		r.users[i].used++
	}
	return check{func(i int) string { return backupCode(i, n) }, accepted}, nil
}

// advance moves the server's clock and returns its time.
func (r *Runner) advance(ctx context.Context, by time.Duration) (time.Time, error) {
	var out struct {
		Now time.Time `json:"now"`
	}
	err := r.server.Call(ctx, http.MethodPatch, "/dev/clock", map[string]int64{"advance_seconds": int64(by / time.Second)}, &out)
	return out.Now, err
}
