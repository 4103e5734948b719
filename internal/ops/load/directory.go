package load

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/countersign-mfa/countersign/client"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/migration"
	"github.com/countersign-mfa/countersign/internal/ops/seed"
)

// Directory measures operations of a server that has many users of a seed.
type Directory struct {
	Config
	Seed uint64
}

// DirectoryOperations are the operations that [Directory.Run] measures.
var DirectoryOperations = []string{"check", "look-up", "list", "count"}

// Run measures one operation. Each request of a check or a look-up is about another user. At most a
// quarter of the users are checked, because a code is accepted once.
func (d Directory) Run(ctx context.Context, operation string) (Result, error) {
	server := client.New(d.URL, d.SecretKey.Reveal(), d.Clients)
	runner := &Runner{Config: d.Config, server: server}
	get := func(path string) error { return server.Call(ctx, http.MethodGet, path, nil, nil) }
	var do func(i int) error
	switch operation {
	case "check":
		d.Checks = min(d.Checks, max(d.Users/4, 1))
		users := d.withApp()
		now, err := runner.advance(ctx, totp.Period) // a run just before may have used the codes
		if err != nil {
			return Result{}, err
		}
		began := time.Now()
		do = func(i int) error {
			u := users[i]
			body := map[string]string{"code": codeAt(u.TOTP.Secret.Value, now.Add(time.Since(began)))}
			return server.Call(ctx, http.MethodPost, "/v1/users/"+u.ID+"/verify_totp", body, nil)
		}
	case "look-up":
		do = func(i int) error {
			u := seed.User(d.Seed, i*spread%d.Users)
			return get("/v1/users?" + url.Values{"email_address": {u.EmailAddresses[0].Address}}.Encode())
		}
	case "list":
		do = func(int) error { return get("/v1/users?limit=10") }
	case "count":
		do = func(int) error { return get("/v1/users/count") }
	default:
		return Result{}, fmt.Errorf("unknown operation %q: %v", operation, DirectoryOperations)
	}
	return d.measure(operation, do)
}

// spread is a prime number: its multiples, modulo the number of users, spread over all users.
const spread = 999_983

// withApp returns a user with an app for each check, spread over all users.
func (d Directory) withApp() []migration.Export {
	var users []migration.Export
	step := max(d.Users/(4*d.Checks), 1)
	for n := 0; len(users) < d.Checks; n = (n + step) % d.Users {
		if u := seed.User(d.Seed, n); u.TOTP != nil {
			users = append(users, u)
		}
	}
	return users
}

// measure calls do with the numbers below Checks, from all clients.
func (d Directory) measure(operation string, do func(i int) error) (Result, error) {
	m := &measure{operation: operation, took: make([]time.Duration, d.Checks)}
	var all errgroup.Group
	all.SetLimit(d.Clients)
	cpu, began := d.CPU(), time.Now()
	for i := range m.took {
		all.Go(func() error {
			began := time.Now()
			err := do(i)
			m.took[i] = time.Since(began)
			return err
		})
	}
	if err := all.Wait(); err != nil {
		return Result{}, fmt.Errorf("%s: %w", operation, err)
	}
	m.checks, m.elapsed, m.cpu = d.Checks, time.Since(began), d.CPU()-cpu
	return m.result(), nil
}
