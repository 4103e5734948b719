package attack

import (
	"net/http"
	"strings"

	"github.com/countersign-mfa/countersign/internal/crypto/totp"
)

// factorProbes are class E: adding and removing factors, and step-up.
func factorProbes() []Probe {
	return []Probe{
		{"E01", "adding an app, a number or backup codes with the first factor alone", "refused", "6.3.4, 7.5.1", "4.1.2.1", "Supabase auth #1439, django-multifactor #107, Retool 2023", 0, enrolHalfway},
		{"E02", "changing factors with a session of eleven minutes ago", "asks for a step-up", "7.5.1", "4.1.2.1", "Gitea #27690", moving, staleSession},
		{"E03", "removing the last second factor while one is required", "refused", "6.3.3", "4.1.2.1", "Keycloak CVE-2025-3910", moving, lastFactor},
		{"E04", "a step-up with the first factor although there is a second", "the change is still refused", "7.5.1", "4.1.2.1", "", moving, weakStepUp},
		{"E05", "a step-up in one session, the change in another", "refused", "7.5.1", "5.2", "Clerk CVE-2026-42349", moving, otherSession},
		{"E10", "backup codes before any other factor, and after all were removed", "refused", "6.5.1", "3.1.2.2", "SFTPGo CVE-2022-36071", 0, earlyBackup},
		{"E11", "reading secrets again after they were shown", "they are in no answer", "14.2.6", "3.1.4.1", "Mattermost CVE-2025-11794", 0, readAgain},
		{"E14", "every way to sign in for a user with a second factor", "each stops before the second factor", "6.3.4", "4.2", "Casdoor CVE-2026-9091, Vikunja CVE-2026-34727, Coinbase 2021", 0, everyPath},
		{"E14b", "a password that was set for a user, as after a reset", "the second factor is still asked for", "6.4.3", "4.2", "Coinbase 2021", 0, afterReset},
		{"E16", "going on with a session without second factor when one becomes required", "the next token says pending", "6.3.3, 7.5.1", "4.1.2.1", "", moving, suddenlyRequired},
	}
}

// changes returns requests for the operations that must require step-up.
func changes(b *browser, phoneID string) map[string]ask {
	return map[string]ask{
		"adding a number":        b.ask(http.MethodPost, "/v1/me/phone_numbers", "phone_number", "+12122"+digits(6)),
		"making backup codes":    b.ask(http.MethodPost, "/v1/me/backup_codes"),
		"removing the app":       b.ask(http.MethodDelete, "/v1/me/totp"),
		"removing a number":      b.ask(http.MethodDelete, "/v1/me/phone_numbers/"+phoneID),
		"freeing a number":       b.ask(http.MethodPatch, "/v1/me/phone_numbers/"+phoneID, "reserved_for_second_factor", "false"),
		"making the default":     b.ask(http.MethodPatch, "/v1/me/phone_numbers/"+phoneID, "default_second_factor", "true"),
		"revoking a session":     b.ask(http.MethodPost, "/v1/me/sessions/"+b.session+"/revoke"),
		"a POST that says PATCH": b.ask(http.MethodPost, "/v1/me/phone_numbers/"+phoneID, "reserved_for_second_factor", "false"),
	}
}

func enrolHalfway(t *trial) {
	p := t.person(withApp, withPhone)
	b := p.halfway()
	for what, a := range changes(b, p.phoneID) {
		if strings.Contains(what, "POST that says") {
			a.path += "?_method=PATCH"
		}
		t.refused(what, a)
	}
	t.refused("adding an app", b.ask(http.MethodPost, "/v1/me/totp"))
	if u := p.shown(); u.at("totp_enabled") != true || u.at("phone_numbers.0.reserved_for_second_factor") != true {
		t.failf("a factor was changed")
	}
}

// aged makes the session's verifications eleven minutes old.
func (b *browser) aged() *browser {
	const minutes = 11
	b.ok(ask{method: http.MethodPost, path: "/dev/sessions/" + b.session + "/age", json: map[string]any{"minutes": minutes}})
	return b
}

func staleSession(t *trial) {
	p := t.person(withApp, withPhone)
	b := p.signedIn().aged()
	for what, a := range changes(b, p.phoneID) {
		if strings.Contains(what, "POST that says") {
			a.path += "&_method=PATCH"
		}
		t.refused(what, a, stepUp)
	}
	if u := p.shown(); u.at("totp_enabled") != true || u.at("phone_numbers.0.reserved_for_second_factor") != true {
		t.failf("a factor was changed")
	}
}

func weakStepUp(t *trial) {
	p := t.person(withApp, withPassword)
	b := p.signedIn().aged()
	verify := "/v1/client/sessions/" + b.session + "/verify"
	b.call(http.MethodPost, verify, "level", "first_factor")
	b.call(http.MethodPost, verify+"/attempt_first_factor", "strategy", "password", "password", p.password)
	t.refused("making backup codes", b.ask(http.MethodPost, "/v1/me/backup_codes"), stepUp)
}

func otherSession(t *trial) {
	p := t.person(withApp)
	one := p.signedIn().aged()
	t.later(totp.Period) // for the app's next code
	two := p.halfway().finish("totp", p.code(0)).aged()
	one.must(http.MethodPost, "/v1/client/sessions/"+one.session+"/verify", "level", "second_factor")
	t.later(2 * resendAfter)
	t.ok(one.stepUp(p.code(0)))
	t.refused("the change in the other session", two.ask(http.MethodPost, "/v1/me/backup_codes"), stepUp)
	t.ok(one.ask(http.MethodPost, "/v1/me/backup_codes"))
}

func earlyBackup(t *trial) {
	p := t.person()
	b := p.enter()
	t.refused("backup codes before any other factor", b.ask(http.MethodPost, "/v1/me/backup_codes"))
	q := t.person(withApp, withBackup)
	t.ok(q.backend(http.MethodDelete, "/v1/users/"+q.id+"/mfa", nil))
	t.refused("a backup code after all factors were removed", q.verify(q.backups[0]))
}

func readAgain(t *trial) {
	p := t.person()
	b := p.enter()
	code := enrol(b, p)
	backup := b.must(http.MethodPost, "/v1/me/backup_codes").text("response.codes.0")
	p.backups = []string{backup}
	for _, a := range []ask{
		b.ask(http.MethodGet, "/v1/me"), b.ask(http.MethodGet, "/v1/client"), b.ask(http.MethodGet, "/v1/me/sessions"), b.ask(http.MethodGet, "/v1/me/phone_numbers"),
		p.backend(http.MethodGet, "/v1/users/"+p.id, nil), p.backend(http.MethodGet, "/v1/users?user_id="+p.id, nil), p.backend(http.MethodGet, "/v1/sessions?user_id="+p.id, nil),
	} {
		body := string(t.ok(a).body)
		for what, text := range map[string]string{"the app's secret": p.seed.Reveal(), "a backup code": backup, "a code": `"` + code + `"`, "a digest": "$argon2", "a client token": b.cookie} {
			if strings.Contains(body, text) {
				t.failf("%s shows %s", a.path, what)
			}
		}
	}
}

func everyPath(t *trial) {
	p := t.person(withApp, withPassword)
	p.halfway()
	r := t.ok(ask{method: http.MethodPost, path: "/v1/client/sign_ins", form: map[string][]string{"identifier": {p.name}, "password": {p.password}}})
	if r.text("response.status") != "needs_second_factor" || r.text("response.created_session_id") != "" {
		t.failf("a password alone: the sign-in is %s", r.text("response.status"))
	}
	b := t.known(p.name)
	r = t.ok(b.ask(http.MethodPost, "/v1/client/sign_ins/"+b.signIn+"/attempt_first_factor", "strategy", "password", "password", p.password))
	if r.text("response.status") != "needs_second_factor" || r.text("response.created_session_id") != "" {
		t.failf("a password in the second step: the sign-in is %s", r.text("response.status"))
	}
}

// required makes a second factor mandatory until the function that it returns is called.
func (t *trial) required() func() {
	set := func(on bool) { t.ok(t.backend(http.MethodPatch, "/v1/instance", map[string]any{"mfa_required": on})) }
	was := t.ok(t.backend(http.MethodGet, "/v1/instance", nil)).at("mfa_required") == true
	set(true)
	return func() { set(was) }
}

func lastFactor(t *trial) {
	p := t.person(withApp)
	b := p.signedIn()
	defer t.required()()
	t.refused("removing the app", b.ask(http.MethodDelete, "/v1/me/totp"))
	t.refused("removing it by override", b.ask(http.MethodPost, "/v1/me/totp").query("_method=DELETE"))
	if p.shown().at("totp_enabled") != true {
		t.failf("the app is gone")
	}
}

func afterReset(t *trial) {
	p := t.person(withApp, withPassword)
	const fresh = "another-password-of-the-attack"
	t.ok(p.backend(http.MethodPatch, "/v1/users/"+p.id, map[string]any{"password": fresh}))
	r := t.ok(ask{method: http.MethodPost, path: "/v1/client/sign_ins", form: map[string][]string{"identifier": {p.name}, "password": {fresh}}})
	if r.text("response.status") != "needs_second_factor" || r.text("response.created_session_id") != "" {
		t.failf("after a new password the sign-in is %s", r.text("response.status"))
	}
	t.refused("the password of before", ask{method: http.MethodPost, path: "/v1/client/sign_ins", form: map[string][]string{"identifier": {p.name}, "password": {p.password}}})
}

func suddenlyRequired(t *trial) {
	b := t.person().enter()
	if strings.Contains(decoded(b.sessionToken()), "pending") {
		t.failf("the attack could not be prepared: the session is pending from the start")
	}
	defer t.required()()
	if claims := decoded(b.sessionToken()); !strings.Contains(claims, `"sts":"pending"`) {
		t.failf("a token after a second factor became a duty: %s", claims)
	}
}
