// Package needs is for tests that need Node, a shell, or a server with DynamoDB's protocol. Where
// one is missing the test fails, because `go test` does not report skipped tests. COUNTERSIGN_SKIP
// names the parts to leave out.
package needs

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// Env is the environment variable with the parts to leave out, separated by commas.
const Env = "COUNTERSIGN_SKIP"

// Parts that tests may need.
const (
	DynamoDB = "dynamodb" // a server at DYNAMODB_ENDPOINT
	Node     = "node"     // for the CDK
	Shell    = "shell"    // bash and curl
)

// LeftOut says whether a part is named in [Env].
func LeftOut(part string) bool { return slices.Contains(strings.Split(os.Getenv(Env), ","), part) }

// Missing returns the message about a part that is missing.
func Missing(part, what string) string {
	return fmt.Sprintf("%s; %s=%s leaves these tests out", what, Env, part)
}

// Or returns the value that a test needs. When it is empty, the test is skipped if its part is left
// out, and fails otherwise.
func Or(t testing.TB, value, part, what string) string {
	t.Helper()
	switch {
	case value != "":
	case LeftOut(part):
		t.Skip("LEFT OUT: " + what)
	default:
		t.Fatal(Missing(part, what))
	}
	return value
}
