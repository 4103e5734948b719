package takeover

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"

	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
)

// request is a call of an operation with arguments that an actor drew from its knowledge.
type request struct {
	op    *operation.Operation
	given map[string]string
	// guess says that the actor was never told the code.
	guess bool
	// app is the secret that generated the code, number the phone number that received it.
	app, number string
}

// draw draws the arguments of one request.
type draw struct {
	*request
	w      *world
	by     *person
	tab    *tab
	chance *rand.Rand
}

// parameters returns the parameters of an operation in the order of its input type. A strategy
// comes before its code.
func parameters(op *operation.Operation) []string {
	var found []string
	t := reflect.TypeOf(op.Request)
	for i := range t.NumField() {
		for _, key := range []string{"path", "query", "body"} {
			if name := t.Field(i).Tag.Get(key); name != "" {
				found = append(found, name)
			}
		}
	}
	return found
}

// generators draw the arguments of the Frontend API by name. A generator returns false to leave the
// argument out.
var generators = map[string]func(*draw) (string, bool){
	"strategy":                   (*draw).strategy,
	"identifier":                 (*draw).identifier,
	"password":                   func(d *draw) (string, bool) { return d.newest(d.by.know.Passwords), d.offers("password") },
	"ticket":                     func(d *draw) (string, bool) { return d.newest(d.by.know.Tickets), d.offers("ticket") },
	"code":                       (*draw).code,
	"level":                      func(d *draw) (string, bool) { return d.of("second_factor", "multi_factor", "first_factor"), true },
	"sign_in_id":                 func(d *draw) (string, bool) { return d.own(d.tab.signIn, "sia_"), true },
	"session_id":                 (*draw).sessionID,
	"phone_number_id":            (*draw).numberID,
	"phone_number":               (*draw).phoneNumber,
	"region":                     func(*draw) (string, bool) { return "US", true },
	"reserved_for_second_factor": func(d *draw) (string, bool) { return d.of("true", "true", "false"), !d.often(4) },
	"default_second_factor":      func(*draw) (string, bool) { return "true", true },
	"remember_device":            func(d *draw) (string, bool) { return d.of("true", "true", "false"), true },
	"device_id":                  func(d *draw) (string, bool) { return d.newest(d.by.know.IDs["rdev_"]), true },
	"current_password": func(d *draw) (string, bool) {
		return d.newest(d.by.know.Passwords), d.often(5) && len(d.by.know.Passwords) > 0
	},
	"new_password":               func(d *draw) (string, bool) { return names[d.by.role] + " battery " + string(digits(d.chance)), true },
	"sign_out_of_other_sessions": func(d *draw) (string, bool) { return d.of("true", "false"), true },
	"first_name":                 func(*draw) (string, bool) { return "Ann", true },
	"last_name":                  func(*draw) (string, bool) { return "Lee", true },
	"username":                   func(d *draw) (string, bool) { return d.of(username, otherUsername), d.often(5) },
	"primary_phone_number_id":    func(d *draw) (string, bool) { return d.newest(d.by.know.IDs["idn_"]), d.often(2) },
	"primary_email_address_id":   func(d *draw) (string, bool) { return d.newest(d.by.know.IDs["idn_"]), d.often(2) },
	"unsafe_metadata":            func(*draw) (string, bool) { return `{"seen":true}`, true },
	"limit":                      func(*draw) (string, bool) { return "", false },
	"offset":                     func(*draw) (string, bool) { return "", false },
	"paginated":                  func(*draw) (string, bool) { return "true", true },
	"status":                     func(*draw) (string, bool) { return "pending", true },
	"passkey_id":                 func(d *draw) (string, bool) { return d.newest(d.by.know.IDs["passkey_"]), true },
	// A name is refused beside another change of a number, and names change no factor.
	"name":                  func(d *draw) (string, bool) { return "Blue key", d.op.Name != "me-phone-number-update" },
	"public_key_credential": (*draw).answer,
	"redirect_url":          func(*draw) (string, bool) { return publicURL + "/", true },
	"format":                func(d *draw) (string, bool) { return d.of("nonce", "token"), true },
	"suffixed_cookies":      func(*draw) (string, bool) { return "false", true },
	"__clerk_db_jwt":        func(*draw) (string, bool) { return "", false },
}

// generated says whether every parameter of an operation has a generator, or which one has none.
func generated(op *operation.Operation) (missing string, ok bool) {
	for _, name := range parameters(op) {
		if generators[name] == nil {
			return name, false
		}
	}
	return "", true
}

// all draws every argument. It returns false when the actor cannot make the request or has no
// reason to.
func (d *draw) all() bool {
	if !d.sensible() && (!d.by.steals() || !d.often(2)) {
		return false
	}
	for _, name := range parameters(d.op) {
		v, ok := generators[name](d)
		if ok {
			d.given[name] = v
		}
		if strings.Contains(d.op.Path, "{"+name+"}") && v == "" {
			return false
		}
	}
	return true
}

// often returns true n times out of ten.
func (d *draw) often(n int) bool { return d.chance.IntN(10) < n }

func (d *draw) of(texts ...string) string { return texts[d.chance.IntN(len(texts))] }

// newest returns mostly the last element of a list, sometimes another one, and "" for an empty
// list.
func (d *draw) newest(list []string) string {
	if len(list) == 0 {
		return ""
	}
	if d.by.steals() && !d.often(8) {
		return d.of(list...)
	}
	return list[len(list)-1]
}

// own returns mostly the id that the browser is in, and sometimes another one that the actor knows.
func (d *draw) own(mine, prefix string) string {
	known := d.by.know.IDs[prefix]
	if mine != "" && (!d.by.steals() || d.often(9)) || len(known) == 0 {
		return mine
	}
	return d.of(known...)
}

func (d *draw) offers(strategy string) bool { return d.given["strategy"] == strategy }

func (d *draw) step() string {
	for _, word := range []string{"first-factor", "second-factor", "create"} {
		if strings.Contains(d.op.Name, word) {
			return word
		}
	}
	return ""
}

func (d *draw) strategy() (string, bool) {
	k := &d.by.know
	var open []string
	add := func(ok bool, strategies ...string) {
		if ok {
			open = append(open, strategies...)
		}
	}
	prepare := strings.HasSuffix(d.op.Name, "prepare")
	key := len(d.by.device.Credentials()) > 0 || len(k.Answers) > 0
	phone := len(k.Numbers) > 0
	switch d.step() {
	case "create":
		add(len(k.Passwords) > 0, "password", "password", "password")
		add(len(k.Tickets) > 0, "ticket", "ticket")
		add(phone, "phone_code")
		add(key, "passkey", "passkey")
	case "first-factor":
		add(key, "passkey", "passkey", "passkey")
		add(phone, "phone_code", "phone_code")
		add(len(k.Passwords) > 0 && !prepare, "password", "password")
	case "second-factor":
		add(key, "passkey", "passkey", "passkey")
		add(len(k.Secrets) > 0 && !prepare, "totp", "totp", "totp")
		add(len(k.Codes) > 0 || prepare, "phone_code", "phone_code")
		add(len(k.Backup) > 0 && !prepare, "backup_code")
		add(len(k.Used) > 0 && !prepare, "totp", "backup_code", "phone_code")
		add(d.by.steals() && !prepare, "totp")
	default:
		open = []string{"phone_code"}
		if d.op.Name == "me-passkey-attempt" {
			open = []string{"passkey"}
		}
	}
	if len(open) == 0 {
		open = []string{"password", "phone_code"}
	}
	return d.of(open...), true
}

func (d *draw) identifier() (string, bool) {
	if d.given["strategy"] == "ticket" || d.given["strategy"] == "passkey" {
		return "", false
	}
	known := d.by.know.Identifiers
	if d.given["strategy"] == "phone_code" {
		known = d.by.know.Numbers
	}
	return d.newest(known), true
}

func (d *draw) sessionID() (string, bool) {
	if d.op.Name == "me-session-revoke" {
		return d.own("", "sess_"), true
	}
	return d.own(d.tab.session, "sess_"), true
}

func (d *draw) numberID() (string, bool) {
	known := d.by.know.IDs["idn_"]
	id := d.newest(known)
	if changes := strings.HasSuffix(d.op.Name, "update") || strings.HasSuffix(d.op.Name, "delete"); changes && len(known) > 0 && d.often(5) {
		id = d.of(known...)
	}
	return id, !strings.HasPrefix(d.op.Name, "sign-in-") || d.often(3) && id != ""
}

// stranger is a phone number that no actor holds.
const stranger = "+12125550199"

func (d *draw) phoneNumber() (string, bool) {
	if len(d.by.know.Numbers) == 0 {
		return stranger, true
	}
	return d.of(d.by.know.Numbers...), true
}

// code returns the best code that the actor knows for this request, or a guess.
func (d *draw) code() (string, bool) {
	by := d.given["strategy"]
	switch d.op.Name {
	case "me-totp-attempt":
		by = "totp"
	case "me-phone-number-attempt":
		by = "phone_code"
	}
	if by == "password" || by == "passkey" {
		return "", false
	}
	k := &d.by.know
	if len(k.Used) > 0 && d.often(5) {
		return d.of(k.Used...), true
	}
	unguided := d.by.steals() && d.often(1)
	switch {
	case by == "totp" && len(k.Secrets) > 0 && !unguided:
		return d.appCode(), true
	case by == "phone_code" && len(k.Codes) > 0 && !unguided:
		c := k.Codes[len(k.Codes)-1]
		d.number = c.number
		return c.code, true
	case by == "backup_code" && len(k.Backup) > 0 && !unguided:
		return d.of(k.Backup...), true
	}
	d.guess = true
	if by == "backup_code" {
		return guessedBackupCode(d.chance), true
	}
	return string(digits(d.chance)), true
}

func guessedBackupCode(chance *rand.Rand) string {
	const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
	var b strings.Builder
	for range 10 {
		b.WriteByte(alphabet[chance.IntN(len(alphabet))])
	}
	return b.String()
}

func digits(chance *rand.Rand) []byte {
	code := make([]byte, totp.Digits)
	for i := range code {
		code[i] = byte('0' + chance.IntN(10))
	}
	return code
}

// appCode returns a current code of an authenticator app. The clock advances by a period when the
// code was already used.
func (d *draw) appCode() string {
	secrets := d.by.know.Secrets
	s := secrets[len(secrets)-1]
	if d.by.steals() && d.often(2) {
		s = secrets[d.chance.IntN(len(secrets))]
	}
	d.app = s.secret
	for {
		code, err := totp.Code(secret.New(s.secret), d.w.now())
		if err != nil {
			return ""
		}
		if !slices.Contains(d.w.spent, code) {
			d.w.spent = append(d.w.spent, code)
			return code
		}
		d.w.at = d.w.at.Add(totp.Period)
	}
}

// answer returns what the actor's authenticator answers to the newest options that it was told. A
// thief's browser ignores which credentials are allowed, and a thief may repeat an answer.
func (d *draw) answer() (string, bool) {
	if !d.offers("passkey") {
		return "", false
	}
	k := &d.by.know
	if len(k.Answers) > 0 && d.often(4) {
		return d.of(k.Answers...), true
	}
	ask := d.by.device.Get
	if d.op.Name == "me-passkey-attempt" {
		ask = d.by.device.Create
	}
	options := d.newest(k.Options)
	if d.by.steals() {
		options = strings.NewReplacer(`"allowCredentials"`, `"x"`, `"excludeCredentials"`, `"y"`).Replace(options)
	}
	answer, err := ask(options)
	if err != nil {
		return "{}", true // the options are of another kind, or for no key of the actor's
	}
	return answer, true
}

// sensible says whether the request can succeed as far as the actor knows. Thieves send other
// requests too.
func (d *draw) sensible() bool {
	name := d.op.Name
	switch {
	case name == "sign-in-create":
		return d.tab.session == ""
	case name == "sign-in-recovery-create":
		return d.tab.status == "needs_second_factor"
	case strings.HasPrefix(name, "sign-in-first"):
		return d.tab.status == "needs_first_factor"
	case strings.HasPrefix(name, "sign-in-second"):
		return d.tab.status == "needs_second_factor"
	case strings.HasPrefix(name, "me-"), strings.HasPrefix(name, "session-"):
		return d.tab.session != ""
	}
	return true
}
