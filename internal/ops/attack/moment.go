package attack

import (
	"net/http"
	"time"
)

// momentProbes are class L: the clock.
func momentProbes() []Probe {
	return []Probe{
		{"L02", "app codes of other moments: steps ago, steps ahead", "refused", "6.5.5", "3.1.4", "Keycloak CVE-2024-7318", 0, otherSteps},
		{"L03", "a text-message code just before and just after its ten minutes", "accepted, and refused", "6.5.5", "3.1.3.2", "Keycloak CVE-2024-7318", outbox | moving | unlimited, lateSMS},
		{"L05", "the time of a code in Date, X-Timestamp and the body", "ignored: only the server's clock counts", "6.5.8", "3.1.4", "", 0, clientClock},
		{"L06", "the codes of two steps, 25 times each, at once", "each is accepted once at most, and the earlier one not after the later", "2.3.4, 6.5.1", "3.1.4", "", 0, stepBoundary},
	}
}

func otherSteps(t *trial) {
	p := t.person(withApp)
	for _, steps := range []int{-20, -3, -2, 3, 4, 20} { // two steps ahead may be one ahead on arrival
		t.refused("a code of another moment", p.verify(p.code(steps)))
		p.ok(p.backend(http.MethodPost, "/v1/users/"+p.id+"/unlock", nil))
	}
	t.ok(p.verify(p.code(0)))
}

func lateSMS(t *trial) {
	for _, c := range []struct {
		after time.Duration
		works bool
	}{{9*time.Minute + 50*time.Second, true}, {10*time.Minute + time.Second, false}} {
		p := t.person(withPhone)
		b := p.halfway()
		code := b.smsCode(p)
		t.later(c.after)
		if r := t.do(b.second("phone_code", code)); accepted(r) != c.works {
			t.failf("a code %v after it was sent: %v", c.after, r)
		}
	}
}

func clientClock(t *trial) {
	p := t.person(withApp)
	at := p.serverTime().Add(-10 * time.Minute)
	a := p.backend(http.MethodPost, "/v1/users/"+p.id+"/verify_totp", map[string]any{"code": p.code(-20)})
	for _, name := range []string{"Date", "X-Timestamp", "X-Date", "X-Amz-Date"} {
		a = a.with(name, at.UTC().Format(http.TimeFormat))
	}
	t.refused("a code of ten minutes ago with the time of then", a, wrongCode)
	a.json = map[string]any{"code": p.code(-20), "timestamp": at.Unix()}
	t.refused("the same with the time in the body", a)
}

func stepBoundary(t *trial) {
	p := t.person(withApp)
	one, two := p.twoCodes()
	early, late := p.verify(one), p.verify(two)
	all := t.together(volley, func(i int) ask {
		if i%2 == 0 {
			return early
		}
		return late
	})
	for what, half := range map[string]int{"earlier": 0, "later": 1} {
		n := 0
		for i, r := range all {
			if i%2 == half && accepted(r) {
				n++
			}
		}
		if n > 1 {
			t.failf("the %s code was accepted %d times", what, n)
		}
	}
	t.refused("the earlier code after the later", early, wrongCode)
	t.refused("the later code again", late, wrongCode)
}
