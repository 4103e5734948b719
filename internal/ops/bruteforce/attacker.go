package bruteforce

import (
	"fmt"
	"net/http"
)

// attacker knows the password, and keeps a sign-in for as long as it is good for something.
type attacker struct {
	*world
	browser *visitor
	signIn  string
	// shared is a browser on which the owner's second factor was once proved, or nil.
	shared *visitor
}

func newAttacker(w *world, known bool) (*attacker, error) {
	a := &attacker{world: w}
	if !known {
		return a, nil
	}
	a.shared = &visitor{world: w}
	if err := w.signIn(a.shared); err != nil {
		return nil, fmt.Errorf("the owner's sign-in on a shared computer: %w", err)
	}
	a.shared.end()
	return a, nil
}

// start begins a sign-in with the password, or with a ticket as a team's own server makes them for whoever knows it.
func (a *attacker) start(ticket bool) answer {
	if a.signIn != "" {
		return refused(http.StatusOK)
	}
	if a.browser = a.shared; a.browser == nil {
		a.browser = &visitor{world: a.world}
	}
	form := []string{"strategy", "password", "identifier", username, "password", passwordText}
	if ticket {
		made := a.backend("/v1/sign_in_tokens", map[string]any{"user_id": a.user})
		form = []string{"strategy", "ticket", "ticket", made.Text("token")}
	}
	got := a.browser.call(http.MethodPost, "/v1/client/sign_ins", form...)
	if got.Status == http.StatusOK {
		a.signIn = got.Text("response.id")
	}
	return got
}

// guess offers a code in a sign-in. One that is over is forgotten.
func (a *attacker) guess(strategy, code string, ticket, prepare bool) answer {
	for {
		if got := a.start(ticket); got.Status != http.StatusOK {
			return got
		}
		at := "/v1/client/sign_ins/" + a.signIn
		if prepare && a.prepared != a.signIn {
			got := a.browser.call(http.MethodPost, at+"/prepare_second_factor", "strategy", strategy)
			if got.over() {
				a.signIn = ""
				continue
			}
			if got.Status != http.StatusOK {
				return got
			}
			a.prepared = a.signIn
		}
		got := a.browser.call(http.MethodPost, at+"/attempt_second_factor", "strategy", strategy, "code", code)
		if got.over() {
			a.signIn = ""
			continue
		}
		if got.retry > 0 {
			a.signIn = "" // it may be too old after the wait
		}
		return got
	}
}

func (a *attacker) digits() string { return fmt.Sprintf("%06d", a.chance.IntN(1_000_000)) }

func (a *attacker) app() answer    { return a.guess("totp", a.digits(), false, false) }
func (a *attacker) sms() answer    { return a.guess("phone_code", a.digits(), false, true) }
func (a *attacker) ticket() answer { return a.guess("totp", a.digits(), true, false) }

func (a *attacker) backupCode() answer {
	const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
	code := make([]byte, 10)
	for i := range code {
		code[i] = alphabet[a.chance.IntN(len(alphabet))]
	}
	return a.guess("backup_code", string(code[:5])+"-"+string(code[5:]), false, false)
}

// backendAPI guesses through a form of the team's own application.
func (a *attacker) backendAPI() answer {
	return a.backend("/v1/users/"+a.user+"/verify_totp", map[string]any{"code": a.digits()})
}

// stepUp guesses in the owner's own session, with a copy of its cookie.
func (a *attacker) stepUp() answer {
	if a.owner.session == "" { // the owner did not get in either
		return refused(http.StatusUnauthorized)
	}
	stolen := *a.owner
	at := "/v1/client/sessions/" + stolen.session + "/verify"
	for {
		got := stolen.call(http.MethodPost, at+"/attempt_second_factor", "strategy", "totp", "code", a.digits())
		if !got.over() {
			return got
		}
		if got = stolen.call(http.MethodPost, at, "level", "second_factor"); got.Status != http.StatusOK {
			return got
		}
	}
}
