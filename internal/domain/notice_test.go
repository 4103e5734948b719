package domain_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/language"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
)

// TestNotices: each event is reported to the right number. A number that the event added is never
// told.
func TestNotices(t *testing.T) {
	const old, newer = "+12125550111", "+12125550122"
	ctx := t.Context()
	for name, tc := range map[string]struct {
		numbers []string // verified, the first is the second factor
		do      func(o *webhookWorld, p *person) error
		want    string // "": no number is told
		alarm   bool
	}{
		"an app is removed":   {[]string{old}, func(o *webhookWorld, p *person) error { _, err := o.Admin.RemoveTOTP(ctx, p.id); return err }, old, false},
		"everything is reset": {[]string{old}, func(o *webhookWorld, p *person) error { _, err := o.Admin.RemoveMFA(ctx, p.id); return err }, old, false},
		"a lock":              {[]string{old}, func(o *webhookWorld, p *person) error { _, err := o.Admin.Lock(ctx, p.id); return err }, old, true},
		"a backup code is used": {[]string{old}, func(o *webhookWorld, p *person) error {
			_, err := o.Admin.VerifyTOTP(ctx, p.id, secret.New("abcd-efgh-jk"))
			return err
		}, old, true},
		"the only number is removed":    {[]string{old}, func(o *webhookWorld, p *person) error { _, err := o.Admin.DeleteUserPhone(ctx, p.phone); return err }, "", false},
		"one of two numbers is removed": {[]string{old, newer}, func(o *webhookWorld, p *person) error { _, err := o.Admin.DeleteUserPhone(ctx, p.phone); return err }, newer, false},
		"one number replaces two": {[]string{old, newer}, func(o *webhookWorld, p *person) error {
			_, err := o.Admin.ReplaceUserPhones(ctx, p.id, newer, phoneState(true))
			return err
		}, newer, false},
		"the only number is replaced": {[]string{old}, func(o *webhookWorld, p *person) error {
			_, err := o.Admin.ReplaceUserPhones(ctx, p.id, newer, phoneState(true))
			return err
		}, "", false},
		"the only number becomes a factor": {[]string{old}, func(o *webhookWorld, p *person) error {
			yes := true
			_, err := o.Admin.ChangeUserPhone(ctx, p.phone, admin.PhoneChange{Reserved: &yes})
			return err
		}, "", false},
		"the older number becomes a factor": {[]string{old, newer}, func(o *webhookWorld, p *person) error {
			yes := true
			_, err := o.Admin.ChangeUserPhone(ctx, p.phone, admin.PhoneChange{Reserved: &yes})
			return err
		}, newer, false},
		"a new name": {[]string{old}, func(o *webhookWorld, p *person) error {
			first := "Ann"
			_, err := o.Admin.UpdateUser(ctx, p.id, admin.UserChange{FirstName: &first})
			return err
		}, "", false},
		"a new password": {[]string{old}, func(o *webhookWorld, p *person) error {
			pw := secret.New("correct horse battery")
			_, err := o.Admin.UpdateUser(ctx, p.id, admin.UserChange{Password: &pw})
			return err
		}, old, false},
		"no number": {nil, func(o *webhookWorld, p *person) error { _, err := o.Admin.RemoveTOTP(ctx, p.id); return err }, "", false},
		"switched off": {[]string{old}, func(o *webhookWorld, p *person) error {
			o.settle(func(s *account.Settings) { s.QuietChanges = true })
			_, err := o.Admin.RemoveTOTP(ctx, p.id)
			return err
		}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			o := newWebhookWorld(t)
			p := o.imported(tc.numbers...)
			o.Must(tc.do(o, p))
			o.run()
			o.run()
			if tc.want == "" {
				if len(o.Sent()) != 0 || o.waiting() != 0 {
					t.Errorf("%d messages %+v, %d wait; want none", len(o.Sent()), o.Sent(), o.waiting())
				}
				return
			}
			if len(o.Sent()) != 1 || o.Sent()[0].To.E164() != tc.want {
				t.Fatalf("%d messages %+v, want one to %s", len(o.Sent()), o.Sent(), tc.want)
			}
			text := o.Sent()[0].Body.Reveal()
			if len(text) > 160 || strings.ContainsAny(text, "0123456789#@/") || strings.Contains(text, "Unusual") != tc.alarm {
				t.Errorf("%q", text)
			}
		})
	}
}

// imported returns a user who was imported an hour ago with an app, a backup code, and numbers that
// were all verified at one moment.
func (o *webhookWorld) imported(numbers ...string) *person {
	o.Helper()
	in := admin.UserInput{Username: "told", Phones: numbers, TOTPSecret: secret.New("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"), BackupCodes: []secret.Value{secret.New("abcd-efgh-jk")}}
	u, err := o.Admin.CreateUser(o.Context(), in)
	o.Must(err)
	p := &person{world: o.world, id: u.WireID()}
	if len(u.Phones) > 0 {
		p.phone = u.Phones[0].ID
	}
	o.run()
	if len(o.Sent()) != 0 {
		o.Fatal("an import was told")
	}
	o.Advance(time.Hour)
	return p
}

// settled delivers the waiting notices and waits until their limits are over, so that only later
// events are told.
func (o *webhookWorld) settled() {
	o.Helper()
	o.run()
	o.Advance(25 * time.Hour)
	o.world.mu.Lock()
	defer o.world.mu.Unlock()
	o.Clear()
}

// TestANoticeGoesToTheNumberVerifiedFirst: a notice goes to the number that was verified first,
// wherever it stands in the list. An attacker's numbers come last.
func TestANoticeGoesToTheNumberVerifiedFirst(t *testing.T) {
	const first, second, third = "+12125550111", "+12125550122", "+12125550133"
	yes, no := true, false
	verified := func(o *webhookWorld, p *person, number string) {
		_, err := o.Admin.AddUserPhone(t.Context(), p.id, number, admin.PhoneChange{Verified: &yes})
		o.Must(err)
		o.settled()
	}
	for name, tc := range map[string]struct {
		prepare func(o *webhookWorld, p *person)
		want    string
	}{
		"listed in that order": {func(*webhookWorld, *person) {}, first},
		"the first of the list was verified again since": {func(o *webhookWorld, p *person) {
			for _, v := range []*bool{&no, &yes} {
				_, err := o.Admin.ChangeUserPhone(t.Context(), p.phone, admin.PhoneChange{Verified: v})
				o.Must(err)
				o.settled()
			}
		}, second},
		"the first of the list is not verified": {func(o *webhookWorld, p *person) {
			_, err := o.Admin.ChangeUserPhone(t.Context(), p.phone, admin.PhoneChange{Verified: &no})
			o.Must(err)
			o.settled()
		}, second},
	} {
		t.Run(name, func(t *testing.T) {
			o := newWebhookWorld(t)
			p := o.imported(first)
			verified(o, p, second)
			verified(o, p, third)
			tc.prepare(o, p)
			_, err := o.Admin.RemoveTOTP(t.Context(), p.id)
			o.Must(err)
			o.run()
			if len(o.Sent()) != 1 || o.Sent()[0].To.E164() != tc.want {
				t.Errorf("%d messages %+v, want one to %s", len(o.Sent()), o.Sent(), tc.want)
			}
		})
	}
}

// TestARefusedNoticeComesAgain: a notice that the SMS guard refuses is tried again after five
// seconds and after five minutes, and then dropped.
func TestARefusedNoticeComesAgain(t *testing.T) {
	capped := func(o *webhookWorld, limit smsprice.Micros) {
		o.settle(func(s *account.Settings) { s.SMSDailyCap = limit })
	}
	for name, tc := range map[string]struct {
		open int // the try at which the SMS guard lets it pass; 0: never
		want int // messages
	}{"the second try": {2, 1}, "the third try": {3, 1}, "no try": {0, 0}, "too late": {4, 0}} {
		t.Run(name, func(t *testing.T) {
			o := newWebhookWorld(t)
			p := o.imported(aNumber)
			capped(o, 1)
			_, err := o.Admin.RemoveTOTP(t.Context(), p.id)
			o.Must(err)
			o.run()
			for i, wait := range []time.Duration{5 * time.Second, 5 * time.Minute, time.Hour} {
				if try := i + 2; try == tc.open {
					capped(o, smsprice.Dollar)
				}
				had := len(o.Sent())
				o.Advance(wait - time.Second)
				if o.run(); len(o.Sent()) != had {
					t.Errorf("try %d comes before %v", i+2, wait)
				}
				o.Advance(time.Second)
				o.run()
			}
			if len(o.Sent()) != tc.want || o.waiting() != 0 {
				t.Errorf("%d messages, %d wait; want %d and none", len(o.Sent()), o.waiting(), tc.want)
			}
		})
	}
}

// TestANoticeIsSentAtMostOnce: a notice that the network refuses is not sent again, because it may
// have arrived.
func TestANoticeIsSentAtMostOnce(t *testing.T) {
	o := newWebhookWorld(t)
	p := o.imported(aNumber)
	_, err := o.Admin.RemoveTOTP(t.Context(), p.id)
	o.Must(err)
	o.Fail(errors.New("network down"))
	o.run()
	o.Fail(nil)
	for range 3 {
		o.Advance(time.Hour)
		o.run()
	}
	if len(o.Sent()) != 0 || o.waiting() != 0 {
		t.Errorf("%d messages, %d wait; want none", len(o.Sent()), o.waiting())
	}
}

// TestANoticeThatNobodyMayHaveAnyMore: between the act and its delivery the user is banned, deleted
// or without the number, or notices or messages are switched off. Then nothing is sent, and nothing
// waits.
func TestANoticeThatNobodyMayHaveAnyMore(t *testing.T) {
	for name, meanwhile := range map[string]func(o *webhookWorld, p *person) error{
		"the user is banned":  func(o *webhookWorld, p *person) error { _, err := o.Admin.Ban(t.Context(), p.id); return err },
		"the user is deleted": func(o *webhookWorld, p *person) error { return o.Admin.DeleteUser(t.Context(), p.id) },
		"the number is removed": func(o *webhookWorld, p *person) error {
			_, err := o.Admin.DeleteUserPhone(t.Context(), p.phone)
			return err
		},
		"the number is not verified": func(_ *webhookWorld, p *person) error { return p.doubted() },
		"notices are switched off": func(o *webhookWorld, _ *person) error {
			o.settle(func(s *account.Settings) { s.QuietChanges = true })
			return nil
		},
		"text messages are turned off": func(o *webhookWorld, _ *person) error {
			o.settle(func(s *account.Settings) { s.SMSCode = false })
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := newWebhookWorld(t)
			p := o.imported(aNumber)
			_, err := o.Admin.RemoveTOTP(t.Context(), p.id)
			o.Must(err)
			o.Must(meanwhile(o, p))
			for range 3 {
				o.run()
				o.Advance(time.Hour)
			}
			if len(o.Sent()) != 0 || o.waiting() != 0 {
				t.Errorf("%d messages %+v, %d wait; want none", len(o.Sent()), o.Sent(), o.waiting())
			}
		})
	}
}

// TestNoticesAreFew: a user gets three notices a day, which do not use up the limits of codes.
func TestNoticesAreFew(t *testing.T) {
	o := newWebhookWorld(t)
	p := o.member()
	before := len(o.Sent())
	for range 6 {
		_, err := o.Admin.Lock(t.Context(), p.id)
		o.Must(err)
		_, err = o.Admin.Unlock(t.Context(), p.id)
		o.Must(err)
		o.run()
		o.Advance(time.Minute)
	}
	if n := len(o.Sent()) - before; n != 3 {
		t.Errorf("%d notices, want 3", n)
	}
	p.signInWithTicket()
	p.text() // at once, though a notice went a minute ago
	o.Advance(25 * time.Hour)
	before = len(o.Sent())
	_, err := o.Admin.Lock(t.Context(), p.id)
	o.Must(err)
	if o.run(); len(o.Sent()) != before+1 {
		t.Error("none the day after")
	}
}

// TestNoticesAreInTheLanguageOfWhoActed: a notice is in the language of the request that caused it,
// in one SMS segment.
func TestNoticesAreInTheLanguageOfWhoActed(t *testing.T) {
	for in, want := range map[language.Tag]string{
		language.English: "were changed", language.German: "geändert", language.Spanish: "Se han cambiado", language.Japanese: "変更されました", "": "were changed",
		language.French: "ont été modifiés", language.Portuguese: "mudaram",
	} {
		o := newWebhookWorld(t)
		p := o.member()
		p.inside()
		o.run()
		p.browser.Language = in
		o.Clear()
		_, err := o.MFA.DeleteTOTP(t.Context(), p.browser)
		o.Must(err)
		o.run()
		if len(o.Sent()) != 1 || !strings.Contains(o.Sent()[0].Body.Reveal(), want) {
			t.Errorf("%q: %+v", in, o.Sent())
			continue
		}
		if n := len([]rune(o.Sent()[0].Body.Reveal())); n > 160 || in == language.Japanese && n > 70 {
			t.Errorf("%q has %d characters", in, n)
		}
	}
}
