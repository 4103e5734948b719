package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/local"
	"github.com/countersign-mfa/countersign/internal/ops/load"
)

// loadCommand measures a server of its own: another process, so that CPU and memory are the server's alone.
type loadCommand struct {
	Clients   int      `default:"8" help:"Clients, each with one request under way."`
	Users     int      `default:"200" help:"Users with an authenticator app and 20 backup codes."`
	Checks    int      `default:"3000" help:"Checks per operation."`
	Operation []string `default:"totp,wrong,backup" help:"What to measure: totp, wrong, backup."`
}

// Run prints a line per operation.
func (l *loadCommand) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := os.MkdirTemp("", "countersign-load-")
	if err != nil {
		return fmt.Errorf("temporary directory: %w", err)
	}
	defer os.RemoveAll(dir)
	server, err := startServer(ctx, dir)
	if err != nil {
		return err
	}
	defer server.stop()
	fmt.Printf("start to first answer %v\n", server.ready.Round(100*time.Microsecond))
	runner, err := load.New(ctx, load.Config{URL: server.url, SecretKey: secret.New(local.DefaultKey), Clients: l.Clients, Users: l.Users, Checks: l.Checks})
	if err != nil {
		return err
	}
	for _, operation := range l.Operation {
		before := server.cpu()
		r, err := runner.Run(ctx, operation)
		if err != nil {
			return err
		}
		each := (server.cpu() - before) / time.Duration(r.Checks)
		fmt.Printf("%-7s %6.0f/s   p50 %v  p95 %v  p99 %v   server CPU %v each (with what is between the rounds)\n", r.Operation, r.Rate(),
			r.P50.Round(10*time.Microsecond), r.P95.Round(10*time.Microsecond), r.P99.Round(10*time.Microsecond), each.Round(time.Microsecond))
	}
	fmt.Printf("server peak memory %s\n", server.peakMemory())
	return nil
}

type server struct {
	process *exec.Cmd
	url     string
	ready   time.Duration
}

func startServer(ctx context.Context, dir string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find own program: %w", err)
	}
	for range 2 { // the second start is the measured one: the first makes demo users
		s := &server{process: exec.CommandContext(ctx, self, "serve", "--listen", "localhost:0", "--data", dir)} //nolint:gosec // this program itself
		out, err := s.process.StdoutPipe()
		if err != nil {
			return nil, fmt.Errorf("server output: %w", err)
		}
		began := time.Now()
		if err := s.process.Start(); err != nil {
			return nil, fmt.Errorf("start server: %w", err)
		}
		lines := bufio.NewScanner(out)
		for lines.Scan() && s.url == "" {
			s.url, _ = strings.CutPrefix(lines.Text(), "Countersign runs on ")
		}
		s.ready = time.Since(began)
		if s.url == "" {
			return nil, errors.New("the server did not start")
		}
		if _, err := os.Stat(dir + "/measured"); err == nil {
			return s, nil
		}
		s.stop()
		if err := os.WriteFile(dir+"/measured", nil, 0o600); err != nil {
			return nil, fmt.Errorf("temporary directory: %w", err)
		}
	}
	return nil, errors.New("the server did not start")
}

func (s *server) stop() {
	_ = s.process.Process.Signal(os.Interrupt)
	_ = s.process.Wait()
}

// cpu is the server's CPU time so far, where the system tells it (Linux).
func (s *server) cpu() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.process.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	const tick = 10 * time.Millisecond
	return time.Duration(user+system) * tick
}

func (s *server) peakMemory() string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Process.Pid))
	if err != nil {
		return "unknown on this system"
	}
	for line := range strings.Lines(string(text)) {
		if size, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strings.TrimSpace(size)
		}
	}
	return "unknown"
}
