// Package repository_test checks rules of the whole repository: the imports of packages, the
// comments, the pages of docs, and the scripts.
package repository_test

import (
	"fmt"
	"os"
	"testing"
)

// TestMain runs the tests in the repository's root, so that they name files as readers do.
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
