package sms

import (
	"fmt"
	"io"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/ratelimit"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Scope number over all users, and per user. A send counts whether or not the network took it.
var (
	PerNumberRules = []ratelimit.Rule{{Limit: 1, Window: account.ResendAfter}, {Limit: 5, Window: 10 * time.Minute}, {Limit: 10, Window: time.Hour}, {Limit: 20, Window: 24 * time.Hour}}
	PerUserRules   = []ratelimit.Rule{{Limit: 10, Window: time.Hour}, {Limit: 20, Window: 24 * time.Hour}}
	NewNumberRules = []ratelimit.Rule{{Limit: 10, Window: 24 * time.Hour}}
)

const UnverifiedPerUser = 5

// Challenge is where a code waits to be used: a phone's verification, a factor of a sign-in or of a reverification.
type Challenge struct {
	Code    **account.Code
	Purpose account.Purpose
	Bound   string // the sign-in or session
}

func tag(t *tx.Tx, u *account.User, ch Challenge, c *account.Code, code string) []byte {
	return t.S.Ring.MAC(codeParts(u, ch, c, code)...)
}

func codeParts(u *account.User, ch Challenge, c *account.Code, code string) []string {
	return []string{"code", u.ID, c.Phone, string(ch.Purpose), c.ID, ch.Bound, code}
}

// Consume judges a guess. A wrong one is counted on the code and reported as false; the caller counts it on the user as well and commits.
func Consume(t *tx.Tx, u *account.User, ch Challenge, guess string) (bool, error) {
	c := *ch.Code
	switch {
	case c == nil:
		return false, apierr.New(apierr.VerificationMissing)
	case c.Failed():
		return false, apierr.New(apierr.VerificationFailed)
	case c.Expires <= t.Now, t.IsFuture(c.SentAt), ch.Purpose != account.VerifyNumber && !u.SameGeneration(c.Generation):
		return false, apierr.New(apierr.VerificationExpired)
	}
	if !t.S.Ring.CheckMAC(c.Tag, codeParts(u, ch, c, guess)...) {
		c.Attempts++
		return false, nil
	}
	*ch.Code = nil
	countVerified(t, u, c)
	return true, nil
}

// SendCode replaces the slot's code and sends the new one after the commit. A resend keeps the id and the count of wrong tries. known is for [Authorize].
func SendCode(t *tx.Tx, u *account.User, p *account.Phone, ch Challenge, from tx.Caller, device account.Device) error {
	number, err := phone.New(p.Number, p.Country, p.Line)
	if err != nil {
		return fmt.Errorf("stored number: %w", err)
	}
	if err := checkUser(t, u); err != nil {
		return err
	}
	next := &account.Code{Phone: p.ID, Tries: t.Policy().Tries, SentAt: t.Now, Expires: t.Now.Add(account.CodeLife), Generation: u.Generation}
	old := *ch.Code
	if old != nil && old.Expires > t.Now {
		if old.Failed() {
			return apierr.New(apierr.VerificationFailed)
		}
		next.Attempts = old.Attempts
		if old.Phone == p.ID {
			next.ID = old.ID
		}
	}
	if next.ID == "" {
		if next.ID, err = t.S.RandomID(); err != nil {
			return err
		}
	}
	code, err := newCode(t, number)
	if err != nil {
		return err
	}
	message := tx.Message{To: number, Body: codeBody(t.S, AppName(&t.State.Settings, t.S.AppName), code, from.Language), Test: IsTest(t, number)}
	text, err := Authorize(t, u, p, message, ch.Purpose, from, device)
	if err != nil {
		return err
	}
	next.SMS, next.Charged, next.CountedUnverified = text.ID.ID, !text.Test, !text.Test && !text.Known
	if err := assignCredit(t, next, p, old); err != nil {
		return err
	}
	next.Tag = tag(t, u, ch, next, code)
	*ch.Code = next
	audit.Record(t, u, account.EventCodeSent, p.Subject())
	t.After = append(t.After, func() error { return Send(t.S, t, text, message) })
	return nil
}

// CheckNumber refuses users and numbers that no code may go to.
func CheckNumber(t *tx.Tx, u *account.User, n phone.Number) error {
	if err := checkUser(t, u); err != nil {
		return err
	}
	_, err := CheckDestination(t, n)
	return err
}

func checkUser(t *tx.Tx, u *account.User) error {
	switch {
	case !t.State.Settings.SMSCode:
		return apierr.New(apierr.FeatureNotEnabled)
	case u.Banned:
		return apierr.New(apierr.UserBanned)
	}
	return nil
}

// Send delivers a message. When the network refuses it, the user may try again at once: the counters stay, the cool-down goes.
func Send(s *tx.Engine, t *tx.Tx, text *account.SMSRecord, m tx.Message) error {
	if err := s.Sender.Send(t.Ctx, m); err == nil {
		return nil
	}
	key := s.NumberKey(m.To.E164())
	err := s.Update(t.Ctx, []store.Key{key}, func(again *tx.Tx) error {
		audit.Publish(again, account.Event{Name: account.EventSendFailed, User: text.UserID(), Subject: text.Phone, Method: account.PhoneCode})
		log := again.Seen[key].(*account.NumberRecord)
		if n := len(log.Log); n > 0 && text.Purpose != account.Notice {
			log.Log[n-1] -= account.ResendAfter.Milliseconds()
			again.Put(log)
		}
		again.Increments = append(again.Increments, store.Increment{Counter: account.FailedCounter(text.ID.ID), By: 1, Max: account.NoLimit, Expires: text.NextExpiry()})
		return nil
	})
	if err != nil {
		return err
	}
	return apierr.New(apierr.SMSSendError)
}

func IsTest(t *tx.Tx, n phone.Number) bool { return t.State.Settings.TestMode && n.IsTest() }

// newCode returns a uniform code: rejection sampling leaves no bias (SEC-01).
func newCode(t *tx.Tx, n phone.Number) (string, error) {
	if IsTest(t, n) {
		return account.TestCode, nil
	}
	const whole = (1 << 24) / account.CodeCount * account.CodeCount
	var b [3]byte
	for {
		if _, err := io.ReadFull(t.S.Rand, b[:]); err != nil {
			return "", fmt.Errorf("read random bytes: %w", err)
		}
		if v := int(b[0])<<16 | int(b[1])<<8 | int(b[2]); v < whole {
			return fmt.Sprintf("%06d", v%account.CodeCount), nil
		}
	}
}
