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
	queues  [nature][]string
	tabs    [nature]int
}

// weighted draws an index, each as often as its weight says.
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

// frontend are the operations that a person may call.
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
	if by == nature {
		weights := make([]int, len(waits))
		for i, w := range waits {
			weights[i] = w.weight
		}
		return Step{By: nature, Deed: wait, Wait: waits[p.weighted(weights)].d}
	}
	if len(p.queues[by]) == 0 || p.chance.IntN(15) == 0 {
		p.plan(by, people)
	}
	s.Deed, p.queues[by] = p.queues[by][0], p.queues[by][1:]
	s.Tab = p.tabs[by]
	switch s.Deed {
	case pauses:
		return Step{By: nature, Deed: wait, Wait: pause}
	case changes:
		s.Deed = changing[p.chance.IntN(len(changing))]
	}
	if deed, ok := strings.CutPrefix(s.Deed, many); ok {
		s.Deed, s.Times = deed, guessedAtOnce
	}
	if (by == thief || by == taker) && p.chance.IntN(10) == 0 {
		p.wild(&s)
	}
	return s
}

// plan gives an actor another plan, and a browser that fits.
func (p *planner) plan(by role, people []*person) {
	plans := p.profile.Plans[by]
	if plans == nil {
		plans = commonPlans[by]
	}
	weights := make([]int, len(plans))
	for i := range plans {
		weights[i] = plans[i].weight
	}
	deeds := plans[p.weighted(weights)].deeds
	switch by {
	case owner, thief:
		deeds = p.enters(by, deeds, people[by].tabs)
	case taker:
		deeds = p.takes(deeds, people[by].tabs)
	}
	p.queues[by] = deeds
}

// enters chooses the browser for a person who can sign in. Without a session, only a sign-in makes
// sense.
func (p *planner) enters(by role, deeds []string, tabs []*tab) []string {
	var in, out []int
	for i, t := range tabs {
		if t.session != "" {
			in = append(in, i)
		} else {
			out = append(out, i)
		}
	}
	fit := in
	if deeds[0] == "sign-in-create" || len(in) == 0 && p.chance.IntN(5) > 0 {
		fit = out
		if deeds[0] != "sign-in-create" {
			deeds = signsIn
		}
	}
	if len(fit) > 0 {
		p.tabs[by] = fit[p.chance.IntN(len(fit))]
	}
	return deeds
}

// takes chooses the browser of the cookie thief: the first has the copied cookie, the others have
// cookies to plant.
func (p *planner) takes(deeds []string, tabs []*tab) []string {
	var fit []int
	for i, t := range tabs {
		if t.Cookie != "" {
			fit = append(fit, i)
		}
	}
	switch last := deeds[len(deeds)-1]; {
	case last == plants:
		p.tabs[taker] = 1 + p.chance.IntN(tabsEach-1)
	case last == copies || len(fit) == 0:
		p.tabs[taker] = p.chance.IntN(tabsEach)
		return []string{copies}
	default:
		p.tabs[taker] = fit[p.chance.IntN(len(fit))]
	}
	return deeds
}

// look lets thieves look, in every session that they have, what is left of it: after a factor or
// all sessions went. Some go on at once with what they had begun.
func (p *planner) look(people []*person) []Step {
	var steps []Step
	for _, by := range []role{thief, taker} {
		for i, t := range people[by].tabs {
			if t.session == "" && t.signIn == "" {
				continue
			}
			deeds, k := []string{"client-get"}, &people[by].know
			if len(k.Codes) > 0 && p.chance.IntN(2) == 0 {
				deeds = append(deeds, "me-phone-number-attempt")
			}
			if len(k.Secrets) > 0 && p.chance.IntN(2) == 0 {
				deeds = append(deeds, "me-totp-attempt")
			}
			if t.signIn != "" && p.chance.IntN(2) == 0 {
				deeds = append(deeds, "sign-in-get")
			}
			for _, d := range deeds {
				steps = append(steps, Step{By: by, Deed: d, Tab: i, Choice: p.chance.Uint64()})
			}
		}
	}
	return steps
}

// wild replaces a thief's deed by another that no plan has.
func (p *planner) wild(s *Step) {
	switch {
	case p.profile.Thief == RevokedKey && s.By == thief:
		all := api.Operations()
		s.Deed = all[p.chance.IntN(len(all))].Name
		if operations[s.Deed].Surface == operation.Public {
			s.Deed = "users-list"
		}
	case p.profile.Thief == UsedCode && s.By == thief && p.chance.IntN(2) == 0:
		s.Deed = peeks
	case p.chance.IntN(4) == 0:
		checks := []string{"me-totp-attempt", "sign-in-second-factor-attempt", "session-reverification-second-factor-attempt", "me-phone-number-attempt"}
		s.Deed, s.Times = checks[p.chance.IntN(len(checks))], guessedAtOnce
	default:
		s.Deed = frontend[p.chance.IntN(len(frontend))].Name
	}
}
