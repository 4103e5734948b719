package attack

import (
	"net/http"
	"net/url"
	"strings"
)

// ownerProbes are class D: objects of other users, more than was requested, and steps out of order.
func ownerProbes() []Probe {
	const asvs = "8.2.2"
	return []Probe{
		{"D01", "the ids of another user's number, session and sign-in in every operation", "refused like ids that do not exist, and nothing is changed", asvs, "5.1",
			"Gogs CVE-2025-64175, WordPress Shield CVE-2025-14427", 0, otherIDs},
		{"D02", "Mallory's own backup code and app code in the victim's sign-in", "refused", asvs, "3.1.2.2", "Gogs CVE-2025-64175, Box 2021", 0, ownCodes},
		{"D03", "Mallory's own number in the victim's sign-in", "refused", asvs, "3.1.3.2", "Box 2021", 0, ownNumber},
		{"D07", "reserving an unverified number, and making it the default", "refused", "6.6.1", "4.1.2.1", "", 0, unverifiedNumber},
		{"D08", "factor flags, locks, status and metadata in bodies", "ignored or refused", "15.3.3", "4.1.2.1", "", 0, massAssignment},
		{"D09", "steps out of order: attempt before prepare, second before first", "refused", "2.3.1", "3.1", "Keycloak CVE-2026-18963, CVE-2025-3910", 0, outOfOrder},
		{"D15", "lists with limits and offsets out of range", "refused or bounded", "2.2.1", "", "", 0, lists},
	}
}

// same checks that an object of another user is refused like one that does not exist.
func (t *trial) same(what string, foreign, unknown ask) {
	a, b := t.refused(what+" of another user", foreign), t.refused(what+" that does not exist", unknown)
	if a.status != b.status || a.code() != b.code() {
		t.failf("%s: foreign %v, unknown %v", what, a, b)
	}
}

// missingID returns a well-formed id that belongs to no object.
func missingID(id string) string {
	const length = 6
	last := strings.Repeat("a", length)
	if strings.HasSuffix(id, last) {
		last = strings.Repeat("b", length)
	}
	return id[:len(id)-length] + last
}

func otherIDs(t *trial) {
	mallory, victim := t.person(withPhone), t.person(withPhone)
	half := t.person(withPhone).halfway()
	theirs := t.person(withPhone).enter() // a third user's sign-in in progress
	session := victim.enterWithoutFactor()
	own := mallory.enterWithoutFactor()
	for _, op := range []struct{ method, path string }{
		{"GET", ""}, {"PATCH", ""}, {"DELETE", ""}, {"POST", "/prepare_verification"}, {"POST", "/attempt_verification"},
	} {
		f := func(id string) ask {
			return own.ask(op.method, "/v1/me/phone_numbers/"+id+op.path, "strategy", "phone_code", "code", "123456", "default_second_factor", "true")
		}
		t.same(op.method+" a number"+op.path, f(victim.phoneID), f(missingID(victim.phoneID)))
	}
	for _, op := range []string{"/touch", "/tokens", "/end", "/remove", "/verify", "/verify/attempt_second_factor"} {
		f := func(id string) ask {
			return ask{method: "POST", path: "/v1/client/sessions/" + id + op, cookie: own.cookie, form: url.Values{"level": {"second_factor"}, "strategy": {"totp"}, "code": {"123456"}}}
		}
		t.same("a session"+op, f(session.session), f(missingID(session.session)))
	}
	for _, op := range []string{"/prepare_second_factor", "/attempt_second_factor", "/attempt_first_factor"} {
		f := func(id string) ask {
			return ask{method: "POST", path: "/v1/client/sign_ins/" + id + op, cookie: theirs.cookie, form: url.Values{"strategy": {"phone_code"}, "code": {"123456"}}}
		}
		t.same("a sign-in"+op, f(half.signIn), f(missingID(half.signIn)))
	}
	f := func(id string) ask { return ask{path: "/v1/me?_clerk_session_id=" + id, cookie: own.cookie} }
	t.same("the account by a session", f(session.session), f(missingID(session.session)))
	session.must(http.MethodGet, "/v1/me")
	if victim.shown().text("phone_numbers.0.id") != victim.phoneID {
		t.failf("the victim's number is gone")
	}
}

// enterWithoutFactor signs in a person whose second factor is out of reach, by removing it through
// the Backend API. It is not added again, because a new second factor ends sessions that did not
// prove it.
func (p *person) enterWithoutFactor() *browser {
	p.ok(p.backend(http.MethodPatch, "/v1/phone_numbers/"+p.phoneID, map[string]any{"reserved_for_second_factor": false}))
	return p.enter()
}

func ownCodes(t *trial) {
	mallory, victim := t.person(withApp, withBackup), t.person(withApp, withBackup)
	b := victim.halfway()
	t.refused("another user's backup code", b.second("backup_code", mallory.backups[0]), wrongCode)
	t.refused("another user's app code", b.second("totp", mallory.code(0)), wrongCode)
	t.refused("another user's backup code at the Backend API", victim.verify(mallory.backups[1]), wrongCode)
	t.ok(mallory.verify(mallory.backups[0])) // neither was used up
}

func ownNumber(t *trial) {
	mallory, victim := t.person(withPhone), t.person(withApp)
	b := victim.halfway()
	t.refused("another user's number", b.ask(http.MethodPost, b.step("prepare"), "strategy", "phone_code", "phone_number_id", mallory.phoneID))
	t.refused("a code for it", b.second("phone_code", "424242"))
	if t.development && len(t.messages(mallory.number)) != 0 {
		t.failf("a message was sent")
	}
}

func unverifiedNumber(t *trial) {
	p := t.person()
	b := p.enter()
	r := b.must(http.MethodPost, "/v1/me/phone_numbers", "phone_number", p.number)
	path := "/v1/me/phone_numbers/" + r.text("response.id")
	t.refused("reserving an unverified number", b.ask(http.MethodPatch, path, "reserved_for_second_factor", "true"))
	t.refused("making an unverified number the default", b.ask(http.MethodPatch, path, "default_second_factor", "true"))
	if p.shown().at("two_factor_enabled") == true {
		t.failf("an unverified number counts as a second factor")
	}
}

func massAssignment(t *trial) {
	p := t.person()
	b := p.enter()
	form := []string{
		"phone_number", p.number, "verified", "true", "status", "verified", "verification[status]", "verified", "two_factor_enabled", "true", "totp_enabled", "true",
		"backup_code_enabled", "true", "locked", "false", "verification_attempts_remaining", "99", "public_metadata", `{"role":"admin"}`, "user_id", missingID(p.id), "banned", "false",
	}
	r := b.must(http.MethodPost, "/v1/me/phone_numbers", form...)
	if r.text("response.verification.status") == "verified" {
		t.failf("a number was verified by its body")
	}
	b.call(http.MethodPatch, "/v1/me", form...)
	b.call(http.MethodPost, "/v1/me/totp", form...)
	u := p.shown()
	if u.at("two_factor_enabled") == true || u.at("totp_enabled") == true || u.at("backup_code_enabled") == true || u.at("public_metadata.role") != nil {
		t.failf("a body of the Frontend API changed what only the server may")
	}
	t.refused("unknown fields at the Backend API", t.backend(http.MethodPatch, "/v1/users/"+p.id, map[string]any{"two_factor_enabled": true}))
}

func outOfOrder(t *trial) {
	p := t.person(withPhone, withPassword)
	b := t.known(p.name)
	t.refused("the second factor before the first", b.second("phone_code", "424242"))
	t.refused("a message before the first factor", b.ask(http.MethodPost, b.step("prepare"), "strategy", "phone_code"))
	b = p.halfway()
	t.refused("an attempt before a message", b.second("phone_code", "424242"))
	t.refused("an app code of a user without an app", b.second("totp", "424242"))
	t.refused("the first factor after it was proved", b.ask(http.MethodPost, "/v1/client/sign_ins/"+b.signIn+"/attempt_first_factor",
		"strategy", "password", "password", p.password, "status", "complete"))
	if r := b.must(http.MethodGet, "/v1/client/sign_ins/"+b.signIn); r.text("response.status") != "needs_second_factor" {
		t.failf("the sign-in is %s", r.text("response.status"))
	}
}

func lists(t *trial) {
	for _, q := range []string{"limit=-1", "limit=1000000000", "offset=-1", "limit=abc", "limit=1&limit=2", "limit=99999999999999999999", "offset=1000000000"} {
		t.refused("users with "+q, t.backend(http.MethodGet, "/v1/users?"+q, nil))
	}
	t.ok(t.backend(http.MethodGet, "/v1/users?limit=1&offset=10000", nil))
}
