package countersign_test

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/mfa"
)

var update = flag.Bool("update", false, "rewrite golden files")

var operations = regexp.MustCompile(`(?s)<!-- operations -->\n.*?<!-- /operations -->`)

func TestReadmeListsTheRoutes(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("<!-- operations -->\n| operation | request | what it does |\n|---|---|---|\n")
	for _, op := range api.Operations() {
		fmt.Fprintf(&b, "| `%s` | `%s %s` | %s |\n", op.Name, op.Method, op.Path, op.Summary)
	}
	b.WriteString("<!-- /operations -->")
	want := operations.ReplaceAllLiteral(readme, []byte(b.String()))
	if *update {
		if err := os.WriteFile("README.md", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(want), string(readme)); diff != "" {
		t.Errorf("README.md (-table +file), run make update:\n%s", diff)
	}
}

var blocks = regexp.MustCompile("(?ms)^```sh\n(.*?)^```")

// TestReadmeWalk runs the commands of the README as they stand, against a server started as the README says.
func TestReadmeWalk(t *testing.T) {
	for _, tool := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("SKIPPED: the README's commands need %s", tool)
		}
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	script := "set -euo pipefail\n"
	for _, block := range blocks.FindAllStringSubmatch(string(readme), -1) {
		script += block[1] + "\necho; echo ==\n"
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "countersign")
	if out, err := exec.Command("go", "build", "-o", program, "./cmd/countersign").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	walk := exec.CommandContext(t.Context(), "bash", "-c", script)
	walk.Dir = dir
	walk.Env = append(os.Environ(), "API="+start(t, program, dir), "COUNTERSIGN="+program)
	var out bytes.Buffer
	walk.Stdout, walk.Stderr = &out, &out
	if err := walk.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	steps := strings.Split(out.String(), "\n==\n")
	for i, want := range map[int][]string{
		1: {`"object":"user"`},
		2: {`"status":"unverified"`, `"status":"verified"`, `"backup_codes":["`},
		3: {`"verified":true`},
		4: {`"strategy":"totp"`, `"strategy":"backup_code"`, `"status":"complete"`, `"second_factor_verification":{"object":"verification_otp","status":"unverified"`},
		5: {`session_reverification_required`, `"status":"needs_second_factor"`, `"status":"complete"`, `"codes":["`},
		6: {`"deleted":true`, `"two_factor_enabled":false`},
	} {
		if i >= len(steps) {
			t.Fatalf("the walk has %d steps", len(steps))
		}
		for _, text := range want {
			if !strings.Contains(steps[i], text) {
				t.Errorf("step %d does not show %s:\n%s", i, text, steps[i])
			}
		}
	}
	if n := strings.Count(steps[4], `"status":"complete"`); n < 2 {
		t.Errorf("%d of the sign-ins were complete:\n%s", n, steps[4])
	}
}

// start runs the server on a free port and returns its URL.
func start(t *testing.T, program, dir string) string {
	t.Helper()
	server := exec.Command(program, "serve", "--listen", "localhost:0", "--data", filepath.Join(dir, "data"))
	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(os.Interrupt)
		stopped := time.AfterFunc(10*time.Second, func() { _ = server.Process.Kill() })
		defer stopped.Stop()
		if err := server.Wait(); err != nil {
			t.Errorf("the server did not stop cleanly: %v", err)
		}
	})
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), "Countersign runs on "); ok {
			return url
		}
	}
	t.Fatal("the server did not say where it runs")
	return ""
}

var eventTable = regexp.MustCompile(`(?s)<!-- table: make update -->\n.*?<!-- end -->`)

// TestEventsAreListed compares docs/events.md with what there is.
func TestEventsAreListed(t *testing.T) {
	const file = "docs/events.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("<!-- table: make update -->\n| type | what happened | |\n|---|---|---|\n")
	for _, k := range mfa.EventKinds() {
		mark := ""
		switch {
		case k.LogOnly:
			mark = "log only"
		case k.Routine:
			mark = "routine"
		case k.Notify:
			mark = "notify"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", k.Name, k.Text, mark)
	}
	b.WriteString("<!-- end -->")
	want := eventTable.ReplaceAllLiteral(text, []byte(b.String()))
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(want), string(text)); diff != "" {
		t.Errorf("%s (-table +file), run make update:\n%s", file, diff)
	}
}
