package takeover

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/ops/guessbound"
	"github.com/countersign-mfa/countersign/test/browser"
)

// A Goal is a state that no thief may reach.
type Goal string

// The goals.
const (
	SecondProof Goal = "a session with a second-factor proof, for a user whose factors the thief does not hold"
	ToldFactor  Goal = "the secret of the app that the owner enrolled"
	Changed     Goal = "a factor, password or username added, removed or changed after the owner enrolled a factor"
	StrictMFA   Goal = "a token that Clerk's SDK accepts for strict_mfa, for a user whose factors the thief does not hold"
	Unenrolled  Goal = "an active session that neither proved nor enrolled a second factor, while one is required"
	Unlisted    Goal = "a live session that no list shows"
	Fixed       Goal = "a token of a session that the thief neither began nor copied the cookie of"
	Outlived    Goal = "a session or a sign-in that outlives what ended it"
	Unasked     Goal = "a sign-in that verified no second factor of a user who has one, on a device that is not remembered"
	Groundless  Goal = "a first factor verified with a number that is not a first factor"
	Guessed     Goal = "more compared guesses than the guess policy allows"
	Repeated    Goal = "an answer of a passkey that is accepted twice"
	Key         Goal = "the Backend API, with a key that was revoked"
	Broken      Goal = "an answer that no request may get"

	// tried is not in [Goals]: any thief may begin an enrolment. The test of [Shorten] uses it.
	tried Goal = "an enrolment that a thief began"
)

// Goals lists every goal.
var Goals = []Goal{SecondProof, ToldFactor, Changed, StrictMFA, Unenrolled, Unlisted, Fixed, Outlived, Unasked, Groundless, Guessed, Repeated, Key, Hastened, Forbidden, Broken}

// Hit is a reached goal.
type Hit struct {
	Goal Goal
	What string
}

// ownersOnly are operations that no thief may carry out while the owner alone holds the factors,
// besides those that change a factor.
var ownersOnly = []string{"me-backup-codes-create", "me-password-change", "me-password-remove", "me-delete"}

// slack is the time until every function knows a changed setting: functions cache settings for 10
// seconds, and clocks differ.
const slack = time.Minute

// proof is the last verification of a second factor in a session, and the actor of that request.
type proof struct {
	at int64 // Unix seconds, within a minute
	by role
}

// begun is a sign-in whose first factor was verified.
type begun struct {
	turn     int
	password bool
}

// oracle knows the truth: what the actors hold, what was ended, and which actor verified what.
type oracle struct {
	w        *world
	settings map[string]bool
	changed  map[string]time.Time // when each setting was changed last
	before   view
	turn     int
	// moment counts the events after which thieves check their sessions: another actor changed the
	// factors or ended sessions.
	moment int

	app      string        // the secret of the enrolled app
	backup   map[role]bool // actors that were shown the current backup codes
	proofs   map[string]proof
	shared   map[string]int64 // when the owner last proved a factor in a session, in Unix seconds
	sessions map[string]int   // the turn in which a session began
	owners   map[string]bool  // sessions that the owner began
	copied   map[string]bool  // sessions whose cookie a thief copied
	dead     map[string]bool  // sessions that were ended one by one
	enrolled map[string]bool  // the session that added the user's first second factor
	signIns  map[string]begun
	devices  devices
	recovery recovery
	answers  map[string]bool // answers of passkeys that were accepted

	allEnded, passwordSet int    // turns
	othersEnded           int    // the turn in which the first second factor ended all other sessions
	kept                  string // the session that continued then
	// compared guesses, against factors and against secrets that were not shown
	guesses, pending int
	allowances       int // how often an administrator reset the failure log
	enrolments       int // that actors began
}

func newOracle(w *world) *oracle {
	return &oracle{
		w: w, settings: map[string]bool{}, changed: map[string]time.Time{}, backup: map[role]bool{}, proofs: map[string]proof{}, shared: map[string]int64{},
		sessions: map[string]int{}, owners: map[string]bool{}, copied: map[string]bool{}, dead: map[string]bool{}, signIns: map[string]begun{}, devices: newDevices(), answers: map[string]bool{}, recovery: recovery{proved: map[string]role{}},
	}
}

// thievesHoldFactor says whether some thief holds a factor of the user. The thieves may work
// together.
func (o *oracle) thievesHoldFactor(v *view) bool {
	for _, p := range o.w.people {
		if !p.steals() {
			continue
		}
		if v.app() && p.knowsSecret(o.app) != nil || v.Backup != nil && o.backup[p.role] {
			return true
		}
		for _, n := range v.User.Numbers {
			if n.second() && p.holds(n.Number) {
				return true
			}
		}
		for _, k := range v.Passkeys {
			if p.holdsKey(k.Credential) {
				return true
			}
		}
	}
	return false
}

// factors describes the factors of a view, under the settings that every function knows.
func (o *oracle) factors(v *view) string {
	return v.factors(o.settings["first_factor_phone_code"] && o.since("first_factor_phone_code") > slack)
}

// endsOthers says whether the first second factor ends the user's other sessions, under the
// settings that every function knows.
func (o *oracle) endsOthers() bool {
	sure := o.since("keep_other_sessions") > slack && o.since("mfa_required") > slack
	return sure && (o.settings["mfa_required"] || !o.settings["keep_other_sessions"])
}

// ownerHoldsAll says whether the user has second factors and the thieves hold none of them.
func (o *oracle) ownerHoldsAll(v *view) bool { return v.second() && !o.thievesHoldFactor(v) }

// check updates the oracle with one answer, and returns the goals that it reaches.
func (o *oracle) check(p *person, t *tab, r *request, a browser.Answer, said facts) []Hit {
	o.turn++
	var hits []Hit
	add := func(ok bool, g Goal, format string, args ...any) {
		if ok {
			hits = append(hits, Hit{g, fmt.Sprintf(format, args...)})
		}
	}
	add(a.Status >= http.StatusInternalServerError && !a.Is(apierr.SMSSendError), Broken, "%s answers %d", r.op.Name, a.Status)
	after := o.w.look()
	add(p.steals() && a.OK() && said.secret != "", tried, "is shown a secret")
	if a.OK() {
		hits = append(hits, o.update(p, t, r, &after, said)...)
		if answer := r.given["public_key_credential"]; answer != "" {
			add(o.answers[answer], Repeated, "%s, the second time", lower(r.op.Summary))
			o.answers[answer] = true
		}
	}
	o.count(p, r, a)
	hits = append(hits, o.checkGuesses()...)
	if p.steals() && o.ownerHoldsAll(&o.before) {
		was, is := o.factors(&o.before), o.factors(&after)
		add(was != is, Changed, "the factors were [%s] and are [%s]", was, is)
		add(a.OK() && slices.Contains(ownersOnly, r.op.Name), Changed, "%s", lower(r.op.Summary))
		add(o.before.User.Username != after.User.Username, Changed, "the username was %s and is %s", o.before.User.Username, after.User.Username)
	}
	o.factorsChanged(p, t, &after)
	hits = slices.Concat(hits, o.checkDevices(p, r, a, &after, said), o.checkRecovery(p, t, r, a, &after, said))
	o.before = after
	hits = slices.Concat(hits, o.checkSignIns(p, r, said), o.checkSessions(said))
	for _, tk := range said.tokens {
		hits = append(hits, o.checkToken(p, &after, tk)...)
	}
	return hits
}

// factorsChanged records the consequences of a change of the factors.
func (o *oracle) factorsChanged(p *person, t *tab, after *view) {
	if o.before.second() != after.second() {
		o.enrolled = map[string]bool{t.session: after.second()}
		if after.second() && o.endsOthers() {
			o.othersEnded, o.kept = o.turn, t.session
		}
	}
	if !p.steals() && (o.factors(&o.before) != o.factors(after) || o.allEnded == o.turn) {
		o.moment++
	}
}

// update records the effect of a successful request.
func (o *oracle) update(p *person, t *tab, r *request, after *view, said facts) []Hit {
	if len(said.codes) > 0 {
		o.backup = map[role]bool{p.role: true}
	}
	var hits []Hit
	switch r.op.Name {
	case "me-totp-create":
		o.enrolments++
	case "me-totp-attempt":
		o.app = r.app
		for _, x := range o.w.people {
			if s := x.knowsSecret(r.app); x.steals() && !p.steals() && s != nil && s.session != t.session {
				hits = append(hits, Hit{ToldFactor, names[x.role] + " was shown the secret that the owner confirms"})
			}
		}
	case "sign-in-first-factor-attempt", "session-reverification-first-factor-attempt":
		if r.given["strategy"] == "phone_code" {
			hits = append(hits, o.checkFirstFactor(r)...)
		}
	case "session-end", "session-remove", "me-session-revoke", "admin-session-revoke":
		o.dead[r.given["session_id"]] = true
	case "me-sessions-revoke-others":
		o.othersEnded, o.kept = o.turn, t.session
	case "user-ban", "me-delete":
		o.allEnded = o.turn
	case "me-password-change", "me-password-remove", "user-update":
		o.updatePassword(t, r)
	case "user-unlock":
		o.allowances++
	}
	if !after.app() {
		o.app = ""
	}
	return hits
}

// updatePassword records a change of the password, by the user or by the Backend API.
func (o *oracle) updatePassword(t *tab, r *request) {
	byBackend, ends := r.op.Name == "user-update", r.given["sign_out_of_other_sessions"] == "true"
	if !byBackend || r.given["password"] != "" {
		o.passwordSet = o.turn
	}
	switch {
	case byBackend && ends:
		o.allEnded = o.turn
	case ends:
		o.othersEnded, o.kept = o.turn, t.session
	}
	if byBackend && r.given["password"] != "" {
		o.allowances++
	}
}

// checkFirstFactor checks that the phone number of an accepted code may be a first factor.
func (o *oracle) checkFirstFactor(r *request) []Hit {
	if !o.settings["first_factor_phone_code"] && o.since("first_factor_phone_code") > slack {
		return []Hit{{Groundless, "a code was accepted although text messages are no first factor"}}
	}
	for _, n := range o.before.User.Numbers {
		if n.Number == r.number && n.first() {
			return nil
		}
	}
	return []Hit{{Groundless, "a code to " + r.number + " was accepted, which is no first factor of the user"}}
}

func (o *oracle) since(setting string) time.Duration { return o.w.at.Sub(o.changed[setting]) }

// checkSignIns checks that a sign-in ends when its first factor is invalidated.
func (o *oracle) checkSignIns(p *person, r *request, said facts) []Hit {
	var hits []Hit
	if !strings.HasPrefix(r.op.Name, "sign-in-") || len(said.signIns) == 0 {
		return nil
	}
	for _, si := range said.signIns {
		if si.status != "needs_second_factor" && si.status != "complete" {
			continue
		}
		b, known := o.signIns[si.id]
		if !known {
			b = begun{o.turn, r.given["password"] != ""}
			o.signIns[si.id] = b
		}
		if si.session != "" {
			o.sessions[si.session] = o.turn
			o.owners[si.session] = p.role == owner
		}
		if b.turn < o.allEnded || b.password && b.turn < o.passwordSet {
			hits = append(hits, Hit{Outlived, names[p.role] + " goes on with a sign-in whose first factor was proved before everything was ended"})
		}
	}
	return hits
}

// checkSessions checks that each session with a token is listed and was not ended.
func (o *oracle) checkSessions(said facts) []Hit {
	if len(said.tokens) == 0 {
		return nil
	}
	var hits []Hit
	listed := o.w.listed()
	for _, tk := range said.tokens {
		if !listed[tk.Session] {
			hits = append(hits, Hit{Unlisted, "a session gets tokens and is in no list"})
		}
		began, known := o.sessions[tk.Session]
		other := known && began < o.othersEnded && tk.Session != o.kept
		if o.dead[tk.Session] || known && began < o.allEnded || other {
			hits = append(hits, Hit{Outlived, "a session that was ended gets tokens"})
		}
	}
	return hits
}

// learn records the actor that verified a second factor in a session, and the time of the owner's
// last verification.
func (o *oracle) learn(p *person, tk token) {
	last, seen := o.proofs[tk.Session]
	const apart = 90 // seconds: ages are whole minutes, and two clocks differ
	if tk.second() {
		if at := tk.proved(1); !seen || at > last.at+apart {
			o.proofs[tk.Session] = proof{at, p.role}
		}
	}
	if p.role != owner {
		return
	}
	o.shared[tk.Session] = max(o.shared[tk.Session], tk.proved(0))
	if tk.second() {
		o.shared[tk.Session] = max(o.shared[tk.Session], tk.proved(1))
	}
}

// checkToken checks a session token that an actor received.
func (o *oracle) checkToken(p *person, after *view, tk token) []Hit {
	var hits []Hit
	o.learn(p, tk)
	if p.steals() && o.owners[tk.Session] && !o.copied[tk.Session] {
		hits = append(hits, Hit{Fixed, "the session is the owner's"})
	}
	if p.steals() && o.ownerHoldsAll(after) {
		by := o.proofs[tk.Session].by
		if tk.second() && (by == thief || by == cookieThief) {
			hits = append(hits, Hit{SecondProof, fmt.Sprintf("the token says fva %v", tk.Ages)})
		}
		if tk.acceptedForStrictMFA() {
			hits = append(hits, Hit{StrictMFA, fmt.Sprintf("the token says fva %v", tk.Ages)})
		}
	}
	if o.settings["mfa_required"] && o.since("mfa_required") > slack && tk.Status == "active" && !tk.second() && !o.enrolled[tk.Session] && !o.devices.sessions[tk.Session] {
		hits = append(hits, Hit{Unenrolled, fmt.Sprintf("the token says %s and fva %v", tk.Status, tk.Ages)})
	}
	return hits
}

// recentlyProved says whether the owner verified a factor in a session too recently for its cookie
// to count as stale.
func (o *oracle) recentlyProved(session string) bool {
	return o.w.at.Unix()-o.shared[session] < (strictMinutes+2)*60
}

// count counts the guesses of thieves that were compared.
func (o *oracle) count(p *person, r *request, a browser.Answer) {
	if !p.steals() || !r.guess || !a.Is(apierr.FormCodeIncorrect) {
		return
	}
	switch r.op.Name {
	case "me-totp-attempt":
		o.pending++
	case "sign-in-first-factor-attempt", "session-reverification-first-factor-attempt":
		// The first factor has its own limit.
	default:
		o.guesses++
	}
}

// triesOfPending is the limit of codes for a TOTP secret that is not confirmed.
const triesOfPending = 5

// checkGuesses compares the count with the bound of package guessbound for the elapsed time.
func (o *oracle) checkGuesses() []Hit {
	p := account.DefaultPolicy()
	perWindow := guessbound.PerWindow(p, guessbound.Attackers[len(guessbound.Attackers)-1], max(o.w.at.Sub(began), time.Second))
	var hits []Hit
	if most := perWindow * (1 + o.allowances); o.guesses > most {
		hits = append(hits, Hit{Guessed, fmt.Sprintf("%d guesses at second factors and numbers were compared, of %d", o.guesses, most)})
	}
	if most := triesOfPending * o.enrolments; o.pending > most {
		hits = append(hits, Hit{Guessed, fmt.Sprintf("%d guesses at secrets that wait to be confirmed were compared, of %d", o.pending, most)})
	}
	return hits
}

// only returns the hits of the given goals. Without goals it returns the hits of [Goals].
func only(hits []Hit, goals []Goal) []Hit {
	if len(goals) == 0 {
		goals = Goals
	}
	return slices.DeleteFunc(hits, func(h Hit) bool { return !slices.Contains(goals, h.Goal) })
}
