package sms

import (
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

const (
	// PrefixDigits of a number name the block that it is in: enough to tell apart the blocks that
	// are rented for fraud.
	PrefixDigits = 7
	// prefixLeaves is how many digits at the end of a short number its block leaves out at least.
	prefixLeaves = 4
	// firstVerified is what a number's first verified message of a UTC day takes off the counters.
	firstVerified = 5
	// grownBy is how many numbers that verified make room for one message more in the next hour.
	grownBy = 4
)

// The limits that one of a quota's counters has before the next one is used: messages, and money.
// The share of money is more than a message of several parts costs at the highest price of the
// settings, five dollars.
const (
	messagesShare = 100
	moneyShare    = int64(25 * smsprice.Dollar)
)

// Scope is what a limit of unverified messages in a clock hour is for: a block of numbers, a
// country or the instance. The package comment explains the counters.
type Scope struct {
	reason account.Reason
	name   string
	step   tx.Step
	limit  int64
}

// Scopes returns the scopes of a message, narrow ones first, with the limits of the settings.
func Scopes(s *tx.Engine, set *account.Settings, prefix, country string) []Scope {
	limits := set.Unverified()
	return []Scope{
		{ReasonPrefixUnverified, "prefix:" + s.Digest("prefix", prefix), tx.OfBlock, int64(limits.Block)},
		{ReasonCountryUnverified, "country:" + country, tx.OfCountry, int64(limits.Country)},
		{ReasonUnverified, "instance", tx.OfInstance, int64(limits.Instance)},
	}
}

// Counter names the unverified messages in the clock hour of at.
func (c Scope) Counter(at account.Instant) string { return "sms:" + c.name + ":" + tx.HourOf(at) }

// verified names the numbers that verified a message for the first time on their UTC day, by the
// clock hour in which they did.
func (c Scope) verified(at account.Instant) string {
	return "sms:numbers:" + c.name + ":" + tx.HourOf(at)
}

// verifiedBefore names those of the hour before at.
func (c Scope) verifiedBefore(at account.Instant) string { return c.verified(at.Add(-time.Hour)) }

// grown returns the limit with what it grows by: one message for each four numbers that verified in
// the hour before.
func (c Scope) grown(numbers int64) int64 { return c.limit + numbers/grownBy }

// quota returns the quota of one message, whose id is spread.
func (c Scope) quota(spread string, at account.Instant) tx.Quota {
	return tx.Quota{
		Increment: store.Increment{Counter: c.Counter(at), By: 1, Max: c.limit, Expires: hourEnd(at)},
		Step:      c.step, Share: messagesShare, Spread: spread,
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
		for _, scope := range Scopes(t.Engine, &t.State.Settings, NumberPrefix(p.Number), p.Country) {
			q := scope.quota(c.SMS, c.SentAt)
			q.By = -verifiedWeight(c)
			t.Later = append(t.Later, q)
			if c.Credit {
				t.Later = append(t.Later, tally(scope.verified(t.Now), c.SMS, hourEnd(t.Now).Add(time.Hour)))
			}
		}
	}
	if c.Charged {
		t.Later = append(t.Later, tally(countryCounter("verified", p.Country, c.SentAt), c.SMS, dayEnd(c.SentAt)))
	}
}

// tally returns a quota without a limit, which adds 1 to a counter.
func tally(counter, spread string, expires time.Time) tx.Quota {
	return tx.Quota{Increment: store.Increment{Counter: counter, By: 1, Max: tx.NoLimit, Expires: expires}, Step: tx.OfInstance, Spread: spread}
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

func hourEnd(at account.Instant) time.Time {
	return at.Time().Truncate(time.Hour).Add(time.Hour)
}

func dayEnd(at account.Instant) time.Time {
	return at.Time().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
}
