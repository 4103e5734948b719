package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/countersign-mfa/countersign/test/clitest"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"countersign-tools": main}) }

// TestScripts runs the scripts against the real server.
func TestScripts(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, "countersign"), "../countersign").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	clitest.Run(t)
}

// TestFlags: each flag documents its value, and none takes a secret.
func TestFlags(t *testing.T) {
	for _, wrong := range clitest.Wrong(program.Parser(&commands{})) {
		t.Error(wrong)
	}
}
