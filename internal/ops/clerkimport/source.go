package clerkimport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// source is a line: a user as GET /v1/users shows it, with the fields that Clerk's export adds and those of CreateUser.
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

	Passkeys []json.RawMessage `json:"passkeys"`
	Wallets  []json.RawMessage `json:"web3_wallets"`
	External []json.RawMessage `json:"external_accounts"`
	SAML     []json.RawMessage `json:"saml_accounts"`
}

// identifier is an e-mail address or a number.
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

// name is the user's id for a message about its line, or nothing.
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
}

// The values of phone_number_identification_status.
const (
	statusVerified = "verified"
	statusReserved = "reserved"
)

// person is a line that can be sent.
type person struct {
	// key names the user in the state file: Clerk's id of it, or else what comes nearest.
	key  string
	body target
	// left is what stays behind, in words that are the same for every user.
	left []string
}

// What cannot be moved. These are counted, not refused: the user can sign in without, and makes what is missing anew.
const (
	leftEmail    = "an e-mail address that is not verified"
	leftPhone    = "a phone number that is not verified"
	leftPasskeys = "passkeys: they belong to the old domain"
	leftExternal = "sign-in with another service, or a wallet"
	leftCodes    = "backup codes: they are not in the file"
	leftPassword = "the password"
	leftApp      = "the authenticator app"
)

// refusal is the reason why a line is not sent. It holds no value of the line.
type refusal string

func (r refusal) Error() string { return string(r) }

// read decodes a line. The decoder's own errors quote what they stumble over, so only the name of the field is kept.
func read(line []byte) (source, error) {
	var s source
	err := json.Unmarshal(line, &s)
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind) && kind.Field != "":
		return s, refusal(kind.Field + " has the wrong type")
	case err != nil || !bytes.HasPrefix(bytes.TrimSpace(line), []byte("{")):
		return s, refusal("it is no JSON object")
	}
	return s, nil
}

// plan says what is sent of a line. With incomplete a user loses a factor or password that the file does not have, or that cannot be used
// here; otherwise such a line is refused, because an account must not become weaker unnoticed.
func (s source) plan(incomplete bool) (*person, error) {
	p := &person{body: target{
		Username: s.Username, FirstName: s.FirstName, LastName: s.LastName, ExternalID: s.ExternalID, BackupCodes: s.BackupCodes,
		Public: object(s.Public), Private: object(s.Private), Unsafe: object(s.Unsafe), Banned: s.Banned, Locked: s.Locked,
	}}
	if p.body.ExternalID == "" {
		p.body.ExternalID = s.ID // the application's own records know the user by it
	}
	s.planIdentifiers(p)
	if len(p.body.Emails)+len(p.body.Phones) == 0 && s.Username == "" {
		return nil, refusal("no verified e-mail address, verified phone number or username")
	}
	if err := s.planPassword(p, incomplete); err != nil {
		return nil, err
	}
	if err := s.planApp(p, incomplete); err != nil {
		return nil, err
	}
	if err := s.planTime(p); err != nil {
		return nil, err
	}
	if s.BackupCodeEnabled && len(s.BackupCodes) == 0 {
		p.left = append(p.left, leftCodes)
	}
	if len(s.Passkeys) > 0 {
		p.left = append(p.left, leftPasskeys)
	}
	if len(s.External)+len(s.SAML)+len(s.Wallets) > 0 {
		p.left = append(p.left, leftExternal)
	}
	p.key = s.ID
	for _, k := range slices.Concat([]string{p.body.ExternalID}, p.body.Emails, []string{p.body.Username}, p.body.Phones) {
		if p.key == "" {
			p.key = k
		}
	}
	return p, nil
}

// planIdentifiers takes what is verified, since all that is created becomes verified. The primary ones go first, which makes them primary, and
// so does the default number among those of the second factor.
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
		p.body.Emails = append(p.body.Emails, e.Email)
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
		p.body.Phones, p.body.PhoneStatus = append(p.body.Phones, n.Number), append(p.body.PhoneStatus, status)
	}
	p.body.Emails = append(p.body.Emails, s.PlainEmails...)
	for _, n := range s.PlainPhones {
		p.body.Phones, p.body.PhoneStatus = append(p.body.Phones, n), append(p.body.PhoneStatus, statusVerified)
	}
}

// leave notes once per user what stays behind.
func (p *person) leave(what string) {
	if !slices.Contains(p.left, what) {
		p.left = append(p.left, what)
	}
}

// hashers are those whose digests the server can check.
var hashers = []string{"bcrypt", "argon2i", "argon2id"}

func (s source) planPassword(p *person, incomplete bool) error {
	why := ""
	switch {
	case s.Digest != "" && slices.Contains(hashers, s.Hasher):
		p.body.Digest, p.body.Hasher = s.Digest, s.Hasher
	case s.Digest != "": // the hasher is not quoted: columns get mixed up, and then it is a digest
		why = "password_hasher is not bcrypt, argon2i or argon2id"
	case s.Password != "":
		p.body.Password, p.body.SkipChecks = s.Password, true // the rules of the old service let it in
	case s.PasswordEnabled:
		why = "password_enabled, but there is no password_digest"
	}
	if why == "" {
		return nil
	}
	if !incomplete {
		return refusal(why)
	}
	p.leave(leftPassword)
	return nil
}

func (s source) planApp(p *person, incomplete bool) error {
	p.body.TOTPSecret = s.TOTPSecret
	if s.TOTPSecret != "" || !s.TOTPEnabled {
		return nil
	}
	if !incomplete {
		return refusal("totp_enabled, but there is no totp_secret")
	}
	p.leave(leftApp)
	return nil
}

// planTime reads created_at as the API shows it, in milliseconds, or as CreateUser takes it, in RFC 3339.
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

// object is nil for what the line does not have.
func object(raw json.RawMessage) json.RawMessage {
	if string(raw) == "null" {
		return nil
	}
	return raw
}

// twice is the refusal of a line that repeats a user.
func twice(line int) error { return refusal(fmt.Sprintf("the same user as line %d", line)) }
