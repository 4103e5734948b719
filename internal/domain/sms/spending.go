package sms

import (
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/store"
)

// milestones are the shares of the day's money, in percent, that operators are told of. The last
// one is the limit. The package comment has an example.
var milestones = []struct {
	share smsprice.Micros
	event account.EventName
}{{50, account.EventSpentHalf}, {80, account.EventSpentMost}, {100, account.EventSpentAll}}

// reserveSpend takes the message's price from the day's money. The price is not given back when the
// network fails, because a message that was handed over may be billed.
func (d *decision) reserveSpend() {
	t, record := d.t, d.record
	set := &t.State.Settings
	end := dayEnd(t.Now)
	d.spendCounter = SpendCounter(t.Now)
	milestone := set.DailyCap() * milestones[t.Engine.Spent.Passed(dayOf(t.Now), set.DailyCap())].share / 100
	d.stage(account.ReasonDailyCap, store.Increment{Counter: d.spendCounter, By: int64(record.Price), Max: int64(milestone), Expires: end})
	limit, ok := set.SMSCountryCaps[record.Country]
	if !ok {
		limit = noLimit
	}
	d.stage(account.ReasonCountryCap, store.Increment{Counter: countryCounter("usd", record.Country, t.Now), By: int64(record.Price), Max: int64(limit), Expires: end})
	add(t, countryCounter("sent", record.Country, t.Now), 1, end)
}

// raiseMilestone publishes the milestone that the increment reached and raises Max to the next one.
// After the last milestone it returns false.
func (d *decision) raiseMilestone(inc *store.Increment) bool {
	t := d.t
	limit := t.State.Settings.DailyCap()
	for n, m := range milestones {
		if at := int64(limit * m.share / 100); inc.Max > at {
			continue
		}
		t.Engine.Notify(account.Event{Name: m.event, User: account.PrefixUser + d.record.User, At: t.Now.Time()})
		if n+1 == len(milestones) {
			return false
		}
		next := int64(limit * milestones[n+1].share / 100)
		if next == inc.Max { // a limit of one or two millionths has equal milestones
			continue
		}
		inc.Max = next
		t.Engine.Spent.Pass(dayOf(t.Now), limit, n+1)
		return true
	}
	return false
}
