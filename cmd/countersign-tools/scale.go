package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/cmd/internal/cli"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/local"
	"github.com/countersign-mfa/countersign/internal/ops/load"
)

// scaleCmd measures servers with few and with many users.
type scaleCmd struct {
	Server   string `type:"path" placeholder:"FILE" help:"Program to measure; countersign beside this one, or else on the PATH, when left out."`
	Users    []int  `default:"1000,100000,1000000" placeholder:"NUMBER" help:"Numbers of users, one server for each. A million takes some minutes."`
	Clients  int    `default:"8" placeholder:"NUMBER" help:"Clients, each with one request under way."`
	Requests int    `default:"2000" placeholder:"NUMBER" help:"Requests per operation."`
	cli.JSON `embed:""`
}

// scaled is the JSON result of an operation. Times are in milliseconds.
type scaled struct {
	Users     int     `json:"users"`
	Operation string  `json:"operation"`
	Rate      float64 `json:"requests_per_second"`
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
	Memory    string  `json:"server_memory"`
}

// Run prints a line per number of users and operation.
func (s *scaleCmd) Run(ctx context.Context) error {
	program, err := (&loadCmd{Server: s.Server}).program()
	if err != nil {
		return err
	}
	for _, users := range s.Users {
		if err := s.measure(ctx, program, users); err != nil {
			return fmt.Errorf("%s: %w", cli.Count(users, "user"), err)
		}
	}
	return nil
}

func (s *scaleCmd) measure(ctx context.Context, program string, users int) error {
	const number = 1
	dir, err := os.MkdirTemp("", "countersign-scale-")
	if err != nil {
		return fmt.Errorf("temporary directory: %w", err)
	}
	defer os.RemoveAll(dir)
	began := time.Now()
	if err := fill(ctx, dir, number, users); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(s.Text(), "%s, %.0f created a second\n", cli.Count(users, "user"), float64(users)/time.Since(began).Seconds())
	server, err := startOnce(ctx, program, filepath.Clean(dir))
	if err != nil {
		return err
	}
	defer server.stop()
	runner := load.Directory{Config: load.Config{URL: server.url, SecretKey: secret.New(local.DefaultKey), Clients: s.Clients, Users: users, Checks: s.Requests}, Seed: number}
	for _, operation := range load.DirectoryOperations {
		runner.Checks = s.Requests
		if operation == "check" {
			runner.Checks = min(s.Requests, users/4) // a code works once
		}
		r, err := runner.Run(ctx, operation)
		if err != nil {
			return err
		}
		memory := server.ownMemory()
		s.Print(scaled{users, operation, r.Rate(), ms(r.P50), ms(r.P99), memory}, "%-8s %6.0f/s   p50 %v  p99 %v   server memory without the mapped file %s\n",
			operation, r.Rate(), r.P50.Round(10*time.Microsecond), r.P99.Round(10*time.Microsecond), memory)
	}
	return nil
}

// ownMemory returns the server's resident memory without mapped files, where the system reports it
// (Linux). The store's file is mapped; its pages are the system's cache.
func (s *server) ownMemory() string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Process.Pid))
	if err != nil {
		return "unknown on this system"
	}
	for line := range strings.Lines(string(text)) {
		if size, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			return strings.TrimSpace(size)
		}
	}
	return "unknown"
}
