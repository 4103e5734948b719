package sms

import (
	"fmt"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// NumberLimits bound how many different numbers an address texts.
var NumberLimits = []tx.AddressLimit{{Name: "number", Limit: 5, Period: time.Hour}}

// decision is one message on its way through the SMS guard.
type decision struct {
	t              *tx.Tx
	record         *account.SMSRecord
	reasons        map[string]account.Reason // why a message is refused when the counter reaches its limit
	spendCounter   string                    // the counter of the day's money
	refusalCounter string                    // the counter that bounds records of refusals
}

// Authorize is the SMS guard: it stages what lets a message pass, or refuses it. known says that the user's second factor was proved on the calling client before.
// Such a client texting a number that is verified meets no breaker, so that a stranger's flood does not lock out owners.
func Authorize(t *tx.Tx, u *account.User, p *account.Phone, m tx.Message, purpose account.Purpose, from tx.Caller, device account.Device) (*account.SMSRecord, error) {
	id, err := t.S.RandomID()
	if err != nil {
		return nil, err
	}
	w := &decision{t: t, reasons: map[string]account.Reason{}, record: &account.SMSRecord{
		Base: account.Base{ID: store.Key{Kind: store.KindSMS, ID: id}}, User: u.ID, Phone: p.ID, Number: m.To.Masked(), Country: m.To.Country(), Prefix: NumberPrefix(p.Number),
		Purpose: purpose, Decision: account.Allowed, Test: m.Test, At: t.Now,
	}}
	t.OnLimit = w.onLimitReached
	if from.Address.IsValid() {
		w.record.Network = account.MaskNetwork(from.Address)
	}
	log, err := NumberRecord(t, p)
	if err != nil {
		return nil, err
	}
	if reason, err := checkRates(t, u, log, m.To); err != nil {
		return nil, w.reject(reason, err)
	}
	now := t.Now.Time()
	if purpose != account.Notice { // which has limits of its own, and must not be in the way of a code
		log.Log, log.End = log.Log.Add(now, PerNumberRules...), max(log.End, t.Now.Add(24*time.Hour))
		u.SMSLog = u.SMSLog.Add(now, PerUserRules...)
	}
	w.withReason(account.ReasonAddress, func() { t.CountAddress(from, tx.SendLimits) })
	if !m.Test { // a test message goes nowhere and costs nothing
		w.record.Known = device == account.KnownDevice && p.Verified != 0
		w.record.Price = t.State.Settings.PriceOf(w.record.Country) * smsprice.Micros(segments(m.Body.Reveal()))
		if !w.record.Known {
			w.withReason(account.ReasonAddressNumbers, func() { countNewNumber(t, log, from) })
			w.countUnverified()
		}
		w.reserveSpend()
	}
	if purpose != account.Notice {
		t.Put(log)
	}
	t.Put(u)
	t.Put(w.record)
	return w.record, nil
}

func NumberRecord(t *tx.Tx, p *account.Phone) (*account.NumberRecord, error) {
	k := t.S.NumberKey(p.Number)
	if err := t.Read(k); err != nil {
		return nil, err
	}
	return t.Seen[k].(*account.NumberRecord), nil
}

// checkRates refuses what can be told from the records that were read.
func checkRates(t *tx.Tx, u *account.User, log *account.NumberRecord, n phone.Number) (account.Reason, error) {
	if reason, err := CheckDestination(t, n); err != nil {
		return reason, err
	}
	now := t.Now.Time()
	if wait := log.Log.Wait(now, PerNumberRules...); wait > 0 {
		return account.ReasonNumber, apierr.New(apierr.VerificationCodeTooManyRequests).Retry(wait)
	}
	if wait := u.SMSLog.Wait(now, PerUserRules...); wait > 0 {
		return account.ReasonUser, apierr.New(apierr.VerificationCodeTooManyRequests).Retry(wait)
	}
	return "", nil
}

// CheckDestination refuses countries and kinds of line that no message goes to.
func CheckDestination(t *tx.Tx, n phone.Number) (account.Reason, error) {
	switch {
	case !t.State.Settings.SendsSMSTo(n.Country()):
		return account.ReasonCountry, apierr.New(apierr.UnsupportedCountryCode).Param("phone_number")
	case !n.TextAllowed():
		return account.ReasonLine, apierr.New(apierr.FormParamFormatInvalid).Param("phone_number")
	}
	return "", nil
}

// withReason sets the refusal reason for the counters that stage adds.
func (w *decision) withReason(reason account.Reason, stage func()) {
	before := len(w.t.Increments)
	stage()
	for _, inc := range w.t.Increments[before:] {
		w.reasons[inc.Counter] = reason
	}
}

// countNewNumber counts a number that the address has not texted in this hour. The number's own record remembers where it was texted from.
func countNewNumber(t *tx.Tx, log *account.NumberRecord, from tx.Caller) {
	if !t.State.Settings.IPLimits || !from.Address.IsValid() {
		return
	}
	single, _ := tx.AddressNetworks(from.Address)
	mark := t.S.Digest("texted-from", single.String(), tx.HourOf(t.Now))[:8]
	if slices.Contains(log.From, mark) {
		return
	}
	log.From = append(log.From, mark)
	log.From = log.From[max(0, len(log.From)-10):] // a number gets no more messages an hour
	t.CountAddress(from, NumberLimits)
}

// UnverifiedCounters are the breakers that a message to a place counts on.
func UnverifiedCounters(s *tx.Engine, prefix, country string, at account.Instant) []store.Increment {
	hour := tx.HourOf(at)
	end := at.Time().Truncate(time.Hour).Add(time.Hour)
	return []store.Increment{
		{Counter: "sms:prefix:" + s.Digest("prefix", prefix) + ":" + hour, By: 1, Max: account.UnverifiedPrefix, Expires: end},
		{Counter: "sms:country:" + country + ":" + hour, By: 1, Max: account.UnverifiedCountry, Expires: end},
		{Counter: "sms:instance:" + hour, By: 1, Max: account.UnverifiedInstance, Expires: end},
	}
}

func (w *decision) countUnverified() {
	t := w.t
	reasons := []account.Reason{account.ReasonPrefixUnverified, account.ReasonCountryUnverified, account.ReasonUnverified}
	for i, inc := range UnverifiedCounters(t.S, w.record.Prefix, w.record.Country, t.Now) {
		w.withReason(reasons[i], func() { t.Increments = append(t.Increments, inc) })
	}
}

// reserveSpend takes the message's price from the day's money. It is not given back when the network fails: what was handed over may be billed.
func (w *decision) reserveSpend() {
	t, text := w.t, w.record
	set := &t.State.Settings
	end := dayEnd(t.Now)
	w.spendCounter = SpendCounter(t.Now)
	limit := set.DailyCap() * milestones[t.S.Spent.Passed(dayOf(t.Now), set.DailyCap())].share / 100
	w.withReason(account.ReasonDailyCap, func() {
		t.Increments = append(t.Increments, store.Increment{Counter: w.spendCounter, By: int64(text.Price), Max: int64(limit), Expires: end})
	})
	limit, ok := set.SMSCountryCaps[text.Country]
	if !ok {
		limit = account.NoLimit
	}
	w.withReason(account.ReasonCountryCap, func() {
		t.Increments = append(t.Increments, store.Increment{Counter: countryCounter("usd", text.Country, t.Now), By: int64(text.Price), Max: int64(limit), Expires: end})
	})
	t.Increments = append(t.Increments, store.Increment{Counter: countryCounter("sent", text.Country, t.Now), By: 1, Max: account.NoLimit, Expires: end})
}

// onLimitReached answers a commit that found a limit reached: nil when the commit is worth another try, as it now stands, or the verdict.
func (w *decision) onLimitReached(counter string) error {
	t := w.t
	reason, known := w.reasons[counter]
	inc := t.Staged(counter)
	switch {
	case counter == w.refusalCounter: // refusals enough were recorded
		discard(t)
		return nil
	case !known || inc == nil:
		return t.LimitReached(counter)
	case counter == w.spendCounter && w.nextMilestone(inc):
		return nil
	case reason.IsEstimate() && t.State.Settings.SMSRecordOnly:
		inc.Max = account.NoLimit
		if w.record.Decision == account.Allowed {
			w.record.Decision, w.record.Reason = account.WouldRefuse, reason
		}
		return nil
	}
	err := apierr.New(apierr.TooManyRequests).Retry(inc.Expires.Sub(t.Now.Time()))
	if reason != account.ReasonAddress && reason != account.ReasonAddressNumbers {
		err = err.With("reason", "sms_paused") // which of the limits it was is not for whoever probes them
	}
	return w.reject(reason, err)
}

// reject forgets all that was staged and records the refusal instead.
func (w *decision) reject(reason account.Reason, err error) error {
	t := w.t
	discard(t)
	t.After, t.Events = nil, nil
	w.record.Decision, w.record.Reason, w.record.Price = account.Refused, reason, 0
	t.Put(w.record)
	country := w.record.Country
	if reason == account.ReasonCountry {
		country = "none" // there are two hundred of them
	}
	minute := t.Now.Time().Truncate(time.Minute)
	w.refusalCounter = fmt.Sprintf("sms:refused:%s:%d", country, minute.Unix())
	t.Increments = []store.Increment{{Counter: w.refusalCounter, By: 1, Max: account.RefusalsKept, Expires: minute.Add(time.Minute)}}
	audit.Publish(t, account.Event{Name: account.EventSMSRefused, User: w.record.UserID(), Subject: w.record.Phone, Method: account.PhoneCode})
	if reason == account.ReasonPrefixUnverified || reason == account.ReasonCountryUnverified || reason == account.ReasonUnverified {
		audit.Publish(t, account.Event{Name: account.EventBreakerTripped, User: w.record.UserID(), Subject: w.record.Phone, Method: account.PhoneCode})
	}
	return t.Refuse(err)
}

func discard(t *tx.Tx) {
	t.Order, t.Dirty, t.Increments = nil, map[store.Key]bool{}, nil
}

// countVerified says that a code was used: the breakers that its message raised go down, and its record shows when.
func countVerified(t *tx.Tx, u *account.User, c *account.Code) {
	p := u.Phone(c.Phone)
	if c.SMS == "" || p == nil {
		return
	}
	t.Increments = append(t.Increments, store.Increment{Counter: account.UsedCounter(c.SMS), By: int64(t.Now), Max: account.NoLimit, Expires: c.SentAt.Add(account.SMSKept).Time()})
	for _, inc := range UnverifiedCounters(t.S, NumberPrefix(p.Number), p.Country, c.SentAt) {
		if worth := c.UnverifiedWeight(); worth > 0 {
			inc.By, inc.Max = -worth, account.NoLimit
			t.Increments = append(t.Increments, inc)
		}
	}
	if c.Charged {
		t.Increments = append(t.Increments, store.Increment{Counter: countryCounter("verified", p.Country, c.SentAt), By: 1, Max: account.NoLimit, Expires: dayEnd(c.SentAt)})
	}
}

// NumberPrefix is the block of numbers that a number is in.
func NumberPrefix(e164 string) string {
	n := min(len("+")+account.PrefixDigits, len(e164)-account.PrefixLeaves)
	return e164[:max(n, 0)]
}

// dayOf is the UTC day.
func dayOf(at account.Instant) string { return at.Time().UTC().Format(time.DateOnly) }

func dayEnd(at account.Instant) time.Time {
	return at.Time().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
}

// SpendCounter is the counter of the money that was reserved in a UTC day, in millionths of a dollar.
func SpendCounter(at account.Instant) string { return "sms:usd:" + dayOf(at) }

func countryCounter(what, country string, at account.Instant) string {
	return "sms:" + what + ":" + country + ":" + dayOf(at)
}
