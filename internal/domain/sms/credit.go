package sms

import (
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// A code that is used makes room for other messages, because real users verify. One number does
// so once a UTC day: otherwise a single SIM that verifies again and again would pay for messages
// that nobody reads. The number's own record, which every message reads and writes, says on which
// day a message last carried that credit. A resend takes it over.

// assignCredit gives a code that is sent the credit of its number's day, if that is still to be had.
func assignCredit(t *tx.Tx, c *account.Code, p *account.Phone, replaced *account.Code) error {
	if !c.CountedUnverified {
		return nil
	}
	today := creditDay(t.Now)
	if replaced != nil && replaced.Credit && replaced.Phone == c.Phone && creditDay(replaced.SentAt) == today {
		c.Credit = true
		return nil
	}
	log, err := NumberRecord(t, p)
	if err != nil || log.Credited >= today {
		return err
	}
	log.Credited, c.Credit = today, true
	t.Put(log)
	return nil
}

func creditDay(at account.Instant) int64 { return at.Time().Unix() / (24 * 60 * 60) }
