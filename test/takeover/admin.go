package takeover

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/countersign-mfa/countersign/test/browser"
)

// adminAction returns the body of an administrator's request; ok is false when the request makes no
// sense in this state.
type adminAction func(j *journey, chance *rand.Rand, given map[string]string) (body map[string]any, ok bool)

// plain is an [adminAction] without a body.
func plain(*journey, *rand.Rand, map[string]string) (map[string]any, bool) { return nil, true }

// adminActions are the administrator's requests, by operation.
var adminActions = map[string]adminAction{
	"user-ban": plain, "user-unban": plain, "user-lock": plain, "user-unlock": plain,
	"user-mfa-delete": plain, "user-recovery-cancel": plain, "user-totp-delete": plain, "user-backup-code-delete": plain,
	"user-update":          setPassword,
	"phone-number-update":  changeNumber,
	"phone-number-delete":  someNumber,
	"phone-number-prepare": someNumber,
	"phone-number-create":  addNumber,
	"user-phone-number-replace": func(*journey, *rand.Rand, map[string]string) (map[string]any, bool) {
		return map[string]any{"phone_number": ownersOther}, true
	},
	"sign-in-token-create": func(j *journey, _ *rand.Rand, _ map[string]string) (map[string]any, bool) {
		return map[string]any{"user_id": j.user}, true
	},
	"admin-session-revoke": someSession, "user-remembered-device-delete": someDevice, "user-passkey-delete": someKey,
	"instance-update": flipSetting,
}

// untried are the operations of the Backend API that the administrator leaves out, with the reason.
var untried = map[string]string{
	"users-create": "the one user is made before the journey",
	"users-list":   "reads", "users-count": "reads", "user-get": "reads", "user-export": "the oracle reads it after each step",
	"user-audit-events-list": "reads", "phone-number-get": "reads", "user-remembered-devices-list": "reads", "sessions-list": "the oracle reads it", "admin-session-get": "reads",
	"backend-jwks-get": "reads", "instance-get": "reads", "instance-audit-events-list": "reads", "sms-messages-list": "reads", "sms-usage-get": "reads",
	"statistics-get": "reads", "events-list": "reads", "webhook-endpoints-list": "reads", "webhook-endpoint-deliveries-list": "reads",
	"user-metadata-merge": "changes no factor", "user-metadata-replace": "changes no factor",
	"email-address-create": "changes no factor", "email-address-update": "changes no factor", "email-address-delete": "changes no factor", "user-email-address-replace": "changes no factor", "email-address-get": "reads",
	"users-ban": "user-ban is tried; this one bans several", "users-unban": "user-unban is tried",
	"testing-token-create":       "makes a text that no request looks at",
	"user-delete":                "there is nothing left to steal",
	"user-totp-verify":           "checks a code for the team's own form: package bruteforce guesses through it",
	"phone-number-attempt":       "checks a code for the team's own form: phone-number-prepare sends codes, which must open nothing else",
	"user-password-verify":       "checks a password for the team's own form",
	"admin-session-create":       "makes a session that no browser holds, for the team's own tests",
	"admin-session-token-create": "mints a token for the team's own tests",
	"sign-in-token-revoke":       "the owner's ticket only gets worse",
	"handshake-payload-get":      "reads what a handshake answered",
	"webhook-endpoint-create":    "changes no user", "webhook-endpoint-update": "changes no user", "webhook-endpoint-delete": "changes no user",
	"webhook-endpoint-secret-rotate": "changes no user", "webhook-endpoint-replay": "changes no user", "webhook-endpoint-test": "changes no user",
}

// administer sends a request of the administrator.
func (j *journey) administer(s Step, chance *rand.Rand) (bool, []Hit) {
	op := operations[s.Action]
	r := &request{op: op, given: map[string]string{"user_id": j.user}}
	body, ok := adminActions[s.Action](j, chance, r.given)
	if !ok {
		return false, nil
	}
	path := op.Path
	for name, value := range r.given {
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	p := j.people[admin]
	a, err := browser.Server(j.ctx, j.function(s.Behind), p.know.Key, op.Method, path, body)
	j.late = false
	j.failure = errors.Join(j.failure, err)
	j.outcome(r, body, a)
	j.story.request(p, s, r, a, facts{})
	return true, j.oracle.check(p, &tab{}, r, a, facts{})
}

// outcome tells the owner what the administrator changed, and records changed settings.
func (j *journey) outcome(r *request, body map[string]any, a browser.Answer) {
	if !a.OK() {
		return
	}
	o := &j.people[owner].know
	if pw := r.given["password"]; pw != "" {
		o.Passwords = append(o.Passwords, pw)
	}
	if r.op.Name == "sign-in-token-create" {
		o.Tickets = append(o.Tickets, a.Text("token"))
	}
	if r.op.Name == "instance-update" {
		for name, value := range body {
			on, isSwitch := value.(bool)
			if !isSwitch {
				j.oracle.devices.on, j.oracle.changed[name], r.given[name] = value != 0, j.at, fmt.Sprint(value)
				continue
			}
			j.oracle.settings[name], j.oracle.changed[name] = on, j.at
			r.given[name] = map[bool]string{true: "true", false: "false"}[on]
		}
	}
}

func setPassword(_ *journey, chance *rand.Rand, given map[string]string) (map[string]any, bool) {
	text := "another horse battery " + string(digits(chance))
	given["password"] = text
	body := map[string]any{"password": text}
	if chance.IntN(3) > 0 {
		body["sign_out_of_other_sessions"], given["sign_out_of_other_sessions"] = true, "true"
	}
	return body, true
}

// someNumber chooses a phone number of the user, the thief's if there is one.
func someNumber(j *journey, chance *rand.Rand, given map[string]string) (map[string]any, bool) {
	list := j.oracle.before.User.Numbers
	if len(list) == 0 {
		return nil, false
	}
	n := list[chance.IntN(len(list))]
	for _, other := range list {
		if other.Number == thiefsNumber {
			n = other
		}
	}
	given["phone_number_id"] = n.ID
	return nil, true
}

// someKey chooses a passkey of the user.
func someKey(j *journey, chance *rand.Rand, given map[string]string) (map[string]any, bool) {
	list := j.oracle.before.Passkeys
	if len(list) == 0 {
		return nil, false
	}
	given["passkey_id"] = list[chance.IntN(len(list))].ID
	return nil, true
}

func changeNumber(j *journey, chance *rand.Rand, given map[string]string) (map[string]any, bool) {
	if _, ok := someNumber(j, chance, given); !ok {
		return nil, false
	}
	name, value := "verified", false
	if chance.IntN(3) == 0 {
		name, value = "reserved_for_second_factor", chance.IntN(2) == 0
	}
	given[name] = map[bool]string{true: "true", false: "false"}[value]
	return map[string]any{name: value}, true
}

func addNumber(j *journey, _ *rand.Rand, given map[string]string) (map[string]any, bool) {
	given["phone_number"] = ownersOther
	return map[string]any{"user_id": j.user, "phone_number": ownersOther, "verified": true, "reserved_for_second_factor": true}, true
}

func someSession(j *journey, chance *rand.Rand, given map[string]string) (map[string]any, bool) {
	var known []string
	for _, p := range j.people {
		for _, t := range p.tabs {
			if t.session != "" {
				known = append(known, t.session)
			}
		}
	}
	if len(known) == 0 {
		return nil, false
	}
	given["session_id"] = known[chance.IntN(len(known))]
	return nil, true
}

// someDevice chooses a remembered device that an actor was shown.
func someDevice(j *journey, chance *rand.Rand, given map[string]string) (map[string]any, bool) {
	var known []string
	for _, p := range j.people {
		known = append(known, p.know.IDs["rdev_"]...)
	}
	if len(known) == 0 {
		return nil, false
	}
	given["device_id"] = known[chance.IntN(len(known))]
	return nil, true
}

// switches are the settings that the administrator changes.
var switches = []string{"mfa_required", "keep_other_sessions", "first_factor_phone_code", "sms_code", "authenticator_app", "backup_codes", "strict_guessing"}

func flipSetting(j *journey, chance *rand.Rand, _ map[string]string) (map[string]any, bool) {
	if j.profile.Remember && chance.IntN(3) == 0 {
		return map[string]any{rememberDays: map[bool]int{true: 0, false: rememberedDays}[j.oracle.devices.on]}, true
	}
	name := switches[chance.IntN(len(switches))]
	return map[string]any{name: !j.oracle.settings[name]}, true
}
