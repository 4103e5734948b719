package mfa

import (
	"sync"

	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
)

// milestones are the shares of a day's money, in percent, at which operators learn of it. A message takes from the day's budget up to the next
// milestone only, so the commit that would pass it fails, which tells this process, and is tried again with the milestone after it as limit: exact,
// without reading a sum, at the price of three failed commits a day and process. The last one is the cap itself.
var milestones = []struct {
	share smsprice.Micros
	event EventName
}{{50, EventSpentHalf}, {80, EventSpentMost}, {100, EventSpentAll}}

// spendMilestones is how many milestones this process knows to be behind, of a day and cap.
type spendMilestones struct {
	mu  sync.Mutex
	day string
	cap smsprice.Micros
	n   int
}

func (s *spendMilestones) reached(at Instant, limit smsprice.Micros) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if day := dayOf(at); s.day != day || s.cap != limit {
		s.day, s.cap, s.n = day, limit, 0
	}
	return s.n
}

// nextMilestone raises the increment's limit to the next milestone, or says that there is none.
func (t *txn) nextMilestone(inc *Increment) bool {
	limit := t.state.settings.DailyCap()
	s := &t.s.spending
	s.mu.Lock()
	defer s.mu.Unlock()
	for n, m := range milestones {
		if at := int64(limit * m.share / 100); inc.Max > at {
			continue
		}
		t.s.notify(Event{Name: m.event, User: prefixUser + t.sms.record.User, At: t.now.Time()})
		if n+1 == len(milestones) {
			return false
		}
		next := int64(limit * milestones[n+1].share / 100)
		if next == inc.Max { // of a cap of one or two millionths two milestones are one amount
			continue
		}
		inc.Max = next
		if s.day == dayOf(t.now) && s.cap == limit {
			s.n = max(s.n, n+1)
		}
		return true
	}
	return false
}
