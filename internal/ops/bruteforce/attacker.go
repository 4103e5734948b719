package bruteforce

import (
	"fmt"
	"net/http"

	"github.com/countersign-mfa/countersign/internal/ops/guessbound"
)

// attacker knows the password. It uses one sign-in until that ends, then begins another.
type attacker struct {
	*world
	browser *visitor
	signIn  string
	// shared is a browser on which the owner once completed the second factor, or nil.
	shared *visitor
}

// newAttacker returns an attacker of a kind. With a known device, the owner signs in on the
// attacker's browser first.
func newAttacker(w *world, kind guessbound.Attacker) (*attacker, error) {
	a := &attacker{world: w}
	if !kind.KnownDevice {
		return a, nil
	}
	a.shared = &visitor{world: w}
	if err := w.signIn(a.shared); err != nil {
		return nil, fmt.Errorf("the owner's sign-in on a shared computer: %w", err)
	}
	a.shared.end()
	return a, nil
}

// byPassword returns the form that begins a sign-in with the password.
func (a *attacker) byPassword() []string {
	return []string{"strategy", "password", "identifier", username, "password", passwordText}
}

// byTicket returns the form that begins a sign-in with a ticket that the application's server made.
func (a *attacker) byTicket() []string {
	made := a.backend("/v1/sign_in_tokens", map[string]any{"user_id": a.user})
	return []string{"strategy", "ticket", "ticket", made.Text("token")}
}

// start begins a sign-in, unless one is open.
func (a *attacker) start(form func() []string) answer {
	if a.signIn != "" {
		return withStatus(http.StatusOK)
	}
	if a.browser = a.shared; a.browser == nil {
		a.browser = &visitor{world: a.world}
	}
	got := a.browser.call(http.MethodPost, "/v1/client/sign_ins", form()...)
	if got.Status == http.StatusOK {
		a.signIn = got.Text("response.id")
	}
	return got
}

// guess sends a code in a sign-in, and begins another sign-in when that one has ended. Only
// phone_code is prepared.
func (a *attacker) guess(strategy, code string, form func() []string) answer {
	for {
		if got := a.start(form); got.Status != http.StatusOK {
			return got
		}
		at := "/v1/client/sign_ins/" + a.signIn
		if strategy == "phone_code" && a.prepared != a.signIn {
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
			a.signIn = "" // the sign-in may have expired after the wait
		}
		return got
	}
}

func (a *attacker) digits() string { return fmt.Sprintf("%06d", a.chance.IntN(1_000_000)) }

func (a *attacker) app() answer    { return a.guess("totp", a.digits(), a.byPassword) }
func (a *attacker) sms() answer    { return a.guess("phone_code", a.digits(), a.byPassword) }
func (a *attacker) ticket() answer { return a.guess("totp", a.digits(), a.byTicket) }

func (a *attacker) backupCode() answer {
	const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
	code := make([]byte, 10)
	for i := range code {
		code[i] = alphabet[a.chance.IntN(len(alphabet))]
	}
	return a.guess("backup_code", string(code[:5])+"-"+string(code[5:]), a.byPassword)
}

// backendAPI guesses through the application's own form, which verifies codes over the Backend API.
func (a *attacker) backendAPI() answer {
	return a.backend("/v1/users/"+a.user+"/verify_totp", map[string]any{"code": a.digits()})
}

// stepUp guesses in the owner's session, with a copy of its cookie.
func (a *attacker) stepUp() answer {
	if a.owner.session == "" { // the owner's last sign-in was refused
		return withStatus(http.StatusUnauthorized)
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
