package lambdalocal_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/test/awsstub"
	"github.com/countersign-mfa/countersign/test/lambdalocal"
)

func ctxForBuild() context.Context { return context.Background() }

// visitor is a browser and the application's server.
type visitor struct {
	testing.TB
	*lambdalocal.Deployment
	client  *http.Client
	session string
	// received is the size of the last answer, header and body, in bytes.
	received int
}

func newVisitor(t testing.TB, d *lambdalocal.Deployment) *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{TB: t, Deployment: d, client: &http.Client{Jar: jar}}
}

// do sends a request, wants a status and returns the answer's JSON.
func (v *visitor) do(want int, r *http.Request) map[string]any {
	v.Helper()
	res, err := v.client.Do(r)
	if err != nil {
		v.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.Fatal(err)
	}
	if res.StatusCode != want {
		v.Fatalf("%s %s answers %d, want %d: %s", r.Method, r.URL.Path, res.StatusCode, want, body)
	}
	header, err := httputil.DumpResponse(res, false)
	if err != nil {
		v.Fatal(err)
	}
	v.received = len(header) + len(body)
	var out map[string]any
	_ = json.Unmarshal(body, &out)
	return out
}

// page calls the Frontend API as clerk-js does.
func (v *visitor) page(want int, method, path string, form ...string) map[string]any {
	v.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		values.Add(form[i], form[i+1])
	}
	query := url.Values{"_clerk_session_id": {v.session}}
	if method != http.MethodGet && method != http.MethodPost {
		query.Set("_method", method)
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(v.Context(), method, v.URL+path+"?"+query.Encode(), strings.NewReader(values.Encode()))
	if err != nil {
		v.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://app.example.com")
	return v.do(want, r)
}

// server calls the Backend API.
func (v *visitor) server(want int, method, path, body string) map[string]any {
	v.Helper()
	r, err := http.NewRequestWithContext(v.Context(), method, v.URL+path, strings.NewReader(body))
	if err != nil {
		v.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+v.SecretKey)
	r.Header.Set("Content-Type", "application/json")
	return v.do(want, r)
}

// in returns the value at a path of an answer.
func in(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			list, _ := v.([]any)
			if p >= len(list) {
				return nil
			}
			v = list[p]
		}
	}
	return v
}

func text(v any, path ...any) string { return fmt.Sprint(in(v, path...)) }

func (v *visitor) enter(user string) map[string]any {
	v.Helper()
	ticket := text(v.server(200, "POST", "/v1/sign_in_tokens", `{"user_id":"`+user+`"}`), "token")
	signIn := v.page(200, "POST", "/v1/client/sign_ins", "strategy", "ticket", "ticket", ticket)
	v.session, _ = in(signIn, "response", "created_session_id").(string)
	return signIn
}

// sms returns the code of the last message.
func (v *visitor) sms() string {
	v.Helper()
	sent := v.Stub.SMS()
	if len(sent) == 0 {
		v.Fatal("no message was sent")
	}
	return regexp.MustCompile(`#(\d{6})$`).FindStringSubmatch(sent[len(sent)-1].Message)[1]
}

// lostMessage has a code sent that SNS accepts and does not deliver, because of the month's limit:
// the user sees no error, and the team sees why.
func (v *visitor) lostMessage(number string) {
	v.Helper()
	if state, err := v.SMSLog(v.Context(), "Create"); err != nil || state != "on" {
		v.Fatalf("the log of SNS is %q, %v", state, err)
	}
	v.Stub.SetSMSAccount(func(a *awsstub.SMSAccount) { a.SpendLimit = 0.01 })
	before := len(v.Stub.SMS())
	phone := text(v.page(200, "POST", "/v1/me/phone_numbers", "phone_number", number), "response", "id")
	v.page(200, "POST", "/v1/me/phone_numbers/"+phone+"/prepare_verification", "strategy", "phone_code")
	v.Stub.SetSMSAccount(func(a *awsstub.SMSAccount) { a.SpendLimit = 0 })
	if n := len(v.Stub.SMS()) - before; n != 0 {
		v.Fatalf("%d messages arrived over the limit", n)
	}
	if got := text(v.server(200, "GET", "/v1/sms_messages", ""), "data", 0, "status"); got != "sent" {
		v.Errorf("before its report the message is %s", got)
	}
	answers, err := v.PassReports(v.Context())
	if want := []string{`{"marked":1,"others":0,"unread":0}`, `{"marked":0,"others":1,"unread":0}`}; err != nil || !slices.Equal(answers, want) {
		v.Errorf("the reports are %q, %v; want %q", answers, err, want)
	}
	said := v.server(200, "GET", "/v1/sms_messages", "")
	if text(said, "data", 0, "status") != "undelivered" || text(said, "data", 0, "undelivered_reason") != "spending_limit" {
		v.Errorf("after its report the message is %v", in(said, "data", 0))
	}
	v.page(200, "DELETE", "/v1/me/phone_numbers/"+phone)
	if _, err := v.SMSLog(v.Context(), "Delete"); err != nil {
		v.Error(err)
	}
}

// TestJourney goes from the first sign-in to the second factor and out again, through the gateway
// and the real bootstraps.
func TestJourney(t *testing.T) {
	d, log := deploy(t, "")
	d.EventBus = "default"
	v := newVisitor(t, d)
	user := text(v.server(200, "POST", "/v1/users", `{"username":"ada","password":"correct horse battery","email_address":["ada@example.com"]}`), "id")
	v.enter(user)
	if v.session == "" {
		t.Fatalf("no session after the ticket\n%s", log)
	}

	key := secret.New(text(v.page(200, "POST", "/v1/me/totp"), "response", "secret"))
	code := func(ahead time.Duration) string {
		c, err := totp.Code(key, time.Now().Add(ahead))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	enrolled := v.page(200, "POST", "/v1/me/totp/attempt_verification", "code", code(0))
	backup := text(enrolled, "response", "backup_codes", 0)
	phone := text(v.page(200, "POST", "/v1/me/phone_numbers", "phone_number", "+12064450142", "reserved_for_second_factor", "true"), "response", "id")
	v.page(200, "POST", "/v1/me/phone_numbers/"+phone+"/prepare_verification", "strategy", "phone_code")
	v.page(200, "POST", "/v1/me/phone_numbers/"+phone+"/attempt_verification", "code", v.sms())
	v.page(200, "PATCH", "/v1/me/phone_numbers/"+phone, "default_second_factor", "true")
	v.page(200, "DELETE", "/v1/client")

	signIn := v.enter(user)
	if got := text(signIn, "response", "status"); got != "needs_second_factor" {
		t.Fatalf("a ticket alone gives %s\n%s", got, log)
	}
	id := text(signIn, "response", "id")
	// One address has three attempts in ten seconds: the app, the number, and this one.
	v.page(200, "POST", "/v1/client/sign_ins/"+id+"/attempt_second_factor", "strategy", "totp", "code", code(30*time.Second))
	v.session = text(v.page(200, "GET", "/v1/client"), "response", "last_active_session_id")
	if got := text(v.page(200, "GET", "/v1/me"), "response", "id"); got != user {
		t.Fatalf("signed in as %s, want %s", got, user)
	}
	v.page(200, "POST", "/v1/client/sessions/"+v.session+"/tokens")
	v.server(200, "POST", "/v1/users/"+user+"/verify_totp", `{"code":"`+backup+`"}`)
	v.server(422, "POST", "/v1/users/"+user+"/verify_totp", `{"code":"`+backup+`"}`)
	v.server(200, "GET", "/v1/users?limit=10", "")
	v.lostMessage("+12064450153")
	v.page(200, "DELETE", "/v1/me/phone_numbers/"+phone)
	v.page(200, "DELETE", "/v1/me/totp")
	v.server(200, "DELETE", "/v1/users/"+user, "")
	if _, err := d.Invoke(t.Context(), "cleanup", []byte(`{"execution_id":"1"}`)); err != nil {
		t.Error(err)
	}

	out, err := d.Invoke(t.Context(), "events-deliver", []byte(`{"execution_id":"1"}`))
	var delivered struct{ Found, Delivered, Failed int }
	if err != nil || json.Unmarshal(out, &delivered) != nil || delivered.Delivered == 0 || delivered.Failed > 0 {
		t.Errorf("events for the bus: %s, %v\n%s", out, err, log)
	}

	if n, err := d.Feed().Pass(t.Context()); err != nil || n == 0 {
		t.Errorf("%d notes are counted, %v\n%s", n, err, log)
	}

	within(t, d)
	everyKindOfGrantIsUsed(t, d)
	private(t, log.String(), key.Reveal(), backup, v.sms(), "+12064450142", "12064450153", d.SecretKey)
}

// everyKindOfGrantIsUsed: functions with a permission use each of its grants. Tests of package api
// check that each operation has exactly its permissions.
func everyKindOfGrantIsUsed(t *testing.T, d *lambdalocal.Deployment) {
	t.Helper()
	called := map[string]bool{}
	for _, c := range d.Stub.Calls() {
		called[fmt.Sprintf("%s %s", c.Action, c.Index)] = true
	}
	// The cleanup scans only a table from before the lists of users: see the tests of package
	// directory and dynamo.TestAListingIsOneScan.
	const scan = "dynamodb:Scan"
	for _, f := range plan.Functions() {
		for _, g := range f.Grants {
			// IAM asks for iam:PassRole in another call, and the queue is for hours of failures.
			if g.On == plan.Failures || g.Action == scan || g.On == plan.LogRole {
				continue
			}
			if kind := fmt.Sprintf("%s %s", g.Action, g.On.IndexName()); !called[kind] {
				t.Errorf("%s may %s on %s, which no function called", f.Name, g.Action, g.On)
				called[kind] = true
			}
		}
	}
}

func private(t *testing.T, log string, secrets ...string) {
	t.Helper()
	if !strings.Contains(log, `"operation":"me-totp-create"`) {
		t.Error("the functions' log has no line of a request")
	}
	for _, s := range secrets {
		if strings.Contains(log, s) {
			t.Errorf("the functions' log has %.4s…", s)
		}
	}
}

// TestWarmFunctionsAskNoKeyService: a process calls KMS once in its life.
func TestWarmFunctionsAskNoKeyService(t *testing.T) {
	d, _ := deploy(t, "")
	v := newVisitor(t, d)
	for range 3 {
		v.server(200, "GET", "/v1/users/count", "")
	}
	var actions []string
	for _, c := range d.Stub.Calls() {
		if c.Caller == "users-count" {
			actions = append(actions, c.Action)
		}
	}
	// The settings, and whether the lists are complete, are read once; the counters each time.
	const read = "dynamodb:BatchGetItem"
	want := []string{"dynamodb:GetItem", "kms:Decrypt", read, read, read, read, read}
	if !slices.Equal(actions, want) {
		t.Errorf("three requests to a fresh function called %v, want %v", actions, want)
	}
}
