package sms

import (
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// milestones are the shares of the day's money, in percent, that operators are told of. The last
// one is the limit. The package comment has an example.
var milestones = []struct {
	share smsprice.Micros
	event eventtype.Name
}{{50, eventtype.SpentHalf}, {80, eventtype.SpentMost}, {100, eventtype.SpentAll}}

// reserveSpend takes the message's price from the day's money. The price is not given back when the
// network fails, because a message that was handed over may be billed.
func (d *decision) reserveSpend() {
	t, record := d.t, d.record
	set := &t.State.Settings
	const day = 24 * time.Hour
	d.spendCounter = SpendCounter(t.Now)
	milestone := set.DailyCap() * milestones[t.Engine.Spent.Passed(dayOf(t.Now), set.DailyCap())].share / 100
	limit, step := smsprice.Micros(tx.NoLimit), tx.OfInstance
	if own, ok := set.SMSCountryCaps[record.Country]; ok {
		limit, step = own, tx.OfCountry
	}
	d.stage(ReasonCountryCap, d.money(step, countryCounter("usd", record.Country, t.Now), limit), day)
	d.stage(ReasonDailyCap, d.money(tx.OfInstance, d.spendCounter, milestone), day)
	t.Quotas = append(t.Quotas, tally(countryCounter("sent", record.Country, t.Now), record.ID.ID, dayEnd(t.Now)))
}

// money returns the quota of the message's price.
func (d *decision) money(step tx.Step, counter string, limit smsprice.Micros) tx.Quota {
	return tx.Quota{
		Increment: store.Increment{Counter: counter, By: int64(d.record.Price), Max: int64(limit), Expires: dayEnd(d.t.Now)},
		Step:      step, Share: moneyShare, Spread: d.record.ID.ID,
	}
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
