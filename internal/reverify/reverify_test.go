package reverify_test

import (
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/reverify"
)

func TestAges(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, tc := range map[string]struct {
		first, second time.Time
		want          [2]int
	}{
		"never proved":           {want: [2]int{-1, -1}},
		"just now":               {now, now, [2]int{0, 0}},
		"whole minutes only":     {now.Add(-10*time.Minute + time.Second), now.Add(-10 * time.Minute), [2]int{9, 10}},
		"a clock that went back": {now.Add(time.Hour), time.Time{}, [2]int{0, -1}},
	} {
		if got := reverify.Ages(now, tc.first, tc.second); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

func TestMet(t *testing.T) {
	const ten = 10
	for name, tc := range map[string]struct {
		level     reverify.Level
		ages      [2]int
		hasSecond bool
		want      bool
	}{
		"first factor fresh":                         {reverify.FirstFactor, [2]int{9, -1}, false, true},
		"first factor at the limit is too old":       {reverify.FirstFactor, [2]int{10, -1}, false, false},
		"second factor fresh":                        {reverify.SecondFactor, [2]int{99, 0}, true, true},
		"second factor old":                          {reverify.SecondFactor, [2]int{0, 10}, true, false},
		"second factor never proved is no way back":  {reverify.SecondFactor, [2]int{0, -1}, true, false},
		"without a second factor the first is asked": {reverify.SecondFactor, [2]int{0, -1}, false, true},
		"both needed, both fresh":                    {reverify.MultiFactor, [2]int{1, 1}, true, true},
		"both needed, first old":                     {reverify.MultiFactor, [2]int{10, 1}, true, false},
		"both needed, second old":                    {reverify.MultiFactor, [2]int{1, 10}, true, false},
		"both needed, user has one":                  {reverify.MultiFactor, [2]int{1, -1}, false, true},
		"nothing proved":                             {reverify.FirstFactor, [2]int{-1, -1}, false, false},
		"an unknown level is never met":              {"other", [2]int{0, 0}, true, false},
	} {
		r := reverify.Requirement{Level: tc.level, AfterMinutes: ten}
		if got := r.Met(tc.ages, tc.hasSecond); got != tc.want {
			t.Errorf("%s: %t, want %t", name, got, tc.want)
		}
	}
}

func TestPresets(t *testing.T) {
	if r, ok := reverify.Preset("strict_mfa"); !ok || r != (reverify.Requirement{Level: reverify.MultiFactor, AfterMinutes: 10}) {
		t.Errorf("strict_mfa: %v %t", r, ok)
	}
	if _, ok := reverify.Preset("relaxed"); ok {
		t.Error("an unknown preset was found")
	}
}

// Law: an older proof never satisfies what a younger one does not.
func FuzzOlderIsNeverBetter(f *testing.F) {
	f.Add(1, 2, 3, 4, true, "second_factor")
	f.Add(-1, 0, 0, 0, false, "multi_factor")
	f.Fuzz(func(t *testing.T, first, second, moreFirst, moreSecond int, has bool, level string) {
		clamp := func(n int) int { return max(-1, min(n, 1<<20)) }
		young := [2]int{clamp(first), clamp(second)}
		old := young
		for i, more := range []int{moreFirst, moreSecond} {
			if old[i] >= 0 {
				old[i] += max(0, min(more, 1<<20))
			}
		}
		r := reverify.Requirement{Level: reverify.Level(level), AfterMinutes: 10}
		if r.Met(old, has) && !r.Met(young, has) {
			t.Errorf("%v is met and the younger %v is not", old, young)
		}
	})
}
