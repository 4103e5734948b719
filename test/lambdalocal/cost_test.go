package lambdalocal_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/test/lambdalocal"
)

// step is one operation, by a warm function.
type step struct {
	function, detail string // detail distinguishes two steps of a function
	do               func()
}

// spend runs a step and returns its cost.
func (v *visitor) spend(s step) string {
	v.Helper()
	from := len(v.Stub.Calls())
	s.do()
	var reads, writes, sms, kms int
	var read, written float64
	for _, c := range v.Stub.Calls()[from:] {
		if c.Caller != s.function {
			continue
		}
		switch {
		case c.Action == "sns:Publish":
			sms++
		case strings.HasPrefix(c.Action, "kms:"):
			kms++
		case strings.HasSuffix(c.Action, "GetItem"):
			reads++
			read += c.Units
		case c.Units > 0: // the first call of a transaction has the units of all
			writes++
			written += c.Units
		}
	}
	if kms != 0 {
		v.Errorf("a warm %s asks KMS %d times, docs/operate/cost.md says never", s.function, kms)
	}
	return fmt.Sprintf("|`%s`%s|%d|%d|%g|%g|%d|\n", s.function, s.detail, reads, writes, read, written, sms)
}

const costHead = `|function|reads|writes|read units|write units|SNS|
|---|---|---|---|---|---|
`

// TestCostOfOperations compares the store's cost of warm operations with the table in
// docs/operate/cost.md.
func TestCostOfOperations(t *testing.T) {
	d, _ := deploy(t, "")
	v := newVisitor(t, d)
	user := text(v.server(200, "POST", "/v1/users", `{"email_address":["ada@example.com"]}`), "id")
	var key secret.Value
	var backup, phone, signIn string
	code := func(ahead time.Duration) string {
		c, err := totp.Code(key, time.Now().Add(ahead))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	steps := []step{
		{"sign-in-token-create", "", func() { v.server(200, "POST", "/v1/sign_in_tokens", `{"user_id":"`+user+`"}`) }},
		{"sign-in-create", ", with a ticket", func() { v.enter(user) }},
		{"me-totp-create", "", func() { key = secret.New(text(v.page(200, "POST", "/v1/me/totp"), "response", "secret")) }},
		{"me-totp-attempt", "", func() {
			backup = text(v.page(200, "POST", "/v1/me/totp/attempt_verification", "code", code(0)), "response", "backup_codes", 0)
		}},
		{"me-phone-number-create", "", func() {
			phone = text(v.page(200, "POST", "/v1/me/phone_numbers", "phone_number", "+12064450143", "reserved_for_second_factor", "true"), "response", "id")
		}},
		{"me-phone-number-prepare", "", func() {
			v.page(200, "POST", "/v1/me/phone_numbers/"+phone+"/prepare_verification", "strategy", "phone_code")
		}},
		{"me-phone-number-attempt", "", func() { v.page(200, "POST", "/v1/me/phone_numbers/"+phone+"/attempt_verification", "code", v.sms()) }},
		{"session-token-create", "", func() { v.page(200, "POST", "/v1/client/sessions/"+v.session+"/tokens") }},
		{"client-get", "", func() { v.page(200, "GET", "/v1/client") }},
		{"user-totp-verify", ", app code", func() { v.server(200, "POST", "/v1/users/"+user+"/verify_totp", `{"code":"`+code(30*time.Second)+`"}`) }},
		{"user-totp-verify", ", wrong code", func() { v.server(422, "POST", "/v1/users/"+user+"/verify_totp", `{"code":"`+code(time.Hour)+`"}`) }},
		{"user-totp-verify", ", backup code", func() { v.server(200, "POST", "/v1/users/"+user+"/verify_totp", `{"code":"`+backup+`"}`) }},
		{"sign-in-create", ", second factor needed", func() { signIn = text(v.enter(user), "response", "id") }},
		{"sign-in-second-factor-attempt", ", wrong code", func() {
			v.page(422, "POST", "/v1/client/sign_ins/"+signIn+"/attempt_second_factor", "strategy", "totp", "code", code(time.Hour))
		}},
		{"sign-in-second-factor-prepare", ", SMS refused", func() {
			v.page(429, "POST", "/v1/client/sign_ins/"+signIn+"/prepare_second_factor", "strategy", "phone_code", "phone_number_id", phone)
		}},
	}
	warm(t, d, steps)
	var table strings.Builder
	table.WriteString(costHead)
	for _, s := range steps {
		if s.detail == ", second factor needed" {
			v.page(200, "DELETE", "/v1/client")
		}
		table.WriteString(v.spend(s))
	}
	compare(t, table.String())
}

// warm calls every function once, so that the reads of a cold start are not counted.
func warm(t *testing.T, d *lambdalocal.Deployment, steps []step) {
	t.Helper()
	for _, s := range steps {
		event, err := os.ReadFile("../../events/" + s.function + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Invoke(t.Context(), s.function, event); err != nil {
			t.Fatal(err)
		}
	}
}

// compare compares the table with the page.
func compare(t *testing.T, table string) {
	t.Helper()
	const file, begin, end = "../../docs/operate/cost.md", "<!-- table: make update -->\n", "<!-- end -->"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), begin)
	old, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("docs/operate/cost.md has no table")
	}
	if *update {
		if err := os.WriteFile(file, []byte(before+begin+table+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if old != table {
		t.Errorf("operations cost\n%s\ndocs/cost.md says\n%s", table, old)
	}
}
