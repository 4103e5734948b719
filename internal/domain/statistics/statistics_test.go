package statistics_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/domain/statistics"
	"github.com/countersign-mfa/countersign/internal/store"
)

var noon = account.At(time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC))

// TestNotes freezes the form of notes: the worker of a newer release reads those of an older one.
func TestNotes(t *testing.T) {
	for _, tt := range []struct {
		counts statistics.Counts
		note   string
	}{
		{statistics.Counts{}, ""},
		{statistics.Counts{Verified: map[account.Strategy]int{account.TOTPCode: 1}}, "g1d vtotp"},
		{statistics.Counts{Failed: map[eventtype.Name]int{eventtype.CodeWrong: 1, eventtype.UserLocked: 2}}, "g1d fcode.wrong fuser.locked*2"},
		{statistics.Counts{SMS: map[string]statistics.SMSCounts{"US": {Sent: 1, Spent: 7900}}}, "g1d sUS mUS*7900"},
		{statistics.Counts{SMS: map[string]statistics.SMSCounts{"": {Refused: 1}, "DE": {Sent: 1, Spent: 1}}}, "g1d r sDE mDE"},
	} {
		if got := tt.counts.Note(noon); got != tt.note {
			t.Errorf("got %q, want %q", got, tt.note)
		}
		day, counts, ok := statistics.ParseNote(tt.note)
		if tt.note == "" {
			continue
		}
		if diff := cmp.Diff(tt.counts, counts); !ok || day != statistics.DayOf(noon.Time()) || diff != "" {
			t.Errorf("%q is read as %v, %t (-want +got):\n%s", tt.note, day, ok, diff)
		}
	}
	if day := statistics.DayOf(noon.Time()).String(); day != "2026-11-28" {
		t.Errorf("the day is %s", day)
	}
}

// TestUnknownNotes: parts of a newer release are left out, and a text without a day is no note.
func TestUnknownNotes(t *testing.T) {
	_, counts, ok := statistics.ParseNote("g1d xnew vtotp *3 vphone_code*many fcode.wrong*2")
	want := statistics.Counts{Verified: map[account.Strategy]int{account.TOTPCode: 1}, Failed: map[eventtype.Name]int{eventtype.CodeWrong: 2}}
	if diff := cmp.Diff(want, counts); !ok || diff != "" {
		t.Errorf("%t (-want +got):\n%s", ok, diff)
	}
	for _, text := range []string{"", " vtotp", "vtotp", "-1 vtotp", "zzzz vtotp", "g1d0000000000 vtotp", "é vtotp"} {
		if day, counts, ok := statistics.ParseNote(text); ok || counts.Verified != nil {
			t.Errorf("%q is read as %v, %v", text, day, counts)
		}
	}
}

// TestAddingCounts: counts add up in any order.
func TestAddingCounts(t *testing.T) {
	draw := func(t *rapid.T) statistics.Counts {
		var c statistics.Counts
		for range rapid.IntRange(0, 5).Draw(t, "acts") {
			name := rapid.SampledFrom([]eventtype.Name{eventtype.FactorUsed, eventtype.BackupUsed, eventtype.CodeWrong, eventtype.SignedIn}).Draw(t, "act")
			c.Entry(account.AuditEntry{Name: name, Method: rapid.SampledFrom([]account.Strategy{account.TOTPCode, account.PhoneCode}).Draw(t, "by")})
			c.Message(&account.SMSRecord{Country: "US", Decision: rapid.SampledFrom([]account.Decision{account.Allowed, account.Refused, account.WouldRefuse}).Draw(t, "decision"),
				Price: smsprice.Micros(rapid.IntRange(0, 9).Draw(t, "price")), Test: rapid.Bool().Draw(t, "test")})
		}
		return c
	}
	rapid.Check(t, func(t *rapid.T) {
		var one, other statistics.Counts
		a, b := draw(t), draw(t)
		one.Add(a)
		one.Add(b)
		other.Add(b)
		other.Add(a)
		if diff := cmp.Diff(one, other); diff != "" {
			t.Fatal(diff)
		}
		if note := one.Note(noon); len(note) > store.MaxNoteLength {
			t.Fatalf("a note of %d bytes", len(note))
		}
	})
}

// TestPositions: sequences are compared as numbers of any length.
func TestPositions(t *testing.T) {
	p := statistics.FeedPosition{}
	for _, tt := range []struct {
		sequence string
		passes   bool
	}{
		{"1", true}, {"1", false}, {"9", true}, {"10", true}, {"9", false}, {"0009", false}, {"0011", true},
		{"900000000000000000000000000000000000000", true}, {"899999999999999999999999999999999999999", false}, {"1000000000000000000000000000000000000000", true}, {"", false},
	} {
		if got := p.Pass(tt.sequence); got != tt.passes {
			t.Errorf("%s passes: %t", tt.sequence, got)
		}
	}
}
