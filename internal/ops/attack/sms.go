package attack

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// smsProbes are class C: SMS and phone numbers.
func smsProbes() []Probe {
	return []Probe{
		{"C01", "another user's number in every way of writing it", "never added a second time", "2.2.1, 2.2.2", "3.1.3.3", "", 0, writtenNumbers},
		{"C02", "numbers with extensions, letters, signs of direction, NUL, a megabyte", "refused, never a server error", "2.2.1", "3.1.3.3", "nyaruka/phonenumbers CVE-2025-10954", 0, oddNumbers},
		{"C05", "premium, toll-free, satellite and short numbers", "refused before anything is sent", "2.4.1, 6.6.1", "3.1.3.3", "Twitter 2022 (pumping)", 0, costlyNumbers},
		{"C06", "numbers of countries that are not allowed, also under +1", "refused before anything is sent", "2.4.1, 6.6.1", "3.1.3.3", "Twitter 2022 (pumping)", 0, otherCountries},
		{"C07", "50 messages to one number at once", "one is sent", "2.4.1, 6.6.3", "3.1.3.3", "Twitter 2022 (pumping)", outbox | unlimited, sendRace},
		{"C12", "a message before the first factor, and to another user's number", "refused, nothing is sent", "6.6.1", "3.1.3.2", "Box 2021", outbox, unasked},
		{"C14", "adding taken numbers one after another, to learn which are", "after ten in a day no more is said", "6.3.8, 2.4.1", "", "Twilio Authy CVE-2024-39891", unlimited, takenNumbers},
		{"C15", "sign-ins with known and unknown users, and wrong passwords for them", "the answers are the same", "6.3.8", "3.2.2", "Twilio Authy CVE-2024-39891", 0, enumeration},
		{"C15b", "wrong passwords for a known user, one without a password and an unknown one, until a limit", "the answers are the same at every try", "6.3.8", "3.2.2", "Twilio Authy CVE-2024-39891", unlimited, enumerationByLimit},
		{"C16", "looking at a victim's number with the first factor alone", "only its last digits are shown", "14.2.6", "3.1.3.3", "", 0, masked},
		{"C17", "reading the message", "one segment, and a last line that binds the code to the host", "6.6.2", "3.1.3.2", "Retool 2023", outbox, message},
		{"C18", "the fixed code of test mode, 424242, for real numbers and apps", "refused; no deployment but a development server is in test mode", "13.4.2, 6.5.3", "3.1.3.2", "", unlimited, fixedCode},
	}
}

func oddNumbers(t *trial) {
	b := t.person().enter()
	for _, n := range []string{
		"+12125550123;ext=5", "+12125550123,,5", "+12125550123x5", "+12125550123 p5", "+12125550123 +12125550124", "+١٢١٢٥٥٥٠١٢٣;ext=٥", "+", "", "++12125550123",
		"tel:+12125550123;phone-context=x", "+1212555012\x00", "+" + strings.Repeat("1", 10000), "\u202e3210555212 1+", "☎", "+999999999999999", "-12125550123",
	} {
		t.refused("the number "+strings.ToValidUTF8(n[:min(len(n), 30)], "?"), b.ask(http.MethodPost, "/v1/me/phone_numbers", "phone_number", n))
	}
}

func costlyNumbers(t *trial) {
	b := t.person().enter()
	for _, n := range []string{"+19005550100", "+18005550100", "+881612345678", "+882161234567", "+97912345678", "+1911", "+112", "+80012345678", "+442079460000x"} {
		t.refused("the number "+n, b.ask(http.MethodPost, "/v1/me/phone_numbers", "phone_number", n))
	}
}

func sendRace(t *trial) {
	p := t.person(withPhone)
	b := p.halfway()
	a := b.ask(http.MethodPost, b.step("prepare"), "strategy", "phone_code")
	t.together(volley, func(int) ask { return a })
	if n := len(t.messages(p.number)); n != 1 {
		t.failf("%d messages went to one number at once, want 1", n)
	}
}

func unasked(t *trial) {
	mallory, victim := t.person(withPhone, withPassword), t.person(withPhone, withPassword)
	b := t.known(victim.name)
	t.refused("a message before the first factor", b.ask(http.MethodPost, b.step("prepare"), "strategy", "phone_code"))
	b = mallory.halfway()
	t.refused("a message to another user's number", b.ask(http.MethodPost, b.step("prepare"), "strategy", "phone_code", "phone_number_id", victim.phoneID))
	if n := len(t.messages(victim.number)); n != 0 {
		t.failf("%d messages went to the victim", n)
	}
}

// changing are the parts of an answer that differ from call to call.
var changing = regexp.MustCompile(`"(id|clerk_trace_id|abandon_at|created_at|updated_at|cookie_expires_at|expire_at)":("[^"]*"|\d+)`)

// shape returns an answer without the parts that differ between calls.
func shape(r reply, names ...string) string {
	s := changing.ReplaceAllString(string(r.body), `"$1":*`)
	for _, n := range names {
		s = strings.ReplaceAll(s, n, "NAME")
	}
	return s
}

func enumeration(t *trial) {
	known, unknown := t.person(withApp, withPassword).name, "attack"+randomLetters(20)
	for what, form := range map[string][]string{"an identifier alone": nil, "a wrong password": {"password", "strategy"}} {
		ask := func(name string) reply {
			a := ask{method: http.MethodPost, path: "/v1/client/sign_ins", form: map[string][]string{"identifier": {name}}}
			if form != nil {
				a.form.Set("strategy", "password")
				a.form.Set("password", "a wrong password")
			}
			return t.do(a)
		}
		one, two := ask(known), ask(unknown)
		if one.status != two.status || shape(one, known, unknown) != shape(two, known, unknown) {
			t.failf("%s: the answers for a known and an unknown user differ: %v, %v", what, one, two)
		}
	}
}

func masked(t *trial) {
	p := t.person(withPhone)
	b := p.halfway()
	r := b.must(http.MethodGet, "/v1/client/sign_ins/"+b.signIn)
	if !strings.Contains(string(r.body), p.phoneID) {
		t.failf("the attack could not be prepared: the sign-in does not offer the number")
	}
	const shown = 4
	if hidden := p.number[2 : len(p.number)-shown]; strings.Contains(string(r.body), hidden) {
		t.failf("the number can be read before the second factor")
	}
}

func message(t *trial) {
	p := t.person(withPhone)
	p.halfway().smsCode(p)
	r := t.ok(ask{path: "/dev/sms?phone_number=%2B" + p.number[1:]})
	text, code := r.text("messages.0.text"), r.text("messages.0.code")
	const segment = 160
	if len(text) > segment {
		t.failf("the message has %d characters: more than a segment", len(text))
	}
	if !regexp.MustCompile(`\n@[A-Za-z0-9.-]+ #` + regexp.QuoteMeta(code) + `$`).MatchString(text) {
		t.failf("the last line does not bind the code to a host")
	}
	if !regexp.MustCompile(`^\d{6}$`).MatchString(code) {
		t.failf("the code is not six digits")
	}
}

func writtenNumbers(t *trial) {
	holder := t.person(withPhone)
	b := t.person().enter()
	n := holder.number
	for _, written := range []string{
		n, n[:2] + " (" + n[2:5] + ") " + n[5:8] + "-" + n[8:], " " + n + " ", "tel:" + n, "00" + n[1:], n[1:], "+1.212." + n[5:], n + "\u200e", "\u202d" + n, "＋" + n[1:],
	} {
		t.refused("the number as "+written, b.ask(http.MethodPost, "/v1/me/phone_numbers", "phone_number", written))
	}
}

func otherCountries(t *trial) {
	b := t.person().enter()
	allowed, _ := t.ok(t.backend(http.MethodGet, "/v1/instance", nil)).at("sms_countries").([]any)
	for country, n := range map[string]string{
		"JM": "+18762345678", "DO": "+18092345678", "BS": "+12423591234", "SO": "+252712345678", "CU": "+5351234567", "LK": "+94712345678", "GN": "+224601123456", "EE": "+37251234567",
	} {
		if !slices.Contains(allowed, any(country)) {
			t.refused("a number of "+country, b.ask(http.MethodPost, "/v1/me/phone_numbers", "phone_number", n))
		}
	}
}

func takenNumbers(t *trial) {
	holder := t.person(withPhone)
	b := t.person().enter()
	const most = 10
	for range most {
		t.refused("a taken number", b.ask(http.MethodPost, "/v1/me/phone_numbers", "phone_number", holder.number), "form_identifier_exists")
	}
	t.refused("one more", b.ask(http.MethodPost, "/v1/me/phone_numbers", "phone_number", holder.number), tooMany)
}

func enumerationByLimit(t *trial) {
	who := []string{t.person(withApp, withPassword).name, t.person(withApp).name, "attack" + randomLetters(20)}
	const most = 8
	for i := range most {
		all := list(len(who), func(j int) reply {
			return t.do(ask{method: http.MethodPost, path: "/v1/client/sign_ins", form: map[string][]string{"identifier": {who[j]}, "strategy": {"password"}, "password": {"a wrong password"}}})
		})
		for _, r := range all[1:] {
			if r.status != all[0].status || r.code() != all[0].code() {
				t.failf("try %d tells a known user from others: %v", i+1, all)
			}
		}
	}
}

func fixedCode(t *trial) {
	const fixed = "424242"
	set := t.ok(t.backend(http.MethodGet, "/v1/instance", nil))
	if !t.development && set.at("test_mode") == true {
		t.failf("a deployment for real users is in test mode")
	}
	p := t.person(withApp)
	if p.code(-1) != fixed && p.code(0) != fixed && p.code(1) != fixed {
		t.refused("the fixed code for an app", p.verify(fixed), wrongCode)
	}
	if !t.development {
		return // a message would cost money
	}
	p = t.person(withPhone)
	b := p.halfway()
	if b.smsCode(p) != fixed {
		t.refused("the fixed code for a real number", b.second("phone_code", fixed), wrongCode)
	}
}
