package takeover

import (
	"math/rand/v2"
	"strings"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/api/operation"
)

// planner draws the steps of a journey.
type planner struct {
	profile Profile
	chance  *rand.Rand
	queues  [clock][]string
	tabs    [clock]int
}

// weighted draws an index with a probability in proportion to its weight.
func (p *planner) weighted(weights []int) int {
	total := 0
	for _, w := range weights {
		total += w
	}
	n := p.chance.IntN(total)
	for i, w := range weights {
		if n -= w; n < 0 {
			return i
		}
	}
	return 0
}

// frontend are the operations of the Frontend API.
var frontend = func() []*operation.Operation {
	var found []*operation.Operation
	for _, op := range api.Operations() {
		if op.Surface == operation.Frontend {
			found = append(found, &op)
		}
	}
	return found
}()

// next draws the next step.
func (p *planner) next(people []*person) Step {
	by := role(p.weighted(p.profile.Weights[:]))
	s := Step{By: by, Choice: p.chance.Uint64(), Behind: p.chance.IntN(6) == 0}
	if by == clock && p.profile.Recovers && p.chance.IntN(3) == 0 {
		return Step{By: clock, Action: dayPasses}
	}
	if by == clock {
		weights := make([]int, len(waits))
		for i, w := range waits {
			weights[i] = w.weight
		}
		return Step{By: clock, Action: waitAction, Wait: waits[p.weighted(weights)].d}
	}
	if len(p.queues[by]) == 0 || p.chance.IntN(15) == 0 {
		p.plan(by, people)
	}
	s.Action, p.queues[by] = p.queues[by][0], p.queues[by][1:]
	s.Tab = p.tabs[by]
	switch s.Action {
	case dayPasses:
		return Step{By: clock, Action: dayPasses}
	case pauseAction:
		return Step{By: clock, Action: waitAction, Wait: pause}
	case changeFactor:
		s.Action = changing[p.chance.IntN(len(changing))]
	}
	if action, ok := strings.CutPrefix(s.Action, many); ok {
		s.Action, s.Times = action, guessedAtOnce
	}
	if (by == thief || by == cookieThief) && p.chance.IntN(10) == 0 {
		p.replaceByUnplanned(&s)
	}
	return s
}

// plan draws a plan for an actor, and a browser that fits.
func (p *planner) plan(by role, people []*person) {
	plans := p.profile.Plans[by]
	if plans == nil {
		plans = commonPlans[by]
	}
	weights := make([]int, len(plans))
	for i := range plans {
		weights[i] = plans[i].weight
	}
	actions := plans[p.weighted(weights)].actions
	switch by {
	case owner, thief:
		actions = p.chooseBrowser(by, actions, people[by].tabs)
	case cookieThief:
		actions = p.chooseCookie(actions, people[by].tabs)
	}
	p.queues[by] = actions
}

// chooseBrowser chooses the browser of an actor that can sign in. Without a session, the plan is to
// sign in.
func (p *planner) chooseBrowser(by role, actions []string, tabs []*tab) []string {
	var in, out []int
	for i, t := range tabs {
		if t.session != "" {
			in = append(in, i)
		} else {
			out = append(out, i)
		}
	}
	fit := in
	if actions[0] == "sign-in-create" || len(in) == 0 && p.chance.IntN(5) > 0 {
		fit = out
		if actions[0] != "sign-in-create" {
			actions = signsIn
		}
	}
	if len(fit) > 0 {
		p.tabs[by] = fit[p.chance.IntN(len(fit))]
	}
	return actions
}

// chooseCookie chooses the browser of the cookie thief. The first has the copied cookie, the others
// have cookies to plant.
func (p *planner) chooseCookie(actions []string, tabs []*tab) []string {
	var fit []int
	for i, t := range tabs {
		if t.Cookie != "" {
			fit = append(fit, i)
		}
	}
	switch last := actions[len(actions)-1]; {
	case last == plantCookie:
		p.tabs[cookieThief] = 1 + p.chance.IntN(tabsEach-1)
	case last == copyCookie || len(fit) == 0:
		p.tabs[cookieThief] = p.chance.IntN(tabsEach)
		return []string{copyCookie}
	default:
		p.tabs[cookieThief] = fit[p.chance.IntN(len(fit))]
	}
	return actions
}

// checkSessions makes thieves check each of their sessions after factors changed or sessions ended.
// Some also continue what they had begun.
func (p *planner) checkSessions(people []*person) []Step {
	var steps []Step
	for _, by := range []role{thief, cookieThief} {
		for i, t := range people[by].tabs {
			if t.session == "" && t.signIn == "" {
				continue
			}
			actions, k := []string{"client-get"}, &people[by].know
			if len(k.Codes) > 0 && p.chance.IntN(2) == 0 {
				actions = append(actions, "me-phone-number-attempt")
			}
			if len(k.Secrets) > 0 && p.chance.IntN(2) == 0 {
				actions = append(actions, "me-totp-attempt")
			}
			if t.signIn != "" && p.chance.IntN(2) == 0 {
				actions = append(actions, "sign-in-get")
			}
			for _, d := range actions {
				steps = append(steps, Step{By: by, Action: d, Tab: i, Choice: p.chance.Uint64()})
			}
		}
	}
	return steps
}

// replaceByUnplanned replaces a thief's action by one that is in no plan.
func (p *planner) replaceByUnplanned(s *Step) {
	switch {
	case p.profile.Thief == RevokedKey && s.By == thief:
		all := api.Operations()
		s.Action = all[p.chance.IntN(len(all))].Name
		if operations[s.Action].Surface == operation.Public {
			s.Action = "users-list"
		}
	case p.profile.Thief == UsedCode && s.By == thief && p.chance.IntN(2) == 0:
		s.Action = seeUsedCode
	case p.chance.IntN(4) == 0:
		checks := []string{"me-totp-attempt", "sign-in-second-factor-attempt", "session-reverification-second-factor-attempt", "me-phone-number-attempt"}
		s.Action, s.Times = checks[p.chance.IntN(len(checks))], guessedAtOnce
	default:
		s.Action = frontend[p.chance.IntN(len(frontend))].Name
	}
}
