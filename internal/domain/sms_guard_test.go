package domain_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/store"
)

// settle changes the settings, in this process at once.
func (w *world) settle(change func(*account.Settings)) {
	w.Helper()
	_, err := w.Settings.Change(w.Context(), change)
	w.Must(err)
}

// pumpers are accounts of one attacker. Each is signed in and adds numbers that it never verifies.
type pumpers struct {
	*world
	people []*person
	used   int
}

// ask has a code sent to a number, by an account that may still add one.
func (p *pumpers) ask(number string, from netip.Addr) error {
	p.Helper()
	const numbersEach = 5
	if p.used%numbersEach == 0 {
		u := p.newcomer()
		u.signInWithTicket()
		p.people = append(p.people, u)
	}
	p.used++
	u := p.people[len(p.people)-1]
	u.browser.Address = from
	r, err := p.MFA.AddPhone(p.Context(), u.browser, mfa.PhoneInput{Number: number})
	p.Must(err)
	_, err = p.MFA.PreparePhone(p.Context(), u.browser, r.Phone.ID, account.PhoneCode)
	return err
}

func address(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(1 + i%200), byte(i / 200), byte(i % 251), 1})
}

// TestABreakerStopsUnverifiedMessages (C09): a caller that requests codes and reads none is stopped
// at the breaker. After the hour messages are sent again.
func TestABreakerStopsUnverifiedMessages(t *testing.T) {
	w := newWorld(t)
	p := &pumpers{world: w}
	answers := map[apierr.Code]int{}
	for i := range 200 {
		// The numbers are of five blocks.
		answers[codeOf(p.ask(fmt.Sprintf("+1212%03d%04d", 201+i%5, 1000+i), netip.Addr{}))]++
	}
	if len(w.Sent()) != 50 || answers[""] != 50 || answers[apierr.TooManyRequests] != 150 {
		t.Errorf("%d messages, answers %v; want 50 and the rest refused", len(w.Sent()), answers)
	}
	if n := w.happened(eventtype.BreakerTripped); n != 150 {
		t.Errorf("%d events that the breaker tripped, want 150", n)
	}
	w.Advance(time.Hour)
	w.want("", p.ask("+12122061999", netip.Addr{}))
}

// TestABlockOfNumbersIsBounded (C08): a block of numbers gets twenty unverified messages an hour.
func TestABlockOfNumbersIsBounded(t *testing.T) {
	w := newWorld(t)
	p := &pumpers{world: w}
	for i := range 20 {
		w.want("", p.ask(fmt.Sprintf("+1212201%04d", 1000+i), netip.Addr{}))
	}
	err := p.ask("+12122011999", netip.Addr{})
	w.want(apierr.TooManyRequests, err)
	if wait := apierr.From(err).RetryAfter(); wait <= 0 || wait > time.Hour {
		t.Errorf("try again after %v, want within the hour", wait)
	}
	if meta := apierr.From(err).Meta(); meta["reason"] != "sms_paused" {
		t.Errorf("the pages cannot tell from %v that messages are paused", meta)
	}
	w.want("", p.ask("+12122021999", netip.Addr{}))
}

// TestAnAddressTextsFewNumbers (C08): an address sends messages to five different numbers an hour,
// over any number of accounts. A number counts once.
func TestAnAddressTextsFewNumbers(t *testing.T) {
	w := newWorld(t)
	w.settle(func(s *account.Settings) { s.IPLimits = true })
	p := &pumpers{world: w}
	var last *person
	for i := range 5 {
		w.want("", p.ask(fmt.Sprintf("+1212%03d1000", 201+i), address(1)))
		last = p.people[len(p.people)-1]
	}
	w.want(apierr.TooManyRequests, p.ask("+12122061000", address(1)))
	w.want("", p.ask("+12122061001", address(2)))
	w.Advance(time.Minute)
	u, err := w.Admin.User(t.Context(), last.id)
	w.Must(err)
	last.browser.Address = address(1)
	_, err = w.MFA.PreparePhone(t.Context(), last.browser, u.Phones[0].ID, account.PhoneCode)
	w.want("", err)
	w.Advance(time.Hour)
	p.used = 0 // a new account
	w.want("", p.ask("+12122071000", address(1)))
}

// TestANumberIsNotBombed (C07): a number gets five messages in ten minutes, from any number of
// accounts.
func TestANumberIsNotBombed(t *testing.T) {
	w := newWorld(t)
	for range 100 {
		u := w.newcomer()
		u.signInWithTicket()
		r, err := w.MFA.AddPhone(t.Context(), u.browser, mfa.PhoneInput{Number: aNumber})
		w.Must(err)
		_, _ = w.MFA.PreparePhone(t.Context(), u.browser, r.Phone.ID, account.PhoneCode)
		w.Advance(6 * time.Second)
	}
	if len(w.Sent()) > 5 {
		t.Errorf("%d messages to one number in ten minutes, want at most 5", len(w.Sent()))
	}
}

// TestVerifiedCodesKeepTheBreakerOpen: used codes make room. An instance whose users enter their
// codes never reaches the breaker.
func TestVerifiedCodesKeepTheBreakerOpen(t *testing.T) {
	w := newWorld(t)
	for i := range 120 {
		u := w.newcomer()
		u.signInWithTicket()
		u.enrolPhone(fmt.Sprintf("+1212201%04d", 1000+i))
	}
	if len(w.Sent()) != 120 {
		t.Errorf("%d messages, want 120", len(w.Sent()))
	}
}

// TestAVerifiedCodeIsWorthFiveMessages: a used code makes room for five messages, its own among
// them.
func TestAVerifiedCodeIsWorthFiveMessages(t *testing.T) {
	w := newWorld(t)
	p := &pumpers{world: w}
	ask := func(i int) error { return p.ask(fmt.Sprintf("+1212201%04d", 1000+i), netip.Addr{}) }
	for i := range 19 {
		w.want("", ask(i))
	}
	u := w.newcomer()
	u.signInWithTicket()
	u.enrolPhone("+12122019999")
	for i := range 5 {
		w.want("", ask(100+i))
	}
	w.want(apierr.TooManyRequests, ask(200))
}

// TestAFloodDoesNotLockOutOwners: during a flood the owner of a verified number still gets codes on
// a known device, and none on another device.
func TestAFloodDoesNotLockOutOwners(t *testing.T) {
	w := newWorld(t)
	m := w.member()
	p := &pumpers{world: w}
	for i := range 60 {
		_ = p.ask(fmt.Sprintf("+1212%03d%04d", 555+i%4, 1000+i), netip.Addr{})
	}
	w.want(apierr.TooManyRequests, p.ask("+12122011999", netip.Addr{}))

	m.signInWithTicket()
	m.text()
	w.Must(m.secondFactor(account.PhoneCode, m.Code()))

	w.Advance(time.Minute)
	other := m.stranger()
	other.signInWithTicket()
	_, err := w.MFA.PrepareSecondFactor(t.Context(), other.browser, other.signIn, account.PhoneCode, m.phone)
	w.want(apierr.TooManyRequests, err)
	w.Must(other.secondFactor(account.BackupCode, m.backup[3])) // C10: a factor without messages works
}

// TestAKnownDeviceDoesNotVouchForNewNumbers: a known device does not pass the breakers for numbers
// that no user verified.
func TestAKnownDeviceDoesNotVouchForNewNumbers(t *testing.T) {
	w := newWorld(t)
	p := &pumpers{world: w}
	for i := range 60 {
		_ = p.ask(fmt.Sprintf("+1212%03d%04d", 201+i%4, 1000+i), netip.Addr{})
	}
	u := w.newcomer()
	u.signInWithTicket()
	u.enrolApp()
	r, err := w.MFA.AddPhone(t.Context(), u.browser, mfa.PhoneInput{Number: "+12122051000"})
	w.Must(err)
	_, err = w.MFA.PreparePhone(t.Context(), u.browser, r.Phone.ID, account.PhoneCode)
	w.want(apierr.TooManyRequests, err)
}

// TestTheDailyCapHolds (C10): no message exceeds the daily spending cap, however many are requested
// at once and although the breakers only record. Factors without messages still work.
func TestTheDailyCapHolds(t *testing.T) {
	w := newWorld(t)
	m := w.member()
	w.Advance(24 * time.Hour)
	w.Clear()
	price := smsprice.Of("US")
	w.settle(func(s *account.Settings) { s.SMSDailyCap, s.SMSRecordOnly = 7*price+1, true })
	people := make([]*person, 40)
	phones := make([]string, len(people))
	for i := range people {
		people[i] = w.newcomer()
		people[i].signInWithTicket()
		r, err := w.MFA.AddPhone(t.Context(), people[i].browser, mfa.PhoneInput{Number: fmt.Sprintf("+1212201%04d", 1000+i)})
		w.Must(err)
		phones[i] = r.Phone.ID
	}
	answers := race(len(people), func(i int) error {
		_, err := w.MFA.PreparePhone(t.Context(), people[i].browser, phones[i], account.PhoneCode)
		return err
	})
	if len(w.Sent()) != 7 || answers[""] != 7 || answers[apierr.TooManyRequests] != 33 {
		t.Errorf("%d messages, answers %v; want 7 and the others refused", len(w.Sent()), answers)
	}
	for name, want := range map[eventtype.Name]int{eventtype.SpentHalf: 1, eventtype.SpentMost: 1} {
		if n := w.happened(name); n < want {
			t.Errorf("%d events %s, want %d", n, name, want)
		}
	}
	if n := w.happened(eventtype.SpentAll); n != 33 {
		t.Errorf("%d events that the money is spent, want 33", n)
	}
	m.signInWithTicket()
	_, err := w.MFA.PrepareSecondFactor(t.Context(), m.browser, m.signIn, account.PhoneCode, m.phone)
	w.want(apierr.TooManyRequests, err)
	if wait := apierr.From(err).RetryAfter(); wait <= 0 || wait > 24*time.Hour {
		t.Errorf("try again after %v, want within the day", wait)
	}
	w.Must(m.secondFactor(account.TOTPCode, m.totpCode()))
	w.Advance(24 * time.Hour)
	_, err = w.MFA.PreparePhone(t.Context(), people[39].browser, phones[39], account.PhoneCode)
	w.want("", err)
}

func TestMilestonesOfTheDaysMoney(t *testing.T) {
	w := newWorld(t)
	w.settle(func(s *account.Settings) { s.SMSDailyCap = 10 * smsprice.Of("US") })
	p := &pumpers{world: w}
	var at []string
	for i := range 11 {
		_ = p.ask(fmt.Sprintf("+1212201%04d", 1000+i), netip.Addr{})
		for name, shown := range map[eventtype.Name]string{eventtype.SpentHalf: "half", eventtype.SpentMost: "most", eventtype.SpentAll: "all"} {
			if text := fmt.Sprint(shown); w.happened(name) > 0 && !slices.ContainsFunc(at, func(s string) bool { return s[:len(text)] == text }) {
				at = append(at, fmt.Sprintf("%s with message %d", text, i+1))
			}
		}
	}
	want := []string{"half with message 6", "most with message 9", "all with message 11"}
	if !slices.Equal(at, want) {
		t.Errorf("%q, want %q", at, want)
	}
	if len(w.Sent()) != 10 {
		t.Errorf("%d messages, want 10", len(w.Sent()))
	}
}

// TestTheSmallestCapRefuses: a cap that no message fits into refuses at once, also when its half is
// a fraction of a millionth.
func TestTheSmallestCapRefuses(t *testing.T) {
	for _, limit := range []smsprice.Micros{1, 2, 3, smsprice.Of("US") - 1} {
		w := newWorld(t)
		w.settle(func(s *account.Settings) { s.SMSDailyCap = limit })
		p := &pumpers{world: w}
		w.counts.Reset()
		w.want(apierr.TooManyRequests, p.ask("+12122011000", netip.Addr{}))
		if n := w.counts.Counts().Commits; n > 10 {
			t.Errorf("a cap of %d: %d commits", limit, n)
		}
		if len(w.Sent()) != 0 || w.happened(eventtype.SpentAll) != 1 {
			t.Errorf("a cap of %d: %d messages, %d events that all is spent", limit, len(w.Sent()), w.happened(eventtype.SpentAll))
		}
	}
}

func TestACountrysCapHolds(t *testing.T) {
	w := newWorld(t)
	w.settle(func(s *account.Settings) { s.SMSCountryCaps = map[string]smsprice.Micros{"CA": 2 * smsprice.Of("CA")} })
	p := &pumpers{world: w}
	for i := range 2 {
		w.want("", p.ask(fmt.Sprintf("+1416201%04d", 1000+i), netip.Addr{}))
	}
	w.want(apierr.TooManyRequests, p.ask("+14162011999", netip.Addr{}))
	w.want("", p.ask("+12122011999", netip.Addr{}))
}

// TestRecordOnly: in record-only mode suspected abuse is recorded and sent. Limits per number and
// user, and the spending caps, still hold.
func TestRecordOnly(t *testing.T) {
	w := newWorld(t)
	w.settle(func(s *account.Settings) { s.SMSRecordOnly = true })
	p := &pumpers{world: w}
	for i := range 25 {
		w.want("", p.ask(fmt.Sprintf("+1212201%04d", 1000+i), netip.Addr{}))
	}
	texts, err := w.SMS.Log(t.Context(), sms.LogQuery{Limit: 100})
	w.Must(err)
	decisions := map[string]int{}
	for _, text := range texts {
		decisions[string(text.Decision)+" "+string(text.Reason)]++
	}
	if len(w.Sent()) != 25 || decisions["allowed "] != 20 || decisions["would_refuse prefix_unverified"] != 5 {
		t.Errorf("%d messages, decisions %v", len(w.Sent()), decisions)
	}
	w.want(apierr.VerificationCodeTooManyRequests, p.ask(fmt.Sprintf("+1212201%04d", 1024), netip.Addr{}))
}

// TestARefusalIsRecordedAndNothingElse: a refusal leaves only its record: no code, no count, and at
// most ten records a minute.
func TestARefusalIsRecordedAndNothingElse(t *testing.T) {
	w := newWorld(t)
	p := &pumpers{world: w}
	for i := range 20 {
		w.want("", p.ask(fmt.Sprintf("+1212201%04d", 1000+i), netip.Addr{}))
	}
	last := p.people[len(p.people)-1]
	r, err := w.MFA.AddPhone(t.Context(), w.fresh(last).browser, mfa.PhoneInput{Number: "+12122011888"})
	w.Must(err)
	before, _, err := w.counts.List(t.Context(), store.KindUser, "", 100)
	w.Must(err)
	for range 30 {
		_, err := w.MFA.PreparePhone(t.Context(), last.browser, r.Phone.ID, account.PhoneCode)
		w.want(apierr.TooManyRequests, err)
	}
	after, _, err := w.counts.List(t.Context(), store.KindUser, "", 100)
	w.Must(err)
	for i := range before {
		if before[i].Version != after[i].Version {
			t.Errorf("a refusal wrote a user")
		}
	}
	texts, err := w.SMS.Log(t.Context(), sms.LogQuery{Limit: 100})
	w.Must(err)
	refused := 0
	for _, text := range texts {
		if text.Decision == account.Refused {
			refused++
			if text.Price != 0 || text.Reason != sms.ReasonPrefixUnverified || text.Number != "+1*******88" {
				t.Errorf("refusal %+v", text.SMSRecord)
			}
		}
	}
	if refused != 10 || w.happened(eventtype.SMSRefused) != 30 {
		t.Errorf("%d records and %d events of 30 refusals, want 10 and 30", refused, w.happened(eventtype.SMSRefused))
	}
}

// fresh makes last's browser one of a new account.
func (w *world) fresh(last *person) *person {
	u := w.newcomer()
	u.signInWithTicket()
	*last = *u
	return last
}

func TestDecisionsAreKeptWithTheirOutcome(t *testing.T) {
	w := newWorld(t)
	u := w.newcomer()
	u.signInWithTicket()
	u.browser.Address = netip.MustParseAddr("203.0.113.77")
	u.enrolPhone(aNumber)
	verified := w.Now()
	w.Advance(time.Minute)
	w.Fail(errors.New("network down"))
	_, err := w.MFA.AddPhone(t.Context(), u.browser, mfa.PhoneInput{Number: anotherNumber})
	w.Must(err)
	v, err := w.Admin.User(t.Context(), u.id)
	w.Must(err)
	_, err = w.MFA.PreparePhone(t.Context(), u.browser, v.Phones[1].ID, account.PhoneCode)
	w.want(apierr.SMSSendError, err)
	w.settle(func(s *account.Settings) { s.SMSCountries = []string{"CA"} })
	_, err = w.MFA.PreparePhone(t.Context(), u.browser, v.Phones[1].ID, account.PhoneCode)
	w.want(apierr.UnsupportedCountryCode, err)

	texts, err := w.SMS.Log(t.Context(), sms.LogQuery{Limit: 10})
	w.Must(err)
	if len(texts) != 3 {
		t.Fatalf("%d decisions, want 3", len(texts))
	}
	slices.SortFunc(texts, func(a, b sms.LogEntry) int { return int(a.At - b.At) })
	got := ""
	for _, text := range texts[1:] {
		got += fmt.Sprintln(text.Decision, text.Reason, text.Failed, text.Verified != 0)
	}
	if one, two := "allowed  true false\nrefused country_not_allowed false false\n", "refused country_not_allowed false false\nallowed  true false\n"; got != one && got != two {
		t.Errorf("decisions\n%s", got)
	}
	first := texts[0]
	want := fmt.Sprintln("+1*******23 US +1212555 verify-number 203.0.113.0/24 allowed", smsprice.Of("US"), account.At(verified))
	if have := fmt.Sprintln(first.Number, first.Country, first.Prefix, first.Purpose, first.Network, first.Decision, first.Price, first.Verified); have != want {
		t.Errorf("have %swant %s", have, want)
	}
	older, err := w.SMS.Log(t.Context(), sms.LogQuery{Until: account.At(verified), Limit: 10})
	w.Must(err)
	if len(older) != 0 {
		t.Errorf("%d decisions before the first", len(older))
	}
	w.Advance(32 * 24 * time.Hour)
	_, err = w.Service.Admin.Cleanup(t.Context(), 100)
	w.Must(err)
	if left, err := w.SMS.Log(t.Context(), sms.LogQuery{Limit: 10}); err != nil || len(left) != 0 {
		t.Errorf("%d decisions are left after 32 days, %v", len(left), err)
	}
}
