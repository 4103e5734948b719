package takeover

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/test/browser"
)

// The goals that are about recovery without an administrator.
const (
	Hastened  Goal = "second factors removed without a request that waited its days, or after a cancellation"
	Forbidden Goal = "a recovery asked without the first factor, or cancelled without the second"
)

// Actions of the clock that are not operations.
const (
	dayPasses = "*lets a day pass"
	// completed is what [Profile.Granted] is told when a recovery removed the second factors.
	completed = "*completes a recovery"
)

// recoveryDays is how long a request waits in journeys.
const recoveryDays = 3

const day = 24 * time.Hour

// recovery knows whether a request may complete.
type recovery struct {
	// asked is when the user's request began to wait, and zero without one.
	asked time.Time
	// told is the latest time at which the cleanup could tell the owner.
	told time.Time
	// proved are the thieves' sign-ins whose first factor was proved, with their actors.
	proved map[string]role
}

// cancelling are the operations that end a request, when they succeed.
var cancelling = []string{
	"me-recovery-cancel", "user-recovery-cancel", "sign-in-second-factor-attempt", "session-reverification-second-factor-attempt",
	"user-lock", "user-ban", "user-mfa-delete", "me-password-change", "me-password-remove",
}

// checkRecovery checks who asked for a recovery or cancelled it, and that a cancelled request does
// not wait. It runs before the oracle takes the state after the request.
func (o *oracle) checkRecovery(p *person, t *tab, r *request, a browser.Answer, after *view, said facts) []Hit {
	var hits []Hit
	state := &o.recovery
	own := t.copied || !p.steals()
	switch name := r.op.Name; {
	case !a.OK():
	case name == "sign-in-recovery-create":
		if by, proved := state.proved[r.given["sign_in_id"]]; !own && (!proved || by != p.role) {
			hits = append(hits, Hit{Forbidden, names[p.role] + " asks for a recovery without the first factor"})
		}
		if state.asked.IsZero() {
			state.asked, state.told = o.w.at, o.w.at
		}
	case slices.Contains(cancelling, name), name == "user-update" && r.given["password"] != "":
		if name == "me-recovery-cancel" && !own && o.ownerHoldsAll(&o.before) {
			hits = append(hits, Hit{Forbidden, names[p.role] + " cancels a recovery without a second factor"})
		}
		state.asked = time.Time{}
	}
	if r.op.Name != "sign-in-recovery-create" {
		for _, si := range said.signIns {
			if si.status == "needs_second_factor" && p.steals() {
				state.proved[si.id] = p.role
			}
		}
	}
	return append(hits, state.compare(after)...)
}

// compare checks that the product has no request that ended.
func (s *recovery) compare(v *view) []Hit {
	switch {
	case v.User.Recovery == nil:
		s.asked = time.Time{}
	case s.asked.IsZero():
		return []Hit{{Hastened, "a request waits that was cancelled"}}
	}
	return nil
}

// day lets a day pass and runs the cleanup, as the schedule does.
func (j *journey) day() []Hit {
	j.at = j.at.Add(day + time.Second) // the store keeps whole seconds
	j.late = false
	const most = 1000
	_, err := j.services[0].Admin.Cleanup(j.ctx, most)
	j.failure = errors.Join(j.failure, err)
	j.story.addLine("A day passes, and the cleanup runs.")
	hits, removed := j.oracle.afterCleanup()
	if removed && j.profile.Granted != nil {
		j.profile.Granted(completed)
	}
	return hits
}

// afterCleanup checks that the cleanup changed factors only by a recovery that was due: it waited
// its days, and the owner was told in the last two.
func (o *oracle) afterCleanup() (hits []Hit, removed bool) {
	o.turn++
	after := o.w.look()
	was, is := o.factors(&o.before), o.factors(&after)
	if was != is {
		removed = true
		s := &o.recovery
		waited := o.w.at.Sub(s.asked)
		switch {
		case s.asked.IsZero():
			hits = append(hits, Hit{Hastened, fmt.Sprintf("no request waited, the factors were [%s] and are [%s]", was, is)})
		case waited < recoveryDays*day-slack || o.w.at.Sub(s.told) >= 2*day+slack:
			hits = append(hits, Hit{Hastened, fmt.Sprintf("the request waited for %v, and the owner was told %v ago at best", waited, o.w.at.Sub(s.told))})
		case after.second() || after.Backup != nil:
			hits = append(hits, Hit{Broken, fmt.Sprintf("a recovery left [%s]", is)})
		}
		o.allEnded, o.app, s.asked = o.turn, "", time.Time{}
	}
	o.recovery.told = o.w.at
	hits = append(hits, o.recovery.compare(&after)...)
	o.factorsChanged(o.w.people[admin], &tab{}, &after)
	o.before = after
	return hits, removed
}
