package attack

import (
	"net/http"
	"time"
)

// recoveryProbes are class N: recovery without an administrator.
func recoveryProbes() []Probe {
	const order, documented, bound = "2.3.1", "2.3.2", "7.5.1"
	return []Probe{
		{"N01", "a recovery asked without the first factor", "refused", order, "4.2", "", moving, recoverWithoutFirst},
		{"N02", "a recovery asked by another browser's sign-in", "refused", "8.2.2", "4.2", "", moving, recoverOfAnother},
		{"N03", "a recovery cancelled by a session that proved the first factor only", "refused, and the request waits", bound, "4.2", "", moving, cancelWithFirst},
		{"N04", "a recovery asked four times in a month", "the fourth is refused", documented + ", 2.4.1", "4.2", "", moving, recoverOften},
		{"N05", "a recovery that completes before its days", "the second factors stay until then; all sessions end then", documented, "4.2", "Coinbase 2021", moving, recoverEarly},
		{"N06", "a recovery that completes after it was cancelled", "the second factors stay", documented, "4.2", "", moving, recoverCancelled},
		{"N07", "a recovery asked before the setting was switched off and on again", "the second factors stay", documented, "4.2", "", moving, recoverSwitched},
		{"N08", "a recovery asked while the setting is off", "refused", order, "4.2", "", moving, recoverOff},
	}
}

// recoveryDays is how long a request waits in the probes: the shortest time that is allowed.
const recoveryDays = 3

const aDay = 24 * time.Hour

// settings changes settings of a development server until the function that it returns is called.
func (t *trial) settings(set map[string]any) func() {
	was, before := t.ok(t.backend(http.MethodGet, "/v1/instance", nil)), map[string]any{}
	for name := range set {
		before[name] = was.at(name)
	}
	t.ok(t.backend(http.MethodPatch, "/v1/instance", set))
	return func() { t.ok(t.backend(http.MethodPatch, "/v1/instance", before)) }
}

// recovery switches recovery on until the function that it returns is called.
func (t *trial) recovery() func() {
	return t.settings(map[string]any{"recovery_days": recoveryDays})
}

// recover is a request for a recovery in a browser's sign-in.
func (b *browser) recover() ask {
	return b.ask(http.MethodPost, "/v1/client/sign_ins/"+b.signIn+"/recovery")
}

// recovers asks for a recovery in a new browser, which has the first factor.
func (p *person) recovers() { p.ok(p.halfway().recover()) }

// cancels cancels a recovery as an administrator.
func (p *person) cancels() {
	p.ok(p.backend(http.MethodDelete, "/v1/users/"+p.id+"/recovery", nil))
}

// keeps fails the probe unless the person has a second factor.
func (p *person) keeps(when string) {
	if p.shown().at("two_factor_enabled") != true {
		p.failf("the second factors are gone %s", when)
	}
}

func recoverWithoutFirst(t *trial) {
	defer t.recovery()()
	p := t.person(withApp, withPassword)
	b := &browser{trial: t}
	b.signIn = b.must(http.MethodPost, "/v1/client/sign_ins", "identifier", p.name).text("response.id")
	t.refused("with the identifier alone", b.recover())
	t.refused("with a wrong password", b.ask(http.MethodPost, "/v1/client/sign_ins/"+b.signIn+"/attempt_first_factor", "strategy", "password", "password", "wrong "+p.password))
	t.refused("after a wrong password", b.recover())
	if p.shown().at("recovery") != nil {
		t.failf("a request waits")
	}
}

func recoverOfAnother(t *trial) {
	defer t.recovery()()
	victim, mallory := t.person(withApp), t.person(withApp)
	theirs, own := victim.halfway(), mallory.halfway()
	own.signIn = theirs.signIn
	t.refused("with Mallory's cookie", own.recover(), notFound)
	t.refused("without a cookie", (&browser{trial: t, signIn: theirs.signIn}).recover(), notFound)
	if victim.shown().at("recovery") != nil {
		t.failf("a request waits")
	}
}

func cancelWithFirst(t *trial) {
	defer t.recovery()()
	defer t.settings(map[string]any{"keep_other_sessions": true})()
	p := t.person()
	early := p.signedIn() // before there is a second factor
	owner := p.signedIn()
	p.seed = secretOf(owner.must(http.MethodPost, "/v1/me/totp"))
	t.ok(owner.ask(http.MethodPost, "/v1/me/totp/attempt_verification", "code", p.code(0)))
	p.recovers()
	t.refused("with the first factor alone", early.ask(http.MethodDelete, "/v1/me/recovery"), stepUp)
	waiting := p.halfway()
	t.refused("in the sign-in that waits for the second factor", waiting.ask(http.MethodDelete, "/v1/me/recovery"))
	if p.shown().at("recovery") == nil {
		t.failf("a refused cancellation cancelled")
	}
	t.ok(owner.ask(http.MethodDelete, "/v1/me/recovery"))
}

func recoverOften(t *trial) {
	defer t.recovery()()
	p := t.person(withApp)
	for range 3 {
		p.recovers()
		p.cancels()
	}
	t.refused("the fourth request", p.halfway().recover(), tooMany)
	if p.shown().at("recovery") != nil {
		t.failf("the refused request waits")
	}
}

func recoverEarly(t *trial) {
	defer t.recovery()()
	p := t.person(withApp, withBackup)
	known := p.signedIn()
	p.recovers()
	t.later(aDay)
	p.recovers() // a second request hastens nothing
	t.later((recoveryDays-1)*aDay - time.Hour)
	p.keeps("an hour early")
	t.later(2 * time.Hour)
	if p.shown().at("two_factor_enabled") != false {
		t.failf("the second factors are there an hour after the last day")
	}
	t.refused("a session from before", known.ask(http.MethodGet, "/v1/me"), notSignedIn)
}

func recoverCancelled(t *trial) {
	defer t.recovery()()
	p := t.person(withApp)
	for what, cancel := range map[string]func(){
		"an administrator": p.cancels, "a sign-in with the second factor": func() { p.signedIn() },
	} {
		p.recovers()
		t.later(2*aDay + 12*time.Hour)
		cancel()
		t.later(2 * aDay)
		p.keeps("although " + what + " cancelled")
	}
}

func recoverSwitched(t *trial) {
	defer t.recovery()()
	p := t.person(withApp)
	p.recovers()
	t.settings(map[string]any{"recovery_days": 0})()
	t.later((recoveryDays + 1) * aDay)
	p.keeps("although the setting was off meanwhile")
}

func recoverOff(t *trial) {
	defer t.settings(map[string]any{"recovery_days": 0})()
	p := t.person(withApp)
	t.refused("while the setting is off", p.halfway().recover())
}
