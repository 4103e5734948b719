package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/countersign-mfa/countersign/test/clitest"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"countersign": main}) }

func TestScripts(t *testing.T) { clitest.Run(t) }

// TestFlags: each flag documents its value, and none takes a secret.
func TestFlags(t *testing.T) {
	for _, wrong := range clitest.Wrong(program.Parser(&commands{})) {
		t.Error(wrong)
	}
}
