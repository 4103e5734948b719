package api_test

import (
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/api"
)

// The credentials that a fuzzed request may carry.
const (
	asNobody = iota
	asBackend
	asBrowser
	asNative
	carriers
)

// seedRequests adds every operation as every caller, with well-formed bodies, and requests with one
// fault each.
func seedRequests(add func(who uint8, method, target, kind, body, header string)) {
	id := regexp.MustCompile(`\{[a-z_]+\}`)
	for _, op := range api.Operations() {
		path := id.ReplaceAllString(op.Path, "x_y")
		add(asBackend, op.Method, path, jsonType, `{"code":"123456","phone_number":"+12125550123"}`, "")
		add(asBrowser, op.Method, path, formType, "strategy=totp&code=123456&level=second_factor&phone_number=%2B12125550123", "Origin: http://localhost:3000")
		add(asNobody, op.Method, path+"/", "", "", "Sec-Fetch-Site: cross-site")
		add(asNative, "POST", path+"?_method="+op.Method, jsonType, `{}`, "")
	}
	for _, target := range []string{
		"*", "//", "/v1//me", "/v1/me/", "/v1/%6de", "/v1/me;a", "/v1/../me", "/v1/me?_method=%00", "/v1/me?%zz", "/v1/users?limit=-1&offset=9223372036854775808", "/v1/me?a=1;b=2",
		"/v1/client/handshake?redirect_url=http://[::1", "/v1/client/handshake?redirect_url=http://localhost%0d%0a&format=nonce", "/v1/client?__clerk_db_jwt=dvb_%ff",
	} {
		add(asBrowser, "GET", target, "", "", "Host: evil.example")
		add(asBackend, "POST", target, jsonType, `{"a":{"b":[[[{"c":1,"c":2}]]]}}`, "Content-Encoding: gzip")
	}
	for _, method := range []string{"HEAD", "OPTIONS", "TRACE", "CONNECT", "BREW", "get"} {
		add(asBrowser, method, "/v1/me/totp", formType, "code=1", "Access-Control-Request-Method: DELETE")
	}
}

// FuzzRequests: for any request the answer is below 500, an error is in the envelope, and the log
// holds no credential and no body.
func FuzzRequests(f *testing.F) {
	seedRequests(func(who uint8, method, target, kind, body, header string) {
		f.Add(who, method, target, kind, body, header)
	})
	w := newWorld(f)
	b := w.signedIn()
	b.enrolApp()
	const marker = "marked-secret"
	f.Fuzz(func(t *testing.T, who uint8, method, target, kind, body, header string) {
		at, err := url.ParseRequestURI(target)
		if err != nil || method == "" {
			return // no server would hand this on
		}
		w.TB.TB = t
		w.log.Reset()
		r := httptest.NewRequest("GET", "/", strings.NewReader(strings.ReplaceAll(body, "123456", marker)))
		r.Method, r.URL, r.RequestURI = method, at, target
		for line := range strings.Lines(header) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			r.Header.Set(name, value)
		}
		if kind != "" {
			r.Header.Set("Content-Type", kind)
		}
		switch who % carriers {
		case asBackend:
			r.Header.Set("Authorization", "Bearer "+secretKey)
		case asBrowser:
			r.Header.Set("Cookie", "__client="+b.token)
			r.URL.RawQuery += "&_clerk_session_id=" + b.session
		case asNative:
			r.Header.Set("Authorization", b.token)
			r.URL.RawQuery += "&_is_native=1"
		}
		a := w.send(r)
		log := w.log.String()
		switch {
		case a.StatusCode >= 500 || strings.Contains(log, `"panic"`):
			t.Errorf("%s %s: %d %s\n%s", method, target, a.StatusCode, a.body, log)
		case a.StatusCode >= 400 && method != "HEAD" && a.at("errors.0.code") == nil:
			t.Errorf("%s %s: the error %d is in no envelope: %s", method, target, a.StatusCode, a.body)
		}
		for what, text := range map[string]string{"the secret key": secretKey, "the client token": b.token, "the body": marker} {
			if strings.Contains(log, text) {
				t.Errorf("%s %s: the log holds %s: %s", method, target, what, log)
			}
		}
	})
}
