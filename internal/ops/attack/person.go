package attack

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/backupcode"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
)

// person is a throw-away user with its factors.
type person struct {
	*trial
	id, name, password string
	seed               secret.Value
	backups            []string
	number, phoneID    string
}

// Factors that a person can have from the start.
const (
	withApp      = "totp"
	withBackup   = "backup"
	withPhone    = "phone"
	withPassword = "password"
)

// digits returns n random digits.
func digits(n int) string {
	var b strings.Builder
	for range n {
		d, err := rand.Int(rand.Reader, big.NewInt(10))
		if err != nil {
			panic(finding("no randomness: " + err.Error()))
		}
		b.WriteString(d.String())
	}
	return b.String()
}

// backupCode returns a random code of the right form. A code of another form would be refused
// without being verified.
func (t *trial) backupCode() string {
	codes, err := backupcode.Generate(rand.Reader, 1)
	if err != nil {
		t.failf("no backup code: %v", err)
	}
	return codes[0].Reveal()
}

// person creates a user with factors.
func (t *trial) person(factors ...string) *person {
	p := &person{trial: t, name: "attack" + randomLetters(20), number: "+1212" + "2" + digits(6)}
	in := map[string]any{"username": p.name}
	for _, f := range factors {
		switch f {
		case withApp:
			seed, err := totp.Generate(rand.Reader)
			if err != nil {
				t.failf("no secret: %v", err)
			}
			p.seed = seed
			in["totp_secret"] = seed.Reveal()
		case withBackup:
			p.backups = list(3, func(int) string { return t.backupCode() })
			in["backup_codes"] = p.backups
		case withPhone:
			in["phone_number"], in["phone_number_identification_status"] = []string{p.number}, []string{"reserved"}
		case withPassword:
			p.password = "pw-" + randomLetters(20)
			in["password"] = p.password
		}
	}
	r := t.ok(t.backend(http.MethodPost, "/v1/users", in))
	p.id, p.phoneID = r.text("id"), r.text("phone_numbers.0.id")
	t.users = append(t.users, p.id)
	return p
}

// code returns the app's code, some steps from now.
func (p *person) code(steps int) string {
	c, err := totp.Code(p.seed, p.serverTime().Add(time.Duration(steps)*totp.Period))
	if err != nil {
		p.failf("no code: %v", err)
	}
	return c
}

// twoCodes returns the app's codes of two neighbouring steps that the policy accepts now.
func (p *person) twoCodes() (earlier, later string) {
	const soon = 10 * time.Second
	last := int(p.policy.TOTP.Future)
	if left := totp.Period - time.Duration(p.serverTime().Unix())*time.Second%totp.Period; last == 0 && left < soon {
		p.pass(left) // the earlier code ends with the present step
	}
	return p.code(last - 1), p.code(last)
}

// wrong returns n different codes that the app does not show within six steps of now.
func (p *person) wrong(n int) []string {
	var near, out []string
	if !p.seed.IsZero() {
		near = list(13, func(i int) string { return p.code(i - 6) })
	}
	for len(out) < n {
		if c := digits(totp.Digits); !slices.Contains(near, c) && !slices.Contains(out, c) && c != "424242" {
			out = append(out, c)
		}
	}
	return out
}

// verify is a request that verifies a code over the Backend API.
func (p *person) verify(code string) ask {
	return p.backend(http.MethodPost, "/v1/users/"+p.id+"/verify_totp", map[string]any{"code": code})
}

// shown returns the user from the Backend API.
func (p *person) shown() reply { return p.ok(p.backend(http.MethodGet, "/v1/users/"+p.id, nil)) }

// counted returns how many wrong second factors the server has counted against the user.
func (p *person) counted() int {
	n, ok := p.shown().at("verification_attempts_remaining").(float64)
	if !ok {
		p.failf("the user does not say how many attempts remain")
	}
	return p.policy.LockFailures - int(n)
}

// ticket creates a sign-in ticket and returns its token.
func (p *person) ticket() string {
	return p.ok(p.backend(http.MethodPost, "/v1/sign_in_tokens", map[string]any{"user_id": p.id})).text("token")
}

// browser holds the client token that the server issued to it.
type browser struct {
	*trial
	cookie, session, signIn string
}

// ask returns a request of the browser, with a form.
func (b *browser) ask(method, path string, form ...string) ask {
	values := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	if b.session != "" {
		path += "?_clerk_session_id=" + b.session
	}
	a := ask{method: method, path: path, cookie: b.cookie}
	if method != http.MethodGet {
		a.form = values
	}
	return a
}

// call sends a request and keeps the client token of the answer.
func (b *browser) call(method, path string, form ...string) reply {
	r := b.do(b.ask(method, path, form...))
	b.keep(r)
	return r
}

func (b *browser) keep(r reply) {
	if r.cookie != "" {
		b.cookie = r.cookie
	}
}

// must sends a request that must succeed.
func (b *browser) must(method, path string, form ...string) reply {
	r := b.call(method, path, form...)
	if r.status/100 != 2 {
		b.failf("the attack could not be prepared: %v", r)
	}
	return r
}

// enter begins a sign-in with a ticket in a new browser.
func (p *person) enter() *browser {
	b := &browser{trial: p.trial}
	r := b.must(http.MethodPost, "/v1/client/sign_ins", "strategy", "ticket", "ticket", p.ticket())
	b.signIn, b.session = r.text("response.id"), r.text("response.created_session_id")
	return b
}

// halfway returns a browser that proved the first factor of a person with a second factor.
func (p *person) halfway() *browser {
	b := p.enter()
	if b.session != "" {
		p.failf("a ticket alone signed in a user who has a second factor")
	}
	return b
}

// second returns an attempt at the second factor.
func (b *browser) second(strategy, code string) ask {
	return b.ask(http.MethodPost, b.step("attempt"), "strategy", strategy, "code", code)
}

func (b *browser) step(which string) string {
	return "/v1/client/sign_ins/" + b.signIn + "/" + which + "_second_factor"
}

// finish proves the second factor, which must succeed.
func (b *browser) finish(strategy, code string) *browser {
	r := b.ok(b.second(strategy, code))
	b.keep(r)
	if b.session = r.text("response.created_session_id"); b.session == "" {
		b.failf("the attack could not be prepared: the right code did not complete the sign-in")
	}
	return b
}

// signedIn returns a browser in which the person is signed in, with the second factor if there is
// one.
func (p *person) signedIn() *browser {
	b := p.enter()
	if b.session == "" {
		b.finish("totp", p.code(0))
	}
	return b
}

// messages returns the codes of the messages to a number, oldest first.
func (t *trial) messages(number string) []string {
	r := t.ok(ask{path: "/dev/sms?phone_number=" + url.QueryEscape(number)})
	var out []string
	for i := 0; ; i++ {
		m, ok := r.at(fmt.Sprintf("messages.%d", i)).(map[string]any)
		if !ok {
			return out
		}
		code, _ := m["code"].(string)
		out = append(out, code)
	}
}

// smsCode requests a code for the second factor of the sign-in in progress, and reads it.
func (b *browser) smsCode(p *person) string {
	b.must(http.MethodPost, b.step("prepare"), "strategy", "phone_code")
	all := b.messages(p.number)
	if len(all) == 0 {
		b.failf("no message came")
	}
	return all[len(all)-1]
}

// secretOf returns the secret in the answer that begins an enrolment.
func secretOf(r reply) secret.Value { return secret.New(r.text("response.secret")) }
