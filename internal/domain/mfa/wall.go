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

// The wall decides on every text message, whoever asks for it: [txn.admit] is its only door. Money is reserved and the decision recorded in the
// commit before the message leaves, so what the wall allows is never exceeded, however many ask at once. All its counters are takes without a read.
//
// The breakers count what was sent and not verified. A message raises a counter of its clock hour by one, and the code that was in it, once
// it is used, lowers the same counter by five, or by one when the same number has made room before on that day (credit.go). So in any clock hour at
// most limit + 4 × numbers that verified + messages that were verified leave, which is to stop when of what is over the limit fewer than a fifth of the
// numbers verified. An attacker who reads no codes, or those of one SIM, gets no further than the limit; real users never meet it.
const (
	verifiedWorth      = 5
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

// Reason says what the wall refused a message for.
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

// guesses says that a reason is the wall's estimate of an abuse, which record-only mode records and lets pass. Limits per number, user and
// address, and money, are no estimates and always hold.
func (r Reason) guesses() bool {
	return slices.Contains([]Reason{ReasonAddressNumbers, ReasonPrefixUnverified, ReasonCountryUnverified, ReasonUnverified}, r)
}

// A passage is one message on its way through the wall.
type passage struct {
	text    *Text
	reasons map[string]Reason // what it means that a budget is exhausted
	money   string            // the budget of the day's money
	record  string            // the budget that bounds records of refusals
}

// admit is the wall: it stages what lets a message pass, or refuses it. known says that the user's second factor was proved on the calling client before.
// Such a client texting a number that is verified meets no breaker, so that a stranger's flood does not lock out owners.
func (t *txn) admit(u *User, p *Phone, m Message, purpose Purpose, from Caller, known bool) (*Text, error) {
	id, err := t.s.randomID()
	if err != nil {
		return nil, err
	}
	t.wall = &passage{reasons: map[string]Reason{}, text: &Text{
		base: base{id: Key{KindText, id}}, User: u.ID, Phone: p.ID, Number: m.To.Masked(), Country: m.To.Country(), Prefix: numberPrefix(p.Number),
		Purpose: purpose, Decision: Allowed, Test: m.Test, At: t.now,
	}}
	w := t.wall
	if from.Address.IsValid() {
		w.text.Network = maskNetwork(from.Address)
	}
	log, err := t.sendsTo(p)
	if err != nil {
		return nil, err
	}
	if reason, err := t.barred(u, log, m.To); err != nil {
		return nil, t.turnAway(reason, err)
	}
	now := t.now.Time()
	if purpose != Notice { // which has limits of its own, and must not be in the way of a code
		log.Log, log.End = log.Log.Add(now, numberRules...), max(log.End, t.now.Add(24*time.Hour))
		u.Sends = u.Sends.Add(now, userRules...)
	}
	t.means(ReasonAddress, func() { t.takeAddress(from, sendLimits) })
	if !m.Test { // a test message goes nowhere and costs nothing
		w.text.Known = known && p.Verified != 0
		w.text.Price = t.state.settings.PriceOf(w.text.Country) * smsprice.Micros(segments(m.Text.Reveal()))
		if !w.text.Known {
			t.means(ReasonAddressNumbers, func() { t.takeNumber(log, from) })
			t.weigh(w.text)
		}
		t.pay(w.text)
	}
	if purpose != Notice {
		t.put(log)
	}
	t.put(u)
	t.put(w.text)
	return w.text, nil
}

func (t *txn) sendsTo(p *Phone) (*sends, error) {
	k := t.s.numberKey(p.Number)
	if err := t.read(k); err != nil {
		return nil, err
	}
	return t.seen[k].(*sends), nil
}

// barred refuses what can be told from the records that were read.
func (t *txn) barred(u *User, log *sends, n phone.Number) (Reason, error) {
	if reason, err := t.unreachable(n); err != nil {
		return reason, err
	}
	now := t.now.Time()
	if wait := log.Log.Wait(now, numberRules...); wait > 0 {
		return ReasonNumber, apierr.New(apierr.VerificationCodeTooManyRequests).Retry(wait)
	}
	if wait := u.Sends.Wait(now, userRules...); wait > 0 {
		return ReasonUser, apierr.New(apierr.VerificationCodeTooManyRequests).Retry(wait)
	}
	return "", nil
}

// unreachable refuses countries and kinds of line that no message goes to.
func (t *txn) unreachable(n phone.Number) (Reason, error) {
	switch {
	case !t.state.settings.textsTo(n.Country()):
		return ReasonCountry, apierr.New(apierr.UnsupportedCountryCode).Param("phone_number")
	case !n.TextAllowed():
		return ReasonLine, apierr.New(apierr.FormParamFormatInvalid).Param("phone_number")
	}
	return "", nil
}

// means says what it is when one of the budgets that stage takes from is exhausted.
func (t *txn) means(reason Reason, stage func()) {
	before := len(t.takes)
	stage()
	for _, take := range t.takes[before:] {
		t.wall.reasons[take.Budget] = reason
	}
}

// takeNumber counts a number that the address has not texted in this hour. The number's own record remembers where it was texted from.
func (t *txn) takeNumber(log *sends, from Caller) {
	if !t.state.settings.IPLimits || !from.Address.IsValid() {
		return
	}
	single, _ := networks(from.Address)
	mark := t.s.digest("texted-from", single.String(), hourOf(t.now))[:8]
	if slices.Contains(log.From, mark) {
		return
	}
	log.From = append(log.From, mark)
	log.From = log.From[max(0, len(log.From)-10):] // a number gets no more messages an hour
	t.takeAddress(from, numberLimits)
}

// weighings are the breakers that a message to a place counts on.
func (s *Service) weighings(prefix, country string, at Instant) []Take {
	hour := hourOf(at)
	end := at.Time().Truncate(time.Hour).Add(time.Hour)
	return []Take{
		{Budget: "sms:prefix:" + s.digest("prefix", prefix) + ":" + hour, Cost: 1, Limit: unverifiedPrefix, Expires: end},
		{Budget: "sms:country:" + country + ":" + hour, Cost: 1, Limit: unverifiedCountry, Expires: end},
		{Budget: "sms:instance:" + hour, Cost: 1, Limit: unverifiedInstance, Expires: end},
	}
}

func (t *txn) weigh(text *Text) {
	reasons := []Reason{ReasonPrefixUnverified, ReasonCountryUnverified, ReasonUnverified}
	for i, take := range t.s.weighings(text.Prefix, text.Country, t.now) {
		t.means(reasons[i], func() { t.takes = append(t.takes, take) })
	}
}

// pay takes the message's price from the day's money. It is not given back when the network fails: what was handed over may be billed.
func (t *txn) pay(text *Text) {
	set := &t.state.settings
	end := dayEnd(t.now)
	t.wall.money = MoneyBudget(t.now)
	limit := set.DailyCap() * milestones[t.s.spending.passed(t.now, set.DailyCap())].share / 100
	t.means(ReasonDailyCap, func() {
		t.takes = append(t.takes, Take{Budget: t.wall.money, Cost: int64(text.Price), Limit: int64(limit), Expires: end})
	})
	limit, ok := set.SMSCountryCaps[text.Country]
	if !ok {
		limit = noLimit
	}
	t.means(ReasonCountryCap, func() {
		t.takes = append(t.takes, Take{Budget: countryBudget("usd", text.Country, t.now), Cost: int64(text.Price), Limit: int64(limit), Expires: end})
	})
	t.takes = append(t.takes, Take{Budget: countryBudget("sent", text.Country, t.now), Cost: 1, Limit: noLimit, Expires: end})
}

// spent answers a commit that found a budget exhausted: nil when the commit is worth another try, as it now stands, or the verdict.
func (t *txn) spent(budget string) error {
	w := t.wall
	reason, known := w.reasons[budget]
	take := t.takeOf(budget)
	switch {
	case budget == w.record: // refusals enough were recorded
		t.unstage()
		return nil
	case !known || take == nil:
		return t.exhausted(budget)
	case budget == w.money && t.passMilestone(take):
		return nil
	case reason.guesses() && t.state.settings.SMSRecordOnly:
		take.Limit = noLimit
		if w.text.Decision == Allowed {
			w.text.Decision, w.text.Reason = WouldRefuse, reason
		}
		return nil
	}
	err := apierr.New(apierr.TooManyRequests).Retry(take.Expires.Sub(t.now.Time()))
	if reason != ReasonAddress && reason != ReasonAddressNumbers {
		err = err.With("reason", "sms_paused") // which of the limits it was is not for whoever probes them
	}
	return t.turnAway(reason, err)
}

// turnAway forgets all that was staged and records the refusal instead.
func (t *txn) turnAway(reason Reason, err error) error {
	w := t.wall
	t.unstage()
	t.after, t.event = nil, nil
	w.text.Decision, w.text.Reason, w.text.Price = Refused, reason, 0
	t.put(w.text)
	country := w.text.Country
	if reason == ReasonCountry {
		country = "none" // there are two hundred of them
	}
	minute := t.now.Time().Truncate(time.Minute)
	w.record = fmt.Sprintf("sms:refused:%s:%d", country, minute.Unix())
	t.takes = []Take{{Budget: w.record, Cost: 1, Limit: refusalsKept, Expires: minute.Add(time.Minute)}}
	t.emit(Event{Name: EventTextRefused, User: w.text.UserID(), Subject: w.text.Phone, Method: PhoneCode})
	if reason == ReasonPrefixUnverified || reason == ReasonCountryUnverified || reason == ReasonUnverified {
		t.emit(Event{Name: EventBreakerTripped, User: w.text.UserID(), Subject: w.text.Phone, Method: PhoneCode})
	}
	return t.refuse(err)
}

func (t *txn) unstage() {
	t.order, t.dirty, t.takes = nil, map[Key]bool{}, nil
}

func (t *txn) takeOf(budget string) *Take {
	for i := range t.takes {
		if t.takes[i].Budget == budget {
			return &t.takes[i]
		}
	}
	return nil
}

// textVerified says that a code was used: the breakers that its message raised go down, and its record shows when.
func (t *txn) textVerified(u *User, c *Code) {
	p := u.phone(c.Phone)
	if c.Text == "" || p == nil {
		return
	}
	t.takes = append(t.takes, Take{Budget: verifiedBudget(c.Text), Cost: int64(t.now), Limit: noLimit, Expires: c.SentAt.Add(textKept).Time()})
	for _, take := range t.s.weighings(numberPrefix(p.Number), p.Country, c.SentAt) {
		if worth := c.worth(); worth > 0 {
			take.Cost, take.Limit = -worth, noLimit
			t.takes = append(t.takes, take)
		}
	}
	if c.Priced {
		t.takes = append(t.takes, Take{Budget: countryBudget("verified", p.Country, c.SentAt), Cost: 1, Limit: noLimit, Expires: dayEnd(c.SentAt)})
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

// MoneyBudget is the counter of the money that was reserved in a UTC day, in millionths of a dollar.
func MoneyBudget(at Instant) string { return "sms:usd:" + dayOf(at) }

func countryBudget(what, country string, at Instant) string {
	return "sms:" + what + ":" + country + ":" + dayOf(at)
}

// asExhausted returns the budget that a commit found exhausted.
func asExhausted(err error) (budget string, ok bool) {
	e := (*ExhaustedError)(nil)
	if !errors.As(err, &e) {
		return "", false
	}
	return e.Budget, true
}
