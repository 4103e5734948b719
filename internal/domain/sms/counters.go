package sms

import (
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Limits of unverified messages in a clock hour. The package comment explains the counters.
const (
	UnverifiedInstance = 50
	UnverifiedCountry  = 50
	UnverifiedPrefix   = 20
)

const (
	// PrefixDigits of a number name the block that it is in: enough to tell apart the blocks that
	// are rented for fraud.
	PrefixDigits = 7
	// prefixLeaves is how many digits at the end of a short number its block leaves out at least.
	prefixLeaves = 4
	// firstVerified is what a number's first verified message of a UTC day takes off the counters.
	firstVerified = 5
)

// The limits that one of a quota's counters has before the next one is used: messages, and money.
const (
	messagesShare = 100
	moneyShare    = int64(25 * smsprice.Dollar)
)

// UnverifiedQuotas returns the quotas of an unverified message's block, country and instance in the
// clock hour of at. spread is the id of the message.
func UnverifiedQuotas(s *tx.Engine, prefix, country, spread string, at account.Instant) []tx.Quota {
	hour := tx.HourOf(at)
	end := at.Time().Truncate(time.Hour).Add(time.Hour)
	quota := func(step tx.Step, counter string, limit int64) tx.Quota {
		return tx.Quota{
			Increment: store.Increment{Counter: counter + ":" + hour, By: 1, Max: limit, Expires: end},
			Step:      step, Share: messagesShare, Spread: spread,
		}
	}
	return []tx.Quota{
		quota(tx.OfBlock, "sms:prefix:"+s.Digest("prefix", prefix), UnverifiedPrefix),
		quota(tx.OfCountry, "sms:country:"+country, UnverifiedCountry),
		quota(tx.OfInstance, "sms:instance", UnverifiedInstance),
	}
}

// countVerified counts a code that was used: at its message, at the country, and off the unverified
// messages of the hour in which the message left.
func countVerified(t *tx.Tx, u *account.User, c *account.Code) {
	p := u.Phone(c.Phone)
	if c.SMS == "" || p == nil {
		return
	}
	add(t, usedCounter(c.SMS), int64(t.Now), c.SentAt.Add(account.SMSKept).Time())
	if c.CountedUnverified {
		for _, q := range UnverifiedQuotas(t.Engine, NumberPrefix(p.Number), p.Country, c.SMS, c.SentAt) {
			q.By = -verifiedWeight(c)
			t.Later = append(t.Later, q)
		}
	}
	if c.Charged {
		t.Later = append(t.Later, tally("verified", p.Country, c.SMS, c.SentAt))
	}
}

// tally returns a quota without a limit, which counts messages of a country in a UTC day.
func tally(what, country, spread string, at account.Instant) tx.Quota {
	return tx.Quota{
		Increment: store.Increment{Counter: countryCounter(what, country, at), By: 1, Max: tx.NoLimit, Expires: dayEnd(at)},
		Step:      tx.OfInstance, Spread: spread,
	}
}

// add stages an increment of a counter that belongs to one message.
func add(t *tx.Tx, counter string, by int64, expires time.Time) {
	t.Increments = append(t.Increments, store.Increment{Counter: counter, By: by, Max: tx.NoLimit, Expires: expires})
}

// verifiedWeight is what a code that was used takes off the counters of unverified messages.
func verifiedWeight(c *account.Code) int64 {
	if c.Credit {
		return firstVerified
	}
	return 1
}

// assignCredit gives a code that is sent its number's credit for the UTC day, if no other code has
// it. The number's record, which every message reads and writes, holds the day of the last credit.
// A resend takes the credit of the code that it replaces.
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

// NumberPrefix returns the block of numbers that a number is in.
func NumberPrefix(e164 string) string {
	n := min(len("+")+PrefixDigits, len(e164)-prefixLeaves)
	return e164[:max(n, 0)]
}

// usedCounter holds the time, in milliseconds since 1970, at which a message's code was used.
func usedCounter(id string) string { return "sms:used:" + id }

// failedCounter counts the network's refusals of a message: 0 or 1.
func failedCounter(id string) string { return "sms:failed:" + id }

// SpendCounter is the quota of the money reserved in a UTC day, in millionths of a dollar.
func SpendCounter(at account.Instant) string { return "sms:usd:" + dayOf(at) }

func countryCounter(what, country string, at account.Instant) string {
	return "sms:" + what + ":" + country + ":" + dayOf(at)
}

// dayOf returns the UTC day.
func dayOf(at account.Instant) string { return at.Time().UTC().Format(time.DateOnly) }

func dayEnd(at account.Instant) time.Time {
	return at.Time().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
}
