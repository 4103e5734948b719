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
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/store"
)

func (w *world) statistics(days int) *admin.Statistics {
	w.Helper()
	s, err := w.Admin.Statistics(w.Context(), days)
	w.Must(err)
	return s
}

// TestStatistics: verifications and failures of all users are counted on their day, on any page of
// the audit log.
func TestStatistics(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t)
	p, q := w.member(), w.newcomer()
	q.signInWithTicket()
	q.enrolApp()
	midnight := func() time.Time { return w.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour) }
	w.Advance(midnight().Sub(w.Now()) + 9*time.Hour) // a day without events
	if s := w.statistics(1); s.Users != 2 || s.Partial || len(s.Verified)+len(s.Failed) != 0 {
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
	if diff := cmp.Diff(map[account.EventName][]int{account.EventCodeWrong: {1, 2, 3, 4, 0}}, s.Failed); diff != "" {
		t.Error(diff)
	}
	if s.Begin != account.At(w.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -4)) {
		t.Errorf("the first day begins at %v", s.Begin)
	}
	if s = w.statistics(2); !slices.Equal(s.Verified[account.TOTPCode], []int{5, 3}) {
		t.Errorf("two days: %v", s.Verified)
	}
	// Repeats over midnight count on the day of the last one, except the first.
	w.Advance(midnight().Sub(w.Now()) - time.Minute)
	before := w.statistics(2).Verified[account.TOTPCode]
	for range 4 {
		check(q, q.totpCode())
		w.Advance(time.Minute)
	}
	after := w.statistics(2).Verified[account.TOTPCode]
	if before[1]+1 != after[0] || after[1] != 3 {
		t.Errorf("over midnight: %v, then %v", before, after)
	}
	w.Must(q.Admin.DeleteUser(ctx, q.id))
	if s = w.statistics(30); s.Users != 1 || s.Verified[account.BackupCode] != nil {
		t.Errorf("a user that is gone is counted: %+v", s)
	}
}

// TestStatisticsAreBounded: one request reads a limited number of records, and says when there are
// more.
func TestStatisticsAreBounded(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t)
	for i := range 2001 {
		key := store.Key{Kind: store.KindUser, ID: fmt.Sprintf("%026d", i)}
		w.Must(w.counts.Commit(ctx, []store.Write{{Record: store.Record{Key: key, Data: []byte(`{}`)}}}))
	}
	if s := w.statistics(30); s.Users != 2000 || !s.Partial {
		t.Errorf("of 2001 users %d were read, partial: %t", s.Users, s.Partial)
	}
	w.Must(w.counts.Commit(ctx, []store.Write{{Record: store.Record{Key: store.Key{Kind: store.KindUser, ID: fmt.Sprintf("%026d", 7)}, Version: 1}, Delete: true}}))
	if s := w.statistics(30); s.Users != 2000 || s.Partial {
		t.Errorf("of 2000 users %d were read, partial: %t", s.Users, s.Partial)
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
