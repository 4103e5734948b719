package ratelimit_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/domain/ratelimit"
)

type (
	log  = ratelimit.Log
	rule = ratelimit.Rule
)

const never = time.Duration(math.MaxInt64)

func ms(n int64) time.Time { return time.UnixMilli(n) }

func TestWait(t *testing.T) {
	for _, test := range []struct {
		name  string
		log   log
		now   time.Time
		rules []rule
		want  time.Duration
	}{
		{"no event", nil, ms(1000), []rule{{1, time.Second}}, 0},
		{"no rule", log{999, 1000}, ms(1000), nil, 0},
		{"one event just now", log{1000}, ms(1000), []rule{{1, time.Second}}, time.Second},
		{"one event, a millisecond left", log{1000}, ms(1999), []rule{{1, time.Second}}, time.Millisecond},
		{"one event, a nanosecond left", log{1000}, ms(2000).Add(-1), []rule{{1, time.Second}}, 1},
		{"one event, as old as the window", log{1000}, ms(2000), []rule{{1, time.Second}}, 0},
		{"one event, older", log{1000}, ms(9000), []rule{{1, time.Second}}, 0},
		{"one below the limit", log{1000, 1100}, ms(1200), []rule{{3, time.Second}}, 0},
		{"at the limit, the oldest leaves first", log{1000, 1100, 1150}, ms(1200), []rule{{3, time.Second}}, 800 * time.Millisecond},
		{"beyond the limit, enough must leave", log{1000, 1100, 1150}, ms(1200), []rule{{1, time.Second}}, 950 * time.Millisecond},
		{"two rules, the longer waits longer", log{1000}, ms(1500), []rule{{1, time.Second}, {1, time.Minute}}, 59500 * time.Millisecond},
		{"the same, in the other order", log{1000}, ms(1500), []rule{{1, time.Minute}, {1, time.Second}}, 59500 * time.Millisecond},
		{"two rules, the shorter waits longer", log{1000, 60_900}, ms(60_950), []rule{{2, time.Minute}, {1, 30 * time.Second}}, 29950 * time.Millisecond},
		{"four rules of SMS, five in ten minutes", log{0, 30_000, 60_000, 90_000, 120_000}, ms(150_000),
			[]rule{{1, 30 * time.Second}, {5, 10 * time.Minute}, {10, time.Hour}, {20, 24 * time.Hour}}, 450 * time.Second},
		{"a limit of none", nil, ms(1000), []rule{{1, time.Second}, {0, time.Second}}, never},
		{"a limit below none", log{1}, ms(1000), []rule{{-1, time.Second}}, never},
		{"a limit of none with no window", nil, ms(1000), []rule{{0, 0}}, never},
		{"no window", log{1000, 1000, 1000}, ms(1000), []rule{{1, 0}}, 0},
		{"a window below none", log{1000, 1000, 1000}, ms(1000), []rule{{1, -time.Second}}, 0},
		{"an event later than now", log{5000}, ms(1000), []rule{{1, time.Second}}, time.Second},
		{"events around now, the later ones as of now", log{900, 5000, 6000}, ms(1000), []rule{{3, time.Second}}, 900 * time.Millisecond},
		{"a window in the middle of a millisecond", log{1000}, ms(1000), []rule{{1, 1500 * time.Microsecond}}, 1500 * time.Microsecond},
		{"the longest window", log{1000}, ms(1000), []rule{{1, never}}, never},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.log.Wait(test.now, test.rules...); got != test.want {
				t.Errorf("Wait = %v, want %v", got, test.want)
			}
		})
	}
}

func TestAdd(t *testing.T) {
	for _, test := range []struct {
		name  string
		log   log
		now   time.Time
		rules []rule
		want  log
	}{
		{"to nothing", nil, ms(1000), []rule{{3, time.Second}}, log{1000}},
		{"after others", log{998, 999}, ms(1000), []rule{{3, time.Second}}, log{998, 999, 1000}},
		{"twice in a millisecond", log{1000}, ms(1000), []rule{{3, time.Second}}, log{1000, 1000}},
		{"rounded up", nil, ms(1000).Add(1), []rule{{3, time.Second}}, log{1001}},
		{"before 1970, rounded up", nil, ms(-1000).Add(1), []rule{{3, time.Second}}, log{-999}},
		{"drops what is as old as the window", log{1000, 1001}, ms(2000), []rule{{3, time.Second}}, log{1001, 2000}},
		{"drops what is beyond the limit", log{1000, 1001, 1002}, ms(1003), []rule{{3, time.Second}}, log{1001, 1002, 1003}},
		{"keeps the longest window and the largest limit", log{1000, 1001, 1002, 1003}, ms(3000), []rule{{4, time.Second}, {1, time.Minute}}, log{1001, 1002, 1003, 3000}},
		{"moves later events to now", log{900, 5000, 6000}, ms(1000), []rule{{4, time.Second}}, log{900, 1000, 1000, 1000}},
		{"with no rule", log{900}, ms(1000), nil, log{1000}},
		{"with a limit of none", log{900}, ms(1000), []rule{{0, time.Second}}, log{1000}},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := slices.Clone(test.log)
			if diff := cmp.Diff(test.want, test.log.Add(test.now, test.rules...)); diff != "" {
				t.Errorf("Add (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, test.log); diff != "" {
				t.Errorf("Add changed its receiver (-before +after):\n%s", diff)
			}
		})
	}
}

// TestAddDoesNotShare: two logs made from one do not share an array. Otherwise the second event
// would overwrite the first.
func TestAddDoesNotShare(t *testing.T) {
	base := make(log, 1, 10)
	first := base.Add(ms(1), rule{5, time.Second})
	second := base.Add(ms(2), rule{5, time.Second})
	if diff := cmp.Diff([]log{{0, 1}, {0, 2}}, []log{first, second}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCount(t *testing.T) {
	l := log{1000, 1500, 2000, 9000}
	for _, test := range []struct {
		name   string
		now    time.Time
		window time.Duration
		want   int
	}{
		{"all in the window, later ones too", ms(1999), time.Second, 4},
		{"the first as old as the window", ms(2000), time.Second, 3},
		{"the last as old as the window", ms(10_000), time.Second, 0},
		{"the last a nanosecond younger", ms(10_000).Add(-1), time.Second, 1},
		{"before all of them", ms(0), time.Millisecond, 4},
		{"no window", ms(0), 0, 0},
		{"the longest window", ms(1 << 40), never, 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := l.Count(test.now, test.window); got != test.want {
				t.Errorf("Count = %d, want %d", got, test.want)
			}
		})
	}
}

func TestJSON(t *testing.T) {
	for text, want := range map[string]log{"null": nil, "[]": {}, "[1767323045000,1767323045001]": {1767323045000, 1767323045001}} {
		var got log
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s decodes to (-want +got):\n%s", text, diff)
		}
		if again, err := json.Marshal(got); err != nil || string(again) != text {
			t.Errorf("%s encodes to %s, %v", text, again, err)
		}
	}
}

// FuzzLog states what must hold of any log, even one that was damaged where it was stored: nothing
// panics, waits are never negative and agree with counts, and a log that grows is in order, within
// its limit, and holds the new event.
func FuzzLog(f *testing.F) {
	f.Add([]byte("[]"), int64(0), 1, int64(1))
	f.Add([]byte("[1,2,3]"), int64(2_500_000), 2, int64(1_500_000))
	f.Add([]byte("[-9223372036854775808,9223372036854775807]"), int64(math.MinInt64), 3, int64(math.MaxInt64))
	f.Add([]byte("[9223372036854775807,9223372036854775807]"), int64(math.MaxInt64), 0, int64(-5))
	f.Fuzz(func(t *testing.T, text []byte, now int64, limit int, window int64) {
		var l log
		if json.Unmarshal(text, &l) != nil {
			return
		}
		slices.Sort(l)
		at, r := time.Unix(0, now), rule{limit, time.Duration(window)}
		wait, count := l.Wait(at, r), l.Count(at, r.Window)
		if wait < 0 || (wait == 0) != (count < limit) {
			t.Fatalf("%v at %d: wait %v, count %d, %v", l, now, wait, count, r)
		}
		grown := l.Add(at, r)
		if !slices.IsSorted(grown) || len(grown) > max(limit, 1) || grown[len(grown)-1] < at.UnixMilli() {
			t.Fatalf("%v at %d grows to %v under %v", l, now, grown, r)
		}
		if window > 0 && grown.Count(at, r.Window) != min(count+1, max(limit, 1)) {
			t.Fatalf("%v at %d grows to %v, which counts %d", l, now, grown, grown.Count(at, r.Window))
		}
	})
}

func BenchmarkWaitAndAdd(b *testing.B) {
	rules := []rule{{1, 30 * time.Second}, {5, 10 * time.Minute}, {10, time.Hour}, {20, 24 * time.Hour}}
	var l log
	now := ms(0)
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(l.Wait(now, rules...))
		l = l.Add(now, rules...)
	}
}
