// Package needs is for tests that need what a machine may not have: Node, a shell, or a server that
// speaks DynamoDB's protocol. Where it is missing they fail, because `go test` shows a skipped test
// to nobody. Whoever means to leave a part out names it in COUNTERSIGN_SKIP.
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

// The parts.
const (
	DynamoDB = "dynamodb" // a server that DYNAMODB_ENDPOINT names
	Node     = "node"     // for the CDK
	Shell    = "shell"    // bash and curl
)

// LeftOut says whether a part is named in [Env].
func LeftOut(part string) bool { return slices.Contains(strings.Split(os.Getenv(Env), ","), part) }

// Missing is the sentence about a part that is not there.
func Missing(part, what string) string {
	return fmt.Sprintf("%s; %s=%s leaves these tests out", what, Env, part)
}

// Or returns the value that a test needs. When it is empty the test is skipped if its part is left
// out, and else fails.
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
