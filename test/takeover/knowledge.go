package takeover

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/test/authenticator"
	"github.com/countersign-mfa/countersign/test/browser"
)

// A role is a kind of actor.
type role int

const (
	owner       role = iota
	thief            // knows the password, and has the assets of its profile
	cookieThief      // has a copy of the owner's cookie
	admin            // uses the Backend API
	clock            // advances the time
)

var names = map[role]string{owner: "the owner", thief: "the thief", cookieThief: "the cookie thief", admin: "the administrator"}

// Knowledge is what an actor knows: what it starts with, and what the answers to its own requests
// added. Arguments are drawn from it.
type Knowledge struct {
	Identifiers []string
	Passwords   []string   // the newest last
	Numbers     []string   // the actor's phones, whose codes the actor receives
	Codes       []received // codes in received messages
	Secrets     []shown    // TOTP secrets
	Backup      []string   // backup codes
	Used        []string   // codes of another actor that were used
	Answers     []string   // answers of another actor's passkey that were used
	Options     []string   // options for a passkey, with a challenge each
	Tickets     []string
	Key         string // a secret key of the Backend API
	// IDs are the ids in answers, by prefix: sess_, sia_, idn_, rdev_.
	IDs map[string][]string
}

// received is a code with the phone number that received it.
type received struct{ number, code string }

// shown is a TOTP secret with the session that requested it.
type shown struct{ secret, session string }

// person is an actor with its own browsers.
type person struct {
	role role
	know Knowledge
	tabs []*tab
	// device holds the actor's passkeys.
	device *authenticator.Authenticator
}

// tab is one browser of an actor, with its current sign-in and session.
type tab struct {
	browser.Browser
	signIn, status, session string
	copied                  bool // the cookie is the owner's
}

const tabsEach = 3

func newPerson(r role) *person {
	p := &person{role: r, know: Knowledge{IDs: map[string][]string{}}, device: &authenticator.Authenticator{Counts: true}}
	for range tabsEach {
		p.tabs = append(p.tabs, &tab{})
	}
	return p
}

func (p *person) steals() bool { return p.role == thief || p.role == cookieThief }

func (p *person) holds(number string) bool { return slices.Contains(p.know.Numbers, number) }

// holdsKey says whether the actor's device has a credential.
func (p *person) holdsKey(credential []byte) bool {
	return slices.ContainsFunc(p.device.Credentials(), func(c *authenticator.Credential) bool { return bytes.Equal(c.ID, credential) })
}

// knowsSecret returns how the actor learned a secret, or nil.
func (p *person) knowsSecret(secret string) *shown {
	for i := range p.know.Secrets {
		if secret != "" && p.know.Secrets[i].secret == secret {
			return &p.know.Secrets[i]
		}
	}
	return nil
}

// ids are the prefixes of ids that are drawn as arguments.
var ids = []string{"sess_", "sia_", "idn_", "passkey_", "rdev_"}

// facts are the contents of an answer.
type facts struct {
	tokens  []token
	secret  string
	codes   []string // backup codes
	options []string // for a passkey
	signIns []signIn
}

// signIn is a sign-in in an answer.
type signIn struct{ id, status, session string }

// learn adds the contents of an answer to the actor's knowledge, and returns them.
func (p *person) learn(t *tab, a browser.Answer, at time.Time) facts {
	var said facts
	var body any
	if json.Unmarshal(a.Body, &body) == nil {
		p.walk("", body, &said)
	}
	for i := range said.tokens { // a session without a token is as old as its answer
		if said.tokens[i].Issued == 0 {
			said.tokens[i].Issued = at.Unix()
		}
	}
	if to := a.Header.Get("Location"); to != "" {
		p.text("", to, &said)
	}
	if said.secret != "" {
		p.know.Secrets = append(p.know.Secrets, shown{said.secret, t.session})
	}
	p.know.Backup = append(p.know.Backup, said.codes...)
	p.know.Options = append(p.know.Options, said.options...)
	return said
}

func (p *person) walk(name string, v any, said *facts) {
	switch v := v.(type) {
	case map[string]any:
		if v["object"] == "sign_in_attempt" {
			si := signIn{}
			si.id, _ = v["id"].(string)
			si.status, _ = v["status"].(string)
			si.session, _ = v["created_session_id"].(string)
			said.signIns = append(said.signIns, si)
		}
		if tk, ok := tokenOf(v); ok && name == "sessions" {
			said.tokens = append(said.tokens, tk)
		}
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			p.walk(k, v[k], said)
		}
	case []any:
		for _, item := range v {
			p.walk(name, item, said)
		}
	case string:
		p.text(name, v, said)
	}
}

func (p *person) text(name, v string, said *facts) {
	switch name {
	case "secret":
		said.secret = v
		return
	case "codes", "backup_codes":
		said.codes = append(said.codes, v)
		return
	case "nonce":
		if strings.HasPrefix(v, "{") {
			said.options = append(said.options, v)
		}
		return
	}
	for _, prefix := range ids {
		if strings.HasPrefix(v, prefix) && !slices.Contains(p.know.IDs[prefix], v) {
			p.know.IDs[prefix] = append(p.know.IDs[prefix], v)
		}
	}
	said.tokens = append(said.tokens, tokensIn(v)...)
}

// token holds the claims of a session token.
type token struct {
	Subject string `json:"sub"`
	Session string `json:"sid"`
	Issued  int64  `json:"iat"`
	Ages    [2]int `json:"fva"`
	Status  string `json:"sts"`
}

// tokenOf returns what the token of a client's session would say, if the answer shows the session
// without its token, as the answers of a browser's sign-in do.
func tokenOf(resource map[string]any) (token, bool) {
	if resource["object"] != "session" || resource["last_active_token"] != nil {
		return token{}, false
	}
	text, err := json.Marshal(resource)
	if err != nil {
		return token{}, false
	}
	var shown struct {
		ID     string  `json:"id"`
		Status string  `json:"status"`
		Ages   *[2]int `json:"factor_verification_age"`
	}
	if json.Unmarshal(text, &shown) != nil || shown.Ages == nil || shown.Status != "active" && shown.Status != "pending" {
		return token{}, false
	}
	return token{Session: shown.ID, Status: shown.Status, Ages: *shown.Ages}, true
}

var tokenForm = regexp.MustCompile(`eyJ[\w-]+\.(eyJ[\w-]+)\.[\w-]+`)

// tokensIn finds the session tokens in a text. It also finds those inside a signed text, as in a
// handshake.
func tokensIn(text string) []token {
	if !strings.Contains(text, "eyJ") {
		return nil
	}
	var found []token
	for _, m := range tokenForm.FindAllStringSubmatch(text, -1) {
		raw, err := base64.RawURLEncoding.DecodeString(m[1])
		if err != nil {
			continue
		}
		var t token
		if json.Unmarshal(raw, &t) == nil && t.Session != "" {
			found = append(found, t)
			continue
		}
		found = append(found, tokensIn(string(raw))...)
	}
	return found
}
