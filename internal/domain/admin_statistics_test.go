package domain_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/domain/statistics"
	"github.com/countersign-mfa/countersign/internal/store"
)

// statistics counts what happened, as the worker does within a minute, and reads the last days.
func (w *world) statistics(days int) *admin.Statistics {
	w.Helper()
	w.Must(w.Admin.CountJournal(w.Context(), w.memory))
	before := w.counts.Counts()
	s, err := w.Admin.Statistics(w.Context(), days, w.Now())
	w.Must(err)
	if d := w.counts.Counts(); d.Gets != before.Gets+1 || d.Scans != before.Scans || d.KeysRead != before.KeysRead+days {
		w.Errorf("statistics of %d days: from %+v to %+v", days, before, d)
	}
	return s
}

// TestStatistics: verifications and failures of all users are counted on their day, also those of
// users that are gone.
func TestStatistics(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t)
	p, q := w.member(), w.newcomer()
	q.signInWithTicket()
	q.enrolApp()
	midnight := func() time.Time { return w.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour) }
	w.Advance(midnight().Sub(w.Now()) + 9*time.Hour) // a day without events
	if s := w.statistics(1); len(s.Verified)+len(s.Failed) != 0 {
		t.Errorf("a day without events: %+v", s)
	}
	check := func(p *person, code string) { _, _ = p.Admin.VerifyTOTP(ctx, p.id, secret.New(code)) }
	for day := range 4 {
		for range day + 1 {
			check(p, p.totpCode())
			check(p, p.wrong())
			w.Advance(time.Minute)
		}
		check(q, q.totpCode())
		w.Advance(24*time.Hour - time.Duration(day+1)*time.Minute)
	}
	check(q, q.backup[0])
	for range 3 {
		check(p, p.totpCode())
		w.Advance(time.Minute)
	}
	s := w.statistics(5)
	want := map[account.Strategy][]int{account.TOTPCode: {2, 3, 4, 5, 3}, account.BackupCode: {0, 0, 0, 0, 1}}
	if diff := cmp.Diff(want, s.Verified); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[eventtype.Name][]int{eventtype.CodeWrong: {1, 2, 3, 4, 0}}, s.Failed); diff != "" {
		t.Error(diff)
	}
	if first := s.Begin.String(); first != w.Now().UTC().AddDate(0, 0, -4).Format(time.DateOnly) {
		t.Errorf("the first day is %s", first)
	}
	if s = w.statistics(2); !slices.Equal(s.Verified[account.TOTPCode], []int{5, 3}) {
		t.Errorf("two days: %v", s.Verified)
	}
	// Repeats over midnight count on their days, although they share an entry of the audit log.
	w.Advance(midnight().Sub(w.Now()) - 2*time.Minute)
	before := w.statistics(2).Verified[account.TOTPCode]
	for range 5 {
		check(q, q.totpCode())
		w.Advance(time.Minute)
	}
	after := w.statistics(2).Verified[account.TOTPCode]
	if before[1]+2 != after[0] || after[1] != 3 {
		t.Errorf("over midnight: %v, then %v", before, after)
	}
	w.Must(q.Admin.DeleteUser(ctx, q.id))
	if again := w.statistics(2).Verified[account.TOTPCode]; !slices.Equal(after, again) {
		t.Errorf("after a deletion: %v, then %v", after, again)
	}
}

// TestACheckIsStillOneWrite: what statistics count goes with the record that a check writes. It
// costs no request, and few bytes.
func TestACheckIsStillOneWrite(t *testing.T) {
	w := newWorld(t)
	p := w.member()
	w.Must(w.Admin.CountJournal(t.Context(), w.memory))
	for _, code := range []string{p.totpCode(), p.wrong()} {
		w.counts.Reset()
		_, _ = w.Admin.VerifyTOTP(t.Context(), p.id, secret.New(code))
		if c := w.counts.Counts(); c.Gets != 1 || c.Commits != 1 || c.Writes != 1 || c.Increments != 0 {
			t.Errorf("a check is %+v", c)
		}
	}
	notes, err := w.memory.Notes(t.Context(), 10)
	w.Must(err)
	for _, n := range notes {
		if len(n.Text) > 16 {
			t.Errorf("a note of %d bytes: %q", len(n.Text), n.Text)
		}
	}
	if len(notes) != 2 {
		t.Errorf("%d notes of two checks: %v", len(notes), notes)
	}
}

// TestWhatWasNotStoredIsNotCounted: an operation that loses a race runs again and is counted once;
// one that fails is not counted.
func TestWhatWasNotStoredIsNotCounted(t *testing.T) {
	w := newWorld(t)
	p := w.member()
	w.Advance(24 * time.Hour)
	w.faults.Inject(store.ConflictCommit(1))
	_, err := w.Admin.VerifyTOTP(t.Context(), p.id, secret.New(p.totpCode()))
	w.Must(err)
	w.faults.Inject(store.FailCommit(1))
	if _, err := w.Admin.VerifyTOTP(t.Context(), p.id, secret.New(p.wrong())); err == nil {
		t.Fatal("the store did not fail")
	}
	s := w.statistics(1)
	if !slices.Equal(s.Verified[account.TOTPCode], []int{1}) || len(s.Failed) != 0 {
		t.Errorf("%v and %v", s.Verified, s.Failed)
	}
}

// TestEachNoteCountsOnce: a stream delivers a batch again after a failure, in halves or with more
// behind it. Shards are counted apart. A worker may lose its answer or a race.
func TestEachNoteCountsOnce(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t)
	p := w.member()
	_, _ = w.Admin.VerifyTOTP(ctx, p.id, secret.New(p.wrong())) // the journal has notes too
	today := statistics.DayOf(w.Now())
	count := func(note string) string {
		return (&statistics.Counts{Verified: map[account.Strategy]int{account.Strategy(note): 1}}).Note(account.At(w.Now()))
	}
	var notes []store.Noted
	for i := range 12 {
		notes = append(notes, store.Noted{Sequence: fmt.Sprint(95+i, "00000000000000000000"), Text: count("totp")})
	}
	notes[3].Text, notes[4].Text = "no note", ""
	shard := func(name string) admin.Source { return admin.Source{Name: name, Kept: 48 * time.Hour} }
	want := func(n int) {
		t.Helper()
		if s := w.statistics(1); s.Begin != today || !slices.Equal(s.Verified[account.TOTPCode], []int{n}) {
			t.Errorf("counted %v, want %d", s.Verified, n)
		}
	}
	w.Must(w.Admin.CountNotes(ctx, shard("a"), notes[:6]))
	want(4)
	for _, again := range [][]store.Noted{notes[:6], notes[:3], notes[3:6], notes[2:8], notes[7:8], nil} {
		w.Must(w.Admin.CountNotes(ctx, shard("a"), again))
	}
	want(6)
	w.Must(w.Admin.CountNotes(ctx, shard("b"), notes[:2]))
	want(8)
	w.faults.Inject(store.LoseCommit(1))
	if err := w.Admin.CountNotes(ctx, shard("a"), notes[8:10]); err == nil {
		t.Error("a lost answer is a success")
	}
	w.faults.Inject(store.ConflictCommit(1))
	w.Must(w.Admin.CountNotes(ctx, shard("a"), notes[8:]))
	want(12)
	w.Advance(4 * day) // the records of a restored table come with notes of long ago
	old := []store.Noted{{Sequence: "1", Text: notes[0].Text}}
	w.Must(w.Admin.CountNotes(ctx, shard("restored"), old))
	if s := w.statistics(10); len(s.Verified[account.TOTPCode]) != 10 || slices.Max(s.Verified[account.TOTPCode]) != 12 {
		t.Errorf("after a restore: %v", s.Verified)
	}
	// The position of a shard goes when the shard can deliver nothing any more. That of a journal
	// stays.
	w.Advance(5 * day)
	_, err := w.Admin.Cleanup(ctx, 1000)
	w.Must(err)
	for name, kept := range map[string]bool{"a": false, "b": false, "journal": true} {
		found, err := w.counts.Get(ctx, statistics.FeedKey(name))
		w.Must(err)
		if stays := found[0].Version != 0; stays != kept {
			t.Errorf("the position of %s is kept: %t", name, stays)
		}
	}
}

// TestALongJournal: a worker that did not run for a long time counts all of it, in several commits.
func TestALongJournal(t *testing.T) {
	w := newWorld(t)
	p := w.member()
	w.Must(w.Admin.CountJournal(t.Context(), w.memory))
	for range 70 {
		w.Advance(24 * time.Hour)
		_, err := w.Admin.VerifyTOTP(t.Context(), p.id, secret.New(p.totpCode()))
		w.Must(err)
	}
	total := 0
	for _, n := range w.statistics(70).Verified[account.TOTPCode] {
		total += n
	}
	if total != 70 {
		t.Errorf("%d of 70 are counted", total)
	}
	w.Advance((statistics.DaysKept + 2) * day)
	_, err := w.Admin.Cleanup(t.Context(), 1000)
	w.Must(err)
	if left := w.all(store.KindStatistics); len(left) != 0 {
		t.Errorf("%d days are left", len(left))
	}
}

// TestTextsInStatistics: the cost of messages and the refusals are listed by country and day. Test
// messages cost nothing and are left out.
func TestTextsInStatistics(t *testing.T) {
	w := newWorld(t)
	w.settle(func(s *account.Settings) {
		s.TestMode, s.SMSCountries = true, []string{"US", "DE"}
		s.SMSPrices = map[string]smsprice.Micros{"US": 10_000, "DE": 140_000}
		s.SMSCountryCaps = map[string]smsprice.Micros{"DE": 200_000}
	})
	p := &pumpers{world: w}
	for day := range 3 {
		for i := range day + 1 {
			w.Must(p.ask(fmt.Sprintf("+1212201%d%03d", day+1, i), netip.Addr{}))
		}
		w.Advance(24 * time.Hour)
		p.used = 0 // the next request signs in anew
	}
	w.Must(p.ask("+12015550107", netip.Addr{})) // a test number
	w.Must(p.ask("+4915123456789", netip.Addr{}))
	if p.ask("+4915123456788", netip.Addr{}) == nil {
		t.Fatal("the cap of the country does not hold")
	}
	got := w.statistics(3).SMS
	want := map[string]*admin.SMSStatistics{
		"US": {Sent: []int{2, 3, 0}, Refused: []int{0, 0, 0}, Spent: []smsprice.Micros{20_000, 30_000, 0}},
		"DE": {Sent: []int{0, 0, 1}, Refused: []int{0, 0, 1}, Spent: []smsprice.Micros{0, 0, 140_000}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
