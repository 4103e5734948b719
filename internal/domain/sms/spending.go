package sms

import (
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/store"
)

// milestones are the shares of a day's money, in percent, at which operators learn of it. A message takes from the day's budget up to the next
// milestone only, so the commit that would pass it fails, which tells this process, and is tried again with the milestone after it as limit: exact,
// without reading a sum, at the price of three failed commits a day and process. The last one is the cap itself.
var milestones = []struct {
	share smsprice.Micros
	event account.EventName
}{{50, account.EventSpentHalf}, {80, account.EventSpentMost}, {100, account.EventSpentAll}}

// nextMilestone raises the increment's limit to the next milestone, or says that there is none.
func (w *decision) nextMilestone(inc *store.Increment) bool {
	t := w.t
	limit := t.State.Settings.DailyCap()
	for n, m := range milestones {
		if at := int64(limit * m.share / 100); inc.Max > at {
			continue
		}
		t.S.Notify(account.Event{Name: m.event, User: account.PrefixUser + w.record.User, At: t.Now.Time()})
		if n+1 == len(milestones) {
			return false
		}
		next := int64(limit * milestones[n+1].share / 100)
		if next == inc.Max { // of a cap of one or two millionths two milestones are one amount
			continue
		}
		inc.Max = next
		t.S.Spent.Pass(dayOf(t.Now), limit, n+1)
		return true
	}
	return false
}
