package mfa

import (
	"cmp"
	"fmt"
	"io"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/ratelimit"
)

// Purpose says what a code is for. A code works for no other purpose.
type Purpose string

// The purposes.
const (
	VerifyNumber       Purpose = "verify-number"
	SignInFirstFactor  Purpose = "sign-in-first-factor"
	SignInSecondFactor Purpose = "sign-in-second-factor"
	ReverifyFirst      Purpose = "reverify-first-factor"
	ReverifySecond     Purpose = "reverify-second-factor"
)

// Code is a code that was sent and not yet used. Only a keyed hash is kept, over everything it is bound to.
type Code struct {
	ID       string  `json:"i"`
	Phone    string  `json:"p"`
	Tag      []byte  `json:"t"`
	Attempts int     `json:"a,omitempty"`
	Tries    int     `json:"l,omitempty"` // how many wrong ones end it; 0, in older records, is five
	SentAt   Instant `json:"s"`
	Expires  Instant `json:"e"`
	// SMS is the record of the message. Weighed and Priced say which counters it raised.
	SMS               string `json:"x,omitempty"`
	CountedUnverified bool   `json:"w,omitempty"`
	Charged           bool   `json:"m,omitempty"`
	// Credit says that the code, once used, makes room for other messages: see sms_credit.go.
	Credit bool `json:"cr,omitempty"`
	// Generation is the user's when the code was sent. A code that proves a factor ends with it.
	Generation uint32 `json:"g,omitempty"`
}

// The life of a code, after SP 800-63B-4 section 3.1.3.2.
const (
	codeLife    = 10 * time.Minute
	resendAfter = 30 * time.Second
	testCode    = "424242"
	codeCount   = 1_000_000
)

// Scope number over all users, and per user. A send counts whether or not the network took it.
var (
	perNumberRules = []ratelimit.Rule{{Limit: 1, Window: resendAfter}, {Limit: 5, Window: 10 * time.Minute}, {Limit: 10, Window: time.Hour}, {Limit: 20, Window: 24 * time.Hour}}
	perUserRules   = []ratelimit.Rule{{Limit: 10, Window: time.Hour}, {Limit: 20, Window: 24 * time.Hour}}
	newNumberRules = []ratelimit.Rule{{Limit: 10, Window: 24 * time.Hour}}
)

const unverifiedPerUser = 5

// challenge is where a code waits to be used: a phone's verification, a factor of a sign-in or of a reverification.
type challenge struct {
	code    **Code
	purpose Purpose
	bound   string // the sign-in or session
}

func (t *txn) tag(u *User, ch challenge, c *Code, code string) []byte {
	return t.s.ring.MAC(codeParts(u, ch, c, code)...)
}

func codeParts(u *User, ch challenge, c *Code, code string) []string {
	return []string{"code", u.ID, c.Phone, string(ch.purpose), c.ID, ch.bound, code}
}

// consume judges a guess. A wrong one is counted on the code and reported as false; the caller counts it on the user as well and commits.
func (t *txn) consume(u *User, ch challenge, guess string) (bool, error) {
	c := *ch.code
	switch {
	case c == nil:
		return false, apierr.New(apierr.VerificationMissing)
	case c.failed():
		return false, apierr.New(apierr.VerificationFailed)
	case c.Expires <= t.now, t.isFuture(c.SentAt), ch.purpose != VerifyNumber && !u.sameGeneration(c.Generation):
		return false, apierr.New(apierr.VerificationExpired)
	}
	if !t.s.ring.CheckMAC(c.Tag, codeParts(u, ch, c, guess)...) {
		c.Attempts++
		return false, nil
	}
	*ch.code = nil
	t.smsVerified(u, c)
	return true, nil
}

// sendCode replaces the slot's code and sends the new one after the commit. A resend keeps the id and the count of wrong tries. known is for [txn.authorizeSMS].
func (t *txn) sendCode(u *User, p *Phone, ch challenge, from Caller, known bool) error {
	number, err := phone.New(p.Number, p.Country, p.Line)
	if err != nil {
		return fmt.Errorf("stored number: %w", err)
	}
	if err := t.checkSMSUser(u); err != nil {
		return err
	}
	next := &Code{Phone: p.ID, Tries: t.policy().Tries, SentAt: t.now, Expires: t.now.Add(codeLife), Generation: u.Generation}
	old := *ch.code
	if old != nil && old.Expires > t.now {
		if old.failed() {
			return apierr.New(apierr.VerificationFailed)
		}
		next.Attempts = old.Attempts
		if old.Phone == p.ID {
			next.ID = old.ID
		}
	}
	if next.ID == "" {
		if next.ID, err = t.s.randomID(); err != nil {
			return err
		}
	}
	code, err := t.newCode(number)
	if err != nil {
		return err
	}
	message := Message{To: number, Body: t.s.codeSMS(t.state.settings.smsName(t.s.appName), code, from.Language), Test: t.isTest(number)}
	text, err := t.authorizeSMS(u, p, message, ch.purpose, from, known)
	if err != nil {
		return err
	}
	next.SMS, next.Charged, next.CountedUnverified = text.id.ID, !text.Test, !text.Test && !text.Known
	if err := t.assignCredit(next, p, old); err != nil {
		return err
	}
	next.Tag = t.tag(u, ch, next, code)
	*ch.code = next
	t.record(u, EventCodeSent, p.subject())
	t.after = append(t.after, func() error { return t.s.send(t, text, message) })
	return nil
}

// checkSMSAllowed refuses users and numbers that no code may go to.
func (t *txn) checkSMSAllowed(u *User, n phone.Number) error {
	if err := t.checkSMSUser(u); err != nil {
		return err
	}
	_, err := t.checkDestination(n)
	return err
}

func (t *txn) checkSMSUser(u *User) error {
	switch {
	case !t.state.settings.SMSCode:
		return apierr.New(apierr.FeatureNotEnabled)
	case u.Banned:
		return apierr.New(apierr.UserBanned)
	}
	return nil
}

// send delivers a message. When the network refuses it, the user may try again at once: the counters stay, the cool-down goes.
func (s *Service) send(t *txn, text *SMSRecord, m Message) error {
	if err := s.sender.Send(t.ctx, m); err == nil {
		return nil
	}
	key := s.numberKey(m.To.E164())
	err := s.update(t.ctx, []Key{key}, func(again *txn) error {
		again.publish(Event{Name: EventSendFailed, User: text.UserID(), Subject: text.Phone, Method: PhoneCode})
		log := again.seen[key].(*numberRecord)
		if n := len(log.Log); n > 0 && text.Purpose != Notice {
			log.Log[n-1] -= resendAfter.Milliseconds()
			again.put(log)
		}
		again.increments = append(again.increments, Increment{Counter: failedCounter(text.id.ID), By: 1, Max: noLimit, Expires: text.expires()})
		return nil
	})
	if err != nil {
		return err
	}
	return apierr.New(apierr.SMSSendError)
}

func (t *txn) isTest(n phone.Number) bool { return t.state.settings.TestMode && n.IsTest() }

// newCode returns a uniform code: rejection sampling leaves no bias (SEC-01).
func (t *txn) newCode(n phone.Number) (string, error) {
	if t.isTest(n) {
		return testCode, nil
	}
	const whole = (1 << 24) / codeCount * codeCount
	var b [3]byte
	for {
		if _, err := io.ReadFull(t.s.rand, b[:]); err != nil {
			return "", fmt.Errorf("read random bytes: %w", err)
		}
		if v := int(b[0])<<16 | int(b[1])<<8 | int(b[2]); v < whole {
			return fmt.Sprintf("%06d", v%codeCount), nil
		}
	}
}

// failed says whether no tries are left.
func (c *Code) failed() bool { return c.Attempts >= cmp.Or(c.Tries, DefaultPolicy().Tries) }

// Status is the verification's status on the wire: unverified, expired, or failed once no tries are left.
func (c *Code) Status(now Instant) string {
	switch {
	case c.failed():
		return "failed"
	case c.Expires <= now:
		return "expired"
	}
	return "unverified"
}
