package needs_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/test/needs"
)

// outcome is how a test ends.
type outcome struct {
	testing.TB
	skipped, failed string
}

func (o *outcome) Helper()           {}
func (o *outcome) Skip(args ...any)  { o.skipped = args[0].(string); runtime.Goexit() }
func (o *outcome) Fatal(args ...any) { o.failed = args[0].(string); runtime.Goexit() }

// TestWhatIsMissingFails: a test without its part fails unless the part is named, alone or among
// others.
func TestWhatIsMissingFails(t *testing.T) {
	for _, c := range []struct {
		value, skip   string
		skips, passes bool
	}{
		{"here", "", false, true}, {"here", "dynamodb", false, true}, {"", "", false, false}, {"", "node", false, false}, {"", "dynamodbs", false, false},
		{"", "dynamodb", true, false}, {"", "node,dynamodb", true, false},
	} {
		t.Setenv(needs.Env, c.skip)
		o, got, done := &outcome{TB: t}, "", make(chan struct{})
		go func() {
			defer close(done)
			got = needs.Or(o, c.value, needs.DynamoDB, "no server")
		}()
		<-done
		if (o.skipped != "") != c.skips || (got == "here") != c.passes || (o.failed == "") != (c.skips || c.passes) {
			t.Errorf("value %q, %s=%q: got %q, skipped %q, failed %q", c.value, needs.Env, c.skip, got, o.skipped, o.failed)
		}
		if o.failed != "" && !strings.Contains(o.failed, needs.Env+"=dynamodb") {
			t.Errorf("says %q", o.failed)
		}
	}
}
