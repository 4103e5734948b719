package ratelimit_test

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/countersign-mfa/countersign/internal/domain/ratelimit"
)

// model is the naive limiter: it keeps all events.
type model []time.Time

// allows reports whether an event at now, with those before it that are rounded up to the
// millisecond as in a log, stays within every rule.
func (m model) allows(now time.Time, rules []rule) bool {
	for _, r := range rules {
		inside := 0
		for _, event := range m {
			if event.Add(time.Millisecond - 1).Truncate(time.Millisecond).After(now.Add(-r.Window)) {
				inside++
			}
		}
		if inside >= r.Limit {
			return false
		}
	}
	return true
}

// exceeded returns a rule that some window breaks, by the exact times of the events.
func (m model) exceeded(rules []rule) (broken rule, from time.Time, found bool) {
	for _, r := range rules {
		for i, first := range m {
			inside := 0
			for _, event := range m[i:] {
				if event.Before(first.Add(r.Window)) {
					inside++
				}
			}
			if inside > r.Limit {
				return r, first, true
			}
		}
	}
	return rule{}, time.Time{}, false
}

// drawRules draws windows that are not whole milliseconds too.
func drawRules(t *rapid.T) []rule {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) rule {
		return rule{
			Limit:  rapid.IntRange(1, 6).Draw(t, "limit"),
			Window: time.Duration(rapid.Int64Range(1, int64(20*time.Millisecond)).Draw(t, "window")),
		}
	}), 1, 4).Draw(t, "rules")
}

func drawStep(t *rapid.T) time.Duration {
	return time.Duration(rapid.OneOf(
		rapid.Just(int64(0)), rapid.Int64Range(0, int64(time.Millisecond)), rapid.Int64Range(0, int64(30*time.Millisecond)),
	).Draw(t, "step"))
}

// stored takes a log through its stored form.
func stored(t *rapid.T, l log) log {
	text, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	var back log
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	return back
}

// TestLogAgreesWithModel: under a clock that never goes back, a log allows the events that the
// model allows and waits exactly as long. No window ever holds more than its limit.
func TestLogAgreesWithModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := drawRules(t)
		now := time.UnixMilli(rapid.Int64Range(-1000, 1<<41).Draw(t, "start"))
		var l ratelimit.Log
		var m model
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(drawStep(t))
			wait := l.Wait(now, rules...)
			if allowed := m.allows(now, rules); allowed != (wait == 0) {
				t.Fatalf("the model allows: %v, the log waits %v", allowed, wait)
			}
			if wait > 0 {
				if !m.allows(now.Add(wait), rules) || m.allows(now.Add(wait-1), rules) {
					t.Fatalf("the wait of %v is not exact", wait)
				}
				if rapid.Bool().Draw(t, "give up") {
					continue
				}
				now = now.Add(wait)
			}
			l, m = stored(t, l.Add(now, rules...)), append(m, now)
		}
		if r, from, found := m.exceeded(rules); found {
			t.Fatalf("more than %d events in the %v from %v", r.Limit, r.Window, from)
		}
		if most := largest(rules); len(l) > most {
			t.Fatalf("a log of %d events for limits up to %d", len(l), most)
		}
	})
}

// TestClockSetBackAllowsNoMore: no window of true time holds more than its limit, however often and
// far the clock is set back.
func TestClockSetBackAllowsNoMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := drawRules(t)
		now := time.UnixMilli(1 << 40)
		var behind time.Duration
		var l ratelimit.Log
		var m model
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(drawStep(t))
			if rapid.IntRange(0, 4).Draw(t, "set back") == 0 {
				behind += drawStep(t)
			}
			shown := now.Add(-behind)
			if l.Wait(shown, rules...) == 0 {
				l, m = stored(t, l.Add(shown, rules...)), append(m, now)
			}
		}
		if r, from, found := m.exceeded(rules); found {
			t.Fatalf("more than %d events in the %v from %v", r.Limit, r.Window, from)
		}
	})
}

func largest(rules []rule) int {
	most := 0
	for _, r := range rules {
		most = max(most, r.Limit)
	}
	return most
}
