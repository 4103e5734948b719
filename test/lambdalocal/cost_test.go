package lambdalocal_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/test/lambdalocal"
)

// step is one operation, by a warm function.
type step struct {
	function, detail string // detail distinguishes two steps of a function
	do               func()
	before           func() // what is not measured; may be nil
}

// measured is what an operation of a warm function costs.
type measured struct {
	reads, writes int     // requests; a transaction is one
	read, written float64 // units
	messages      int
	answer        int // bytes of the gateway's answer
}

// spend runs a step and returns its cost.
func (v *visitor) spend(s step) measured {
	v.Helper()
	from := len(v.Stub.Calls())
	s.do()
	var m measured
	for _, c := range v.Stub.Calls()[from:] {
		switch write := strings.HasSuffix(c.Action, "PutItem") || strings.HasSuffix(c.Action, "UpdateItem") || strings.HasSuffix(c.Action, "DeleteItem"); {
		case c.Caller != s.function:
		case c.Action == "sns:Publish":
			m.messages++
		case strings.HasPrefix(c.Action, "kms:"):
			v.Errorf("a warm %s calls %s, docs/operate/cost.md says never", s.function, c.Action)
		case !write:
			m.reads++
			m.read += c.Units
		case c.Units > 0: // the first call of a transaction has the units of all
			m.writes++
			m.written += c.Units
		}
	}
	m.answer = v.received
	return m
}

// row returns the row of a step in the table of operations.
func (m measured) row(s step) string {
	return fmt.Sprintf("|`%s`%s|%d|%d|%g|%g|%d|\n", s.function, s.detail, m.reads, m.writes, m.read, m.written, m.messages)
}

const costHead = `|function|reads|writes|read units|write units|SNS|
|---|---|---|---|---|---|
`

// TestCostOfOperations compares the store's cost of warm operations with the table in
// docs/operate/cost.md.
func TestCostOfOperations(t *testing.T) {
	d, log := deploy(t, "")
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
		{function: "sign-in-token-create", do: func() { v.server(200, "POST", "/v1/sign_in_tokens", `{"user_id":"`+user+`"}`) }},
		{function: "sign-in-create", detail: ", with a ticket", do: func() { v.enter(user) }},
		{function: "me-totp-create", do: func() { key = secret.New(text(v.page(200, "POST", "/v1/me/totp"), "response", "secret")) }},
		{function: "me-totp-attempt", do: func() {
			backup = text(v.page(200, "POST", "/v1/me/totp/attempt_verification", "code", code(0)), "response", "backup_codes", 0)
		}},
		{function: "me-phone-number-create", do: func() {
			phone = text(v.page(200, "POST", "/v1/me/phone_numbers", "phone_number", "+12064450143", "reserved_for_second_factor", "true"), "response", "id")
		}},
		{function: "me-phone-number-prepare", do: func() {
			v.page(200, "POST", "/v1/me/phone_numbers/"+phone+"/prepare_verification", "strategy", "phone_code")
		}},
		{function: "me-phone-number-attempt", do: func() { v.page(200, "POST", "/v1/me/phone_numbers/"+phone+"/attempt_verification", "code", v.sms()) }},
		{function: "session-token-create", do: func() { v.page(200, "POST", "/v1/client/sessions/"+v.session+"/tokens") }},
		{function: "client-get", do: func() { v.page(200, "GET", "/v1/client") }},
		{function: "user-totp-verify", detail: ", app code", do: func() { v.server(200, "POST", "/v1/users/"+user+"/verify_totp", `{"code":"`+code(30*time.Second)+`"}`) }},
		{function: "user-totp-verify", detail: ", wrong code", do: func() { v.server(422, "POST", "/v1/users/"+user+"/verify_totp", `{"code":"`+code(time.Hour)+`"}`) }},
		{function: "user-totp-verify", detail: ", backup code", do: func() { v.server(200, "POST", "/v1/users/"+user+"/verify_totp", `{"code":"`+backup+`"}`) }},
		{function: "sign-in-create", detail: ", second factor needed", before: func() { v.page(200, "DELETE", "/v1/client") }, do: func() { signIn = text(v.enter(user), "response", "id") }},
		{function: "sign-in-second-factor-attempt", detail: ", wrong code", do: func() {
			v.page(422, "POST", "/v1/client/sign_ins/"+signIn+"/attempt_second_factor", "strategy", "totp", "code", code(time.Hour))
		}},
		{function: "sign-in-second-factor-prepare", detail: ", SMS refused", do: func() {
			v.page(429, "POST", "/v1/client/sign_ins/"+signIn+"/prepare_second_factor", "strategy", "phone_code", "phone_number_id", phone)
		}},
	}
	steps = append(steps, jobs(t, d)...)
	warm(t, d, steps)
	var table strings.Builder
	table.WriteString(costHead)
	all := map[string]measured{}
	for _, s := range steps {
		if s.before != nil {
			s.before()
		}
		m := v.spend(s)
		all[s.function+s.detail] = m
		table.WriteString(m.row(s))
	}
	compare(t, "<!-- table: make update -->\n", table.String())
	d.Stop() // the log is complete
	compare(t, "<!-- bill: make update -->\n", newBill(t, all, log.String()).table())
}

// jobs are the functions that no client calls. The scheduled ones have nothing to do, as in an idle
// deployment: a first run does what the operations left.
func jobs(t *testing.T, d *lambdalocal.Deployment) []step {
	t.Helper()
	var steps []step
	for _, job := range []plan.Job{plan.Cleanup, plan.Deliver} {
		run := func() {
			if _, err := d.Invoke(t.Context(), string(job), []byte(`{"execution_id":"1"}`)); err != nil {
				t.Fatal(err)
			}
		}
		steps = append(steps, step{function: string(job), before: run, detail: ", idle", do: run})
	}
	return append(steps, step{function: string(plan.Count), detail: ", a batch", do: func() {
		feed, events := d.Feed(), 0
		pass := feed.Invoke
		feed.Batch = 1000
		feed.Invoke = func(ctx context.Context, event []byte) ([]byte, error) {
			if events++; events > 1 {
				return nil, errors.New("only the first batch is measured")
			}
			return pass(ctx, event)
		}
		if n, err := feed.Pass(t.Context()); n == 0 {
			t.Fatal("no batch was counted: ", err)
		}
	}})
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

// compare compares a table with the part of docs/operate/cost.md that begins with a mark.
func compare(t *testing.T, mark, table string) {
	t.Helper()
	const file, end = "../../docs/operate/cost.md", "<!-- end -->"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), mark)
	old, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("docs/operate/cost.md has no %s", mark)
	}
	if *update {
		if err := os.WriteFile(file, []byte(before+mark+table+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if old != table {
		t.Errorf("docs/operate/cost.md says\n%s\nwant\n%s", old, table)
	}
}
