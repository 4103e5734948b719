// Package repository_test holds what is true of the tree as a whole: which package may import
// which, what the pages say, and what the scripts of the tests run.
package repository_test

import (
	"fmt"
	"os"
	"testing"
)

// TestMain runs the tests in the repository's root, so that they name files as its readers do.
func TestMain(m *testing.M) {
	if arguments := os.Getenv(standInEnv); arguments != "" {
		standIn(arguments)
	}
	if err := os.Chdir("../.."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
