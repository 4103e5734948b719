package attack

import (
	"net/http"
	"strings"
	"time"
)

// guessLimitProbes are class B: how often an attacker may guess.
func guessLimitProbes() []Probe {
	const asvs, nist = "6.6.3, 6.3.1", "3.2.2"
	return []Probe{
		{"B01", "wrong text-message codes up to the limit, then the right one", "the right one is refused", asvs, "3.1.3.2, 3.2.2", "", outbox | unlimited, rightAfterFive},
		{"B02", "one wrong code in each of many new sign-ins", "the limit holds for all together: a new sign-in brings no new attempts", asvs, nist,
			"Microsoft AuthQuake 2024, wg-easy #2775, autentico #360", unlimited, newSignIns},
		{"B03", "50 wrong codes at once, spread over ten sign-ins", "exactly as many are compared as the policy allows", "2.3.4, 6.6.3", nist, "Microsoft AuthQuake 2024, Keycloak CVE-2024-4629", unlimited, burstOverSignIns},
		{"B04", "50 wrong codes at once at the Backend API", "exactly as many are compared and counted as the policy allows", "2.3.4, 6.6.3", nist, "Keycloak CVE-2024-4629, Instagram 2019", 0, burst},
		{"B05", "a wrong code, then a look at the count from elsewhere", "it was counted although the request failed", asvs, nist, "Vikunja CVE-2026-35597, Vaultwarden CVE-2026-27801", 0, counted},
		{"B06", "wrong codes of all methods in turn", "one limit for all of them", asvs, nist, "Zitadel CVE-2024-32868", unlimited, acrossMethods},
		{"B07", "wrong codes up to the lock, the right one in the same sign-in when the lock is over", "refused: the first factor is needed again", asvs, nist, "Keycloak #26180", moving | unlimited, afterLock},
		{"B09", "wrong codes at the Backend API, in a sign-in and in a step-up", "one limit for all places", asvs, nist, "Authelia CVE-2025-24806, Zitadel CVE-2025-64102", unlimited, acrossPlaces},
		{"B10", "a new network address in X-Forwarded-For and others for each sign-in", "the limit per address does not move", "4.1.3, 15.3.4", nist, "futrx #112", moving, forwarded},
		{"B13", "wrong codes with right first factors between them", "the first factor clears nothing", asvs, nist, "futrx #112, Keycloak #26180", unlimited, firstClearsNothing},
		{"B15", "wrong text-message codes with resends between them", "as many tries in all as without the resends", asvs, "3.1.3.2", "", outbox | moving | unlimited, resends},
		{"B17", "wrong codes in the step-up of a stolen session, then a sign-in", "the sign-in has to wait too", asvs, nist, "Vaultwarden CVE-2026-27801", unlimited, stepUpOracle},
		{"B18", "wrong codes for a number that is being added, then the right one", "compared up to the limit, and they count with the user's others", asvs, "3.1.3.2", "", outbox | unlimited, enrolmentGuesses},
		{"B19", "malformed codes", "refused, and they cost no attempt: an attacker cannot use up another user's attempts with them", asvs, nist, "Vault CVE-2025-6015", 0, malformed},
		{"B22", "wrong passwords for one user under every spelling of every identifier", "one limit for all of them", asvs, nist, "Authelia CVE-2025-24806", unlimited, spelledUsers},
	}
}

func rightAfterFive(t *trial) {
	p := t.person(withPhone)
	b := p.halfway()
	right := b.smsCode(p)
	for _, c := range wrongBut(right, t.policy.FreeFailures) {
		t.refused("a wrong code", b.second("phone_code", c), wrongCode)
	}
	t.refused("the right code after too many wrong ones", b.second("phone_code", right))
}

// wrongBut returns n codes that all differ from the right one.
func wrongBut(right string, n int) []string {
	var out []string
	for len(out) < n {
		if c := digits(len(right)); c != right {
			out = append(out, c)
		}
	}
	return out
}

// spent checks that as many wrong codes were compared and counted as the policy allows without a
// wait, and that the right code is then refused.
func (t *trial) spent(p *person, wrong []reply) {
	free := t.policy.FreeFailures
	if n := count(wrong, compared); n != free {
		t.failf("%d of %d wrong codes were compared, want %d", n, len(wrong), free)
	}
	if n := p.counted(); n != free {
		t.failf("%d failures were counted, want %d", n, free)
	}
	t.refused("the right code after that", p.verify(p.code(0)), tooMany, userLocked)
}

func newSignIns(t *trial) {
	p := t.person(withApp)
	const signIns = 12
	wrong := p.wrong(signIns)
	all := list(signIns, func(i int) reply { return t.do(p.halfway().second("totp", wrong[i])) })
	t.spent(p, all)
}

func burstOverSignIns(t *trial) {
	p := t.person(withApp)
	const signIns = 10
	browsers, wrong := list(signIns, func(int) *browser { return p.halfway() }), p.wrong(volley)
	t.spent(p, t.together(volley, func(i int) ask { return browsers[i%signIns].second("totp", wrong[i]) }))
}

func burst(t *trial) {
	p := t.person(withApp)
	wrong := p.wrong(volley)
	t.spent(p, t.together(volley, func(i int) ask { return p.verify(wrong[i]) }))
}

func counted(t *trial) {
	p := t.person(withApp)
	t.refused("a wrong code", p.verify(p.wrong(1)[0]), wrongCode)
	if n := p.counted(); n != 1 {
		t.failf("%d failures are counted after one wrong code, want 1", n)
	}
}

func acrossMethods(t *trial) {
	p := t.person(withApp, withBackup)
	b := p.halfway()
	wrong := p.wrong(5)
	t.spent(p, []reply{
		t.do(b.second("totp", wrong[0])), t.do(b.second("backup_code", t.backupCode())), t.do(b.second("totp", wrong[1])),
		t.do(b.second("backup_code", t.backupCode())), t.do(b.second("totp", wrong[2])), t.do(b.second("backup_code", t.backupCode())),
		t.do(b.second("totp", wrong[3])),
	})
	t.refused("a right backup code after that", b.second("backup_code", p.backups[0]), stepOver)
	t.refused("a right backup code at the Backend API", p.verify(p.backups[0]), tooMany, userLocked)
}

func (b *browser) stepUp(code string) ask {
	return b.ask(http.MethodPost, "/v1/client/sessions/"+b.session+"/verify/attempt_second_factor", "strategy", "totp", "code", code)
}

func acrossPlaces(t *trial) {
	p := t.person(withApp)
	in, half := p.signedIn(), p.halfway()
	in.must(http.MethodPost, "/v1/client/sessions/"+in.session+"/verify", "level", "second_factor")
	free := t.policy.FreeFailures
	wrong := p.wrong(free + 1)
	all := list(len(wrong), func(i int) reply {
		switch {
		case i == 0: // the owner's browser comes first: others' attempts do not make it wait
			return t.do(in.stepUp(wrong[i]))
		case i%2 == 1:
			return t.do(p.verify(wrong[i]))
		}
		return t.do(half.second("totp", wrong[i]))
	})
	if n := count(all, compared); n != free {
		t.failf("%d of %d wrong codes were compared, want %d", n, len(all), free)
	}
	if !t.limited && p.counted() != free {
		t.failf("not all places count together")
	}
}

func forwarded(t *trial) {
	limits := func(on bool) ask {
		return t.backend(http.MethodPatch, "/v1/instance", map[string]any{"ip_limits": on})
	}
	t.later(11 * time.Second) // earlier attempts of this run do not count towards the limit
	t.ok(limits(true))
	defer func() { t.ok(limits(t.limited)) }()
	const most = 12
	for i := range most {
		a := ask{method: http.MethodPost, path: "/v1/client/sign_ins", form: map[string][]string{"identifier": {randomLetters(9)}}}
		for _, name := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "True-Client-Ip", "Cf-Connecting-Ip", "X-Client-Ip"} {
			value := "198.51.100." + string(rune('0'+i%10))
			if name == "Forwarded" {
				value = "for=" + value
			}
			a = a.with(name, value)
		}
		r, err := t.send(t.ctx, a)
		if err != nil {
			t.failf("no answer: %v", err)
		}
		if r.status == http.StatusTooManyRequests {
			return
		}
	}
	t.failf("%d sign-ins within a moment, each with another address in its headers, met no limit", most)
}

func firstClearsNothing(t *trial) {
	p := t.person(withApp, withPassword)
	wrong := p.wrong(7)
	all := list(len(wrong), func(i int) reply {
		b := &browser{trial: t}
		r := b.must(http.MethodPost, "/v1/client/sign_ins", "strategy", "password", "identifier", p.name, "password", p.password)
		b.signIn = r.text("response.id")
		return t.do(b.second("totp", wrong[i]))
	})
	t.spent(p, all)
}

func resends(t *trial) {
	p := t.person(withPhone)
	b := p.halfway()
	right := ""
	const each = 2
	for left := t.policy.Tries; left > 0; left -= each {
		right = b.smsCode(p)
		for _, c := range wrongBut(right, min(each, left)) {
			t.refused("a wrong code", b.second("phone_code", c), wrongCode)
		}
		t.later(resendAfter)
	}
	t.refused("the right code of the last message, after too many wrong ones", b.second("phone_code", right))
	t.refused("a resend after too many wrong ones", b.ask(http.MethodPost, b.step("prepare"), "strategy", "phone_code"))
}

func stepUpOracle(t *trial) {
	p := t.person(withApp)
	b, half := p.signedIn(), p.halfway()
	b.must(http.MethodPost, "/v1/client/sessions/"+b.session+"/verify", "level", "second_factor")
	for _, c := range p.wrong(t.policy.FreeFailures) {
		t.refused("a wrong code in a step-up", b.stepUp(c), wrongCode)
	}
	t.refused("one more in a step-up", b.stepUp(p.wrong(1)[0]), stepOver)
	t.refused("the right code in a sign-in", half.second("totp", p.code(1)), tooMany, userLocked)
}

func malformed(t *trial) {
	p := t.person(withApp)
	for _, c := range []string{"12345", "1234567", "12a456", " 12345", "１２３４５", "%", "-12345", "1e5000", "null", strings.Repeat("1", 5000), "+12345", "123\u200b45", "１２34567", "٠٠٠٠٠", "١٢٣a٥٦", "①②③④⑤⑥", "0x1234"} {
		t.refused("a malformed code", p.verify(c))
	}
	if n := p.counted(); n != 0 {
		t.failf("malformed codes cost %d attempts", n)
	}
}

func afterLock(t *trial) {
	p := t.person(withApp)
	b := p.halfway()
	for i, c := range p.wrong(t.policy.LockFailures) {
		a := b.second("totp", c)
		if i+1 >= t.policy.Tries { // the sign-in still has an attempt left: only its age may end it
			a = p.verify(c)
		}
		t.refused("a wrong code", a, wrongCode)
		if wait, lock := t.policy.Wait(i + 1); wait > 0 && !lock {
			t.later(wait + time.Second)
		}
	}
	t.refused("the right code while the lock lasts", p.verify(p.code(0)), userLocked)
	t.later(t.policy.LockTime)
	if t.policy.UnknownDeviceFailures <= t.policy.LockFailures {
		// New browsers stay locked out after the lock, until the failures have left the window.
		t.refused("the right code in a new sign-in", p.halfway().second("totp", p.code(0)), tooMany, userLocked)
		t.ok(t.backend(http.MethodPost, "/v1/users/"+p.id+"/unlock", nil))
	}
	t.refused("the right code in the sign-in of before", b.second("totp", p.code(0)))
	p.halfway().finish("totp", p.code(0))
}

func enrolmentGuesses(t *trial) {
	p := t.person()
	b := p.enter()
	path := "/v1/me/phone_numbers/" + b.must(http.MethodPost, "/v1/me/phone_numbers", "phone_number", p.number).text("response.id")
	b.must(http.MethodPost, path+"/prepare_verification", "strategy", "phone_code")
	sent := t.messages(p.number)
	right := sent[len(sent)-1]
	for _, c := range wrongBut(right, t.policy.FreeFailures) {
		t.refused("a wrong code", b.ask(http.MethodPost, path+"/attempt_verification", "code", c), wrongCode)
	}
	t.refused("the right code after too many wrong ones", b.ask(http.MethodPost, path+"/attempt_verification", "code", right))
	if n := p.counted(); n != t.policy.FreeFailures {
		t.failf("%d failures were counted against the user, want %d", n, t.policy.FreeFailures)
	}
}

func spelledUsers(t *trial) {
	p := t.person(withPassword, withPhone)
	n := p.number
	spellings := []string{p.name, strings.ToUpper(p.name), " " + p.name + " ", n, n[:2] + " " + n[2:5] + " " + n[5:], n[:2] + "-" + n[2:5] + "-" + n[5:], strings.ReplaceAll(p.name, "k", "\u212a")}
	all := list(2*len(spellings), func(i int) reply {
		return t.do(ask{method: http.MethodPost, path: "/v1/client/sign_ins",
			form: map[string][]string{"strategy": {"password"}, "identifier": {spellings[i%len(spellings)]}, "password": {"wrong-" + randomLetters(8)}}})
	})
	free := t.policy.FreeFailures
	if n := count(all, func(r reply) bool { return r.code() != tooMany && r.code() != userLocked }); n > free {
		t.failf("%d wrong passwords for one user were compared, want at most %d", n, free)
	}
}
