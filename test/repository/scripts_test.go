package repository_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// scripted runs a script in a new tree with the given files. With repository, the tree is a Git
// repository.
func scripted(t *testing.T, repository string, files map[string]string, script string, args ...string) (said string, ok bool) {
	t.Helper()
	dir := t.TempDir()
	text, err := os.ReadFile("scripts/" + script)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"scripts/" + script: string(text)}
	for name, content := range files {
		all[name] = content
	}
	for name, content := range all {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if repository != "" {
		if out, err := exec.CommandContext(t.Context(), "git", "init", "-q", dir).CombinedOutput(); err != nil {
			t.Fatalf("git init: %v\n%s", err, out)
		}
	}
	run := exec.CommandContext(t.Context(), "bash", append([]string{filepath.Join(dir, "scripts", script)}, args...)...)
	out, err := run.CombinedOutput()
	return string(out), err == nil
}

// TestFormatScript: the script fails for a file that is not formatted, that does not parse or that
// is new, and for a tree without files.
func TestFormatScript(t *testing.T) {
	const good = "package x\n"
	for name, tc := range map[string]struct {
		files map[string]string
		ok    bool
	}{
		"good":           {map[string]string{"a.go": good, "b/b.go": good}, true},
		"not formatted":  {map[string]string{"a.go": good, "b/b.go": "package  x\n"}, false},
		"does not parse": {map[string]string{"a.go": good, "b/b.go": "package x\nfunc {"}, false},
		"empty":          {map[string]string{"a.go": good, "b/b.go": ""}, false},
		"no files":       {nil, false},
		"ignored":        {map[string]string{"a.go": good, "node_modules/b.go": "nonsense", ".gitignore": "node_modules\n"}, true},
	} {
		for _, where := range []string{"", "git"} {
			if said, ok := scripted(t, where, tc.files, "format.sh"); ok != tc.ok {
				t.Errorf("%s, %q: passes %v, want %v: %s", name, where, ok, tc.ok, said)
			}
		}
	}
}

// TestFuzzScript: the script fails when no target has the name, or when there are no targets. It
// runs a target that it finds, here in a tree that cannot be built.
func TestFuzzScript(t *testing.T) {
	target := map[string]string{"a/a_test.go": "package a\n\nfunc FuzzA1_b(f *testing.F) {\n}\n"}
	for name, tc := range map[string]struct {
		files map[string]string
		args  []string
		says  string
	}{
		"no target":           {nil, []string{"1x"}, "no target"},
		"another name":        {target, []string{"1x", "FuzzB"}, "no target is named FuzzB"},
		"part of its name":    {target, []string{"1x", "FuzzA"}, "no target is named FuzzA"},
		"its name":            {target, []string{"1x", "FuzzA1_b"}, "== ./a FuzzA1_b"},
		"no time":             {target, nil, "usage"},
		"all, of which it is": {target, []string{"1x"}, "== ./a FuzzA1_b"},
	} {
		if said, ok := scripted(t, "", tc.files, "fuzz.sh", tc.args...); ok || !strings.Contains(said, tc.says) {
			t.Errorf("%s: passes %v, and says %q; want it to fail with %q", name, ok, said, tc.says)
		}
	}
}

// TestTheTestsOfBrowsersAreCounted: e2e/counts.json has a number for each file of tests and for no
// other file, so a file that loses its tests fails.
func TestTheTestsOfBrowsersAreCounted(t *testing.T) {
	var counts map[string]int
	if err := json.Unmarshal([]byte(read(t, "e2e/counts.json")), &counts); err != nil {
		t.Fatal(err)
	}
	all := 0
	for _, pattern := range []string{"e2e/pages/*.test.js", "e2e/sdk/*.test.mjs", "e2e/start/*.test.mjs"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			name := filepath.ToSlash(strings.TrimPrefix(file, "e2e"+string(filepath.Separator)))
			if counts[name] < 1 {
				t.Errorf("%s has no number", name)
			}
			all += counts[name]
			delete(counts, name)
		}
	}
	if len(counts) != 0 {
		t.Errorf("there are no files for %v", counts)
	}
	const least = 120 // browser tests in all
	if all < least {
		t.Errorf("%d tests in all, want at least %d", all, least)
	}
	if !strings.Contains(read(t, "e2e/run.mjs"), "--test-reporter=./lib/counted.mjs") {
		t.Error("e2e/run.mjs does not count")
	}
}
