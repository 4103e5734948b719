package sms

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// digits returns the six digits of a code. They follow from the random id of its verification and
// its time of issue by a keyed hash: so a resend can repeat them, and the store does not have them.
// Rejection sampling makes all codes equally likely.
func digits(t *tx.Tx, u *account.User, purpose account.Purpose, c *account.Code, n phone.Number) string {
	if IsTest(t, n) {
		return testCode
	}
	const whole = (1 << 24) / codeCount * codeCount
	for try := 0; ; try++ {
		hash := t.Engine.Ring.MAC("code digits", u.ID, string(purpose), c.ID, strconv.FormatInt(int64(c.Issued), 10), strconv.Itoa(try))[1:]
		for b := range slices.Chunk(hash[:len(hash)/3*3], 3) {
			if v := int(b[0])<<16 | int(b[1])<<8 | int(b[2]); v < whole {
				return fmt.Sprintf("%06d", v%codeCount)
			}
		}
	}
}

// isCodeOf reports whether a challenge's code is the one that [digits] returns. It is not if it was
// issued by an earlier release or under an earlier master key.
func isCodeOf(t *tx.Tx, u *account.User, ch Challenge, c *account.Code, code string) bool {
	return c.Issued != 0 && t.Engine.Ring.CheckMAC(c.Tag, codeParts(u, ch, c, code)...)
}

// checkUsable refuses a code that its user can no longer use.
func checkUsable(t *tx.Tx, u *account.User, ch Challenge, c *account.Code) error {
	switch {
	case c.Failed():
		return apierr.New(apierr.VerificationFailed)
	case c.Expires <= t.Now, t.IsFuture(c.SentAt), ch.Purpose != account.VerifyNumber && !u.SameGeneration(c.Generation):
		return apierr.New(apierr.VerificationExpired)
	}
	return nil
}

// recent returns the digits of a challenge's code, or "" unless the code is usable and so new that
// no other message may be sent.
func recent(t *tx.Tx, u *account.User, ch Challenge, c *account.Code) string {
	if c == nil || c.Accepted != 0 || c.SentAt.Add(account.ResendAfter) <= t.Now || checkUsable(t, u, ch, c) != nil {
		return ""
	}
	p := u.Phone(c.Phone)
	if p == nil {
		return ""
	}
	number, err := phone.New(p.Number, p.Country, p.Line)
	if err != nil {
		return ""
	}
	if code := digits(t, u, ch.Purpose, c, number); isCodeOf(t, u, ch, c, code) {
		return code
	}
	return ""
}

// outstanding reports whether a code is on its way to the phone. A message that the network refused
// is not.
func outstanding(t *tx.Tx, u *account.User, p *account.Phone, ch Challenge, c *account.Code) (bool, error) {
	if c == nil || c.Phone != p.ID || recent(t, u, ch, c) == "" {
		return false, nil
	}
	log, err := NumberRecord(t, p)
	return err == nil && slices.Contains(log.Log, int64(c.SentAt)), err
}

// keep makes the code that is on its way to the phone the challenge's code, so that no other one is
// sent. It reports whether there is one, and whether that changed the challenge.
func keep(t *tx.Tx, u *account.User, p *account.Phone, ch Challenge) (kept, changed bool, err error) {
	if kept, err = outstanding(t, u, p, ch, *ch.Code); kept || err != nil || ch.Waiting == nil {
		return kept, false, err
	}
	if kept, err = outstanding(t, u, p, ch, *ch.Waiting); !kept || err != nil {
		return false, false, err
	}
	if old := *ch.Code; old != nil {
		(*ch.Waiting).Attempts = max((*ch.Waiting).Attempts, old.Attempts)
	}
	*ch.Code, *ch.Waiting = *ch.Waiting, *ch.Code
	return true, true, nil
}

// Carry returns the code that is on its way for a challenge, bound to another challenge of the same
// user, purpose and client, or nil. It has its expiry and its tries as before. The caller forgets
// the former challenge in the same commit, so the code still works once.
func Carry(t *tx.Tx, u *account.User, from, to Challenge) *account.Code {
	for _, c := range []*account.Code{*from.Code, *from.Waiting} {
		if code := recent(t, u, from, c); code != "" {
			moved := *c
			moved.Tag, moved.Former = tag(t, u, to, &moved, code), nil
			return &moved
		}
	}
	return nil
}

// successor returns the record of the code that is sent next for a challenge, and the code. A code
// for the same phone is repeated while it is new. Else the code is a fresh one, and the record has
// the replaced one of the same phone as the former one.
func successor(t *tx.Tx, u *account.User, p *account.Phone, ch Challenge, n phone.Number) (*account.Code, string, error) {
	next := &account.Code{Phone: p.ID, Tries: t.Policy().Tries, Issued: t.Now, SentAt: t.Now, Expires: t.Now.Add(account.CodeLife), Generation: u.Generation}
	old := *ch.Code
	alive := old != nil && old.Expires > t.Now
	if alive && old.Failed() {
		return nil, "", apierr.New(apierr.VerificationFailed)
	}
	if alive {
		next.Attempts = old.Attempts
	}
	if !alive || old.Phone != p.ID {
		if alive && ch.Waiting != nil {
			*ch.Waiting = old
		}
		var err error
		next.ID, err = t.Engine.RandomID()
		return next, digits(t, u, ch.Purpose, next, n), err
	}
	next.ID = old.ID
	if checkUsable(t, u, ch, old) == nil {
		next.AcceptedBefore = AcceptedAt(old)
		if code := digits(t, u, ch.Purpose, old, n); t.Now < old.Issued.Add(account.RepeatedFor) && isCodeOf(t, u, ch, old, code) {
			next.Issued, next.Expires, next.Former = old.Issued, old.Expires, old.Former
			return next, code, nil
		}
		former := *old
		former.Former, next.Former = nil, &former
	}
	return next, digits(t, u, ch.Purpose, next, n), nil
}

// matching returns the code that the digits are, the present one or its former one, or nil.
func matching(t *tx.Tx, u *account.User, ch Challenge, c *account.Code, code string) *account.Code {
	for _, one := range []*account.Code{c, c.Former} {
		if one != nil && one.Expires > t.Now && t.Engine.Ring.CheckMAC(one.Tag, codeParts(u, ch, one, code)...) {
			return one
		}
	}
	return nil
}
