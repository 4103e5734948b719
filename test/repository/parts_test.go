package repository_test

import (
	"maps"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// parted returns a shell that loads scripts/parts.sh, runs commands, and has CI set to ci.
func parted(t *testing.T, ci, commands string) *exec.Cmd {
	t.Helper()
	read(t, "scripts/parts.sh") // so that Go runs the test again when the script changes
	run := exec.CommandContext(t.Context(), "bash", "-c", "set -uo pipefail; . scripts/parts.sh\n"+commands)
	run.Env = append(os.Environ(), "CI="+ci, "DIR="+t.TempDir())
	return run
}

// TestParts: a run succeeds when at least one part passed and none failed. Its list has the result
// of each part.
func TestParts(t *testing.T) {
	for name, c := range map[string]struct {
		ci, commands string
		ok           bool
		says         []string
	}{
		"all pass":            {"", "part one echo hello; part two true; summary 60", true, []string{"==== one\nhello\n", "passed   one (", "passed   two ("}},
		"one fails":           {"", "part one sh -c 'echo no >&2; exit 4'; part two true; summary 60", false, []string{"==== the end of one\nno\n", "==== one\nno\n", "FAILED   one (", "passed   two ("}},
		"none ran":            {"", "summary 60", false, nil},
		"no such command":     {"", "part one no-such-command; summary 60", false, []string{"FAILED   one ("}},
		"a tool is missing":   {"", "part one true; skip two 'no tool'; summary 60", true, []string{"==== two\nSKIPPED: no tool", "SKIPPED  two: no tool"}},
		"missing under CI":    {"true", "part one true; skip two 'no tool'; summary 60", false, []string{"FAILED   two: no tool"}},
		"data is missing":     {"true", "part one true; leave two 'no data'; summary 60", true, []string{"LEFT OUT two: no data"}},
		"it could not run":    {"true", "may one sh -c 'echo no data; exit 75'; summary 60", true, []string{"LEFT OUT one: no data"}},
		"it could, and fails": {"", "may one sh -c 'echo no; exit 74'; summary 60", false, []string{"FAILED   one ("}},
		"it could, and does":  {"", "may one true; summary 60", true, []string{"passed   one ("}},
		"too slow":            {"", "part one true; summary -1", true, []string{"WARNING  "}},
		"lanes": {"", `a() { part a1 true; part a2 true; }; b() { part b1 true; skip b2 'no tool'; }; lanes a b; part c true; summary 60`, true,
			[]string{"passed   a1 (", "passed   a2 (", "passed   b1 (", "SKIPPED  b2: no tool", "passed   c ("}},
		"one fails in a lane":     {"", `a() { part a1 false; part a2 true; }; b() { part b1 true; }; lanes a b; summary 60`, false, []string{"FAILED   a1 (", "passed   a2 (", "passed   b1 ("}},
		"a lane ends early":       {"", `a() { part a1 true; exit 0; }; b() { part b1 true; }; lanes a b; summary 60`, false, []string{"FAILED   the rest of a: it ended early", "passed   b1 ("}},
		"a part ends its lane":    {"", `a() { part a1 exit 0; part a2 true; }; b() { part b1 true; }; lanes a b; summary 60`, false, []string{"FAILED   the rest of a: it ended early"}},
		"missing under CI, lanes": {"true", `a() { skip a1 'no tool'; }; b() { part b1 true; }; lanes a b; summary 60`, false, []string{"FAILED   a1: no tool"}},
		"each waits for the other, and what they print is whole": {"",
			`met() { echo "$1 1"; : >"$DIR/$1"; until [ -e "$DIR/$2" ]; do :; done; echo "$1 2"; }; a() { part a met a b; }; b() { part b met b a; }; lanes a b; summary 60`, true,
			[]string{"==== a\na 1\na 2\n", "==== b\nb 1\nb 2\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := parted(t, c.ci, c.commands).CombinedOutput()
			if (err == nil) != c.ok {
				t.Errorf("passes %v, want %v:\n%s", err == nil, c.ok, out)
			}
			for _, text := range c.says {
				if !strings.Contains(string(out), text) {
					t.Errorf("it does not say %q:\n%s", text, out)
				}
			}
			if warned := strings.Contains(string(out), "WARNING"); warned != (name == "too slow") {
				t.Errorf("it warns %v:\n%s", warned, out)
			}
		})
	}
}

// TestInterruptedParts: an interrupted run fails and leaves no process behind. The parts of both
// lanes hold the pipe until they have ended.
func TestInterruptedParts(t *testing.T) {
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		run := parted(t, "", `a() { part a sh -c 'echo a >&3; exec sleep 600'; }; b() { part b sh -c 'echo b >&3; sleep 600'; }; lanes a b; summary 60`)
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		run.ExtraFiles = []*os.File{write}
		if err := run.Start(); err != nil {
			t.Fatal(err)
		}
		if err := write.Close(); err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 16)
		for got := 0; got < len("a\nb\n"); { // both lanes are in their parts
			n, err := read.Read(buffer)
			if err != nil {
				t.Fatal(err)
			}
			got += n
		}
		if err := run.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if n, err := read.Read(buffer); n != 0 || err == nil { // the end: no process holds the pipe
			t.Errorf("%v: %d more bytes, %v", signal, n, err)
		}
		if err := run.Wait(); err == nil {
			t.Errorf("%v: it passes", signal)
		}
	}
}

// TestEveryPackageHasAPart: scripts/packages.sh puts each package into a part that runs all of its
// tests, and names no part that does not exist. scripts/test.sh runs every part.
func TestEveryPackageHasAPart(t *testing.T) {
	list := func(name string, args ...string) []string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), name, args...).Output()
		if err != nil {
			t.Fatalf("%s %v: %v", name, args, err)
		}
		return strings.Fields(string(out))
	}
	of := func(part string) []string { return list("bash", "scripts/packages.sh", part) }
	plain := of("plain")
	for _, part := range []string{"race", "quick"} {
		for _, name := range of(part) {
			if !slices.Contains(plain, name) {
				t.Errorf("%s is in the part %s alone, which leaves out long tests", name, part)
			}
		}
	}
	found, want := of("plain,dynamodb,infra"), list("go", "list", "./...")
	slices.Sort(found)
	slices.Sort(want)
	if !slices.Equal(found, want) {
		t.Errorf("the parts have\n%v\nwant\n%v", found, want)
	}
	script := read(t, "scripts/test.sh")
	for _, part := range []string{"race go test -count=1 -race -short", `"plain$without" go test -count=1`, "dynamodb go test -count=1", "infra go test -count=1"} {
		if !strings.Contains(script, "scripts/packages.sh "+part) {
			t.Errorf("scripts/test.sh does not run %s", part)
		}
	}
}

// TestPartsWithoutPackagesFail: a part that does not exist fails, and so does a part that names a
// package that does not exist.
func TestPartsWithoutPackagesFail(t *testing.T) {
	script := read(t, "scripts/packages.sh")
	tree := map[string]string{"go.mod": "module x\n", "x.go": "package x\n"}
	for _, pattern := range regexp.MustCompile(`\./[a-z/]+`).FindAllString(script, -1) {
		tree[path.Join(pattern, "x.go")] = "package x\n"
	}
	for name, c := range map[string]struct {
		part, gone string
		ok         bool
	}{
		"all are there":        {"race,plain,quick,dynamodb,infra", "", true},
		"no such part":         {"plain,other", "", false},
		"no part":              {"", "", false},
		"a package is gone":    {"race", "./internal/local", false},
		"packages are gone":    {"race", "./internal/api", false},
		"one left out is gone": {"quick", "./test/takeover", false},
	} {
		files := maps.Clone(tree)
		delete(files, path.Join(c.gone, "x.go"))
		if said, ok := scripted(t, "", files, "packages.sh", c.part); ok != c.ok {
			t.Errorf("%s: passes %v, want %v: %s", name, ok, c.ok, said)
		}
	}
}
