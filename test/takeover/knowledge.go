package takeover

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/countersign-mfa/countersign/test/browser"
)

// A role is the kind of an actor.
type role int

const (
	owner  role = iota
	thief       // has the password, and what its profile adds
	taker       // has a copy of a cookie of the owner's
	admin       // the team, with the Backend API
	nature      // the clock
)

var names = map[role]string{owner: "the owner", thief: "the thief", taker: "the cookie thief", admin: "the administrator"}

// Knowledge is all that an actor knows: what it starts with, and what the answers to its own
// requests said. Arguments are drawn from it.
type Knowledge struct {
	Identifiers []string
	Passwords   []string   // the last one is the newest
	Numbers     []string   // phones in the actor's hands: codes that are sent there are the actor's
	Codes       []received // codes that arrived
	Secrets     []shown    // of authenticator apps
	Backup      []string   // backup codes
	Used        []string   // codes that the actor saw another person use
	Tickets     []string
	Key         string // of the Backend API
	// IDs are those that answers named, by prefix: sess_, sia_, idn_.
	IDs map[string][]string
}

// received is a code with the number that it was sent to.
type received struct{ number, code string }

// shown is a secret of an authenticator app with the session that asked for it.
type shown struct{ secret, session string }

// person is an actor with browsers of its own.
type person struct {
	role role
	know Knowledge
	tabs []*tab
}

// tab is one browser of an actor, with the sign-in and the session that it is in.
type tab struct {
	browser.Browser
	signIn, status, session string
	copied                  bool // from the owner
}

const tabsEach = 3

func newPerson(r role) *person {
	p := &person{role: r, know: Knowledge{IDs: map[string][]string{}}}
	for range tabsEach {
		p.tabs = append(p.tabs, &tab{})
	}
	return p
}

func (p *person) steals() bool { return p.role == thief || p.role == taker }

func (p *person) holds(number string) bool { return slices.Contains(p.know.Numbers, number) }

// knowsSecret returns how the person came to know a secret, or nil.
func (p *person) knowsSecret(secret string) *shown {
	for i := range p.know.Secrets {
		if secret != "" && p.know.Secrets[i].secret == secret {
			return &p.know.Secrets[i]
		}
	}
	return nil
}

// ids are the kinds of ids that are drawn as arguments.
var ids = []string{"sess_", "sia_", "idn_"}

// told is what an answer said.
type told struct {
	tokens  []token
	secret  string
	codes   []string // backup codes
	signIns []signIn
}

// signIn is a sign-in as an answer shows it.
type signIn struct{ id, status, session string }

// learn takes in an answer.
func (p *person) learn(t *tab, a browser.Answer) told {
	var said told
	var body any
	if json.Unmarshal(a.Body, &body) == nil {
		p.walk("", body, &said)
	}
	if to := a.Header.Get("Location"); to != "" {
		p.text("", to, &said)
	}
	if said.secret != "" {
		p.know.Secrets = append(p.know.Secrets, shown{said.secret, t.session})
	}
	p.know.Backup = append(p.know.Backup, said.codes...)
	return said
}

func (p *person) walk(name string, v any, said *told) {
	switch v := v.(type) {
	case map[string]any:
		if v["object"] == "sign_in_attempt" {
			si := signIn{}
			si.id, _ = v["id"].(string)
			si.status, _ = v["status"].(string)
			si.session, _ = v["created_session_id"].(string)
			said.signIns = append(said.signIns, si)
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

func (p *person) text(name, v string, said *told) {
	switch name {
	case "secret":
		said.secret = v
		return
	case "codes", "backup_codes":
		said.codes = append(said.codes, v)
		return
	}
	for _, prefix := range ids {
		if strings.HasPrefix(v, prefix) && !slices.Contains(p.know.IDs[prefix], v) {
			p.know.IDs[prefix] = append(p.know.IDs[prefix], v)
		}
	}
	said.tokens = append(said.tokens, tokensIn(v)...)
}

// token is what a session token says.
type token struct {
	Subject string `json:"sub"`
	Session string `json:"sid"`
	Issued  int64  `json:"iat"`
	Ages    [2]int `json:"fva"`
	Status  string `json:"sts"`
}

var tokenForm = regexp.MustCompile(`eyJ[\w-]+\.(eyJ[\w-]+)\.[\w-]+`)

// tokensIn finds the session tokens in a text, also those inside of another signed text: a
// handshake carries them so.
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
