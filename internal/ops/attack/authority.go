package attack

import (
	"net/http"
	"strings"

	"github.com/countersign-mfa/countersign/internal/domain/authority"
)

// authorityProbes are the probes of class E on doing more than the session has proved.
func authorityProbes() []Probe {
	const asvs, nist = "7.5.1", "4.1.2.1"
	return []Probe{
		{"E20", "an authenticator secret that another session began", "the owner is shown another one, and the first is dead", asvs, "4.1.2", "", 0, plantedSecret},
		{"E21", "guessing the code of an enrolment", "over after too many wrong codes", "6.5.5", "3.2.2", "", moving, guessedEnrolment},
		{"E22", "a session from before the first second factor", "dead", "7.4.3", "5.2", "", 0, earlierSession},
		{"E23", "ending an enrolment eleven minutes after the sign-in", "asks for a step-up", asvs, nist, "", moving, lateEnrolment},
		{"E24", "a sign-in that waits while the password is changed", "refused", "6.4.3", "4.2", "", 0, waitingSignIn},
		{"E25", "the token of a session that never proved the second factor", "its second factor has an age, not -1 for a user without one", asvs, nist, "", moving, neverProved},
		{"E26", "a step-up with the ticket of another user, and with a used one", "refused", asvs, "4.2", "", 0, foreignTicket},
		{"E27", "what a pending session may not do", "refused", "6.3.3", nist, "", moving, pendingSession},
	}
}

func plantedSecret(t *trial) {
	p := t.person()
	owner, thief := p.enter(), p.enter()
	planted := secretOf(thief.must(http.MethodPost, "/v1/me/totp"))
	shown := secretOf(owner.must(http.MethodPost, "/v1/me/totp"))
	if planted.Equal(shown) {
		t.failf("the owner is shown the secret that another session began")
	}
	p.seed = planted
	t.refused("the code of the secret that the other session began", thief.ask(http.MethodPost, "/v1/me/totp/attempt_verification", "code", p.code(0)))
	p.seed = shown
	t.ok(owner.ask(http.MethodPost, "/v1/me/totp/attempt_verification", "code", p.code(0)))
}

func guessedEnrolment(t *trial) {
	p := t.person()
	b := p.enter()
	p.seed = secretOf(b.must(http.MethodPost, "/v1/me/totp"))
	for _, code := range p.wrong(authority.PendingTries) {
		t.later(resendAfter)
		t.refused("a wrong code", b.ask(http.MethodPost, "/v1/me/totp/attempt_verification", "code", code), wrongCode)
	}
	t.later(resendAfter)
	t.refused("the right code after too many wrong ones", b.ask(http.MethodPost, "/v1/me/totp/attempt_verification", "code", p.code(0)))
}

func earlierSession(t *trial) {
	p := t.person()
	thief, owner := p.enter(), p.enter()
	enrol(owner, p)
	t.refused("the account by the session from before", thief.ask(http.MethodGet, "/v1/me"))
	t.refused("its token", thief.ask(http.MethodPost, "/v1/client/sessions/"+thief.session+"/tokens"))
	t.ok(owner.ask(http.MethodGet, "/v1/me"))
}

func lateEnrolment(t *trial) {
	p := t.person()
	b := p.enter()
	p.seed = secretOf(b.must(http.MethodPost, "/v1/me/totp"))
	b.aged()
	t.refused("the right code", b.ask(http.MethodPost, "/v1/me/totp/attempt_verification", "code", p.code(0)), stepUp)
}

func waitingSignIn(t *trial) {
	p := t.person(withApp, withPassword)
	b := p.halfway()
	t.ok(p.backend(http.MethodPatch, "/v1/users/"+p.id, map[string]any{"password": "another-" + randomLetters(20)}))
	t.refused("the second factor of a sign-in from before", b.second("totp", p.code(0)))
}

func neverProved(t *trial) {
	was := t.ok(t.backend(http.MethodGet, "/v1/instance", nil)).at("keep_other_sessions") == true
	set := func(on bool) {
		t.ok(t.backend(http.MethodPatch, "/v1/instance", map[string]any{"keep_other_sessions": on}))
	}
	set(true)
	defer set(was)
	p := t.person()
	kept, owner := p.enter(), p.enter()
	enrol(owner, p)
	if claims := decoded(kept.sessionToken()); strings.Contains(claims, ",-1]") || !strings.Contains(claims, `"fva":[`) {
		t.failf("a token of a session that proved no second factor: %s", claims)
	}
}

func foreignTicket(t *trial) {
	victim, mallory := t.person(withApp), t.person()
	b := victim.signedIn()
	verify := "/v1/client/sessions/" + b.session + "/verify"
	prove := func(ticket string) ask {
		return b.ask(http.MethodPost, verify+"/attempt_first_factor", "strategy", "ticket", "ticket", ticket)
	}
	b.must(http.MethodPost, verify, "level", "multi_factor")
	t.refused("the ticket of another user", prove(mallory.ticket()))
	own := victim.ticket()
	t.ok(prove(own))
	b.must(http.MethodPost, verify, "level", "multi_factor")
	t.refused("the ticket for the second time", prove(own))
}

func pendingSession(t *trial) {
	p := t.person()
	other := p.enter()
	b := p.enter()
	defer t.required()()
	for what, a := range map[string]ask{
		"listing sessions":      b.ask(http.MethodGet, "/v1/me/sessions"),
		"reading the audit log": b.ask(http.MethodGet, "/v1/me/audit_events"),
		"ending a session":      b.ask(http.MethodPost, "/v1/me/sessions/"+other.session+"/revoke"),
	} {
		t.refused(what, a, "authorization_invalid")
	}
	t.ok(other.ask(http.MethodGet, "/v1/me"))
}
