package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/cmd/internal/cli"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/local"
	"github.com/countersign-mfa/countersign/internal/ops/load"
)

// loadCmd measures a server in a process of its own, so that CPU and memory are the server's alone.
type loadCmd struct {
	Server    string   `type:"path" placeholder:"FILE" help:"Program to measure; countersign beside this one, or else on the PATH, when left out."`
	Clients   int      `default:"8" placeholder:"NUMBER" help:"Clients, each with one request under way."`
	Users     int      `default:"200" placeholder:"NUMBER" help:"Users with an authenticator app and 20 backup codes."`
	Checks    int      `default:"3000" placeholder:"NUMBER" help:"Checks per operation."`
	Operation []string `default:"totp,wrong,backup" enum:"totp,wrong,backup" placeholder:"NAME" help:"What to measure: totp, wrong, backup."`
	Journey   string   `enum:",sign-in" default:"" placeholder:"NAME" help:"Measure a journey over the Frontend API instead: sign-in, with password and authenticator code."`
	Hashing   bool     `help:"Let the server hash the passwords of the journey at its own cost. Left out, a comparison costs nothing, so that the sign-in shows its own cost."`
	cli.JSON  `embed:""`
}

// measured is the JSON result of an operation. Times are in milliseconds.
type measured struct {
	Operation string  `json:"operation"`
	Checks    int     `json:"checks"`
	Rate      float64 `json:"checks_per_second"`
	P50       float64 `json:"p50_ms"`
	P95       float64 `json:"p95_ms"`
	P99       float64 `json:"p99_ms"`
	CPU       float64 `json:"server_cpu_ms_per_check"`
	Peak      int     `json:"server_peak_memory_kb"`
}

// Run prints a line per operation.
func (l *loadCmd) Run(ctx context.Context) error {
	program, err := l.program()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "countersign-load-")
	if err != nil {
		return fmt.Errorf("temporary directory: %w", err)
	}
	defer os.RemoveAll(dir)
	server, err := startServer(ctx, program, dir)
	if err != nil {
		return err
	}
	defer server.stop()
	_, _ = fmt.Fprintf(l.Text(), "start to first answer %v\n", server.ready.Round(100*time.Microsecond))
	runner, err := load.New(ctx, load.Config{
		URL: server.url, SecretKey: secret.New(local.DefaultKey), Clients: l.Clients, Users: l.Users, Checks: l.Checks, CPU: server.cpu, Passwords: l.Hashing,
	})
	if err != nil {
		return err
	}
	if err := l.measure(ctx, runner, server); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(l.Text(), "server peak memory %d kB\n", server.peakMemory())
	return nil
}

// measure runs the journey or the operations.
func (l *loadCmd) measure(ctx context.Context, runner *load.Runner, server *server) error {
	if l.Journey != "" {
		results, err := runner.SignIns(ctx)
		if err != nil {
			return err
		}
		l.show(server, results...)
		return nil
	}
	for _, operation := range l.Operation {
		r, err := runner.Run(ctx, operation)
		if err != nil {
			return err
		}
		l.show(server, r)
	}
	return nil
}

// show prints a line per result.
func (l *loadCmd) show(server *server, results ...load.Result) {
	peak := server.peakMemory()
	for _, r := range results {
		each := r.CPU / time.Duration(r.Checks)
		l.Print(measured{r.Operation, r.Checks, r.Rate(), ms(r.P50), ms(r.P95), ms(r.P99), ms(each), peak},
			"%-13s %6.0f/s   p50 %v  p95 %v  p99 %v   server CPU %v each\n", r.Operation, r.Rate(),
			r.P50.Round(10*time.Microsecond), r.P95.Round(10*time.Microsecond), r.P99.Round(10*time.Microsecond), each.Round(time.Microsecond))
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// program returns the path of the server's program.
func (l *loadCmd) program() (string, error) {
	if l.Server != "" {
		return l.Server, nil
	}
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find own program: %w", err)
	}
	for _, name := range []string{filepath.Join(filepath.Dir(self), "countersign"), "countersign"} {
		if found, err := exec.LookPath(name); err == nil {
			return found, nil
		}
	}
	return "", cli.Usagef("countersign is neither beside this program nor on the PATH: name it with --server")
}

type server struct {
	process *exec.Cmd
	url     string
	ready   time.Duration
}

// startServer starts the program twice and measures the second start, because the first creates
// demo users.
func startServer(ctx context.Context, program, dir string) (*server, error) {
	first, err := startOnce(ctx, program, dir)
	if err != nil {
		return nil, err
	}
	first.stop()
	return startOnce(ctx, program, dir)
}

func startOnce(ctx context.Context, program, dir string) (*server, error) {
	s := &server{process: exec.CommandContext(ctx, program, "serve", "--listen", "localhost:0", "--data", dir)} //nolint:gosec // the operator names the program
	// Without the settings of the developer's own server.
	s.process.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "COUNTERSIGN_") })
	out, err := s.process.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("server output: %w", err)
	}
	began := time.Now()
	if err := s.process.Start(); err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	s.ready = time.Since(began)
	url, found := strings.CutPrefix(strings.TrimSpace(line), "Countersign runs on ")
	if !found {
		s.stop()
		return nil, fmt.Errorf("%s did not start", program)
	}
	s.url = url
	return s, nil
}

func (s *server) stop() {
	_ = s.process.Process.Signal(os.Interrupt)
	_ = s.process.Wait()
}

// cpu returns the server's CPU time so far, where the system reports it (Linux).
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

// peakMemory returns the server's largest resident memory in KiB, where the system reports it
// (Linux).
func (s *server) peakMemory() int { return s.status("VmHWM:") }
