package attack

import (
	"net/http"
	"strings"
)

// sessionProbes are class F: sessions.
func sessionProbes() []Probe {
	return []Probe{
		{"F01", "the account, a token and setActive with one factor of two", "refused, and there is no session", "6.3.4, 7.2.1", "5.1", "Zitadel CVE-2025-64103", 0, oneFactor},
		{"F02", "a client token planted before the sign-in", "worth nothing after it, nor after the second factor", "7.2.4", "5.1.1", "Zitadel CVE-2024-28197", 0, fixation},
		{"F06", "session, token and cookie after signing out", "refused", "7.4.1", "5.1", "", 0, signedOut},
		{"F16", "tokens and the end of their session at once", "none is made after the end was answered", "7.4.1, 15.4.2", "5.1", "", 0, endRace},
		{"F17", "session, ticket and sign-in of a banned and of a deleted user", "refused at once", "7.4.2", "5.1", "", 0, banned},
		{"F18", "many session ids", "no two alike, and no pattern in what is random", "7.2.3", "5.1", "", unlimited, sessionIDs},
		{"F19", "the attacker's client cookie beside the victim's, as a sibling domain can plant it", "refused in either order: no user acts in the attacker's account by mistake", "7.2.4, 3.3.1", "5.1.1", "", 0, twoCookies},
	}
}

func oneFactor(t *trial) {
	p := t.person(withApp)
	b := p.halfway()
	t.refused("the account", b.ask(http.MethodGet, "/v1/me"))
	t.refused("the sessions", b.ask(http.MethodGet, "/v1/me/sessions"))
	r := b.must(http.MethodGet, "/v1/client")
	if r.at("response.sessions.0") != nil || r.text("response.last_active_session_id") != "" {
		t.failf("the client has a session before the second factor")
	}
	other := p.signedIn().session
	for _, path := range []string{"/touch", "/tokens", "/verify", ""} {
		method := http.MethodPost
		if path == "" {
			method = http.MethodGet
		}
		for _, id := range []string{other, b.signIn, missingID(other)} {
			t.refused("a session"+path, b.ask(method, "/v1/client/sessions/"+id+path))
		}
	}
}

func fixation(t *trial) {
	p := t.person(withApp)
	planted := &browser{trial: t}
	planted.must(http.MethodPost, "/v1/client")
	if planted.cookie == "" {
		planted.must(http.MethodPost, "/v1/client/sign_ins", "identifier", "attack"+randomLetters(20))
	}
	before := planted.cookie
	victim := &browser{trial: t, cookie: before}
	victim.signIn = victim.must(http.MethodPost, "/v1/client/sign_ins", "strategy", "ticket", "ticket", p.ticket()).text("response.id")
	between := victim.cookie
	victim.finish("totp", p.code(0))
	if before == "" || before == between || between == victim.cookie {
		t.failf("the client token did not change at the first factor or at the second")
	}
	for _, old := range []string{before, between} {
		stale := &browser{trial: t, cookie: old, session: victim.session}
		t.refused("the account with the token from before", stale.ask(http.MethodGet, "/v1/me"))
		t.refused("a token with the token from before", stale.ask(http.MethodPost, "/v1/client/sessions/"+victim.session+"/tokens"))
	}
	victim.must(http.MethodGet, "/v1/me")
}

func signedOut(t *trial) {
	b := t.person().enter()
	was := *b
	was.must(http.MethodGet, "/v1/me")
	b.must(http.MethodPost, "/v1/client/sessions/"+b.session+"/end")
	for what, a := range map[string]ask{
		"the account": was.ask(http.MethodGet, "/v1/me"), "a token": was.ask(http.MethodPost, "/v1/client/sessions/"+was.session+"/tokens"),
		"setActive": was.ask(http.MethodPost, "/v1/client/sessions/"+was.session+"/touch"),
	} {
		t.refused(what+" after signing out", a)
	}
}

func banned(t *trial) {
	p := t.person(withPassword)
	b, token := p.enter(), p.ticket()
	t.ok(p.backend(http.MethodPost, "/v1/users/"+p.id+"/ban", nil))
	t.refused("the account of a banned user", b.ask(http.MethodGet, "/v1/me"))
	t.refused("a token of a banned user", b.ask(http.MethodPost, "/v1/client/sessions/"+b.session+"/tokens"))
	t.refused("a ticket of a banned user", redeem(token))
	gone := t.person(withPassword)
	b, token = gone.enter(), gone.ticket()
	t.ok(gone.backend(http.MethodDelete, "/v1/users/"+gone.id, nil))
	t.refused("the account of a deleted user", b.ask(http.MethodGet, "/v1/me"))
	t.refused("a token of a deleted user", b.ask(http.MethodPost, "/v1/client/sessions/"+b.session+"/tokens"))
	t.refused("a ticket of a deleted user", redeem(token))
}

func sessionIDs(t *trial) {
	p := t.person()
	const many = 20
	seen := map[string]bool{}
	for range many {
		b := p.enter()
		if seen[b.session] || seen[b.cookie] {
			t.failf("an id or a token came twice")
		}
		seen[b.session], seen[b.cookie] = true, true
		const bits256 = 50 // base-32 characters for 250 bits
		if len(b.cookie) < bits256 || strings.Contains(b.cookie, p.id) {
			t.failf("the client token is short, or made of the user's id")
		}
	}
}

func endRace(t *trial) {
	b := t.person().enter()
	token := b.ask(http.MethodPost, "/v1/client/sessions/"+b.session+"/tokens")
	end := b.ask(http.MethodPost, "/v1/client/sessions/"+b.session+"/end")
	all := t.together(volley, func(i int) ask {
		if i == volley/2 {
			return end
		}
		return token
	})
	if all[volley/2].status != http.StatusOK {
		t.failf("the session was not ended: %v", all[volley/2])
	}
	t.refused("a token after the end", token)
	t.refused("the account after the end", b.ask(http.MethodGet, "/v1/me"))
}

// likeTokens returns texts in the form of a client token that belong to no client.
func likeTokens(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = randomLetters(26) + randomLetters(26) + randomLetters(26)
	}
	return out
}

func twoCookies(t *trial) {
	mallory, victim := t.person().enter(), t.person().enter()
	pair := func(one, two string) string { return "__client=" + one + "; __client=" + two }
	for what, header := range map[string]string{
		"the attacker's first": pair(mallory.cookie, victim.cookie), "the attacker's last": pair(victim.cookie, mallory.cookie),
	} {
		for _, a := range []ask{
			{path: "/v1/client"}, {path: "/v1/me"}, {path: "/v1/me?_clerk_session_id=" + mallory.session}, {method: http.MethodPost, path: "/v1/client/sessions/" + victim.session + "/tokens"},
			{method: http.MethodPost, path: "/v1/me/totp?_clerk_session_id=" + mallory.session},
		} {
			t.refused(what, a.with("Cookie", header))
		}
	}
	// An unknown token beside the right one must not sign the victim out.
	for what, junk := range map[string][]string{
		"one": {"x"}, "ten": strings.Split("abcdefghij", ""), "ten that look like tokens": likeTokens(10),
	} {
		r := t.do(ask{path: "/v1/me"}.with("Cookie", "__client="+strings.Join(append(junk, victim.cookie), "; __client=")))
		if r.text("response.id") == "" {
			t.failf("with worthless cookies beside it, %s, the victim's is not seen", what)
		}
	}
}
