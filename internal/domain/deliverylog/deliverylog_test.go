package deliverylog_test

import (
	"testing"

	"github.com/countersign-mfa/countersign/internal/domain/deliverylog"
)

// TestALogKeepsTheNewestTries: tries of runs that overlap are in the order of their times, and the
// oldest go first.
func TestALogKeepsTheNewestTries(t *testing.T) {
	var l deliverylog.Log
	if l.Last() != 0 {
		t.Errorf("an empty log ends at %d", l.Last())
	}
	for run := range 4 {
		var tries []deliverylog.Try
		for i := range 20 {
			tries = append(tries, deliverylog.Try{At: int64(100 - 10*run + i)})
		}
		l.Add(tries)
	}
	if len(l.Tries) != deliverylog.Most || l.Last() != 119 {
		t.Fatalf("%d tries, the last at %d", len(l.Tries), l.Last())
	}
	for i, one := range l.Tries[1:] {
		if one.At < l.Tries[i].At {
			t.Errorf("try %d is older than the one before", i+1)
		}
	}
	if first := l.Tries[0].At; first < 80 {
		t.Errorf("the oldest try is of %d", first)
	}
}
