package mfa_test

import (
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/language"
	"github.com/countersign-mfa/countersign/internal/mfa"
	"github.com/countersign-mfa/countersign/internal/secret"
)

// TestNotices: which act is told to which number. SEC-36: never to the one that it was done to.
func TestNotices(t *testing.T) {
	const old, newer = "+12125550111", "+12125550122"
	ctx := t.Context()
	for name, tc := range map[string]struct {
		numbers []string // verified, the first is the second factor
		do      func(o *office, p *person) error
		want    string // "": nobody is told
		alarm   bool
	}{
		"an app is removed":                           {[]string{old}, func(o *office, p *person) error { _, err := o.RemoveTOTP(ctx, p.id); return err }, old, false},
		"everything is reset, two numbers: the older": {[]string{old, newer}, func(o *office, p *person) error { _, err := o.RemoveMFA(ctx, p.id); return err }, old, false},
		"a lock": {[]string{old}, func(o *office, p *person) error { _, err := o.Lock(ctx, p.id); return err }, old, true},
		"a backup code is used": {[]string{old}, func(o *office, p *person) error {
			_, err := o.VerifyTOTP(ctx, p.id, secret.New("abcd-efgh-jk"))
			return err
		}, old, true},
		"the only number is removed":    {[]string{old}, func(o *office, p *person) error { _, err := o.DeleteUserPhone(ctx, p.phone); return err }, "", false},
		"one of two numbers is removed": {[]string{old, newer}, func(o *office, p *person) error { _, err := o.DeleteUserPhone(ctx, p.phone); return err }, newer, false},
		"the only number becomes a factor": {[]string{old}, func(o *office, p *person) error {
			yes := true
			_, err := o.ChangeUserPhone(ctx, p.phone, mfa.PhoneChange{Reserved: &yes})
			return err
		}, "", false},
		"the older number becomes a factor": {[]string{old, newer}, func(o *office, p *person) error {
			yes := true
			_, err := o.ChangeUserPhone(ctx, p.phone, mfa.PhoneChange{Reserved: &yes})
			return err
		}, newer, false},
		"a new name": {[]string{old}, func(o *office, p *person) error {
			first := "Ann"
			_, err := o.UpdateUser(ctx, p.id, mfa.UserChange{FirstName: &first})
			return err
		}, "", false},
		"a new password": {[]string{old}, func(o *office, p *person) error {
			pw := secret.New("correct horse battery")
			_, err := o.UpdateUser(ctx, p.id, mfa.UserChange{Password: &pw})
			return err
		}, old, false},
		"no number": {nil, func(o *office, p *person) error { _, err := o.RemoveTOTP(ctx, p.id); return err }, "", false},
		"switched off": {[]string{old}, func(o *office, p *person) error {
			o.settle(func(s *mfa.Settings) { s.QuietChanges = true })
			_, err := o.RemoveTOTP(ctx, p.id)
			return err
		}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			in := mfa.UserInput{Username: "told", Phones: tc.numbers, TOTPSecret: secret.New("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"), BackupCodes: []secret.Value{secret.New("abcd-efgh-jk")}}
			u, err := o.CreateUser(ctx, in)
			o.must(err)
			p := &person{world: o.world, id: u.WireID()}
			if len(u.Phones) > 0 {
				p.phone = u.Phones[0].ID
			}
			o.run()
			if len(o.sent) != 0 {
				t.Fatal("an import was told")
			}
			o.later(time.Hour)
			o.must(tc.do(o, p))
			o.run()
			o.run()
			if tc.want == "" {
				if len(o.sent) != 0 || o.waiting() != 0 {
					t.Errorf("%d messages to %s, %d wait", len(o.sent), o.sent[0].To.E164(), o.waiting())
				}
				return
			}
			if len(o.sent) != 1 || o.sent[0].To.E164() != tc.want {
				t.Fatalf("%d messages %+v, want one to %s", len(o.sent), o.sent, tc.want)
			}
			text := o.sent[0].Text.Reveal()
			if len(text) > 160 || strings.ContainsAny(text, "0123456789#@/") || strings.Contains(text, "Unusual") != tc.alarm {
				t.Errorf("%q", text)
			}
		})
	}
}

// TestNoticesAreFew: three a day, and they leave a user's codes alone.
func TestNoticesAreFew(t *testing.T) {
	o := newOffice(t)
	p := o.member()
	before := len(o.sent)
	for range 6 {
		_, err := o.Lock(t.Context(), p.id)
		o.must(err)
		_, err = o.Unlock(t.Context(), p.id)
		o.must(err)
		o.run()
		o.later(time.Minute)
	}
	if n := len(o.sent) - before; n != 3 {
		t.Errorf("%d notices, want 3", n)
	}
	p.enter()
	p.text() // at once, though a notice went a minute ago
	o.later(25 * time.Hour)
	before = len(o.sent)
	_, err := o.Lock(t.Context(), p.id)
	o.must(err)
	if o.run(); len(o.sent) != before+1 {
		t.Error("none the day after")
	}
}

// TestNoticesAreInTheLanguageOfWhoActed, in one segment.
func TestNoticesAreInTheLanguageOfWhoActed(t *testing.T) {
	for in, want := range map[language.Tag]string{
		language.English: "were changed", language.German: "geaendert", language.Spanish: "Se han cambiado", language.Japanese: "変更されました", "": "were changed",
	} {
		o := newOffice(t)
		p := o.member()
		p.inside()
		o.run()
		p.browser.Language = in
		o.sent = nil
		_, err := o.DeleteTOTP(t.Context(), p.browser)
		o.must(err)
		o.run()
		if len(o.sent) != 1 || !strings.Contains(o.sent[0].Text.Reveal(), want) {
			t.Errorf("%q: %+v", in, o.sent)
			continue
		}
		if n := len([]rune(o.sent[0].Text.Reveal())); n > 160 || in == language.Japanese && n > 70 {
			t.Errorf("%q has %d characters", in, n)
		}
	}
}
