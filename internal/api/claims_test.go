package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/crypto/sessiontoken"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// added returns the claims of a session token on top of those of every token. The token verifies.
func (w *world) added(token string) map[string]any {
	w.Helper()
	keys, err := w.Service.Tokens.PublishedKeys(w.Context())
	w.Must(err)
	_, err = sessiontoken.Verify(token, keys, "http://localhost:8080", w.Now())
	w.Must(err)
	var claims map[string]any
	w.Must(json.Unmarshal([]byte(payload(w.TB, token)), &claims))
	for _, name := range []string{"iss", "sub", "sid", "iat", "nbf", "exp", "azp", "fva", "sts", "v", "jti"} {
		delete(claims, name)
	}
	return claims
}

func (b *browser) freshToken() string {
	b.Helper()
	return b.call("POST", "/v1/client/sessions/"+b.session+"/tokens").ok().text("jwt")
}

// TestSessionClaims: each token of a session has the claims of the settings, with the user's
// present values.
func TestSessionClaims(t *testing.T) {
	w := newWorld(t)
	user := w.backend("POST", "/v1/users", `{"username":"ann","external_id":"crm-7","password":"correct horse","public_metadata":{"role":"admin"},"private_metadata":{"secret":1}}`).ok().text("id")
	b := w.open(tx.Cookie)
	b.enter(user)
	none := map[string]any{}
	if got := w.added(b.freshToken()); !cmp.Equal(got, none) {
		t.Errorf("without a template: %v", got)
	}
	w.backend("PATCH", "/v1/instance", `{"session_claims": {"role": "{{user.public_metadata.role || 'guest'}}", "ext": "{{user.external_id}}"}}`).ok()
	want := map[string]any{"role": "admin", "ext": "crm-7"}
	for name, token := range map[string]string{
		"a token": b.freshToken(), "the client": b.call("GET", "/v1/client").ok().text("response.sessions.0.last_active_token.jwt"),
		"the Backend API": w.backend("POST", "/v1/sessions/"+b.session+"/tokens", "").ok().text("jwt"),
	} {
		if got := w.added(token); !cmp.Equal(got, want) {
			t.Errorf("%s: %v", name, got)
		}
	}
	w.backend("PATCH", "/v1/users/"+user+"/metadata", `{"public_metadata":{"role":null}}`).ok()
	if got := w.added(b.freshToken()); got["role"] != "guest" {
		t.Errorf("after the role was removed: %v", got)
	}
	if got := w.backend("GET", "/v1/instance", "").ok().at("session_claims.ext"); got != "{{user.external_id}}" {
		t.Errorf("the setting is shown as %v", got)
	}
	w.backend("PATCH", "/v1/instance", `{"session_claims":{}}`).ok()
	if got := w.added(b.freshToken()); !cmp.Equal(got, none) {
		t.Errorf("after the template was removed: %v", got)
	}
}

// TestTemplatesThatAreRefused: a template that is wrong changes nothing, and the answer says why.
func TestTemplatesThatAreRefused(t *testing.T) {
	w := newWorld(t)
	w.backend("PATCH", "/v1/instance", `{"session_claims":{"a":"b"}}`).ok()
	for body, code := range map[string]string{
		`{"sub":"user_x"}`: "form_param_value_invalid", `{"AZP":"x"}`: "form_param_value_invalid", `{"a":"{{user.private_metadata}}"}`: "form_param_value_invalid",
		`{"a":"{{user.id"}`: "form_param_value_invalid", `{"a":"` + strings.Repeat("x", 1200) + `"}`: "form_param_value_invalid", `[]`: "form_param_type_invalid", `"x"`: "form_param_type_invalid",
	} {
		a := w.backend("PATCH", "/v1/instance", `{"test_mode":true,"session_claims":`+body+`}`).want(422, code)
		if got := a.at("errors.0.meta.param_name"); got != "session_claims" {
			t.Errorf("%s: the parameter at fault is %v", body, got)
		}
	}
	if a := w.backend("GET", "/v1/instance", "").ok(); a.at("session_claims.a") != "b" || a.at("test_mode") != false {
		t.Errorf("a refused template changed the settings: %s", a.body)
	}
}

// TestClaimsThatAreTooLarge: a change that makes them too large is refused. If the template changed
// since, the user gets no token, never one with fewer claims, and the rest of the API answers.
func TestClaimsThatAreTooLarge(t *testing.T) {
	w := newWorld(t)
	large := `{"notes":"` + strings.Repeat("x", 1300) + `"}`
	user := w.backend("POST", "/v1/users", `{"username":"ann","password":"correct horse","unsafe_metadata":`+large+`}`).ok().text("id")
	b := w.open(tx.Cookie)
	b.enter(user)
	other := w.signedIn()
	w.backend("PATCH", "/v1/instance", `{"session_claims":{"u":"{{user.unsafe_metadata}}"}}`).ok()
	b.call("POST", "/v1/client/sessions/"+b.session+"/tokens").want(422, "session_claims_too_large")
	w.backend("POST", "/v1/sessions/"+b.session+"/tokens", "").want(422, "session_claims_too_large")
	if a := b.call("GET", "/v1/client").ok(); a.at("response.sessions.0.id") == nil || a.at("response.sessions.0.last_active_token") != nil {
		t.Errorf("the client is %s", a.body)
	}
	b.call("PATCH", "/v1/me", "first_name", "Ann").ok() // was too large before
	b.call("PATCH", "/v1/me/metadata", "unsafe_metadata", `{"notes":null}`).ok()
	w.added(b.freshToken())
	b.call("PATCH", "/v1/me/metadata", "unsafe_metadata", large).want(422, "session_claims_too_large")
	b.call("PATCH", "/v1/me", "unsafe_metadata", large).want(422, "session_claims_too_large")
	w.backend("PATCH", "/v1/users/"+user+"/metadata", `{"unsafe_metadata":`+large+`}`).want(422, "session_claims_too_large")
	w.backend("PUT", "/v1/users/"+user+"/metadata", `{"unsafe_metadata":`+large+`}`).want(422, "session_claims_too_large")
	w.backend("PATCH", "/v1/users/"+user, `{"unsafe_metadata":`+large+`}`).want(422, "session_claims_too_large")
	w.backend("POST", "/v1/users", `{"username":"bob","unsafe_metadata":`+large+`}`).want(422, "session_claims_too_large")
	w.added(b.freshToken())
	w.added(other.freshToken())
}

// TestIdentifiersCountInClaims: a longer primary address or a primary number that makes claims too
// large is refused, in each operation that sets one.
func TestIdentifiersCountInClaims(t *testing.T) {
	w := newWorld(t)
	const code, number = "session_claims_too_large", "+12015550111"
	w.backend("PATCH", "/v1/instance", `{"session_claims":{"e":"{{user.primary_email_address}}","n":"{{user.unsafe_metadata.n}}","p":"{{user.primary_phone_number}}"}}`).ok()
	notes := strings.Repeat("x", 1200-len(`{"e":"a@x.example","n":"","p":null}`))
	create := func(rest string) *answer {
		return w.backend("POST", "/v1/users", `{"password":"correct horse","unsafe_metadata":{"n":"`+notes+`"},`+rest+`}`)
	}
	create(`"email_address":["longer@x.example"]`).want(422, code)
	create(`"email_address":["a@x.example"],"phone_number":["`+number+`"]`).want(422, code)
	user := create(`"email_address":["a@x.example","longer@x.example"]`).ok().text("id")
	added := w.backend("POST", "/v1/phone_numbers", `{"user_id":"`+user+`","phone_number":"`+number+`","verified":true}`).ok().text("id")
	w.backend("POST", "/v1/phone_numbers", `{"user_id":"`+user+`","phone_number":"+12015550112","verified":true,"primary":true}`).want(422, code)
	w.backend("PATCH", "/v1/phone_numbers/"+added, `{"primary":true}`).want(422, code)
	w.backend("PUT", "/v1/users/"+user+"/phone_number", `{"phone_number":"`+number+`"}`).want(422, code)
	w.backend("PUT", "/v1/users/"+user+"/email_address", `{"email_address":"longer@x.example"}`).want(422, code)
	b := w.open(tx.Cookie)
	b.enter(user)
	b.call("PATCH", "/v1/me", "primary_phone_number_id", added).want(422, code)
	b.call("PATCH", "/v1/me", "primary_email_address_id", w.backend("GET", "/v1/users/"+user, "").ok().text("email_addresses.1.id")).want(422, code)
	w.added(b.freshToken())
}

// TestAHandshakeWithoutAToken: a server whose user gets no token learns that the browser is signed
// out, and does not send it back for ever.
func TestAHandshakeWithoutAToken(t *testing.T) {
	w := newWorld(t)
	user := w.backend("POST", "/v1/users", `{"username":"ann","unsafe_metadata":{"notes":"`+strings.Repeat("x", 1300)+`"}}`).ok().text("id")
	b := w.open(tx.Cookie)
	b.enter(user)
	w.backend("PATCH", "/v1/instance", `{"session_claims":{"u":"{{user.unsafe_metadata}}"}}`).ok()
	to, err := b.call("GET", "/v1/client/handshake?redirect_url=http%3A%2F%2Flocalhost%3A3000&format=nonce").Location()
	w.Must(err)
	a := w.backend("GET", "/v1/clients/handshake_payload?nonce="+to.Query().Get("__clerk_handshake_nonce"), "").ok()
	if lines := string(a.body); !strings.Contains(lines, "__session=;") || !strings.Contains(lines, "__client_uat=0;") {
		t.Errorf("the directives are %s", lines)
	}
}

// TestATokenHasNoClaimTwice: the signing itself refuses a claim of every token, in any case.
func TestATokenHasNoClaimTwice(t *testing.T) {
	w := newWorld(t)
	keys, err := w.Service.Tokens.PublishedKeys(w.Context())
	w.Must(err)
	for _, custom := range []string{`{"sub":"user_x"}`, `{"SUB":"user_x"}`, `{"ſub":"user_x"}`, `{"sTs":"active"}`, `[]`, `null`, `{`} {
		if _, err := keys[0].Mint(sessiontoken.Claims{Subject: "user_1", Custom: json.RawMessage(custom)}); err == nil {
			t.Errorf("%s was signed", custom)
		}
	}
}
