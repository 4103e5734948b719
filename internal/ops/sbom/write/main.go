// Command write prints the bill of materials of the module in the current directory, as CycloneDX
// JSON.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/countersign-mfa/countersign/internal/ops/sbom"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run() error {
	const args = 2
	if len(os.Args) != args {
		return errors.New("usage: go run ./internal/ops/sbom/write VERSION")
	}
	all, err := sbom.Modules(context.Background(), ".", false)
	if err != nil {
		return err
	}
	return sbom.Write(os.Stdout, all, os.Args[1])
}
