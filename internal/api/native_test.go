package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

const (
	resources   = "testdata/native/resources.json#/$defs/"
	environment = "testdata/native/environment.json#/$defs/environment"
)

// ours are extensions that no native SDK calls: see docs/use/divergences.md.
var ours = map[string]bool{"me-audit-events-list": true, "me-sessions-revoke-others": true, "me-remembered-devices-list": true, "me-remembered-device-delete": true, "me-remembered-devices-delete": true, "sign-in-recovery-create": true, "me-recovery-cancel": true, "me-totp-update": true}

// nativeAnswers has the form and the schema of the answer of each operation of the Frontend API. An
// envelope is "changed" when it must hold the client, or SDKs would not learn of the change. It is
// "wrapped" when it may hold the client, and "alone" when the client is the response itself. Other
// answers are "bare" or a bare "list".
var nativeAnswers = map[string][2]string{
	"environment-get": {"bare", environment}, "environment-patch": {"bare", environment}, "dev-browser-create": {"bare", "dev_browser"},
	"client-get": {"alone", "client"}, "client-create": {"alone", "client"}, "client-put": {"alone", "client"},
	"client-delete": {"alone", "client"}, "client-sessions-delete": {"alone", "client"},
	"sign-in-create": {"changed", "sign_in"}, "sign-in-get": {"wrapped", "sign_in"},
	"sign-in-first-factor-prepare": {"changed", "sign_in"}, "sign-in-first-factor-attempt": {"changed", "sign_in"},
	"sign-in-second-factor-prepare": {"changed", "sign_in"}, "sign-in-second-factor-attempt": {"changed", "sign_in"},
	"session-get": {"wrapped", "session"}, "session-touch": {"wrapped", "session"}, "session-token-create": {"bare", "token"},
	"session-end": {"wrapped", "ended_session"}, "session-remove": {"wrapped", "ended_session"},
	"session-reverification-create":                {"wrapped", "session_reverification"},
	"session-reverification-first-factor-prepare":  {"wrapped", "session_reverification"},
	"session-reverification-first-factor-attempt":  {"wrapped", "session_reverification"},
	"session-reverification-second-factor-prepare": {"wrapped", "session_reverification"},
	"session-reverification-second-factor-attempt": {"wrapped", "session_reverification"},
	"me-sessions-list":                             {"list", "session_with_activities"}, "me-sessions-active-list": {"list", "session_with_activities"},
	"me-session-revoke": {"wrapped", "ended_session"}, "me-get": {"wrapped", "user"},
	"me-update": {"changed", "user"}, "me-metadata-merge": {"changed", "user"}, "me-delete": {"changed", "deleted_object"},
	"me-organization-memberships-list": {"wrapped", "empty_page"}, "me-organization-invitations-list": {"wrapped", "empty_page"}, "me-organization-suggestions-list": {"wrapped", "empty_page"},
	"me-password-change": {"changed", "user"}, "me-password-remove": {"changed", "user"},
	"me-phone-numbers-list": {"list", "phone_number"}, "me-phone-number-create": {"changed", "phone_number"}, "me-phone-number-get": {"wrapped", "phone_number"},
	"me-phone-number-prepare": {"changed", "phone_number"}, "me-phone-number-attempt": {"changed", "phone_number"},
	"me-phone-number-update": {"changed", "phone_number"}, "me-phone-number-delete": {"changed", "deleted_object"},
	"me-totp-create": {"changed", "totp"}, "me-totp-attempt": {"changed", "totp"}, "me-totp-delete": {"changed", "deleted_object"},
	"me-backup-codes-create": {"changed", "backup_code"},
	"me-passkey-create":      {"changed", "passkey"}, "me-passkey-get": {"wrapped", "passkey"}, "me-passkey-attempt": {"changed", "passkey"}, "me-passkey-update": {"changed", "passkey"}, "me-passkey-delete": {"changed", "deleted_object"},
}

// native finds the operation of a request and the schema of its right answer.
var native = sync.OnceValue(func() *nativeSchemas {
	n := &nativeSchemas{mux: http.NewServeMux(), of: map[string]operation.Operation{}, schemas: map[string]*jsonschema.Schema{}}
	c := jsonschema.NewCompiler()
	n.failure = c.MustCompile(resources + "error")
	for _, op := range api.Operations() {
		for _, spelling := range operation.Spellings(op.Path) {
			n.mux.HandleFunc(op.Method+" "+spelling, func(http.ResponseWriter, *http.Request) {})
			n.of[op.Method+" "+spelling] = op
		}
		answer, ok := nativeAnswers[op.Name]
		if !ok {
			continue
		}
		name := answer[1]
		if !strings.Contains(name, "/") {
			name = resources + name
		}
		n.schemas[op.Name] = c.MustCompile(name)
	}
	n.schemas["client"] = c.MustCompile(resources + "client")
	return n
})

type nativeSchemas struct {
	mux     *http.ServeMux
	of      map[string]operation.Operation
	schemas map[string]*jsonschema.Schema
	failure *jsonschema.Schema
}

// check returns an error if a native SDK could not decode an answer.
func (n *nativeSchemas) check(r *http.Request, status int, body []byte) error {
	if r.Method == http.MethodHead || r.Method == http.MethodOptions || status/100 == 3 || status == http.StatusNoContent {
		return nil
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("no JSON: %w", err)
	}
	if status >= 400 {
		return n.failure.Validate(v)
	}
	probe := &http.Request{Method: r.Method, URL: r.URL, Host: r.Host}
	if m := r.URL.Query().Get("_method"); m != "" && r.Method == http.MethodPost {
		probe.Method = m
	}
	_, pattern := n.mux.Handler(probe)
	op, known := n.of[pattern]
	schema := n.schemas[op.Name]
	switch {
	case !known:
		return fmt.Errorf("no operation answers %s %s", r.Method, r.URL.Path)
	case schema == nil && op.Surface == operation.Frontend && op.Status == http.StatusOK && !ours[op.Name]:
		return fmt.Errorf("%s is neither in nativeAnswers nor in ours", op.Name)
	case schema == nil:
		return nil
	}
	return n.shape(nativeAnswers[op.Name][0], schema, v)
}

func (n *nativeSchemas) shape(shape string, schema *jsonschema.Schema, v any) error {
	switch shape {
	case "bare":
		return schema.Validate(v)
	case "list":
		list, ok := v.([]any)
		if !ok {
			return fmt.Errorf("no list")
		}
		for _, item := range list {
			if err := schema.Validate(item); err != nil {
				return err
			}
		}
		return nil
	}
	envelope, ok := v.(map[string]any)
	response, hasResponse := envelope["response"]
	client, hasClient := envelope["client"]
	switch {
	case !ok || !hasResponse || !hasClient || len(envelope) != 2:
		return fmt.Errorf("no envelope of response and client")
	case shape == "alone" && client != nil:
		return fmt.Errorf("a client beside itself")
	case shape == "alone" && response == nil:
		return nil // no user is signed in
	case shape == "changed" && client == nil:
		return fmt.Errorf("no client: the change stays unknown")
	case client != nil:
		if err := n.schemas["client"].Validate(client); err != nil {
			return fmt.Errorf("client: %w", err)
		}
	}
	return schema.Validate(response)
}

// native fails if native SDKs cannot decode an answer. Every answer of the tests is checked.
func (a *answer) native(r *http.Request) {
	a.Helper()
	if err := native().check(r, a.StatusCode, a.body); err != nil {
		a.Errorf("native SDKs cannot decode the answer to %s %s: %v\n%s", r.Method, r.URL.Path, err, a.body)
	}
}

// TestNativeAnswersAreAllDescribed: nativeAnswers describes every operation of the Frontend API.
func TestNativeAnswersAreAllDescribed(t *testing.T) {
	for _, op := range api.Operations() {
		_, ok := nativeAnswers[op.Name]
		if want := op.Surface == operation.Frontend && op.Status == http.StatusOK && !ours[op.Name] || op.Name == "dev-browser-create"; ok != want {
			t.Errorf("%s: described %v, want %v", op.Name, ok, want)
		}
	}
}

// TestNativeApps calls everything as a native app: with real methods, forms, the flag, and the
// token in headers. The token changes when the client signs in, and the app learns it from the
// answer.
func TestNativeApps(t *testing.T) {
	w := newWorld(t)
	tokens := map[string]bool{}
	w.observe = func(r *http.Request, a *answer) {
		if r.URL.Query().Get("_is_native") == "" {
			return
		}
		if len(a.Cookies()) > 0 || a.Header.Get("Clerk-Db-Jwt") != "" {
			t.Errorf("%s %s hands out a cookie or a development browser: %v", r.Method, r.URL.Path, a.Header)
		}
		if got := a.Header.Get("Content-Type"); got != jsonType && a.StatusCode/100 != 3 {
			t.Errorf("%s %s answers %q", r.Method, r.URL.Path, got)
		}
		if token := a.Header.Get("Authorization"); token != "" {
			if strings.HasPrefix(strings.ToLower(token), "bearer") {
				t.Errorf("the token is %q: iOS forgets it", token)
			}
			tokens[token] = true
		}
	}
	w.walkFrontend(tx.Native)
	if len(tokens) < 3 {
		t.Errorf("the token changed %d times", len(tokens))
	}
}

// TestNativeSchemasBite: a schema rejects an answer in which a part that a native SDK requires is
// missing or null.
func TestNativeSchemasBite(t *testing.T) {
	w := newWorld(t)
	b := w.open(tx.Native)
	user := w.backend("POST", "/v1/users", `{"email_address":["n@example.com"],"phone_number":["+12015550107"],"phone_number_identification_status":["verified"]}`).ok().text("id")
	b.enter(user)
	b.enrolApp()
	client, env := b.call("GET", "/v1/client").ok(), b.call("GET", "/v1/environment").ok()
	const session, me, phone = "response.sessions.0", "response.sessions.0.user", "response.sessions.0.user.phone_numbers.0"
	for _, c := range []struct {
		a     *answer
		path  string
		names string
	}{
		{client, "response", "id sessions updated_at"},
		{client, session, "id status expire_at abandon_at last_active_at created_at updated_at user"},
		{client, me, `id image_url has_image email_addresses phone_numbers passkeys external_accounts password_enabled totp_enabled two_factor_enabled
			backup_code_enabled create_organization_enabled delete_self_enabled created_at updated_at`},
		{client, phone, "reserved_for_second_factor default_second_factor created_at"},
		{env, "auth_config", "single_session_mode"},
		{env, "display_config", "application_name preferred_sign_in_strategy branded logo_image_url home_url show_devmode_warning instance_environment_type"},
		{env, "user_settings", "attributes social actions sign_up"},
		{env, "user_settings.sign_up", "custom_action_required progressive mode legal_consent_enabled"},
		{env, "user_settings.attributes.phone_number", "enabled required used_for_first_factor first_factors used_for_second_factor second_factors verifications verify_at_sign_up"},
	} {
		for _, name := range strings.Fields(c.names) {
			for _, how := range []string{"gone", "null", "other"} {
				target := "/v1/client"
				if c.a == env {
					target = "/v1/environment"
				}
				spoilt := spoil(t, c.a.body, c.path, name, how)
				if native().check(httptest.NewRequest("GET", target, nil), http.StatusOK, spoilt) == nil {
					t.Errorf("%s of %s is %s, and nobody says so", name, c.path, how)
				}
			}
		}
	}
	// Android requires the keys.
	for _, name := range []string{"privacy_policy_url", "terms_url", "google_one_tap_client_id"} {
		if native().check(httptest.NewRequest("GET", "/v1/environment", nil), http.StatusOK, spoil(t, env.body, "display_config", name, "gone")) == nil {
			t.Errorf("%s is gone, and no schema says so", name)
		}
	}
}

// spoil removes a field of a body, makes it null, or gives it a value of another kind: seconds for
// a time.
func spoil(t *testing.T, body []byte, path, name, how string) []byte {
	t.Helper()
	var root any
	if err := json.Unmarshal(body, &root); err != nil {
		t.Fatal(err)
	}
	at := root
	for _, step := range strings.Split(path, ".") {
		if list, ok := at.([]any); ok {
			at = list[int(step[0]-'0')]
			continue
		}
		at = at.(map[string]any)[step]
	}
	object, ok := at.(map[string]any)
	if _, has := object[name]; !ok || !has {
		t.Fatalf("no %s in %s of %s", name, path, body)
	}
	switch was := object[name].(type) {
	case float64:
		object[name] = float64(int64(was) / 1000)
	default:
		object[name] = 7
	}
	switch how {
	case "gone":
		delete(object, name)
	case "null":
		object[name] = nil
	}
	text, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
