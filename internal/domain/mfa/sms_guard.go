package mfa

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
)

// The SMS guard decides on every text message, whoever asks for it: [txn.authorizeSMS] is the only entry point. Money is reserved and the decision recorded in the
// commit before the message leaves, so what the SMS guard allows is never exceeded, however many ask at once. All its counters are increments without a read.
//
// The breakers count what was sent and not verified. A message raises a counter of its clock hour by one, and the code that was in it, once
// it is used, lowers the same counter by five, or by one when the same number has made room before on that day (sms_credit.go). So in any clock hour at
// most limit + 4 × numbers that verified + messages that were verified leave, which is to stop when of what is over the limit fewer than a fifth of the
// numbers verified. An attacker who reads no codes, or those of one SIM, gets no further than the limit; real users never meet it.
const (
	verifiedWeight     = 5
	unverifiedInstance = 50
	unverifiedCountry  = 50
	unverifiedPrefix   = 20
	// prefixDigits are enough to tell a block of numbers that was rented for fraud, and leave four digits of a number out.
	prefixDigits, prefixLeaves = 7, 4
	// refusalsKept bounds the records of refusals, by minute and country: a flood must not become one of storage.
	refusalsKept = 10
	noLimit      = math.MaxInt64
)

// numberLimits bound how many different numbers an address texts.
var numberLimits = []addressLimit{{"number", 5, time.Hour}}

// Reason says what the SMS guard refused a message for.
type Reason string

// The reasons.
const (
	ReasonCountry           Reason = "country_not_allowed"
	ReasonLine              Reason = "line_not_allowed"
	ReasonNumber            Reason = "number_limit"
	ReasonUser              Reason = "user_limit"
	ReasonAddress           Reason = "address_limit"
	ReasonAddressNumbers    Reason = "address_numbers"
	ReasonPrefixUnverified  Reason = "prefix_unverified"
	ReasonCountryUnverified Reason = "country_unverified"
	ReasonUnverified        Reason = "instance_unverified"
	ReasonCountryCap        Reason = "country_cap"
	ReasonDailyCap          Reason = "daily_cap"
)

// isEstimate says that a reason is the SMS guard's estimate of an abuse, which record-only mode records and lets pass. Limits per number, user and
// address, and money, are no estimates and always hold.
func (r Reason) isEstimate() bool {
	return slices.Contains([]Reason{ReasonAddressNumbers, ReasonPrefixUnverified, ReasonCountryUnverified, ReasonUnverified}, r)
}

// smsDecision is one message on its way through the SMS guard.
type smsDecision struct {
	t              *txn
	record         *SMSRecord
	reasons        map[string]Reason // why a message is refused when the counter reaches its limit
	spendCounter   string            // the counter of the day's money
	refusalCounter string            // the counter that bounds records of refusals
}

// authorizeSMS is the SMS guard: it stages what lets a message pass, or refuses it. known says that the user's second factor was proved on the calling client before.
// Such a client texting a number that is verified meets no breaker, so that a stranger's flood does not lock out owners.
func (t *txn) authorizeSMS(u *User, p *Phone, m Message, purpose Purpose, from Caller, known bool) (*SMSRecord, error) {
	id, err := t.s.randomID()
	if err != nil {
		return nil, err
	}
	w := &smsDecision{t: t, reasons: map[string]Reason{}, record: &SMSRecord{
		base: base{id: Key{KindSMS, id}}, User: u.ID, Phone: p.ID, Number: m.To.Masked(), Country: m.To.Country(), Prefix: numberPrefix(p.Number),
		Purpose: purpose, Decision: Allowed, Test: m.Test, At: t.now,
	}}
	t.onLimit = w.onLimitReached
	if from.Address.IsValid() {
		w.record.Network = maskNetwork(from.Address)
	}
	log, err := t.numberRecord(p)
	if err != nil {
		return nil, err
	}
	if reason, err := t.checkRates(u, log, m.To); err != nil {
		return nil, w.reject(reason, err)
	}
	now := t.now.Time()
	if purpose != Notice { // which has limits of its own, and must not be in the way of a code
		log.Log, log.End = log.Log.Add(now, perNumberRules...), max(log.End, t.now.Add(24*time.Hour))
		u.SMSLog = u.SMSLog.Add(now, perUserRules...)
	}
	w.withReason(ReasonAddress, func() { t.countAddress(from, sendLimits) })
	if !m.Test { // a test message goes nowhere and costs nothing
		w.record.Known = known && p.Verified != 0
		w.record.Price = t.state.settings.PriceOf(w.record.Country) * smsprice.Micros(segments(m.Body.Reveal()))
		if !w.record.Known {
			w.withReason(ReasonAddressNumbers, func() { t.countNewNumber(log, from) })
			w.countUnverified()
		}
		w.reserveSpend()
	}
	if purpose != Notice {
		t.put(log)
	}
	t.put(u)
	t.put(w.record)
	return w.record, nil
}

func (t *txn) numberRecord(p *Phone) (*numberRecord, error) {
	k := t.s.numberKey(p.Number)
	if err := t.read(k); err != nil {
		return nil, err
	}
	return t.seen[k].(*numberRecord), nil
}

// checkRates refuses what can be told from the records that were read.
func (t *txn) checkRates(u *User, log *numberRecord, n phone.Number) (Reason, error) {
	if reason, err := t.checkDestination(n); err != nil {
		return reason, err
	}
	now := t.now.Time()
	if wait := log.Log.Wait(now, perNumberRules...); wait > 0 {
		return ReasonNumber, apierr.New(apierr.VerificationCodeTooManyRequests).Retry(wait)
	}
	if wait := u.SMSLog.Wait(now, perUserRules...); wait > 0 {
		return ReasonUser, apierr.New(apierr.VerificationCodeTooManyRequests).Retry(wait)
	}
	return "", nil
}

// checkDestination refuses countries and kinds of line that no message goes to.
func (t *txn) checkDestination(n phone.Number) (Reason, error) {
	switch {
	case !t.state.settings.sendsSMSTo(n.Country()):
		return ReasonCountry, apierr.New(apierr.UnsupportedCountryCode).Param("phone_number")
	case !n.TextAllowed():
		return ReasonLine, apierr.New(apierr.FormParamFormatInvalid).Param("phone_number")
	}
	return "", nil
}

// withReason sets the refusal reason for the counters that stage adds.
func (w *smsDecision) withReason(reason Reason, stage func()) {
	before := len(w.t.increments)
	stage()
	for _, inc := range w.t.increments[before:] {
		w.reasons[inc.Counter] = reason
	}
}

// countNewNumber counts a number that the address has not texted in this hour. The number's own record remembers where it was texted from.
func (t *txn) countNewNumber(log *numberRecord, from Caller) {
	if !t.state.settings.IPLimits || !from.Address.IsValid() {
		return
	}
	single, _ := addressNetworks(from.Address)
	mark := t.s.digest("texted-from", single.String(), hourOf(t.now))[:8]
	if slices.Contains(log.From, mark) {
		return
	}
	log.From = append(log.From, mark)
	log.From = log.From[max(0, len(log.From)-10):] // a number gets no more messages an hour
	t.countAddress(from, numberLimits)
}

// unverifiedCounters are the breakers that a message to a place counts on.
func (s *Service) unverifiedCounters(prefix, country string, at Instant) []Increment {
	hour := hourOf(at)
	end := at.Time().Truncate(time.Hour).Add(time.Hour)
	return []Increment{
		{Counter: "sms:prefix:" + s.digest("prefix", prefix) + ":" + hour, By: 1, Max: unverifiedPrefix, Expires: end},
		{Counter: "sms:country:" + country + ":" + hour, By: 1, Max: unverifiedCountry, Expires: end},
		{Counter: "sms:instance:" + hour, By: 1, Max: unverifiedInstance, Expires: end},
	}
}

func (w *smsDecision) countUnverified() {
	t := w.t
	reasons := []Reason{ReasonPrefixUnverified, ReasonCountryUnverified, ReasonUnverified}
	for i, inc := range t.s.unverifiedCounters(w.record.Prefix, w.record.Country, t.now) {
		w.withReason(reasons[i], func() { t.increments = append(t.increments, inc) })
	}
}

// reserveSpend takes the message's price from the day's money. It is not given back when the network fails: what was handed over may be billed.
func (w *smsDecision) reserveSpend() {
	t, text := w.t, w.record
	set := &t.state.settings
	end := dayEnd(t.now)
	w.spendCounter = SpendCounter(t.now)
	limit := set.DailyCap() * milestones[t.s.spent.Passed(dayOf(t.now), set.DailyCap())].share / 100
	w.withReason(ReasonDailyCap, func() {
		t.increments = append(t.increments, Increment{Counter: w.spendCounter, By: int64(text.Price), Max: int64(limit), Expires: end})
	})
	limit, ok := set.SMSCountryCaps[text.Country]
	if !ok {
		limit = noLimit
	}
	w.withReason(ReasonCountryCap, func() {
		t.increments = append(t.increments, Increment{Counter: countryCounter("usd", text.Country, t.now), By: int64(text.Price), Max: int64(limit), Expires: end})
	})
	t.increments = append(t.increments, Increment{Counter: countryCounter("sent", text.Country, t.now), By: 1, Max: noLimit, Expires: end})
}

// onLimitReached answers a commit that found a limit reached: nil when the commit is worth another try, as it now stands, or the verdict.
func (w *smsDecision) onLimitReached(counter string) error {
	t := w.t
	reason, known := w.reasons[counter]
	inc := t.staged(counter)
	switch {
	case counter == w.refusalCounter: // refusals enough were recorded
		t.discard()
		return nil
	case !known || inc == nil:
		return t.limitReached(counter)
	case counter == w.spendCounter && w.nextMilestone(inc):
		return nil
	case reason.isEstimate() && t.state.settings.SMSRecordOnly:
		inc.Max = noLimit
		if w.record.Decision == Allowed {
			w.record.Decision, w.record.Reason = WouldRefuse, reason
		}
		return nil
	}
	err := apierr.New(apierr.TooManyRequests).Retry(inc.Expires.Sub(t.now.Time()))
	if reason != ReasonAddress && reason != ReasonAddressNumbers {
		err = err.With("reason", "sms_paused") // which of the limits it was is not for whoever probes them
	}
	return w.reject(reason, err)
}

// reject forgets all that was staged and records the refusal instead.
func (w *smsDecision) reject(reason Reason, err error) error {
	t := w.t
	t.discard()
	t.after, t.events = nil, nil
	w.record.Decision, w.record.Reason, w.record.Price = Refused, reason, 0
	t.put(w.record)
	country := w.record.Country
	if reason == ReasonCountry {
		country = "none" // there are two hundred of them
	}
	minute := t.now.Time().Truncate(time.Minute)
	w.refusalCounter = fmt.Sprintf("sms:refused:%s:%d", country, minute.Unix())
	t.increments = []Increment{{Counter: w.refusalCounter, By: 1, Max: refusalsKept, Expires: minute.Add(time.Minute)}}
	t.publish(Event{Name: EventSMSRefused, User: w.record.UserID(), Subject: w.record.Phone, Method: PhoneCode})
	if reason == ReasonPrefixUnverified || reason == ReasonCountryUnverified || reason == ReasonUnverified {
		t.publish(Event{Name: EventBreakerTripped, User: w.record.UserID(), Subject: w.record.Phone, Method: PhoneCode})
	}
	return t.refuse(err)
}

func (t *txn) discard() {
	t.order, t.dirty, t.increments = nil, map[Key]bool{}, nil
}

func (t *txn) staged(counter string) *Increment {
	for i := range t.increments {
		if t.increments[i].Counter == counter {
			return &t.increments[i]
		}
	}
	return nil
}

// smsVerified says that a code was used: the breakers that its message raised go down, and its record shows when.
func (t *txn) smsVerified(u *User, c *Code) {
	p := u.phone(c.Phone)
	if c.SMS == "" || p == nil {
		return
	}
	t.increments = append(t.increments, Increment{Counter: usedCounter(c.SMS), By: int64(t.now), Max: noLimit, Expires: c.SentAt.Add(smsKept).Time()})
	for _, inc := range t.s.unverifiedCounters(numberPrefix(p.Number), p.Country, c.SentAt) {
		if worth := c.unverifiedWeight(); worth > 0 {
			inc.By, inc.Max = -worth, noLimit
			t.increments = append(t.increments, inc)
		}
	}
	if c.Charged {
		t.increments = append(t.increments, Increment{Counter: countryCounter("verified", p.Country, c.SentAt), By: 1, Max: noLimit, Expires: dayEnd(c.SentAt)})
	}
}

// numberPrefix is the block of numbers that a number is in.
func numberPrefix(e164 string) string {
	n := min(len("+")+prefixDigits, len(e164)-prefixLeaves)
	return e164[:max(n, 0)]
}

func hourOf(at Instant) string { return strconv.FormatInt(at.Time().Unix()/3600, 10) }

// dayOf is the UTC day.
func dayOf(at Instant) string { return at.Time().UTC().Format(time.DateOnly) }

func dayEnd(at Instant) time.Time {
	return at.Time().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
}

// SpendCounter is the counter of the money that was reserved in a UTC day, in millionths of a dollar.
func SpendCounter(at Instant) string { return "sms:usd:" + dayOf(at) }

func countryCounter(what, country string, at Instant) string {
	return "sms:" + what + ":" + country + ":" + dayOf(at)
}

// asLimitReached returns the counter whose limit a commit found reached.
func asLimitReached(err error) (counter string, ok bool) {
	e := (*LimitReachedError)(nil)
	if !errors.As(err, &e) {
		return "", false
	}
	return e.Counter, true
}
