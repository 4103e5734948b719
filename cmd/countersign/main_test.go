package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/countersign-mfa/countersign"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"countersign": main}) }

// TestScripts runs testdata/script. A script finds the release number in $VERSION.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Setup: func(e *testscript.Env) error {
		e.Setenv("VERSION", countersign.Version)
		return nil
	}})
}
