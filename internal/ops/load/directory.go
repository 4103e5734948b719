package load

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/countersign-mfa/countersign/client"
	"github.com/countersign-mfa/countersign/internal/ops/seed"
)

// Directory measures operations of a server that has many users of a seed.
type Directory struct {
	Config
	Seed uint64
}

// DirectoryOperations are the operations that [Directory.Run] measures.
var DirectoryOperations = []string{"check", "look-up", "list", "count"}

// Run measures one operation. Each request of a check or a look-up is about another user.
func (d Directory) Run(ctx context.Context, operation string) (Result, error) {
	server := client.New(d.URL, d.SecretKey.Reveal(), d.Clients)
	get := func(path string) error { return server.Call(ctx, http.MethodGet, path, nil, nil) }
	next := d.spread()
	var do func() error
	switch operation {
	case "check":
		next = d.withApp()
		do = func() error {
			u := seed.User(d.Seed, next())
			body := map[string]string{"code": codeAt(u.TOTP.Secret.Value, time.Now())}
			return server.Call(ctx, http.MethodPost, "/v1/users/"+u.ID+"/verify_totp", body, nil)
		}
	case "look-up":
		do = func() error {
			u := seed.User(d.Seed, next())
			return get("/v1/users?" + url.Values{"email_address": {u.EmailAddresses[0].Address}}.Encode())
		}
	case "list":
		do = func() error { return get("/v1/users?limit=10") }
	case "count":
		do = func() error { return get("/v1/users/count") }
	default:
		return Result{}, fmt.Errorf("unknown operation %q", operation)
	}
	return d.measure(operation, do)
}

// spread returns a function that returns users spread over all of them. It is safe for concurrent
// use.
func (d Directory) spread() func() int {
	numbers := make(chan int, d.Checks+d.Clients)
	for i := range cap(numbers) {
		numbers <- int(uint64(i) * 2_654_435_761 % uint64(d.Users)) //nolint:gosec // less than Users
	}
	return func() int { return <-numbers }
}

// withApp returns a function that returns another user with an app at each call. It begins again
// when all had their turn: a code is then refused.
func (d Directory) withApp() func() int {
	numbers := make(chan int, d.Checks+d.Clients)
	step := max(d.Users/(4*cap(numbers)), 1)
	for n := 0; len(numbers) < cap(numbers); n = (n + step) % d.Users {
		if seed.User(d.Seed, n).TOTP != nil {
			numbers <- n
		}
	}
	return func() int { return <-numbers }
}

// measure calls do from all clients, Checks times in all.
func (d Directory) measure(operation string, do func() error) (Result, error) {
	took := make([]time.Duration, d.Checks)
	var all errgroup.Group
	all.SetLimit(d.Clients)
	start := time.Now()
	for i := range took {
		all.Go(func() error {
			began := time.Now()
			err := do()
			took[i] = time.Since(began)
			return err
		})
	}
	if err := all.Wait(); err != nil {
		return Result{}, fmt.Errorf("%s: %w", operation, err)
	}
	out := Result{Operation: operation, Checks: d.Checks, Elapsed: time.Since(start)}
	slices.Sort(took)
	at := func(share float64) time.Duration { return took[int(share*float64(len(took)-1))] }
	out.P50, out.P95, out.P99 = at(.50), at(.95), at(.99)
	return out, nil
}
