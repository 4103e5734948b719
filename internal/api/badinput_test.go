package api_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/store"
)

const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
)

func (w *world) raw(method, path, contentType, body string) *answer {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+secretKey)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return w.send(r)
}

func TestBadBodies(t *testing.T) {
	w := newWorld(t)
	const frontend, backend = "/v1/client/sign_ins", "/v1/users"
	for name, tc := range map[string]struct {
		path, kind, body string
		status           int
		code             string
	}{
		"frontend, 64 KiB and one byte":       {frontend, formType, "identifier=" + strings.Repeat("a", 64<<10), 413, "request_body_too_large"},
		"backend, 64 KiB and one byte":        {backend, jsonType, `{"username":"` + strings.Repeat("a", 64<<10) + `"}`, 413, "request_body_too_large"},
		"frontend, plain text":                {frontend, "text/plain", "identifier=a", 415, "unsupported_content_type"},
		"frontend, no content type":           {frontend, "", "identifier=a", 415, "unsupported_content_type"},
		"backend, a form":                     {backend, formType, "username=a", 415, "unsupported_content_type"},
		"frontend, JSON is as good":           {frontend, jsonType, `{"identifier":"a@example.com"}`, 200, ""},
		"form with a broken escape":           {frontend, formType, "identifier=%zz", 400, "request_body_invalid"},
		"form with a NUL":                     {frontend, formType, "identifier=a%00b", 400, "request_body_invalid"},
		"form that is not UTF-8":              {frontend, formType, "identifier=%ff", 400, "request_body_invalid"},
		"form with a parameter twice":         {frontend, formType, "identifier=a&identifier=b", 422, "form_param_duplicate"},
		"form with an unknown parameter":      {frontend, formType, "identifier=a%40example.com&colour=red", 200, ""},
		"JSON cut short":                      {backend, jsonType, `{"username":"a"`, 400, "request_body_invalid"},
		"JSON followed by more":               {backend, jsonType, `{"username":"a"}{}`, 400, "request_body_invalid"},
		"JSON that is a list":                 {backend, jsonType, `[]`, 400, "request_body_invalid"},
		"JSON that is null twice":             {backend, jsonType, `nullnull`, 400, "request_body_invalid"},
		"JSON with a field twice":             {backend, jsonType, `{"username":"a","username":"b"}`, 422, "form_param_duplicate"},
		"JSON with a field twice, escaped":    {backend, jsonType, `{"username":"a","user\u006eame":"b"}`, 422, "form_param_duplicate"},
		"metadata with a field twice":         {backend, jsonType, `{"public_metadata":{"a":[{"b":1,"b":2}]}}`, 422, "form_param_duplicate"},
		"metadata that nests too deep":        {backend, jsonType, `{"public_metadata":{"a":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}}`, 400, "request_body_invalid"},
		"JSON in UTF-16":                      {backend, jsonType + "; charset=utf-16", `{"username":"a"}`, 415, "unsupported_content_type"},
		"JSON in other letters":               {backend, jsonType, `{"USERNAME":"a"}`, 422, "form_param_unknown"},
		"JSON with an unknown field":          {backend, jsonType, `{"username":"a","colour":"red"}`, 422, "form_param_unknown"},
		"JSON with an unknown field of null":  {backend, jsonType, `{"colour":null}`, 422, "form_param_unknown"},
		"JSON with a NUL in a text":           {backend, jsonType, `{"username":"a\u0000b"}`, 400, "request_body_invalid"},
		"JSON with a NUL in a list":           {backend, jsonType, `{"email_address":["a\u0000@example.com"]}`, 400, "request_body_invalid"},
		"JSON with half a character":          {backend, jsonType, `{"username":"a\ud800b"}`, 400, "request_body_invalid"},
		"its other half":                      {backend, jsonType, `{"username":"\udc00"}`, 400, "request_body_invalid"},
		"two first halves":                    {backend, jsonType, `{"username":"\ud83d\ud83d"}`, 400, "request_body_invalid"},
		"halves the wrong way round":          {backend, jsonType, `{"username":"\udc00\ud83d"}`, 400, "request_body_invalid"},
		"half a character in a name":          {backend, jsonType, `{"\uD800":1}`, 400, "request_body_invalid"},
		"half a character in metadata":        {backend, jsonType, `{"public_metadata":{"a":["\\\ud800"]}}`, 400, "request_body_invalid"},
		"half a character in a list":          {backend, jsonType, `{"email_address":["\uDFFF@example.com"]}`, 400, "request_body_invalid"},
		"half a character, frontend":          {frontend, jsonType, `{"identifier":"\ud800@example.com"}`, 400, "request_body_invalid"},
		"a whole character":                   {frontend, jsonType, `{"identifier":"\ud83d\ude00@example.com"}`, 200, ""},
		"a backslash before ud800":            {frontend, jsonType, `{"identifier":"\\ud800@example.com"}`, 200, ""},
		"a number for a text":                 {backend, jsonType, `{"username":7}`, 422, "form_param_type_invalid"},
		"a text for a list":                   {backend, jsonType, `{"email_address":"a@example.com"}`, 422, "form_param_type_invalid"},
		"a list for metadata":                 {backend, jsonType, `{"public_metadata":[]}`, 422, "form_param_type_invalid"},
		"an e-mail address without a host":    {backend, jsonType, `{"email_address":["a"]}`, 422, "form_param_format_invalid"},
		"a number that cannot be":             {backend, jsonType, `{"phone_number":["+1555"]}`, 422, "form_param_format_invalid"},
		"a digest of an unknown kind":         {backend, jsonType, `{"password_digest":"x","password_hasher":"md5"}`, 422, "form_param_value_invalid"},
		"a password that is too short":        {backend, jsonType, `{"password":"short"}`, 422, "form_password_length_too_short"},
		"a time of nonsense":                  {backend, jsonType, `{"created_at":"yesterday"}`, 422, "form_param_format_invalid"},
		"a time to come":                      {backend, jsonType, `{"created_at":"2026-03-04T05:06:08Z"}`, 422, "form_param_value_invalid"},
		"an authenticator secret of nonsense": {backend, jsonType, `{"totp_secret":"!!"}`, 422, "invalid_totp_secret_code"},
	} {
		a := w.raw("POST", tc.path, tc.kind, tc.body)
		got, _ := a.at("errors.0.code").(string)
		if a.StatusCode != tc.status || got != tc.code {
			t.Errorf("%s: %d %s, want %d %s", name, a.StatusCode, got, tc.status, tc.code)
		}
	}
	if a := w.backend("GET", "/v1/users/count", "").ok(); a.at("total_count") != 0.0 {
		t.Errorf("bad requests created users: %s", a.body)
	}
}

func TestKeyOfTheBackendAPI(t *testing.T) {
	w := newWorld(t)
	for name, header := range map[string]string{"none": "", "wrong": "Bearer sk_test_other", "empty": "Bearer ", "a prefix": "Bearer " + secretKey[:8], "another scheme": "Basic " + secretKey} {
		r := httptest.NewRequest("GET", "/v1/users", nil)
		r.Header.Set("Authorization", header)
		if a := w.send(r); a.StatusCode != 401 || a.at("errors.0.code") != "clerk_key_invalid" {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
	}
}

func TestMalformedCodesAreFree(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn()
	app := b.enrolApp()
	user := b.call("GET", "/v1/me").ok().text("response.id")
	for _, code := range []string{"12345", "1234567", "12a456", " 12345", "1234567 ", "①２３４５６", "123.456", "12345\n", "%", strings.Repeat("1", 5000)} {
		for range 3 {
			w.backend("POST", "/v1/users/"+user+"/verify_totp", `{"code":`+quote(code)+`}`).want(422, "form_code_incorrect")
		}
	}
	if left := w.backend("GET", "/v1/users/"+user, "").ok().at("verification_attempts_remaining"); left != 10.0 {
		t.Errorf("%v attempts are left, want all", left)
	}
	w.backend("POST", "/v1/users/"+user+"/verify_totp", `{"code":"`+app()+`"}`).ok()
	w.backend("POST", "/v1/users/"+user+"/verify_totp", `{}`).want(422, "form_param_nil")
}

func quote(s string) string { return `"` + strings.NewReplacer("\n", `\n`).Replace(s) + `"` }

func TestForeignAndUnknownAreTheSame(t *testing.T) {
	w := newWorld(t)
	mine, theirs := w.signedIn(), w.signedIn()
	phone := theirs.call("POST", "/v1/me/phone_numbers", "phone_number", "+12125550123").ok().text("response.id")
	same := func(name string, foreign, unknown *answer) {
		strip := func(a *answer) string { return strings.Split(string(a.body), "clerk_trace_id")[0] }
		if foreign.StatusCode != unknown.StatusCode || strip(foreign) != strip(unknown) || foreign.StatusCode/100 != 4 {
			t.Errorf("%s: foreign %d %s, unknown %d %s", name, foreign.StatusCode, foreign.body, unknown.StatusCode, unknown.body)
		}
	}
	flip := func(id string) string {
		return id[:len(id)-1] + map[bool]string{true: "b", false: "a"}[id[len(id)-1] == 'a']
	}
	same("phone", mine.call("GET", "/v1/me/phone_numbers/"+phone), mine.call("GET", "/v1/me/phone_numbers/"+flip(phone)))
	same("session", mine.call("GET", "/v1/client/sessions/"+theirs.session), mine.call("GET", "/v1/client/sessions/"+flip(theirs.session)))
	same("nonsense", mine.call("GET", "/v1/me/phone_numbers/"+phone), mine.call("GET", "/v1/me/phone_numbers/nonsense"))
	a := mine.call("GET", "/v1/me?_clerk_session_id=x") // call adds its own session after this one
	a.ok()
	r := httptest.NewRequest("GET", "/v1/me?_clerk_session_id=a&_clerk_session_id=b", nil)
	w.send(r).want(422, "form_param_duplicate")
}

func TestAFailingStoreIs503WithoutText(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn()
	for name, fault := range map[string]store.Fault{"read": store.FailGet(1), "commit": store.FailCommit(1)} {
		w.faults.Inject(fault)
		a := b.call("POST", "/v1/me/phone_numbers", "phone_number", "+12125550123").want(503, "service_unavailable")
		if a.Header.Get("Retry-After") == "" || strings.Contains(string(a.body), "commit") || strings.Contains(string(a.body), "store") {
			t.Errorf("%s: %v %s", name, a.Header, a.body)
		}
	}
	w.faults.Throttle()
	w.send(httptest.NewRequest("GET", "/healthz", nil)).want(503, "service_unavailable")
	w.faults.Recover()
	b.call("POST", "/v1/me/phone_numbers", "phone_number", "+12125550123").ok()
	if strings.Contains(w.log.String(), "2125550123") {
		t.Error("the log holds a phone number")
	}
}

// FuzzBodies: for any body the answer is below 500, and is JSON of the error envelope or of the
// operation.
func FuzzBodies(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"username":"a"}`, "a=b", "code=1", `{"email_address":["a@example.com"],"phone_number":null}`, "\x00", `{"public_metadata":{"a":[1,{}]}}`} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	w := newWorld(f)
	f.Fuzz(func(t *testing.T, body string, isJSON bool) {
		w.TB.TB = t
		kind := formType
		if isJSON {
			kind = jsonType
		}
		for _, path := range []string{"/v1/users", "/v1/client/sign_ins", "/v1/phone_numbers", "/v1/sign_in_tokens"} {
			a := w.raw(http.MethodPost, path, kind, body)
			if a.StatusCode >= 500 || a.at("errors") == nil && a.at("object") == nil && a.at("response") == nil {
				t.Errorf("%s %q: %d %s", path, body, a.StatusCode, a.body)
			}
		}
	})
}

// FuzzQueries: no query makes the API fail.
func FuzzQueries(f *testing.F) {
	f.Add("__clerk_db_jwt=dvb_x&_is_native=1&_method=PATCH", "Bearer x", "__client=y")
	w := newWorld(f, func(c *api.Config) { c.Development = false })
	f.Fuzz(func(t *testing.T, query, authorization, cookie string) {
		w.TB.TB = t
		r := httptest.NewRequest(http.MethodGet, "/v1/client", nil)
		r.URL.RawQuery = query
		r.Header.Set("Authorization", authorization)
		r.Header.Set("Cookie", cookie)
		if a := w.send(r); a.StatusCode >= 500 {
			t.Errorf("%q: %d %s", query, a.StatusCode, a.body)
		}
	})
}

// TestAPanicIsAnErrorWithoutText: neither the answer nor the log of a panic shows what was sent.
func TestAPanicIsAnErrorWithoutText(t *testing.T) {
	w := newWorld(t, func(c *api.Config) {
		c.Accepts = func(_ context.Context, bearer secret.Value) (bool, error) { panic("broken by " + bearer.Reveal()) }
	})
	a := w.backend("GET", "/v1/users/count", "")
	a.want(500, "internal_clerk_error")
	for _, word := range []string{"broken", "goroutine", ".go", secretKey} {
		if strings.Contains(string(a.body), word) {
			t.Errorf("the answer says %q: %s", word, a.body)
		}
	}
	if log := w.log.String(); !strings.Contains(log, `"panic"`) || strings.Contains(log, secretKey) {
		t.Errorf("the log: %s", log)
	}
}

// TestEncodedBodies: a compressed body is refused, and never read as text.
func TestEncodedBodies(t *testing.T) {
	w := newWorld(t)
	for encodings, status := range map[string]int{"gzip": 415, "GZIP": 415, "br": 415, "deflate, gzip": 415, "identity,gzip": 415, "x": 415, "": 415, "identity": 200, "Identity ": 200, "identity|gzip": 415} {
		r := httptest.NewRequest("POST", "/v1/client/sign_ins", strings.NewReader("identifier=a%40example.com"))
		r.Header.Set("Content-Type", formType)
		r.Header["Content-Encoding"] = strings.Split(encodings, "|")
		if a := w.send(r); a.StatusCode != status {
			t.Errorf("%q: %d, want %d", encodings, a.StatusCode, status)
		}
	}
}

// TestMethodsInTheQuery: only the exact names of the methods that clerk-js sends are overrides.
func TestMethodsInTheQuery(t *testing.T) {
	for _, method := range []string{"delete", "Delete", "DELETE ", " DELETE", "patch", "DELET\u0130", "DELETE,GET"} {
		w := newWorld(t)
		b := w.signedIn()
		b.call("POST", "/v1/client/sessions?_method="+url.QueryEscape(method)).want(405, "method_not_allowed")
		b.call("GET", "/v1/me").ok()
	}
}
