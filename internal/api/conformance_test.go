package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// clerk is one of Clerk's descriptions.
type clerk struct {
	doc    *openapi3.T
	prefix string // of our paths
}

func load(t *testing.T) map[operation.Surface]clerk {
	t.Helper()
	out := map[operation.Surface]clerk{}
	for surface, c := range map[operation.Surface]struct{ file, prefix string }{operation.Frontend: {"fapi.yml", ""}, operation.Backend: {"bapi.yml", "/v1"}} {
		doc, err := openapi3.NewLoader().LoadFromFile("testdata/clerk/" + c.file)
		if err != nil {
			t.Fatal(err)
		}
		out[surface] = clerk{doc, c.prefix}
	}
	out[operation.Public] = out[operation.Frontend]
	return out
}

var parameter = regexp.MustCompile(`\{[^}]*\}`)

func (c clerk) operation(method, path string) *openapi3.Operation {
	for p, item := range c.doc.Paths.Map() {
		if parameter.ReplaceAllString(c.prefix+p, "{}") == parameter.ReplaceAllString(path, "{}") {
			return item.GetOperation(method)
		}
	}
	return nil
}

// divergences reads the table of deliberate differences in docs/use/divergences.md. A row names a
// difference, such as `takes a, b`, and its operations.
func divergences(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("../../docs/use/divergences.md")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\|`([^`]+)`\\|(`[^|]+`)\\|").FindAllStringSubmatch(string(text), -1) {
		for _, op := range strings.Split(strings.ReplaceAll(row[2], "`", ""), ", ") {
			for _, difference := range single(row[1]) {
				line := op + ": " + difference
				if _, twice := out[line]; twice {
					t.Errorf("docs/use/divergences.md lists twice: %s", line)
				}
				out[line] = false
			}
		}
	}
	return out
}

// single splits a difference in several fields or statuses into one for each.
func single(difference string) []string {
	before, names, after := "", difference, ""
	if verb, rest, _ := strings.Cut(difference, " "); slices.Contains([]string{"answers", "takes", "ignores", "refuses"}, verb) {
		before, names = verb+" ", rest
	} else if list, ok := strings.CutSuffix(difference, " required"); ok {
		names, after = list, " required"
	}
	var out []string
	for name := range strings.SplitSeq(names, ", ") {
		out = append(out, before+name+after)
	}
	return out
}

// TestConformance compares every shared operation with Clerk's description: path, method, request
// fields, error statuses, and answers. Exactly the differences in docs/use/divergences.md are
// allowed.
func TestConformance(t *testing.T) {
	known := divergences(t)
	report := func(line string) {
		if _, ok := known[line]; !ok {
			t.Errorf("not in docs/use/divergences.md: %s", line)
		}
		known[line] = true
	}
	files := load(t)
	shared := 0
	for _, op := range api.Operations() {
		theirs := files[op.Surface].operation(op.Method, op.Path)
		if theirs == nil {
			report(op.Name + ": not described by Clerk")
			continue
		}
		shared++
		compareFields(op, theirs, report)
		compareStatuses(op, theirs, report)
	}
	if shared < 45 {
		t.Errorf("only %d operations are shared", shared)
	}
	answered := walk(t)
	for _, op := range api.Operations() {
		if len(answered[op.Name]) == 0 {
			t.Errorf("the walk has no right answer of %s", op.Name)
		}
		theirs := files[op.Surface].operation(op.Method, op.Path)
		if theirs == nil || op.Status != http.StatusOK {
			continue
		}
		for _, body := range answered[op.Name] {
			compareAnswer(op, theirs, body, report)
		}
	}
	for line, met := range known {
		if !met {
			t.Errorf("docs/use/divergences.md lists a difference that does not exist: %s", line)
		}
	}
}

// compareFields reports the fields that only one side takes. The API ignores a field that only
// Clerk takes, or refuses it in strict operations.
func compareFields(op operation.Operation, theirs *openapi3.Operation, report func(string)) {
	fields := map[string]bool{} // name: required
	if theirs.RequestBody != nil {
		for _, media := range theirs.RequestBody.Value.Content {
			schemaFields(media.Schema, fields)
		}
	}
	for _, p := range theirs.Parameters {
		if p.Value.In == "query" {
			fields[p.Value.Name] = p.Value.Required
		}
	}
	ours := map[string]bool{"_clerk_session_id": true}
	for _, f := range op.Params() {
		if f.In == "path" {
			continue
		}
		ours[f.Name] = true
		if _, ok := fields[f.Name]; !ok {
			report(op.Name + ": takes " + f.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		switch {
		case ours[name]:
		case slices.Contains(slices.Concat(op.Ignores("query"), op.Ignores("body")), name):
			report(op.Name + ": ignores " + name)
		case fields[name]:
			report(op.Name + ": does not take the required " + name)
		case op.StrictBody():
			report(op.Name + ": refuses " + name)
		default:
			report(op.Name + ": ignores " + name)
		}
	}
}

func schemaFields(ref *openapi3.SchemaRef, into map[string]bool) {
	if ref == nil {
		return
	}
	for name := range ref.Value.Properties {
		into[name] = into[name] || slices.Contains(ref.Value.Required, name)
	}
	for _, list := range [][]*openapi3.SchemaRef{ref.Value.AllOf, ref.Value.OneOf, ref.Value.AnyOf} {
		for _, part := range list {
			schemaFields(part, into)
		}
	}
}

// compareStatuses reports the error statuses of one side only, except those that any HTTP server
// may answer.
func compareStatuses(op operation.Operation, theirs *openapi3.Operation, report func(string)) {
	seen := map[int]bool{}
	for _, code := range op.Errors {
		status := wire.Status(code)
		if seen[status] || theirs.Responses.Status(status) != nil {
			continue
		}
		seen[status] = true
		report(fmt.Sprintf("%s: answers %d", op.Name, status))
	}
	if theirs.Responses.Status(op.Status) == nil {
		report(fmt.Sprintf("%s: answers %d", op.Name, op.Status))
	}
}

func compareAnswer(op operation.Operation, theirs *openapi3.Operation, body []byte, report func(string)) {
	res := theirs.Responses.Status(op.Status)
	if res == nil {
		return
	}
	media := res.Value.Content.Get("application/json")
	if media == nil || media.Schema == nil {
		return
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		report(op.Name + ": no JSON")
		return
	}
	err := media.Schema.Value.VisitJSON(value, openapi3.MultiErrors(), openapi3.VisitAsResponse())
	for _, line := range flatten(err) {
		report(op.Name + ": " + line)
	}
}

var index = regexp.MustCompile(`\.\d+`)

// flatten turns a tree of schema errors into lines that do not depend on values.
func flatten(err error) []string {
	var out []string
	var many openapi3.MultiError
	var one *openapi3.SchemaError
	switch {
	case err == nil:
	case errors.As(err, &many):
		for _, e := range many {
			out = append(out, flatten(e)...)
		}
	case errors.As(err, &one):
		if inner := errors.Unwrap(one); inner != nil && one.SchemaField != "oneOf" && one.SchemaField != "anyOf" {
			return flatten(inner)
		}
		at := index.ReplaceAllString("."+strings.Join(one.JSONPointer(), "."), "[]")
		out = append(out, strings.TrimPrefix(at, ".")+" "+one.SchemaField)
	default:
		out = append(out, err.Error())
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// recorder keeps every successful answer by its operation.
type recorder struct {
	*http.ServeMux
	bodies map[string][][]byte
}

func (r *recorder) note(req *http.Request, a *answer) {
	probe := req.Clone(context.Background())
	if m := req.URL.Query().Get("_method"); m != "" {
		probe.Method = m
	}
	_, pattern := r.Handler(probe)
	for _, op := range api.Operations() {
		for _, spelling := range operation.Spellings(op.Path) {
			if op.Method+" "+spelling == pattern && a.StatusCode == op.Status {
				r.bodies[op.Name] = append(r.bodies[op.Name], a.body)
			}
		}
	}
}

// walk calls every operation once and returns the successful answers by operation.
func walk(t *testing.T) map[string][][]byte {
	t.Helper()
	w := newWorld(t)
	r := &recorder{ServeMux: http.NewServeMux(), bodies: map[string][][]byte{}}
	for _, op := range api.Operations() {
		for _, spelling := range operation.Spellings(op.Path) {
			r.HandleFunc(op.Method+" "+spelling, func(http.ResponseWriter, *http.Request) {})
		}
	}
	w.observe = r.note
	user := w.walkFrontend(tx.DevBrowser)
	w.walkBackend(user)
	return r.bodies
}

// walkFrontend enrols factors, signs in, steps up, and removes the factors. It returns the user.
func (w *world) walkFrontend(carrier tx.TokenTransport) string {
	w.Helper()
	for _, path := range []string{"/.well-known/jwks.json", "/.well-known/openid-configuration", "/healthz", "/v1/environment"} {
		w.send(httptest.NewRequest("GET", path, nil)).ok()
	}
	w.backend("PATCH", "/v1/instance", `{"first_factor_phone_code":true,"recovery_days":3}`).ok()
	b := w.open(carrier)
	b.call("PATCH", "/v1/environment").ok()
	b.call("POST", "/v1/client").ok()
	b.call("PUT", "/v1/client").ok()
	user := w.backend("POST", "/v1/users", `{"username":"walker","password":"correct horse","phone_number":["+13105550142"],"email_address":["w@example.com"],"first_name":"W"}`).ok().text("id")
	b.enter(user)
	b.handshake()
	session := "/v1/client/sessions/" + b.session
	phone := b.call("POST", "/v1/me/phone_numbers", "phone_number", "+12125550123").ok().text("response.id")
	one := "/v1/me/phone_numbers/" + phone
	b.call("POST", one+"/prepare_verification", "strategy", "phone_code").ok()
	b.call("POST", one+"/attempt_verification", "code", b.Code()).ok()
	b.call("PATCH", one, "reserved_for_second_factor", "true").ok()
	b.call("PATCH", one, "name", "Home").ok()
	b.call("GET", one).ok()
	app := b.enrolApp()
	for _, path := range []string{"/v1/me", "/v1/client", "/v1/me/phone_numbers", "/v1/me/sessions", "/v1/me/sessions/active", "/v1/me/audit_events", "/v1/me/organization_memberships", "/v1/me/organization_invitations", "/v1/me/organization_suggestions", session} {
		b.call("GET", path).ok()
	}
	codes := b.call("POST", "/v1/me/backup_codes").ok()
	b.call("POST", session+"/touch", "intent", "focus").ok()
	b.call("POST", session+"/tokens").ok()
	b.Advance(time.Minute)
	b.call("POST", session+"/verify", "level", "multi_factor").ok()
	b.call("POST", session+"/verify/prepare_first_factor", "strategy", "phone_code", "phone_number_id", b.primary()).ok()
	b.call("POST", session+"/verify/attempt_first_factor", "strategy", "password", "password", "correct horse").ok()
	b.call("POST", session+"/verify/prepare_second_factor", "strategy", "phone_code", "phone_number_id", phone).ok()
	b.call("POST", session+"/verify/attempt_second_factor", "strategy", "phone_code", "code", b.Code()).ok()
	b.call("POST", session+"/end").ok()
	b.again(user, func(id string) {
		b.call("POST", id+"/prepare_second_factor", "strategy", "phone_code").ok()
		b.call("POST", id+"/attempt_second_factor", "strategy", "backup_code", "code", codes.text("response.codes.0")).ok()
	})
	b.call("POST", "/v1/client/sessions/"+b.session+"/remove").ok()
	a := b.call("POST", "/v1/client/sign_ins", "identifier", "walker").ok()
	id := "/v1/client/sign_ins/" + a.text("response.id")
	b.call("GET", id).ok()
	b.call("POST", id+"/prepare_first_factor", "strategy", "phone_code").ok()
	b.call("POST", id+"/attempt_first_factor", "strategy", "password", "password", "correct horse").ok()
	b.call("POST", id+"/recovery").ok()
	w.backend("DELETE", "/v1/users/"+user+"/recovery", "").ok()
	b.session = b.call("POST", id+"/attempt_second_factor", "strategy", "totp", "code", app()).ok().text("response.created_session_id")
	b.walkPasskeys(user)
	other := w.open(tx.Cookie)
	other.again(user, func(id string) {
		b.Advance(time.Minute)
		other.call("POST", id+"/attempt_second_factor", "strategy", "totp", "code", app()).ok()
	})
	third := w.open(tx.Cookie)
	third.call("POST", "/v1/client/sign_ins/"+third.enter(user).text("response.id")+"/recovery").ok()
	b.call("DELETE", "/v1/me/recovery").ok()
	b.call("POST", "/v1/me/sessions/"+other.session+"/revoke").ok()
	b.call("POST", "/v1/me/sessions/revoke_others").ok()
	b.call("PATCH", "/v1/me/totp", "name", "Work phone").ok()
	b.forgetDevices(other, user, app)
	b.call("DELETE", "/v1/me/totp").ok()
	b.call("DELETE", one).ok()
	b.call("DELETE", "/v1/client/sessions").ok()
	b.session = ""
	b.enter(user)
	b.changeMe()
	b.call("DELETE", "/v1/client").ok()
	w.deleteMe()
	return user
}

// forgetDevices has the devices of another browser remembered and forgotten, each way.
func (b *browser) forgetDevices(other *browser, user string, app func() string) {
	b.Helper()
	b.backend("PATCH", "/v1/instance", `{"remember_device_days":30}`).ok()
	remember := func() string {
		other.again(user, func(id string) {
			b.Advance(time.Minute)
			other.call("POST", id+"/attempt_second_factor", "strategy", "totp", "code", app(), "remember_device", "true").ok()
		})
		device := b.call("GET", "/v1/me/remembered_devices").ok().text("0.id")
		other.call("DELETE", "/v1/client/sessions").ok()
		return device
	}
	list := "/v1/users/" + user + "/remembered_devices"
	b.call("DELETE", "/v1/me/remembered_devices/"+remember()).ok()
	device := remember()
	b.backend("GET", list, "").ok()
	b.backend("DELETE", list+"/"+device, "").ok()
	remember()
	b.call("DELETE", "/v1/me/remembered_devices").ok()
	b.backend("PATCH", "/v1/instance", `{"remember_device_days":0}`).ok()
}

// changeMe changes the profile and the password, and sets the first password back.
func (b *browser) changeMe() {
	b.Helper()
	b.call("PATCH", "/v1/me", "first_name", "Wanda", "username", "wanda", "unsafe_metadata", `{"theme":"dark"}`).ok()
	b.call("PATCH", "/v1/me", "username", "walker").ok()
	b.call("PATCH", "/v1/me/metadata", "unsafe_metadata", `{"size":{"a":1}}`).ok()
	b.backend("PATCH", "/v1/instance", `{"reauth_url":"https://app.example.com/login"}`).ok()
	b.call("POST", "/v1/me/remove_password", "current_password", "correct horse").ok()
	b.backend("PATCH", "/v1/instance", `{"reauth_url":""}`).ok()
	b.call("POST", "/v1/me/change_password", "new_password", "correct horse", "sign_out_of_other_sessions", "true").ok()
}

// deleteMe lets a user delete the account.
func (w *world) deleteMe() {
	w.Helper()
	w.backend("PATCH", "/v1/instance", `{"delete_self":true}`).ok()
	b := w.signedIn()
	b.call("DELETE", "/v1/me").ok()
	w.backend("PATCH", "/v1/instance", `{"delete_self":false}`).ok()
}

// handshake makes a handshake, as a browser and the application's server do.
func (b *browser) handshake() {
	b.Helper()
	to, err := b.call("GET", "/v1/client/handshake?redirect_url=http%3A%2F%2Flocalhost%3A3000&format=nonce").Location()
	b.Must(err)
	b.backend("GET", "/v1/clients/handshake_payload?nonce="+to.Query().Get("__clerk_handshake_nonce"), "").ok()
}

// primary is the user's number for the first factor.
func (b *browser) primary() string {
	b.Helper()
	return b.call("GET", "/v1/me").ok().text("response.primary_phone_number_id")
}

// again signs in a user who has a second factor.
func (b *browser) again(user string, second func(id string)) {
	b.Helper()
	b.Advance(time.Minute)
	b.session = ""
	a := b.enter(user)
	second("/v1/client/sign_ins/" + a.text("response.id"))
	b.session = b.call("GET", "/v1/client").ok().text("response.last_active_session_id")
}

func (w *world) walkBackend(user string) {
	w.Helper()
	one := "/v1/users/" + user
	w.backend("DELETE", one+"/passkeys/"+w.backend("GET", one, "").ok().text("passkeys.0.id"), "").ok()
	w.backend("PATCH", one, `{"totp_secret":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ","backup_codes":["aaaaa-aaaaa","bbbbb-bbbbb"],"public_metadata":{"a":1}}`).ok()
	w.backend("PATCH", one+"/metadata", `{"public_metadata":{"a":null,"b":{"c":1}},"private_metadata":{"d":[1]}}`).ok()
	w.backend("PUT", one+"/metadata", `{"unsafe_metadata":{}}`).ok()
	w.backend("POST", one+"/verify_totp", `{"code":"aaaaa-aaaaa"}`).ok()
	w.backend("POST", one+"/verify_password", `{"password":"correct horse"}`).ok()
	phone := w.backend("POST", "/v1/phone_numbers", `{"user_id":"`+user+`","phone_number":"+14155550177","verified":true}`).ok().text("id")
	w.backend("GET", "/v1/phone_numbers/"+phone, "").ok()
	w.backend("PATCH", "/v1/phone_numbers/"+phone, `{"reserved_for_second_factor":true}`).ok()
	email := w.backend("POST", "/v1/email_addresses", `{"user_id":"`+user+`","email_address":"two@example.com"}`).ok().text("id")
	w.backend("GET", "/v1/email_addresses/"+email, "").ok()
	w.backend("PATCH", "/v1/email_addresses/"+email, `{"verified":true,"primary":true,"notify_primary_email_address_changed":true}`).ok()
	w.backend("DELETE", "/v1/email_addresses/"+email, "").ok()
	w.backend("PUT", "/v1/users/"+user+"/email_address", `{"email_address":"only@example.com","notify_primary_email_address_changed":true}`).ok()
	sent := w.backend("POST", "/v1/phone_numbers/"+phone+"/prepare_verification", "").ok().text("id")
	w.backend("POST", "/v1/phone_numbers/"+phone+"/attempt_verification", `{"verification_id":"`+sent+`","code":"`+w.Code()+`"}`).ok()
	w.backend("DELETE", one+"/backup_code", "").ok()
	w.backend("DELETE", one+"/totp", "").ok()
	w.backend("DELETE", one+"/mfa", "").ok()
	w.backend("POST", "/v1/sessions", `{"user_id":"`+user+`"}`).ok()
	b := w.open(tx.Cookie)
	b.enter(user)
	w.backend("GET", "/v1/sessions?user_id="+user, "").ok()
	w.backend("GET", "/v1/sessions/"+b.session, "").ok()
	w.backend("POST", "/v1/sessions/"+b.session+"/tokens", "").ok()
	w.backend("POST", "/v1/sessions/"+b.session+"/revoke", "").ok()
	w.backend("DELETE", "/v1/phone_numbers/"+phone, "").ok()
	w.backend("PUT", "/v1/users/"+user+"/phone_number", `{"phone_number":"+14155550178","identification_status":"unverified"}`).ok()
	ticket := w.backend("POST", "/v1/sign_in_tokens", `{"user_id":"`+user+`"}`).ok().text("id")
	w.backend("POST", "/v1/sign_in_tokens/"+ticket+"/revoke", "").ok()
	w.backend("POST", "/v1/testing_tokens", "").ok()
	for _, step := range []string{"ban", "unban"} {
		w.backend("POST", "/v1/users/"+step, `{"user_ids":["`+user+`"]}`).ok()
	}
	for _, step := range []string{"lock", "unlock", "ban", "unban"} {
		w.backend("POST", one+"/"+step, "").ok()
	}
	for _, path := range []string{"/v1/users", "/v1/users/count", one, one + "/export", one + "/audit_events", "/v1/jwks", "/v1/instance", "/v1/instance/audit_events", "/v1/events", "/v1/sms_messages", "/v1/sms_usage", "/v1/statistics"} {
		w.backend("GET", path, "").ok()
	}
	w.backend("DELETE", one, "").ok()
	w.walkWebhooks()
}

func (w *world) walkWebhooks() {
	all := "/v1/webhook_endpoints"
	one := all + "/" + w.backend("POST", all, `{"url":"https://app.example.com/hooks"}`).ok().text("id")
	w.backend("GET", all, "").ok()
	w.backend("PATCH", one, `{"events":["user.locked"]}`).ok()
	for step, body := range map[string]string{"rotate_secret": "", "test": "", "replay": `{"since":0}`} {
		w.backend("POST", one+"/"+step, body).ok()
	}
	w.backend("GET", one+"/deliveries", "").ok()
	w.backend("DELETE", one, "").ok()
}
