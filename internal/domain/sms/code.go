package sms

import (
	"fmt"
	"strings"

	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/domain/typed"
)

const (
	codeCount = 1_000_000
	// testCode is the code of every test number, as at Clerk.
	testCode = "424242"
)

// Challenge is what a code is sent for: the verification of a phone, or a factor of a sign-in or a
// step-up. It points at the places that hold its codes. A code works for its own challenge only.
type Challenge struct {
	Code    **account.Code
	Waiting **account.Code // see [account.Attempt]; nil for the verification of a phone
	Purpose account.Purpose
	Bound   string // the id of the sign-in or session
}

// ReadCode returns the six ASCII digits of a code in any spelling that [typed.Compact] reads. A
// text that is no code is rejected without counting as a failure.
func ReadCode(text string) (code string, ok bool) {
	code = typed.Compact(text)
	if len(code) != totp.Digits || strings.Trim(code, "0123456789") != "" {
		return "", false
	}
	return code, true
}

// IsTest reports whether the number is a test number and the instance is in test mode.
func IsTest(t *tx.Tx, n phone.Number) bool { return t.State.Settings.TestMode && n.IsTest() }

// SendCode sends a code for the challenge after the commit, and reports whether the challenge
// changed. While a code is on its way to the phone, it waits for that one: a repeated request has
// the effect of one. Later a resend repeats the code while it is new, and else replaces it; the
// replaced one works too until it expires. All keep one count of wrong tries, and to the same phone
// also one id. The SMS guard may refuse: see [Authorize].
func SendCode(t *tx.Tx, u *account.User, p *account.Phone, ch Challenge, from tx.Caller, device account.Device) (changed bool, err error) {
	number, err := phone.New(p.Number, p.Country, p.Line)
	if err != nil {
		return false, fmt.Errorf("stored number: %w", err)
	}
	if err := CheckUser(t, u); err != nil {
		return false, err
	}
	if kept, changed, err := keep(t, u, p, ch); kept || err != nil {
		return changed, err
	}
	old := *ch.Code
	next, code, err := successor(t, u, p, ch, number)
	if err != nil {
		return false, err
	}
	message := tx.Message{To: number, Body: codeBody(t.Engine, Names(&t.State.Settings, t.Engine.AppName), code, from.Language), Test: IsTest(t, number)}
	record, err := Authorize(t, u, p, message, ch.Purpose, from, device)
	if err != nil {
		return false, err
	}
	next.SMS, next.Charged, next.CountedUnverified = record.ID.ID, !record.Test, !record.Test && !record.Known
	if err := assignCredit(t, next, p, old); err != nil {
		return false, err
	}
	next.Tag = tag(t, u, ch, next, code)
	*ch.Code = next
	audit.Record(t, u, eventtype.CodeSent, p.Subject())
	t.After = append(t.After, func() error { return Send(t, record, message) })
	return true, nil
}

// Send hands the message to the network. It runs after the commit that authorized the message,
// once. If the network refuses the message, the user may try again at once: the counters stay, the
// 30 seconds between two messages end. Its codes are marked, so that no answer says that it left.
func Send(t *tx.Tx, record *account.SMSRecord, m tx.Message) error {
	if err := t.Engine.Sender.Send(t.Ctx, m); err == nil {
		return nil
	}
	key, codes := t.Engine.NumberKey(m.To.E164()), recordsOf(t, record.ID.ID)
	err := t.Engine.Update(t.Ctx, append(codes, key), func(t *tx.Tx) error {
		audit.Publish(t, account.Event{Name: eventtype.SendFailed, User: record.UserID(), Subject: record.Phone, Method: account.PhoneCode})
		number := t.Seen[key].(*account.NumberRecord)
		removeSent(number, record.ID.ID)
		if n := len(number.Log); n > 0 && record.Purpose != account.Notice {
			number.Log[n-1] -= account.ResendAfter.Milliseconds()
		}
		t.Put(number)
		markRefused(t, codes, record.ID.ID)
		add(t, failedCounter(record.ID.ID), 1, record.NextExpiry())
		return nil
	})
	if err != nil {
		return err
	}
	return apierr.New(apierr.SMSSendError)
}

// Consume compares a proof with the challenge's code and its former one. A right one clears the
// challenge. A wrong one is counted on the code and reported as false; the caller counts it on the
// user as well and commits.
func Consume(t *tx.Tx, u *account.User, ch Challenge, code string) (bool, error) {
	c := *ch.Code
	if c == nil {
		return false, apierr.New(apierr.VerificationMissing)
	}
	if err := checkUsable(t, u, ch, c); err != nil {
		return false, err
	}
	used := matching(t, u, ch, c, code)
	if used == nil {
		c.Attempts++
		return false, nil
	}
	*ch.Code = nil
	used.Credit = c.Credit
	countVerified(t, u, used)
	return true, nil
}

// tag is the keyed hash of a code and everything that it is bound to.
func tag(t *tx.Tx, u *account.User, ch Challenge, c *account.Code, code string) []byte {
	return t.Engine.Ring.MAC(codeParts(u, ch, c, code)...)
}

func codeParts(u *account.User, ch Challenge, c *account.Code, code string) []string {
	return []string{"code", u.ID, c.Phone, string(ch.Purpose), c.ID, ch.Bound, code}
}
