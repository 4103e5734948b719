package repository_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/test/needs"
)

var update = flag.Bool("update", false, "rewrite golden files")

var operations = regexp.MustCompile(`(?s)<!-- operations -->\n.*?<!-- /operations -->`)

// TestOperationsAreListed compares docs/use/operations.md with the table of operations.
func TestOperationsAreListed(t *testing.T) {
	const file = "docs/use/operations.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(operations.FindAll(text, -1)) != 1 {
		t.Fatalf("%s has no table", file)
	}
	var b strings.Builder
	b.WriteString("<!-- operations -->\n|operation|request|\n|---|---|\n")
	for _, op := range api.Operations() {
		fmt.Fprintf(&b, "|`%s`|`%s %s`|\n", op.Name, op.Method, op.Path)
	}
	b.WriteString("<!-- /operations -->")
	want := operations.ReplaceAllLiteral(text, []byte(b.String()))
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

// TestSettingsAreListed compares docs/operate/settings.md with the settings: their descriptions in
// the API, their defaults and their names on the dashboard.
func TestSettingsAreListed(t *testing.T) {
	const file = "docs/operate/settings.md"
	var labels map[string]string
	if err := json.Unmarshal([]byte(read(t, "internal/web/appearance/texts/en.json")), &labels); err != nil {
		t.Fatal(err)
	}
	defaults := defaultSettings()
	var b strings.Builder
	b.WriteString("<!-- table: make update -->\n|setting|default|effect|on the dashboard|\n|---|---|---|---|\n")
	for _, op := range api.Operations() {
		if op.Name != "instance-update" {
			continue
		}
		for _, f := range op.Params() {
			if f.Doc == "" {
				t.Errorf("%s has no description", f.Name)
			}
			fmt.Fprintf(&b, "|`%s`|%s|%s|%s|\n", f.Name, defaults[f.Name], f.Doc, labels["dash."+f.Name])
		}
	}
	b.WriteString("<!-- end -->")
	text := read(t, file)
	want := eventTable.ReplaceAllLiteralString(text, b.String())
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("%s (-table +file), run make update:\n%s", file, diff)
	}
}

// defaultSettings returns the defaults by the names of the API, as a person would write them.
func defaultSettings() map[string]string {
	set := account.DefaultSettings()
	out := map[string]string{}
	value := reflect.ValueOf(set)
	for field := range value.Type().Fields() {
		if name := field.Tag.Get("wire"); name != "" {
			out[name] = ""
			switch v := value.FieldByIndex(field.Index).Interface().(type) {
			case bool:
				out[name] = map[bool]string{true: "on", false: "off"}[v]
			case []string:
				out[name] = strings.Join(v, ", ")
			}
		}
	}
	// stored as its opposite
	out["notify_by_text"] = map[bool]string{true: "off", false: "on"}[set.QuietChanges]
	out["sms_daily_cap_usd"] = fmt.Sprint(set.DailyCap().Dollars())
	unverified := set.Unverified()
	out["sms_unverified_hourly"], out["sms_unverified_country_hourly"] = fmt.Sprint(unverified.Instance), fmt.Sprint(unverified.Country)
	out["sms_unverified_block_hourly"] = fmt.Sprint(unverified.Block)
	return out
}

var blocks = regexp.MustCompile("(?ms)^```sh\n(.*?)^```")

// TestCommandsOfPages runs the commands of the README and of two pages, unchanged.
func TestCommandsOfPages(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds and runs the server")
	}
	program := build(t)
	t.Run("README.md", func(t *testing.T) {
		steps := walk(t, program, "README.md")
		if got, want := strings.Fields(steps[0]), []string{"unverified", "verified"}; !slices.Equal(got, want) {
			t.Errorf("the commands print %v, want %v", got, want)
		}
	})
	t.Run("quickstart", func(t *testing.T) { checkQuickstart(t, walk(t, program, "docs/quickstart.md")) })
	t.Run("from-clerk", func(t *testing.T) { checkRehearsal(t, walk(t, program, "docs/start/from-clerk.md")) })
}

// checkRehearsal checks the output of each block of docs/start/from-clerk.md.
func checkRehearsal(t *testing.T, steps []string) {
	t.Helper()
	if len(steps) != 5 {
		t.Fatalf("the page has %d blocks of commands, want 4", len(steps)-1)
	}
	for i, want := range map[int][]string{
		1: {`line 2 ("user_2rehearsalBert") refused: password_hasher is not bcrypt`, "1 would be created", "exit status 1"},
		2: {"2 created", "0 refused"},
		3: {`"strategy":"totp"`, `"status":"complete"`, `"external_id":"user_2rehearsalAnna"`},
	} {
		for _, text := range want {
			if !strings.Contains(steps[i], text) {
				t.Errorf("step %d does not show %s:\n%s", i, text, steps[i])
			}
		}
	}
}

// checkQuickstart checks the output of each block of docs/quickstart.md.
func checkQuickstart(t *testing.T, steps []string) {
	t.Helper()
	if len(steps) < 7 {
		t.Fatalf("the page has %d blocks of commands", len(steps)-1)
	}
	for i, want := range map[int][]string{
		1: {`"object":"user"`},
		2: {`"verification_otp","status":"unverified"`, `"verification_otp","status":"verified"`, `"backup_codes":["`},
		3: {`"verified":true`},
		4: {`"strategy":"totp"`, `"strategy":"backup_code"`, `"status":"complete"`, `"second_factor_verification":{"object":"verification_otp","status":"unverified"`},
		5: {`session_reverification_required`, `"status":"needs_second_factor"`, `"status":"complete"`, `"codes":["`},
		6: {`"deleted":true`, `"two_factor_enabled":false`},
	} {
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

// build builds the command and returns its path.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "countersign")
	if out, err := exec.Command("go", "build", "-o", program, "./cmd/countersign").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return program
}

// walk runs the commands of a page, in order and in one shell, against a server of their own. It
// returns what each block printed.
func walk(t *testing.T, program, page string) []string {
	t.Helper()
	for _, tool := range []string{"bash", "curl"} {
		found, _ := exec.LookPath(tool)
		needs.Or(t, found, needs.Shell, "the commands of "+page+" need "+tool)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	script, commands := "set -euo pipefail\n", blocks.FindAllStringSubmatch(string(text), -1)
	for _, block := range commands {
		script += block[1] + "\necho; echo ==\n"
	}
	dir := t.TempDir()
	shell := exec.CommandContext(t.Context(), "bash", "-c", script)
	shell.Dir = dir
	shell.Env = append(os.Environ(), "API="+start(t, program, dir), "COUNTERSIGN="+program)
	var out bytes.Buffer
	shell.Stdout, shell.Stderr = &out, &out
	if err := shell.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", page, err, out.String())
	}
	steps := strings.Split(out.String(), "\n==\n")
	if len(commands) == 0 || len(steps) <= len(commands) {
		t.Fatalf("%s has %d blocks of commands, of which %d ended", page, len(commands), len(steps)-1)
	}
	return steps
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

// TestEventsAreListed compares docs/use/events.md with the events in the code.
func TestEventsAreListed(t *testing.T) {
	const file = "docs/use/events.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("<!-- table: make update -->\n|type|what happened|kind|\n|---|---|---|\n")
	for _, k := range eventtype.All() {
		kind := ""
		switch {
		case k.LogOnly:
			kind = "log"
		case k.Routine:
			kind = "routine"
		case k.Notify:
			kind = "notify"
		}
		fmt.Fprintf(&b, "|`%s`|%s|%s|\n", k.Name, k.Text, kind)
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
