package attack

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// ticketProbes are the attacks of class F on sign-in tickets.
func ticketProbes() []Probe {
	const asvs, nist = "6.3.4, 6.5.1", "5.1"
	return []Probe{
		{"F04", "a ticket twice", "the second use is refused", asvs, nist, "", 0, ticketTwice},
		{"F04b", "50 uses of one ticket at once", "one is accepted", "2.3.4, 15.4.2", nist, "", unlimited, ticketRace},
		{"F04c", "a ticket after it was revoked, and one that was altered", "refused", asvs, nist, "", 0, ticketRevoked},
		{"F04d", "a ticket after its time", "refused", asvs, nist, "", moving, ticketExpired},
		{"F04e", "a ticket of one user with the user of another in the body", "it signs in its own user only", "8.2.2, 15.3.3", nist, "WordPress Shield CVE-2025-14427", 0, ticketOverride},
	}
}

// redeem returns a request that uses a ticket in a new browser.
func redeem(token string) ask {
	return ask{method: http.MethodPost, path: "/v1/client/sign_ins", form: url.Values{"strategy": {"ticket"}, "ticket": {token}}}
}

func ticketTwice(t *trial) {
	token := t.person().ticket()
	t.ok(redeem(token))
	t.refused("the ticket again", redeem(token))
}

func ticketRace(t *trial) {
	a := redeem(t.person().ticket())
	t.oneOf("ticket", t.together(volley, func(int) ask { return a }))
}

func ticketRevoked(t *trial) {
	p := t.person()
	made := t.ok(t.backend(http.MethodPost, "/v1/sign_in_tokens", map[string]any{"user_id": p.id}))
	token := made.text("token")
	last := token[len(token)-1:]
	other := map[bool]string{true: "b", false: "a"}[last == "a"]
	t.refused("an altered ticket", redeem(token[:len(token)-1]+other))
	t.refused("a ticket cut short", redeem(token[:len(token)-4]))
	t.ok(t.backend(http.MethodPost, "/v1/sign_in_tokens/"+made.text("id")+"/revoke", nil))
	t.refused("a revoked ticket", redeem(token))
}

func ticketExpired(t *trial) {
	token := t.person().ticket()
	t.later(11 * time.Minute)
	t.refused("a ticket of eleven minutes ago", redeem(token))
}

func ticketOverride(t *trial) {
	mallory, victim := t.person(), t.person()
	a := redeem(mallory.ticket())
	for _, name := range []string{"user_id", "created_user_id", "id", "instance_id", "created_session_id", "status"} {
		a.form.Set(name, victim.id)
	}
	r := t.ok(a)
	if strings.Contains(string(r.body), victim.id) {
		t.failf("the answer names the other user")
	}
	b := &browser{trial: t, cookie: r.cookie, session: r.text("response.created_session_id")}
	if got := b.must(http.MethodGet, "/v1/me").text("response.id"); got != mallory.id {
		t.failf("the session belongs to another user than the ticket")
	}
}
