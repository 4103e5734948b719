package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/client"
	"github.com/countersign-mfa/countersign/cmd/internal/cli"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/local"
	"github.com/countersign-mfa/countersign/internal/ops/load"
)

// scaleCmd measures servers with few and with many users.
type scaleCmd struct {
	Server   string `type:"path" placeholder:"FILE" help:"Program to measure; countersign beside this one, or else on the PATH, when left out."`
	Users    []int  `default:"1000,100000,1000000" placeholder:"NUMBER" help:"Numbers of users, one server for each, at least 100."`
	Clients  int    `default:"8" placeholder:"NUMBER" help:"Clients, each with one request under way."`
	Requests int    `default:"2000" placeholder:"NUMBER" help:"Requests per operation. No user is checked twice, so a small store gets fewer checks."`
	Keep     string `type:"path" placeholder:"DIRECTORY" help:"Directory in which the stores stay, to be measured again after a minute. Left out, they are removed."`
	cli.JSON `embed:""`
}

// Help implements [kong.HelpProvider].
func (scaleCmd) Help() string {
	return `For each number of users, fills a store as seed does, starts a server on it and measures: check
(an authenticator code), look-up (by e-mail address), list (10 users), count, and sign-in (password,
whose comparison costs nothing here, and code). A million users take 10 minutes and 5 GB.

  NAME scale --users 1000,100000`
}

// scaled is the JSON result of an operation. Times are in milliseconds.
type scaled struct {
	Users     int     `json:"users"`
	Operation string  `json:"operation"`
	Rate      float64 `json:"requests_per_second"`
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
	CPU       float64 `json:"server_cpu_ms_per_request"`
	Memory    int     `json:"server_memory_kb"`
}

// fewest is the smallest number of users that can be measured: a quarter of them is checked.
const fewest = 100

// signers is how many users are created to sign in.
const signers = 50

// Run prints a line per number of users and operation.
func (s *scaleCmd) Run(ctx context.Context) error {
	for _, users := range s.Users {
		if users < fewest {
			return cli.Usagef("--users: at least %d", fewest)
		}
	}
	if s.Clients < 1 || s.Requests < 1 {
		return cli.Usagef("--clients and --requests: at least 1")
	}
	program, err := (&loadCmd{Server: s.Server}).program()
	if err != nil {
		return err
	}
	root := s.Keep
	if root == "" {
		if root, err = os.MkdirTemp("", "countersign-scale-"); err != nil {
			return fmt.Errorf("temporary directory: %w", err)
		}
		defer os.RemoveAll(root)
	}
	for _, users := range s.Users {
		if err := s.measure(ctx, program, filepath.Join(root, strconv.Itoa(users)), users); err != nil {
			return fmt.Errorf("%s: %w", cli.Count(users, "user"), err)
		}
	}
	return nil
}

// measure fills a store and measures a server on it.
func (s *scaleCmd) measure(ctx context.Context, program, dir string, users int) error {
	const number = 1
	if err := fill(ctx, dir, number, users); err != nil {
		return err
	}
	server, err := startOnce(ctx, program, dir)
	if err != nil {
		return err
	}
	defer server.stop()
	_, _ = fmt.Fprintf(s.Text(), "%s, start to first answer %v\n", cli.Count(users, "user"), server.ready.Round(time.Millisecond))
	config := load.Config{URL: server.url, SecretKey: secret.New(local.DefaultKey), Clients: s.Clients, Users: users, Checks: s.Requests, CPU: server.cpu}
	for _, operation := range load.DirectoryOperations {
		r, err := load.Directory{Config: config, Seed: number}.Run(ctx, operation)
		if err != nil {
			return err
		}
		s.show(users, server, r)
	}
	r, err := signIns(ctx, config)
	if err != nil {
		return err
	}
	s.show(users, server, r)
	return nil
}

// signIns measures whole sign-ins of users that it creates, and deletes them. All come from one
// address, so the server's limits per address end.
func signIns(ctx context.Context, c load.Config) (load.Result, error) {
	c.Users = signers
	settings := map[string]bool{"ip_limits": false}
	if err := client.New(c.URL, c.SecretKey.Reveal(), 1).Call(ctx, http.MethodPatch, "/v1/instance", settings, nil); err != nil {
		return load.Result{}, err
	}
	runner, err := load.New(ctx, c)
	if err != nil {
		return load.Result{}, err
	}
	results, err := runner.SignIns(ctx)
	if err != nil {
		return load.Result{}, err
	}
	return results[len(results)-1], runner.Remove(ctx)
}

func (s *scaleCmd) show(users int, server *server, r load.Result) {
	memory, each := server.ownMemory(), r.CPU/time.Duration(r.Checks)
	s.Print(scaled{users, r.Operation, r.Rate(), ms(r.P50), ms(r.P99), ms(each), memory},
		"%-8s %6.0f/s   p50 %v  p99 %v   server CPU %v each, memory %d MB\n", r.Operation, r.Rate(),
		r.P50.Round(10*time.Microsecond), r.P99.Round(10*time.Microsecond), each.Round(time.Microsecond), memory>>10)
}

// ownMemory returns the server's resident memory in KiB without mapped files, where the system
// reports it (Linux). The store's file is mapped; its pages are the system's cache.
func (s *server) ownMemory() int { return s.status("RssAnon:") }

// status returns a size in KiB from the system's status of the process, or 0.
func (s *server) status(name string) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if size, ok := strings.CutPrefix(line, name); ok {
			kib, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(size), " kB"))
			return kib
		}
	}
	return 0
}
