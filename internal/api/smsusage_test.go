package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// pumping is an SMS pumping attack: many accounts of one attacker, each with a session and with
// numbers in a few rented blocks, request codes that are never entered.
type pumping struct {
	*world
	requests []func() *http.Request
}

// pump creates the attacker's accounts and their requests. An account has ten numbers, so that it
// stays within its own limits.
func (w *world) pump(numbers int, prefixes ...string) *pumping {
	w.Helper()
	p := &pumping{world: w}
	const each = 10
	for i := 0; i < numbers; i += each {
		u, err := w.Service.Admin.CreateUser(w.Context(), admin.UserInput{Username: fmt.Sprintf("bot%d", i)})
		w.Must(err)
		ticket, err := w.Service.MFA.CreateTicket(w.Context(), u.WireID(), 0)
		w.Must(err)
		in, err := w.Service.MFA.CreateSignIn(w.Context(), tx.Caller{}, mfa.SignInInput{Strategy: account.TicketCode, Ticket: ticket.Token})
		w.Must(err)
		for j := range each {
			prefix := prefixes[(i+j)%len(prefixes)]
			number := fmt.Sprintf("%s%04d", prefix, (i+j)/len(prefixes))
			ph, err := w.Service.Admin.AddUserPhone(w.Context(), u.WireID(), number, admin.PhoneChange{})
			w.Must(err)
			p.requests = append(p.requests, prepare(ph.Phone.ID, in.SignIn.Created, in.Snapshot.Token))
		}
	}
	return p
}

func prepare(phone, session string, token secret.Value) func() *http.Request {
	return func() *http.Request {
		r := httptest.NewRequest("POST", "/v1/me/phone_numbers/"+phone+"/prepare_verification?_clerk_session_id="+session, strings.NewReader("strategy=phone_code"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.AddCookie(&http.Cookie{Name: "__client", Value: token.Reveal()})
		return r
	}
}

// attack sends the requests from several senders at once. It counts the answers by status.
func (p *pumping) attack(senders int) map[int]int {
	p.Helper()
	var wait sync.WaitGroup
	var next atomic.Int64
	var mu sync.Mutex
	answers := map[int]int{}
	for range senders {
		wait.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(p.requests) {
					return
				}
				rec := httptest.NewRecorder()
				p.ServeHTTP(rec, p.requests[i]())
				mu.Lock()
				answers[rec.Code]++
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	return answers
}

// owner creates a user with a verified number and an app, on a browser that passed before.
func (w *world) owner(number string) (b *browser, user, phone string, app func() string) {
	w.Helper()
	user = w.user()
	b = w.open(tx.Cookie)
	b.enter(user)
	phone = b.call("POST", "/v1/me/phone_numbers", "phone_number", number).ok().text("response.id")
	b.call("POST", "/v1/me/phone_numbers/"+phone+"/prepare_verification", "strategy", "phone_code").ok()
	b.call("POST", "/v1/me/phone_numbers/"+phone+"/attempt_verification", "code", b.Code()).ok()
	b.call("PATCH", "/v1/me/phone_numbers/"+phone, "reserved_for_second_factor", "true").ok()
	app = b.enrolApp()
	b.call("DELETE", "/v1/client/sessions").ok()
	b.session = ""
	return b, user, phone, app
}

// TestPumping replays an attack: 10,000 numbers of three blocks, rotating addresses, 200 senders at
// once.
func TestPumping(t *testing.T) {
	if testing.Short() {
		t.Skip("it sends ten thousand messages")
	}
	w := newWorld(t)
	b, user, phone, _ := w.owner("+12065550188")
	p := w.pump(10_000, "+1212555", "+1310555", "+1415555")
	w.Advance(time.Hour)
	before := len(w.Sent())

	answers := p.attack(200)
	if n := len(w.Sent()) - before; n != 50 || answers[200] != 50 || answers[429] != len(p.requests)-50 {
		t.Errorf("%d messages left, answers %v; want 50 and the rest refused", n, answers)
	}

	a := b.enter(user) // the owner, in the middle of it
	id := a.text("response.id")
	b.call("POST", "/v1/client/sign_ins/"+id+"/prepare_second_factor", "strategy", "phone_code", "phone_number_id", phone).ok()
	b.call("POST", "/v1/client/sign_ins/"+id+"/attempt_second_factor", "strategy", "phone_code", "code", b.Code()).ok()
	b.call("DELETE", "/v1/client/sessions").ok()

	list := w.backend("GET", "/v1/sms_messages?limit=500", "").ok()
	decided := map[string]int{}
	for _, m := range list.at("data").([]any) {
		m := m.(map[string]any)
		decided[fmt.Sprint(m["decision"])]++
	}
	if decided["allowed"] != 50+2 || decided["refused"] == 0 || decided["refused"] > 10 {
		t.Errorf("decisions %v; want 52 allowed and at most ten of the refusals of a minute", decided)
	}
	usage := w.backend("GET", "/v1/sms_usage", "").ok()
	if got := usage.at("unverified_this_hour"); got != 50.0 {
		t.Errorf("sms_usage counts %v unverified messages, want 50", got)
	}

	w.Advance(time.Hour)
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, p.requests[len(p.requests)-1]())
	if rec.Code != 200 {
		t.Errorf("an hour later: %d %s", rec.Code, rec.Body)
	}
}

// TestPumpingNeverPassesTheCap is the same attack on an SMS guard that only records: no message
// exceeds the spending cap.
func TestPumpingNeverPassesTheCap(t *testing.T) {
	if testing.Short() {
		t.Skip("it sends thousands of messages")
	}
	w := newWorld(t)
	b, user, phone, app := w.owner("+12065550188")
	p := w.pump(1_000, "+1212555", "+1310555", "+1415555")
	w.Advance(24 * time.Hour)
	w.backend("PATCH", "/v1/instance", `{"sms_record_only":true,"sms_daily_cap_usd":1.109,"sms_prices":{"US":0.01},"ip_limits":false}`).ok()
	before := len(w.Sent())

	answers := p.attack(200)
	if n := len(w.Sent()) - before; n != 110 || answers[200] != 110 || answers[429] != len(p.requests)-110 {
		t.Errorf("%d messages left, answers %v; want 110 for $1.109 at a cent each", n, answers)
	}
	usage := w.backend("GET", "/v1/sms_usage", "").ok()
	if usage.at("spent_today_usd") != 1.1 || usage.at("daily_cap_usd") != 1.109 || usage.at("countries.1.sent_today") != 110.0 || usage.at("record_only") != true {
		t.Errorf("sms_usage says %s", usage.body)
	}

	// C10: a factor without messages still works, and the refusal names its reason.
	id := b.enter(user).text("response.id")
	refused := b.call("POST", "/v1/client/sign_ins/"+id+"/prepare_second_factor", "strategy", "phone_code", "phone_number_id", phone).want(429, "too_many_requests")
	if refused.at("errors.0.meta.reason") != "sms_paused" || refused.Header.Get("Retry-After") == "" {
		t.Errorf("the refusal says %s and to try again after %q", refused.body, refused.Header.Get("Retry-After"))
	}
	b.call("POST", "/v1/client/sign_ins/"+id+"/attempt_second_factor", "strategy", "totp", "code", app()).ok()
}

// TestTheSMSGuardDoesNotTellWhoseANumberIs (C14): while the SMS guard refuses messages, a number
// with an owner and a free number get the same answer.
func TestTheSMSGuardDoesNotTellWhoseANumberIs(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn()
	taken := b.call("POST", "/v1/me/phone_numbers", "phone_number", "+12064440001").ok().text("response.id")
	free := b.call("POST", "/v1/me/phone_numbers", "phone_number", "+12064440002").ok().text("response.id")
	other := w.signedIn()
	id := other.call("POST", "/v1/me/phone_numbers", "phone_number", "+12064440001").ok().text("response.id")
	other.call("POST", "/v1/me/phone_numbers/"+id+"/prepare_verification", "strategy", "phone_code").ok()
	other.call("POST", "/v1/me/phone_numbers/"+id+"/attempt_verification", "code", w.Code()).ok()
	w.Advance(time.Hour)
	w.backend("PATCH", "/v1/instance", `{"sms_daily_cap_usd":0.00001}`).ok()
	seen := map[string]bool{}
	for _, id := range []string{taken, free} {
		a := b.call("POST", "/v1/me/phone_numbers/"+id+"/prepare_verification", "strategy", "phone_code").want(429, "too_many_requests")
		body := strings.ReplaceAll(string(a.body), a.text("clerk_trace_id"), "")
		seen[body+a.Header.Get("Retry-After")] = true
	}
	if len(seen) != 1 {
		t.Errorf("answers differ: %v", seen)
	}
}

// TestTheNameInMessages: a message calls the application by sms_name, else by the name of the
// pages, and keeps the letters of both.
func TestTheNameInMessages(t *testing.T) {
	const nameless = "The name is one line with a letter or digit, without @, # and invisible characters."
	for name, tc := range map[string]struct{ body, want string }{
		"letters of GSM 03.38": {`{"appearance":{"name":"Müller’s Bank"}}`, " is your Müller's Bank code. "},
		"a name for messages":  {`{"appearance":{"name":"Müller’s Bank"},"sms_name":"MBank"}`, " is your MBank code. "},
		"other letters":        {`{"sms_name":"東京"}`, " is your 東京 code. "},
		"a digit":              {`{"sms_name":"7!"}`, " is your 7! code. "},
		"none again":           {`{"sms_name":""}`, " is your Example code. "},
	} {
		w := newWorld(t)
		user := w.backend("POST", "/v1/users", `{"username":"max"}`).ok().text("id")
		number := w.backend("POST", "/v1/phone_numbers", `{"user_id":"`+user+`","phone_number":"+14155550177","verified":false}`).ok().text("id")
		w.backend("PATCH", "/v1/instance", tc.body).ok()
		w.backend("POST", "/v1/phone_numbers/"+number+"/prepare_verification", "").ok()
		if got := w.Sent()[len(w.Sent())-1].Body.Reveal(); !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
	w := newWorld(t)
	for _, name := range []string{"a\nb", "a@b", "#1", "x\u202ey", "🔒", " ", " a", "!!!", "-", "&", "'", "€", "…", "！！", "\u0301", "🔒!", "·", "★★★", "\u3164", "\u2800"} {
		body, err := json.Marshal(map[string]string{"sms_name": name})
		w.Must(err)
		a := w.backend("PATCH", "/v1/instance", string(body)).want(422, "form_param_format_invalid")
		if got := a.at("errors.0.long_message"); got != nameless {
			t.Errorf("%q: %v", name, got)
		}
	}
	w.backend("PATCH", "/v1/instance", `{"sms_name":"`+strings.Repeat("a", 41)+`"}`).want(422, "form_param_max_length_exceeded")
}

// TestSMSSettings: amounts are read back as they were set, and an invalid amount is refused.
func TestSMSSettings(t *testing.T) {
	w := newWorld(t)
	w.backend("PATCH", "/v1/instance", `{"sms_daily_cap_usd":7.5,"sms_prices":{"US":0.00645,"DE":0.11},"sms_country_caps":{"DE":0},"sms_record_only":true}`).ok()
	a := w.backend("GET", "/v1/instance", "").ok()
	if a.at("sms_daily_cap_usd") != 7.5 || a.at("sms_prices.US") != 0.00645 || a.at("sms_country_caps.DE") != 0.0 || a.at("sms_record_only") != true {
		t.Errorf("%s", a.body)
	}
	w.backend("PATCH", "/v1/instance", `{"sms_prices":{}}`).ok()
	if a := w.backend("GET", "/v1/instance", "").ok(); len(a.at("sms_prices").(map[string]any)) != 0 || a.at("sms_daily_cap_usd") != 7.5 {
		t.Errorf("%s", a.body)
	}
	for _, body := range []string{
		`{"sms_daily_cap_usd":0}`, `{"sms_daily_cap_usd":-1}`, `{"sms_daily_cap_usd":1e9}`, `{"sms_prices":{"US":0}}`, `{"sms_prices":{"US":-0.1}}`,
		`{"sms_prices":{"UK":1}}`, `{"sms_country_caps":{"UK":1}}`, `{"sms_countries":["US","XX"]}`, `{"sms_prices":{"usa":1}}`, `{"sms_country_caps":{"US":-1}}`, `{"sms_country_caps":{"":1}}`, `{"sms_prices":{"US":1e6}}`, `{"sms_prices":{"US":5.01}}`,
	} {
		w.backend("PATCH", "/v1/instance", body).want(422, "form_param_value_invalid")
	}
	for body, want := range map[string]string{
		`{"sms_countries":["UK"]}`:                      "UK is not an ISO 3166 country. The United Kingdom is GB.",
		`{"sms_countries":["us"]}`:                      "A country is two capital letters, such as US.",
		`{"sms_prices":{"US":-1}}`:                      "The right value is: 0.000001 to 5.",
		`{"allowed_origins":["https://*.example.com"]}`: "An origin is a scheme and a host as a browser sends them, in lower case, without a path, wildcard or default port, such as https://app.example.com.",
		`{"allowed_origins":["app.example.com"]}`:       "An origin is a scheme and a host as a browser sends them, in lower case, without a path, wildcard or default port, such as https://app.example.com.",
	} {
		a := w.backend("PATCH", "/v1/instance", body)
		if got := a.at("errors.0.long_message"); got != want {
			t.Errorf("%s: %v, want %q", body, got, want)
		}
	}
	// An earlier release accepted a country that does not exist.
	_, err := w.Service.Settings.Change(w.Context(), func(s *account.Settings) { s.SMSCountries = []string{"US", "UK"} })
	w.Must(err)
	w.backend("PATCH", "/v1/instance", `{"sms_record_only":false}`).ok()
	if got := w.backend("GET", "/v1/instance", "").ok().at("sms_countries.1"); got != "UK" {
		t.Errorf("a stored country reads %v", got)
	}
	for _, body := range []string{`{"sms_daily_cap_usd":"7"}`, `{"sms_prices":[1]}`, `{"sms_record_only":1}`} {
		w.backend("PATCH", "/v1/instance", body).want(422, "form_param_type_invalid")
	}
	for _, query := range []string{"?limit=0", "?before=0", "?before=-1", "?before=9223372036854775807"} {
		w.backend("GET", "/v1/sms_messages"+query, "").want(422, "form_param_value_invalid")
	}
}

// TestNumbersThatGetNoMessage (C05, C06): special numbers and numbers of countries that are not
// allowed get no message and cannot be added, the islands of +1 included.
func TestNumbersThatGetNoMessage(t *testing.T) {
	w := newWorld(t)
	w.backend("PATCH", "/v1/instance", `{"sms_countries":["US"]}`).ok()
	b := w.signedIn()
	for number, code := range map[string]string{
		"+19005550123": "form_param_format_invalid", "+18005550123": "form_param_format_invalid", "+15002345678": "form_param_format_invalid",
		"+881612345678": "unsupported_country_code", "+882135123456": "form_param_format_invalid", "+883510012345": "unsupported_country_code",
		"+979123456789": "unsupported_country_code", "+18765550123": "unsupported_country_code", "+14165550123": "unsupported_country_code",
		"+447400123456": "unsupported_country_code", "+112345": "form_param_format_invalid",
	} {
		a := b.call("POST", "/v1/me/phone_numbers", "phone_number", number)
		if got := a.at("errors.0.code"); got != code {
			t.Errorf("%s: %d %v, want %s", number, a.StatusCode, got, code)
		}
	}
	if n := len(w.Sent()); n != 0 {
		t.Errorf("%d messages were sent", n)
	}
}

// TestTheLogSaysWhatDidNotArrive: a message that the network accepted and did not deliver has its
// own status and a reason, beside that of the guard.
func TestTheLogSaysWhatDidNotArrive(t *testing.T) {
	w := newWorld(t)
	w.owner("+12065550188")
	newest := func() *answer { return w.backend("GET", "/v1/sms_messages", "").ok() }
	if got := newest(); got.text("data.0.status") != "sent" || got.at("data.0.undelivered_reason") != nil {
		t.Errorf("an accepted message is %s", got.body)
	}
	at := time.UnixMilli(int64(newest().at("data.0.created_at").(float64)))
	marked, err := w.Service.SMS.MarkUndelivered(t.Context(), sms.Report{Number: "+12065550188", At: at, Reason: sms.UndeliveredPrice})
	if err != nil || !marked {
		t.Fatal(marked, err)
	}
	if got := newest(); got.text("data.0.status") != "undelivered" || got.text("data.0.undelivered_reason") != "max_price" || got.at("data.0.reason") != nil {
		t.Errorf("an undelivered message is %s", got.body)
	}
}
