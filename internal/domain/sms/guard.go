package sms

import (
	"fmt"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/ratelimit"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// perNumberHour limits the SMS to a number in an hour.
var perNumberHour = ratelimit.Rule{Limit: 10, Window: time.Hour}

// Limits of a number over all users, and of a user. A send counts even if the network fails.
var (
	PerNumberRules = []ratelimit.Rule{{Limit: 1, Window: account.ResendAfter}, {Limit: 5, Window: 10 * time.Minute}, perNumberHour, {Limit: 20, Window: 24 * time.Hour}}
	PerUserRules   = []ratelimit.Rule{{Limit: 10, Window: time.Hour}, {Limit: 20, Window: 24 * time.Hour}}
	NewNumberRules = []ratelimit.Rule{{Limit: 10, Window: 24 * time.Hour}}
)

// UnverifiedPerUser is how many numbers a user may have that are not verified.
const UnverifiedPerUser = 5

// NumberLimits bound how many different numbers an address texts.
var NumberLimits = []tx.AddressLimit{{Name: "number", Limit: 5, Period: time.Hour}}

// numberKept is how long the record of a number outlives the last message to it: the longest limit
// of a number.
const numberKept = 24 * time.Hour

// refusalsKept bounds the records of refusals by minute and country, so that a flood of requests
// does not fill the store.
const refusalsKept = 10

// decision is one message on its way through the SMS guard.
type decision struct {
	t              *tx.Tx
	record         *account.SMSRecord
	reasons        map[string]account.Reason // of a refusal, by the counter that reached its limit
	spendCounter   string                    // the day's money
	refusalCounter string                    // bounds the records of refusals
	scopes         map[string]Scope          // by the counter of their unverified messages
}

// Authorize is the SMS guard, which every outgoing SMS passes. It stages the quotas, the price and
// the record of the decision, or refuses the message and stages the record of the refusal. The
// message may leave after the commit. A known device that texts a verified number raises no
// counter of unverified messages, so a flood of strangers does not lock owners out.
func Authorize(t *tx.Tx, u *account.User, p *account.Phone, m tx.Message, purpose account.Purpose, from tx.Caller, device account.Device) (*account.SMSRecord, error) {
	d, err := newDecision(t, u, p, m, purpose, from)
	if err != nil {
		return nil, err
	}
	t.OnLimit = d.limitReached
	log, err := NumberRecord(t, p)
	if err != nil {
		return nil, err
	}
	if reason, err := checkRates(t, u, log, m.To); err != nil {
		return nil, d.reject(reason, err)
	}
	if purpose != account.Notice { // notices have limits of their own and must not delay a code
		now := t.Now.Time()
		log.Log = log.Log.Add(now, PerNumberRules...)
		u.SMSLog = u.SMSLog.Add(now, PerUserRules...)
	}
	d.withReason(ReasonAddress, func() { t.ReserveAddress(from, tx.SendLimits) })
	if !m.Test { // a test message goes nowhere and costs nothing
		d.record.Known = device == account.KnownDevice && p.Verified != 0
		d.record.Price = t.State.Settings.PriceOf(d.record.Country) * smsprice.Micros(segments(m.Body.Reveal()))
		if !d.record.Known {
			d.withReason(ReasonAddressNumbers, func() { countNewNumber(t, log, from) })
			d.countUnverified()
		}
		d.reserveSpend()
		AddSent(log, account.SentSMS{SMS: d.record.ID.ID, At: t.Now})
	}
	log.End = max(log.End, t.Now.Add(numberKept))
	t.Put(log)
	t.Put(u)
	t.Put(d.record)
	return d.record, nil
}

func newDecision(t *tx.Tx, u *account.User, p *account.Phone, m tx.Message, purpose account.Purpose, from tx.Caller) (*decision, error) {
	id, err := t.Engine.RandomID()
	if err != nil {
		return nil, err
	}
	record := &account.SMSRecord{
		Base: account.Base{ID: store.Key{Kind: store.KindSMS, ID: id}}, User: u.ID, Phone: p.ID, Number: m.To.Masked(), Country: m.To.Country(), Prefix: NumberPrefix(p.Number),
		Purpose: purpose, Decision: account.Allowed, Test: m.Test, At: t.Now, Network: tx.MaskNetwork(from.Address),
	}
	return &decision{t: t, record: record, reasons: map[string]account.Reason{}, scopes: map[string]Scope{}}, nil
}

// NumberRecord returns the record of the messages that went to a phone's number, over all users.
func NumberRecord(t *tx.Tx, p *account.Phone) (*account.NumberRecord, error) {
	k := t.Engine.NumberKey(p.Number)
	if err := t.Read(k); err != nil {
		return nil, err
	}
	return t.Seen[k].(*account.NumberRecord), nil
}

// checkRates refuses a message by the records that were read: destination, number and user.
func checkRates(t *tx.Tx, u *account.User, log *account.NumberRecord, n phone.Number) (account.Reason, error) {
	if reason, err := checkDestination(t, n); err != nil {
		return reason, err
	}
	now := t.Now.Time()
	if wait := log.Log.Wait(now, PerNumberRules...); wait > 0 {
		return ReasonNumber, apierr.New(apierr.VerificationCodeTooManyRequests).Retry(wait)
	}
	if wait := u.SMSLog.Wait(now, PerUserRules...); wait > 0 {
		return ReasonUser, apierr.New(apierr.VerificationCodeTooManyRequests).Retry(wait)
	}
	return "", nil
}

// withReason sets the refusal reason for the quotas that stage adds.
func (d *decision) withReason(reason account.Reason, stage func()) {
	before := len(d.t.Quotas)
	stage()
	for _, q := range d.t.Quotas[before:] {
		d.reasons[q.Counter] = reason
	}
}

// stage stages a quota of a period that all users share.
func (d *decision) stage(reason account.Reason, q tx.Quota, period time.Duration) {
	q.Changed = d.t.State.Settings.SMSLimitsAt >= account.At(q.Expires.Add(-period))
	d.t.Quotas = append(d.t.Quotas, q)
	d.reasons[q.Counter] = reason
}

// countNewNumber counts a number that the address has not texted in this clock hour. The number's
// record has marks of the addresses that texted it.
func countNewNumber(t *tx.Tx, log *account.NumberRecord, from tx.Caller) {
	if !t.State.Settings.IPLimits || !from.Address.IsValid() {
		return
	}
	single, _ := tx.AddressNetworks(from.Address)
	mark := t.Engine.Digest("texted-from", single.String(), tx.HourOf(t.Now))[:8]
	if slices.Contains(log.From, mark) {
		return
	}
	log.From = append(log.From, mark)
	log.From = log.From[max(0, len(log.From)-perNumberHour.Limit):]
	t.ReserveAddress(from, NumberLimits)
}

func (d *decision) countUnverified() {
	t := d.t
	for _, scope := range Scopes(t.Engine, &t.State.Settings, d.record.Prefix, d.record.Country) {
		q := scope.quota(d.record.ID.ID, t.Now)
		if numbers, ok := t.Engine.KnownPastSum(scope.verifiedBefore(t.Now)); ok && !t.State.Settings.SMSFixedLimits {
			q.Max = scope.grown(numbers)
		}
		d.scopes[q.Counter] = scope
		d.stage(scope.reason, q, time.Hour)
	}
}

// grow raises a limit of unverified messages by what was verified in the hour before. It reports
// whether that makes room.
func (d *decision) grow(inc *store.Increment) (bool, error) {
	t := d.t
	scope, ok := d.scopes[inc.Counter]
	if !ok || t.State.Settings.SMSFixedLimits {
		return false, nil
	}
	numbers, err := t.Engine.PastSum(t.Ctx, scope.verifiedBefore(t.Now))
	if err != nil || scope.grown(numbers) <= inc.Max {
		return false, err
	}
	inc.Max = scope.grown(numbers)
	return true, nil
}

// limitReached answers a commit that the store refused because of a counter. With nil the commit is
// tried again with what is staged by now; an error is the answer of the operation.
func (d *decision) limitReached(counter string) error {
	t := d.t
	reason, known := d.reasons[counter]
	inc := t.Staged(counter)
	switch {
	case counter == d.refusalCounter: // enough refusals are on record
		t.Discard()
		return nil
	case !known || inc == nil:
		return t.LimitReached(counter)
	case counter == d.spendCounter && d.raiseMilestone(inc):
		return nil
	case isEstimate(reason):
		if grown, err := d.grow(inc); err != nil || grown {
			return err
		}
	}
	if isEstimate(reason) && t.State.Settings.SMSRecordOnly {
		inc.Max = tx.NoLimit
		if d.record.Decision == account.Allowed {
			d.record.Decision, d.record.Reason = account.WouldRefuse, reason
		}
		return nil
	}
	err := apierr.New(apierr.TooManyRequests).Retry(inc.Expires.Sub(t.Now.Time()))
	if reason != ReasonAddress && reason != ReasonAddressNumbers {
		err = err.With("reason", "sms_paused") // the limit's name would help an attacker to probe it
	}
	return d.reject(reason, err)
}

// reject replaces everything that was staged with the record of the refusal.
func (d *decision) reject(reason account.Reason, err error) error {
	t := d.t
	t.Discard()
	t.After, t.Events = nil, nil
	d.record.Decision, d.record.Reason, d.record.Price = account.Refused, reason, 0
	t.Put(d.record)
	country := d.record.Country
	if reason == ReasonCountry {
		country = "none" // two hundred countries would have two hundred counters
	}
	minute := t.Now.Time().Truncate(time.Minute)
	d.refusalCounter = fmt.Sprintf("sms:refused:%s:%d", country, minute.Unix())
	t.Quotas = []tx.Quota{{Increment: store.Increment{Counter: d.refusalCounter, By: 1, Max: refusalsKept, Expires: minute.Add(time.Minute)}}}
	d.publish(eventtype.SMSRefused)
	if slices.Contains([]account.Reason{ReasonPrefixUnverified, ReasonCountryUnverified, ReasonUnverified}, reason) {
		d.publish(eventtype.BreakerTripped)
	}
	return t.Refuse(err)
}

func (d *decision) publish(name eventtype.Name) {
	audit.Publish(d.t, account.Event{Name: name, User: d.record.UserID(), Subject: d.record.Phone, Method: account.PhoneCode})
}
