package clerkimport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"

	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/crypto/password"
	identifiers "github.com/countersign-mfa/countersign/internal/domain/identifier"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
)

// source is one line of the input: a user as GET /v1/users shows it, with the additional fields of
// Clerk's export and of Clerk's CreateUser.
type source struct {
	ID         string `json:"id"`
	ExternalID string `json:"external_id"`
	Username   string `json:"username"`
	FirstName  string `json:"first_name"`
	LastName   string `json:"last_name"`

	Emails       []identifier `json:"email_addresses"`
	Phones       []identifier `json:"phone_numbers"`
	PrimaryEmail string       `json:"primary_email_address_id"`
	PrimaryPhone string       `json:"primary_phone_number_id"`
	PlainEmails  []string     `json:"email_address"`
	PlainPhones  []string     `json:"phone_number"`

	Password          string   `json:"password"`
	Digest            string   `json:"password_digest"`
	Hasher            string   `json:"password_hasher"`
	PasswordEnabled   bool     `json:"password_enabled"`
	TOTPSecret        string   `json:"totp_secret"`
	TOTPEnabled       bool     `json:"totp_enabled"`
	BackupCodes       []string `json:"backup_codes"`
	BackupCodeEnabled bool     `json:"backup_code_enabled"`

	Public    json.RawMessage `json:"public_metadata"`
	Private   json.RawMessage `json:"private_metadata"`
	Unsafe    json.RawMessage `json:"unsafe_metadata"`
	CreatedAt json.RawMessage `json:"created_at"`
	Banned    bool            `json:"banned"`
	Locked    bool            `json:"locked"`
	// Required and RequiredFrom are our own: Clerk's users have no such fields.
	Required     bool  `json:"mfa_required"`
	RequiredFrom int64 `json:"mfa_required_from"`

	Passkeys []json.RawMessage `json:"passkeys"`
	Wallets  []json.RawMessage `json:"web3_wallets"`
	External []json.RawMessage `json:"external_accounts"`
	SAML     []json.RawMessage `json:"saml_accounts"`
}

// identifier is an e-mail address or a phone number.
type identifier struct {
	ID           string `json:"id"`
	Email        string `json:"email_address"`
	Number       string `json:"phone_number"`
	Reserved     bool   `json:"reserved_for_second_factor"`
	Default      bool   `json:"default_second_factor"`
	Verification *struct {
		Status string `json:"status"`
	} `json:"verification"`
}

func (i identifier) verified() bool {
	return i.Verification != nil && i.Verification.Status == "verified"
}

// name returns the user's id for a message about the line, or "".
func (s source) name() string {
	if s.ID == "" {
		return ""
	}
	return fmt.Sprintf(" (%.40q)", s.ID)
}

// target is the body of POST /v1/users.
type target struct {
	Emails      []string        `json:"email_address,omitempty"`
	Phones      []string        `json:"phone_number,omitempty"`
	PhoneStatus []string        `json:"phone_number_identification_status,omitempty"`
	Username    string          `json:"username,omitempty"`
	FirstName   string          `json:"first_name,omitempty"`
	LastName    string          `json:"last_name,omitempty"`
	ExternalID  string          `json:"external_id,omitempty"`
	Password    string          `json:"password,omitempty"`
	Digest      string          `json:"password_digest,omitempty"`
	Hasher      string          `json:"password_hasher,omitempty"`
	SkipChecks  bool            `json:"skip_password_checks,omitempty"`
	TOTPSecret  string          `json:"totp_secret,omitempty"`
	BackupCodes []string        `json:"backup_codes,omitempty"`
	Public      json.RawMessage `json:"public_metadata,omitempty"`
	Private     json.RawMessage `json:"private_metadata,omitempty"`
	Unsafe      json.RawMessage `json:"unsafe_metadata,omitempty"`
	CreatedAt   string          `json:"created_at,omitempty"`
	Banned      bool            `json:"banned,omitempty"`
	Locked      bool            `json:"locked,omitempty"`

	Required     bool  `json:"mfa_required,omitempty"`
	RequiredFrom int64 `json:"mfa_required_from,omitempty"`
}

// Values of phone_number_identification_status.
const (
	statusVerified = "verified"
	statusReserved = "reserved"
)

// person is a line as it will be sent.
type person struct {
	// key names the user in the state file: Clerk's user id, or else the first of [person.names].
	key  string
	body target
	// left is what will not be imported. The texts name no user.
	left []string
}

// What is not imported. It is counted and does not refuse the user, who can sign in without it and
// enrol again.
const (
	leftEmail    = "an e-mail address that is not verified"
	leftPhone    = "a phone number that is not verified"
	leftPasskeys = "passkeys, which are bound to the old domain"
	leftExternal = "external accounts and wallets"
	leftCodes    = "backup codes, which are not in the file"
	leftPassword = "the password"
	leftApp      = "the authenticator app"
	leftNumber   = "a phone number that no numbering plan has"
	leftFactor   = "a second-factor number that gets no text messages; it stays as a number"
)

// refusal is the reason why a user is not imported. It quotes no value of the line.
type refusal string

func (r refusal) Error() string { return string(r) }

// read decodes a line. Errors of the decoder quote the input, so only the field's name is kept.
func read(line []byte) (source, error) {
	var s source
	if !utf8.Valid(line) {
		return s, refusal("it is not UTF-8") // the decoder would replace the wrong bytes
	}
	err := json.Unmarshal(line, &s)
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind) && kind.Field != "":
		return s, refusal(kind.Field + " has the wrong type")
	case err != nil || !bytes.HasPrefix(bytes.TrimSpace(line), []byte("{")):
		return s, refusal("it is not a JSON object: write one user a line")
	case repeats(line):
		return s, refusal("it has a field twice, perhaps in other capitals")
	case operation.CheckObject(line) != nil:
		return s, refusal("it has a field twice, half a character such as \\ud800, or more than 32 levels")
	}
	return s, nil
}

// repeats reports whether an object has a field twice for the decoder, which ignores case and takes
// the last. Another program may have meant the first.
func repeats(line []byte) bool {
	seen := map[string]bool{}
	fields := json.NewDecoder(bytes.NewReader(line))
	_, _ = fields.Token() // the brace of an object that was decoded before
	for fields.More() {
		name, err := fields.Token()
		text, ok := name.(string)
		if err != nil || !ok || seen[strings.ToLower(text)] {
			return true
		}
		seen[strings.ToLower(text)] = true
		var skipped json.RawMessage
		if fields.Decode(&skipped) != nil {
			return true
		}
	}
	return false
}

// plan returns what will be sent of a line, or a [refusal].
func (s source) plan(missing Missing) (*person, error) {
	p := &person{body: target{
		Username: s.Username, FirstName: s.FirstName, LastName: s.LastName, ExternalID: s.ExternalID, BackupCodes: s.BackupCodes,
		Public: object(s.Public), Private: object(s.Private), Unsafe: object(s.Unsafe), Banned: s.Banned, Locked: s.Locked, Required: s.Required, RequiredFrom: s.RequiredFrom,
	}}
	if p.body.ExternalID == "" {
		p.body.ExternalID = s.ID // the application's records hold Clerk's user id
	}
	s.planIdentifiers(p)
	if len(p.body.Emails)+len(p.body.Phones) == 0 && s.Username == "" {
		return nil, refusal("no verified e-mail address, verified phone number or username")
	}
	var why []string
	for _, err := range []error{s.planPassword(p, missing), s.planApp(p, missing), s.planPasskeys(p, missing), s.planTime(p)} {
		if err != nil {
			why = append(why, err.Error())
		}
	}
	if len(why) > 0 {
		return nil, refusal(strings.Join(why, "; "))
	}
	if s.BackupCodeEnabled && len(s.BackupCodes) == 0 {
		p.leave(leftCodes)
	}
	if len(s.External)+len(s.SAML)+len(s.Wallets) > 0 {
		p.leave(leftExternal)
	}
	if p.key = s.ID; p.key == "" {
		p.key = p.names()[0]
	}
	return p, nil
}

// planIdentifiers takes only verified identifiers, because the server marks every identifier of a
// new user as verified. It makes the first of a kind primary, so the primary ones go first, and so
// does the default among the second-factor numbers.
func (s source) planIdentifiers(p *person) {
	first := func(list []identifier, is func(identifier) bool) []identifier {
		list = slices.Clone(list)
		slices.SortStableFunc(list, func(a, b identifier) int {
			switch {
			case is(a) == is(b):
				return 0
			case is(a):
				return -1
			}
			return 1
		})
		return list
	}
	for _, e := range first(s.Emails, func(e identifier) bool { return e.ID != "" && e.ID == s.PrimaryEmail }) {
		if !e.verified() {
			p.leave(leftEmail)
			continue
		}
		p.addEmail(e.Email)
	}
	phones := first(s.Phones, func(n identifier) bool { return n.ID != "" && n.ID == s.PrimaryPhone })
	for _, n := range first(phones, func(n identifier) bool { return n.Reserved && n.Default }) {
		status := statusVerified
		if n.Reserved {
			status = statusReserved
		}
		if !n.verified() {
			p.leave(leftPhone)
			continue
		}
		p.addPhone(n.Number, status)
	}
	for _, e := range s.PlainEmails {
		p.addEmail(e)
	}
	for _, n := range s.PlainPhones {
		p.addPhone(n, statusVerified)
	}
}

// addEmail adds an address, unless the user has it already in any spelling: the server would refuse
// the second as another user's.
func (p *person) addEmail(address string) {
	same := func(e string) bool {
		return identifiers.Normal(identifiers.Email, e) == identifiers.Normal(identifiers.Email, address)
	}
	if !slices.ContainsFunc(p.body.Emails, same) {
		p.body.Emails = append(p.body.Emails, address)
	}
}

// addPhone adds a number. A number that the user has already in any spelling is a second factor if
// it is one in either place.
func (p *person) addPhone(number, status string) {
	i := slices.IndexFunc(p.body.Phones, func(n string) bool { return numberForm(n) == numberForm(number) })
	switch {
	case i < 0:
		p.body.Phones, p.body.PhoneStatus = append(p.body.Phones, number), append(p.body.PhoneStatus, status)
	case status == statusReserved:
		p.body.PhoneStatus[i] = status
	}
}

// numberForm returns the E.164 form of a number, or the text itself if it is no number.
func numberForm(text string) string {
	if e164, err := phone.Normalize(text); err == nil {
		return e164
	}
	return text
}

// leave adds to what is not imported, once.
func (p *person) leave(what string) {
	if !slices.Contains(p.left, what) {
		p.left = append(p.left, what)
	}
}

// hashers are the password_hasher values that the server supports.
var hashers = []string{"bcrypt", "argon2i", "argon2id"}

// mostBcrypt is the bcrypt cost of [password.MostImported].
const mostBcrypt = 12

// importable reports whether the server takes the digest of a line.
func importable(s source) bool {
	_, err := password.ParseDigest(s.Hasher, s.Digest)
	return s.Digest == "" || err == nil
}

// bcryptCost returns the cost of a bcrypt digest, or 0.
func bcryptCost(digest string) int {
	cost, _ := bcrypt.Cost([]byte(digest))
	return cost
}

func (s source) planPassword(p *person, missing Missing) error {
	why := ""
	switch {
	case s.Hasher == "bcrypt" && bcryptCost(s.Digest) > mostBcrypt:
		why = fmt.Sprintf("password_digest has bcrypt cost %d, at most %d", bcryptCost(s.Digest), mostBcrypt)
	case s.Hasher != "bcrypt" && slices.Contains(hashers, s.Hasher) && !importable(s):
		why = "password_digest is not " + password.Imported
	case s.Digest != "" && slices.Contains(hashers, s.Hasher):
		p.body.Digest, p.body.Hasher = s.Digest, s.Hasher
	case s.Digest != "": // the hasher is not quoted: with swapped columns it is the digest
		why = "password_hasher is not bcrypt, argon2i or argon2id"
	case s.Password != "":
		// The password satisfied the old service's rules.
		p.body.Password, p.body.SkipChecks = s.Password, true
	case s.PasswordEnabled:
		why = "password_enabled, but there is no password_digest"
	}
	if why == "" {
		return nil
	}
	if missing == RefuseMissing {
		return refusal(why)
	}
	p.leave(leftPassword)
	return nil
}

func (s source) planApp(p *person, missing Missing) error {
	p.body.TOTPSecret = s.TOTPSecret
	if s.TOTPSecret != "" || !s.TOTPEnabled {
		return nil
	}
	if missing == RefuseMissing {
		return refusal("totp_enabled, but there is no totp_secret")
	}
	p.leave(leftApp)
	return nil
}

// planPasskeys leaves passkeys out: Clerk's export has no keys, and they are bound to its domain. A
// user without another second factor would have the password alone.
func (s source) planPasskeys(p *person, missing Missing) error {
	second := func(n identifier) bool { return n.Reserved && n.verified() }
	if len(s.Passkeys) > 0 && missing == RefuseMissing && !s.TOTPEnabled && s.TOTPSecret == "" && !slices.ContainsFunc(s.Phones, second) {
		return refusal("its passkeys cannot be moved, and it has no other second factor")
	}
	if len(s.Passkeys) > 0 {
		p.leave(leftPasskeys)
	}
	return nil
}

// planTime accepts created_at in Unix milliseconds, as the API shows it, or in RFC 3339, as
// CreateUser takes it.
func (s source) planTime(p *person) error {
	if object(s.CreatedAt) == nil {
		return nil
	}
	var ms int64
	if err := json.Unmarshal(s.CreatedAt, &ms); err == nil {
		p.body.CreatedAt = time.UnixMilli(ms).UTC().Format(time.RFC3339Nano)
		return nil
	}
	if err := json.Unmarshal(s.CreatedAt, &p.body.CreatedAt); err != nil {
		return refusal("created_at has the wrong type")
	}
	return nil
}

// object returns nil for a JSON null.
func object(raw json.RawMessage) json.RawMessage {
	if string(raw) == "null" {
		return nil
	}
	return raw
}

// repeated is the refusal of a line that repeats the user of an earlier line.
func repeated(line int) error { return refusal(fmt.Sprintf("the same user as line %d", line)) }
