package attack

import "net/http"

// lockProbes are the rest of class B, and class J: a locked user cannot sign in, and attackers
// cannot misuse the lock.
func lockProbes() []Probe {
	const asvs, nist = "6.1.1, 6.3.1", "3.2.2"
	return []Probe{
		{"B08", "the right code in a sign-in that began before a lock, a ticket, a check", "all refused while the lock lasts", asvs, nist,
			"Keycloak CVE-2026-9798, CVE-2026-16103", 0, throughLock},
		{"B21", "a second-factor code before any first factor, for users with and without an app", "refused alike", "6.3.8", nist, "", 0, noOracle},
		{"J01", "many second-factor codes for a victim without its first factor", "no attempt of the victim is gone", asvs, nist,
			"Keycloak GHSA-cq42-vhv7-xr7p, AliasVault #2330, paramant #368", unlimited, lockVictim},
		{"J02", "wrong passwords until they are refused", "the victim's session, app and second-factor attempts are untouched", asvs, nist, "Keycloak (counters apart since 2026)", unlimited, passwordsOnly},
	}
}

func throughLock(t *trial) {
	p := t.person(withApp)
	b, token := p.halfway(), p.ticket()
	t.ok(t.backend(http.MethodPost, "/v1/users/"+p.id+"/lock", nil))
	t.refused("the right code", b.second("totp", p.code(0)), userLocked)
	t.refused("a ticket", redeem(token), userLocked)
	t.refused("the Backend API's check", p.verify(p.code(0)), userLocked)
}

// known starts a sign-in for an identifier, without a factor.
func (t *trial) known(name string) *browser {
	b := &browser{trial: t}
	b.signIn = b.must(http.MethodPost, "/v1/client/sign_ins", "identifier", name).text("response.id")
	return b
}

func noOracle(t *trial) {
	with, without := t.person(withApp, withPassword), t.person(withPassword)
	a, b := t.known(with.name), t.known(without.name)
	one := t.refused("a code without a first factor", a.second("totp", with.code(0)))
	two := t.refused("a code without a first factor", b.second("totp", with.code(0)))
	if one.status != two.status || one.code() != two.code() {
		t.failf("with an app: %v, without: %v", one, two)
	}
}

func lockVictim(t *trial) {
	p := t.person(withApp, withPassword)
	b := t.known(p.name)
	for _, c := range p.wrong(15) {
		t.refused("a code without a first factor", b.second("totp", c))
	}
	if u := p.shown(); u.at("locked") == true || p.counted() != 0 {
		t.failf("a client without the first factor used up attempts, or locked the user")
	}
}

func passwordsOnly(t *trial) {
	p := t.person(withApp, withBackup, withPassword)
	session := p.halfway().finish("backup_code", p.backups[0])
	const most = 15
	stopped := false
	for range most {
		r := t.refused("a wrong password", ask{method: http.MethodPost, path: "/v1/client/sign_ins",
			form: map[string][]string{"strategy": {"password"}, "identifier": {p.name}, "password": {"wrong-" + randomLetters(8)}}})
		stopped = stopped || r.code() == tooMany || r.code() == userLocked
	}
	if !stopped {
		t.failf("%d wrong passwords met no limit", most)
	}
	session.must(http.MethodGet, "/v1/me")
	if n := p.counted(); n != 0 {
		t.failf("wrong passwords cost %d second-factor attempts", n)
	}
	t.ok(p.verify(p.code(0)))
}
