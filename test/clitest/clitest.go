// Package clitest runs the scripts that test the commands.
package clitest

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/countersign-mfa/countersign"
)

// Run runs testdata/script. A script finds the release number in $VERSION. Its command
//
//	start [arguments]
//
// starts "countersign serve" on a free port and sets $URL to its address, and
//
//	interrupt
//
// stops that server with Ctrl-C and leaves its output in the files server.out and server.err, and
//
//	exitcode 2 <program> [arguments]
//
// runs a program that must exit with 2.
func Run(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("VERSION", countersign.Version)
			e.Values[serverKey{}] = &server{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"start": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Value(serverKey{}).(*server).start(ts, args)
			},
			"interrupt": func(ts *testscript.TestScript, _ bool, _ []string) { ts.Value(serverKey{}).(*server).stop(ts) },
			"exitcode":  exitCode,
		},
	})
}

type serverKey struct{}

// server is a script's "countersign serve".
type server struct {
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
	pipe           *bufio.Reader
}

func (s *server) start(ts *testscript.TestScript, args []string) {
	program, err := lookPath(ts, "countersign")
	ts.Check(err)
	*s = server{cmd: exec.Command(program, append([]string{"serve", "--listen", "localhost:0"}, args...)...)} //nolint:gosec // the program under test
	s.cmd.Dir, s.cmd.Stderr = ts.MkAbs("."), &s.stderr
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "COUNTERSIGN_SECRET_KEY"} {
		s.cmd.Env = append(s.cmd.Env, name+"="+ts.Getenv(name))
	}
	out, err := s.cmd.StdoutPipe()
	ts.Check(err)
	s.pipe = bufio.NewReader(io.TeeReader(out, &s.stdout))
	ts.Check(s.cmd.Start())
	ts.Defer(func() { _ = s.cmd.Process.Kill() })
	line, _ := s.pipe.ReadString('\n')
	url, found := strings.CutPrefix(strings.TrimSpace(line), "Countersign runs on ")
	if !found {
		ts.Fatalf("the server says %q and %q", line, s.stderr.String())
	}
	ts.Setenv("URL", url)
}

// lookPath looks for a program on the script's PATH.
func lookPath(ts *testscript.TestScript, name string) (string, error) {
	for _, dir := range strings.Split(ts.Getenv("PATH"), string(os.PathListSeparator)) {
		if found, err := exec.LookPath(dir + string(os.PathSeparator) + name); err == nil {
			return found, nil
		}
	}
	return "", exec.ErrNotFound
}

func (s *server) stop(ts *testscript.TestScript) {
	ts.Check(s.cmd.Process.Signal(os.Interrupt))
	_, err := io.Copy(io.Discard, s.pipe)
	ts.Check(err)
	ts.Check(s.cmd.Wait())
	ts.Check(os.WriteFile(ts.MkAbs("server.out"), s.stdout.Bytes(), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("server.err"), s.stderr.Bytes(), 0o600))
}

func exitCode(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || strconv.Itoa(exit.ExitCode()) != args[0] {
		ts.Fatalf("%q ends with %v, want %s", args[1:], err, args[0])
	}
}
