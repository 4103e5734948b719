package attack

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// onceProbes are class A: single-use codes and tokens must not work twice.
func onceProbes() []Probe {
	const single, otp = "6.5.1", "3.1.4"
	return []Probe{
		{"A01", "the app's code of one sign-in in a second sign-in", "the second is refused and costs its owner no attempt", single, otp,
			"Laravel Fortify CVE-2022-25838, Nextcloud, django-allauth, Vikunja CVE-2026-33473, better-auth", 0, replayInNextSignIn},
		{"A02", "50 uses of one app code at once, by the Backend API", "one is accepted", "2.3.4, 15.4.2", otp, "Gitea CVE-2026-20779, Parse Server", 0, raceApp},
		{"A02b", "one app code in 20 sign-ins at once", "one is completed", "2.3.4, 15.4.2", otp, "Parse Server GHSA-jpq4-7fmq-q5fj", unlimited, raceSignIns},
		{"A03", "50 uses of one text-message code at once", "one is accepted", "2.3.4, 6.5.1", "3.1.3.2", "Parse Server GHSA-jpq4-7fmq-q5fj", outbox | unlimited, raceSMS},
		{"A04", "50 uses of one backup code at once", "one is accepted", "2.3.4, 6.5.1", "3.1.2.2", "Appwrite #11692, better-auth #6176, Parse Server GHSA-2299-ghjr-6vjp", 0, raceBackup},
		{"A05", "the app's code of a sign-in at the Backend API and in a step-up", "refused: a code is used up for the factor, not for the place", single, otp,
			"Gitea CVE-2026-20779, devise-two-factor CVE-2021-43177", 0, replayElsewhere},
		{"A06", "a code of the step before the one that was accepted", "refused", single, otp, "devise-two-factor CVE-2015-7225", 0, earlierStep},
		{"A07", "a used code with spaces, in other digits and in other forms", "refused", single, otp, "Vault CVE-2025-6014, OpenBao CVE-2025-55003", 0, respelled},
		{"A08", "both text-message codes of a resend, one after the other", "refused", "6.6.2", "3.1.3.2", "", outbox | moving | unlimited, codesOfAResend},
		{"A09", "a text-message code again after it was accepted", "refused", single, "3.1.3.2", "", outbox, afterSuccess},
		{"A10", "the text-message code of one sign-in in another of the same user", "refused", "6.6.2", "3.1.3.2", "", outbox | moving | unlimited, otherSignIn},
		{"A11", "the code that verifies a new number as the second factor", "refused", "6.6.2", "3.1.3.2", "", outbox | unlimited, otherPurpose},
		{"A12", "the code that confirmed an app in the next sign-in", "refused", single, otp, "", 0, enrolmentCode},
		{"A13", "a backup code of a set that was replaced", "refused", single, "3.1.2.2", "SFTPGo CVE-2022-36071", 0, oldBackup},
		{"A14", "one backup code in all its spellings at once", "one is accepted: however it is written, it is one code", "2.3.4, 6.5.1", "3.1.2.2", "Vault CVE-2025-6014", 0, raceSpellings},
		{"A15", "a code of an app that was removed and enrolled anew", "refused", "6.5.6", "4.1.2.1", "", 0, oldApp},
		{"A16", "the nonce of a handshake twice, and 50 times at once", "it is answered once", "2.3.4, 7.2.1", "5.1", "", 0, nonceTwice},
	}
}

func replayInNextSignIn(t *trial) {
	p := t.person(withApp)
	code := p.code(0)
	p.halfway().finish("totp", code)
	again := p.halfway()
	t.refused("the same code in another sign-in", again.second("totp", code), wrongCode)
	if n := p.counted(); n != 0 {
		t.failf("the replay cost its owner %d attempts: a double click must not lock the owner out", n)
	}
}

func raceApp(t *trial) {
	p := t.person(withApp)
	a := p.verify(p.code(0))
	t.oneOf("app code", t.together(volley, func(int) ask { return a }))
}

func raceSignIns(t *trial) {
	p := t.person(withApp)
	const signIns = 20
	browsers := list(signIns, func(int) *browser { return p.halfway() })
	code := p.code(0)
	t.oneOf("app code", t.together(signIns, func(i int) ask { return browsers[i].second("totp", code) }))
}

func raceSMS(t *trial) {
	p := t.person(withPhone)
	b := p.halfway()
	a := b.second("phone_code", b.smsCode(p))
	t.oneOf("text-message code", t.together(volley, func(int) ask { return a }))
}

func raceBackup(t *trial) {
	p := t.person(withApp, withBackup)
	a := p.verify(p.backups[0])
	t.oneOf("backup code", t.together(volley, func(int) ask { return a }))
	t.ok(p.verify(p.backups[1])) // the others still work
	t.refused("a used backup code", p.verify(p.backups[1]), wrongCode)
}

func replayElsewhere(t *trial) {
	p := t.person(withApp)
	code := p.code(0)
	b := p.halfway().finish("totp", code)
	t.refused("at the Backend API", p.verify(code), wrongCode)
	b.must(http.MethodPost, "/v1/client/sessions/"+b.session+"/verify", "level", "second_factor")
	t.refused("in a step-up", b.ask(http.MethodPost, "/v1/client/sessions/"+b.session+"/verify/attempt_second_factor", "strategy", "totp", "code", code), wrongCode)
}

func earlierStep(t *trial) {
	p := t.person(withApp)
	before, now := p.twoCodes()
	t.ok(p.verify(now))
	t.refused("the code of the step before", p.verify(before), wrongCode)
}

func respelled(t *trial) {
	p := t.person(withApp, withBackup)
	code, backup := p.code(0), p.backups[0]
	t.ok(p.verify(code))
	wide := ""
	for _, d := range code {
		wide += string(d - '0' + '０')
	}
	for _, again := range []string{" " + code, code + " ", code + "\n", "0" + code, wide, code[:3] + " " + code[3:], "+" + code} {
		t.refused("the used code written otherwise", p.verify(again))
	}
	t.ok(p.verify(backup))
	for _, again := range []string{backup, backup[:5] + backup[6:], " " + backup, backup + " "} {
		t.refused("the used backup code written otherwise", p.verify(again))
	}
}

// resendAfter is slightly more than the minimum time between two messages to a number.
const resendAfter = 31 * time.Second

func codesOfAResend(t *trial) {
	p := t.person(withPhone)
	b := p.halfway()
	old := b.smsCode(p)
	t.later(resendAfter)
	resent := b.smsCode(p)
	t.ok(b.second("phone_code", old))
	other := p.halfway()
	for _, code := range []string{old, resent} {
		t.refused("a code of the sign-in before", b.second("phone_code", code))
		t.refused("a code of the sign-in before in the next one", other.second("phone_code", code))
	}
}

func afterSuccess(t *trial) {
	p := t.person(withPhone)
	b := p.halfway()
	a := b.second("phone_code", b.smsCode(p))
	t.ok(a)
	t.refused("the code again", a)
	other := p.halfway()
	t.refused("the code in the next sign-in", other.second("phone_code", a.form.Get("code")))
}

func otherSignIn(t *trial) {
	p := t.person(withPhone)
	one, two := p.halfway(), p.halfway()
	code := one.smsCode(p)
	t.refused("a code of another sign-in, without one of its own", two.second("phone_code", code))
	t.later(resendAfter)
	if two.smsCode(p) == code {
		t.later(resendAfter)
		two.smsCode(p)
	}
	t.refused("a code of another sign-in", two.second("phone_code", code), wrongCode)
	one.finish("phone_code", code)
}

func otherPurpose(t *trial) {
	p := t.person(withApp)
	b := p.signedIn()
	number := "+1212" + "2" + digits(6)
	id := b.must(http.MethodPost, "/v1/me/phone_numbers", "phone_number", number).text("response.id")
	b.must(http.MethodPost, "/v1/me/phone_numbers/"+id+"/prepare_verification", "strategy", "phone_code")
	sent := t.messages(number)
	if len(sent) != 1 {
		t.failf("%d messages came, want 1", len(sent))
	}
	other := p.halfway()
	for _, strategy := range []string{"phone_code", "totp", "backup_code"} {
		t.refused("the code for a new number as "+strategy, other.second(strategy, sent[0]))
	}
}

// enrol enrols an app in the browser, with its secret in p.seed, and returns the confirming code.
func enrol(b *browser, p *person) (code string) {
	p.seed = secretOf(b.must(http.MethodPost, "/v1/me/totp"))
	code = p.code(0)
	b.must(http.MethodPost, "/v1/me/totp/attempt_verification", "code", code)
	return code
}

func enrolmentCode(t *trial) {
	p := t.person()
	code := enrol(p.enter(), p)
	t.refused("the confirming code in a sign-in", p.halfway().second("totp", code), wrongCode)
}

func oldBackup(t *trial) {
	p := t.person(withApp)
	b := p.signedIn()
	old := b.must(http.MethodPost, "/v1/me/backup_codes").text("response.codes.0")
	var fresh string
	// For five seconds the server returns the same set, so that a double click does not replace the
	// codes just shown.
	if t.development {
		t.later(10 * time.Second)
		fresh = b.must(http.MethodPost, "/v1/me/backup_codes").text("response.codes.0")
	} else {
		p.ok(p.backend(http.MethodDelete, "/v1/users/"+p.id+"/backup_code", nil))
		fresh = b.must(http.MethodPost, "/v1/me/backup_codes").text("response.codes.0")
	}
	if fresh == old {
		t.failf("a new set holds an old code")
	}
	t.refused("a code of the set before", p.verify(old), wrongCode)
	t.ok(p.verify(fresh))
}

func oldApp(t *trial) {
	p := t.person(withApp)
	b := p.signedIn()
	was := *p
	b.must(http.MethodDelete, "/v1/me/totp")
	enrol(b, p)
	t.refused("a code of the removed app", p.verify(was.code(1)), wrongCode)
}

func raceSpellings(t *trial) {
	p := t.person(withApp, withBackup)
	code := p.backups[0]
	plain := strings.ReplaceAll(code, "-", "")
	spellings := []string{code, plain, strings.ToUpper(code), strings.ToUpper(plain), plain[:2] + "-" + plain[2:], " " + code, code + " "}
	all := t.together(volley, func(i int) ask { return p.verify(spellings[i%len(spellings)]) })
	if n := count(all, accepted); n > 1 {
		t.failf("%d spellings of one backup code were accepted", n)
	}
	t.refused("the code after that", p.verify(code))
}

func nonceTwice(t *trial) {
	b := t.person().enter()
	fetch := func() ask {
		r := t.do(b.ask(http.MethodGet, "/v1/client/handshake").query("format=nonce&redirect_url=" + url.QueryEscape(t.URL+"/")))
		to, err := url.Parse(r.header.Get("Location"))
		if err != nil || to.Query().Get("__clerk_handshake_nonce") == "" {
			t.failf("the attack could not be prepared: %v leads nowhere", r)
		}
		return t.backend(http.MethodGet, "/v1/clients/handshake_payload?nonce="+to.Query().Get("__clerk_handshake_nonce"), nil)
	}
	a := fetch()
	t.ok(a)
	t.refused("the nonce again", a)
	a = fetch()
	t.oneOf("nonce", t.together(volley, func(int) ask { return a }))
	a = fetch()
	delete(a.header, "Authorization")
	t.refused("a nonce without the key", a)
}
