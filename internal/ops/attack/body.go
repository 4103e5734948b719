package attack

import (
	"net/http"
	"net/url"
	"strings"
)

// bodyProbes are the probes of class G on request bodies.
func bodyProbes() []Probe {
	return []Probe{
		{"G07", "methods in the query: GET, unknown ones, in other letters, at the Backend API, on a GET", "refused, no side effect", "4.1.4", "5.1", "", 0, overrides},
		{"G08", "bodies of other types: text, multipart, XML, a form that says JSON, UTF-16", "refused", "3.5.2, 4.1.1", "5.1", "", 0, contentTypes},
		{"G09", "a parameter twice, a JSON field twice, and with other letters", "refused, or not read", "15.3.7", "5.1", "", 0, twoMeanings},
		{"G10", "bodies of a megabyte and of a hundred kilobytes", "refused", "2.4.1, 15.2.2", "", "", 0, bigBodies},
		{"G11", "JSON nested ten thousand deep, with a text for a list, cut short", "refused, no server error", "1.5.2", "", "", 0, oddJSON},
		{"G15", "CR, LF, NUL and quotes in ids, names and query values", "no header or log line can be made of them", "1.2.1", "", "", 0, headerInjection},
	}
}

func overrides(t *trial) {
	p := t.person()
	b := p.enter()
	for _, m := range []string{"GET", "HEAD", "OPTIONS", "TRACE", "CONNECT", "FOO", "post"} {
		t.refused("the override "+m, ask{method: http.MethodPost, path: "/v1/me/totp?_method=" + m + "&_clerk_session_id=" + b.session, cookie: b.cookie})
	}
	for _, m := range []string{"delete", "Delete", "DELETE%20"} {
		t.refused("the override "+m, ask{method: http.MethodPost, path: "/v1/client/sessions?_method=" + m, cookie: b.cookie})
	}
	t.refused("an override at the Backend API", t.backend(http.MethodPost, "/v1/users/"+p.id+"?_method=DELETE", map[string]any{}))
	if r := t.do(ask{path: "/v1/client/sessions?_method=DELETE", cookie: b.cookie}); r.status < 400 {
		t.failf("a GET with a method in the query: %v", r)
	}
	t.refused("an override in a header", ask{method: http.MethodPost, path: "/v1/client/sessions", cookie: b.cookie}.with("X-Http-Method-Override", "DELETE"))
	t.refused("an override in the body", ask{method: http.MethodPost, path: "/v1/client/sessions", cookie: b.cookie, form: url.Values{"_method": {"DELETE"}}})
	t.refused("two overrides", ask{method: http.MethodPost, path: "/v1/client/sessions?_method=PATCH&_method=DELETE", cookie: b.cookie})
	for _, m := range []string{http.MethodTrace, "FOO", http.MethodHead} {
		a := b.ask(http.MethodGet, "/v1/me")
		a.method = m
		if r := t.do(a); r.status < 400 && m != http.MethodHead || r.status >= 500 {
			t.failf("%v", r)
		}
	}
	b.must(http.MethodGet, "/v1/me")
}

func contentTypes(t *trial) {
	form := "identifier=attack" + randomLetters(10)
	for what, a := range map[string]ask{
		"text": {raw: form, kind: "text/plain"}, "no type": {raw: form}, "multipart": {raw: "--x\r\n\r\n--x--", kind: "multipart/form-data; boundary=x"},
		"XML": {raw: "<a/>", kind: "application/xml"}, "a form that says JSON": {raw: form, kind: "application/json"}, "JSON that says text": {raw: `{"identifier":"a"}`, kind: "text/plain;charset=UTF-8"},
		"UTF-16": {raw: "\xff\xfe{\x00}\x00", kind: "application/json; charset=utf-16"}, "a form that says it is packed": ask{raw: "\x1f\x8b\x08\x00" + form, kind: "application/json"}.with("Content-Encoding", "gzip"),
		"a form that says it is packed and is not": ask{raw: form, kind: "application/x-www-form-urlencoded"}.with("Content-Encoding", "gzip"),
		"two types": {raw: form, kind: "application/json, application/x-www-form-urlencoded"},
	} {
		a.method, a.path = http.MethodPost, "/v1/client/sign_ins"
		t.refused("the Frontend API with "+what, a)
		a.path = "/v1/users"
		t.refused("the Backend API with "+what, a.with("Authorization", "Bearer "+t.SecretKey.Reveal()))
	}
	t.refused("the Backend API with a form", ask{method: http.MethodPost, path: "/v1/users", raw: "username=a", kind: "application/x-www-form-urlencoded"}.
		with("Authorization", "Bearer "+t.SecretKey.Reveal()))
}

func twoMeanings(t *trial) {
	p := t.person(withApp)
	code, wrong := p.code(0), p.wrong(2)
	post := func(path, body string) ask {
		return ask{method: http.MethodPost, path: path, raw: body, kind: "application/json"}.with("Authorization", "Bearer "+t.SecretKey.Reveal())
	}
	verify := "/v1/users/" + p.id + "/verify_totp"
	for what, body := range map[string]string{
		"a field twice":              `{"code":"` + wrong[0] + `","code":"` + code + `"}`,
		"a field in other letters":   `{"code":"` + wrong[1] + `","CODE":"` + code + `"}`,
		"only other letters":         `{"Code":"` + code + `"}`,
		"an escaped name, twice":     `{"code":"` + wrong[0] + `","c\u006fde":"` + code + `"}`,
		"a list":                     `{"code":["` + code + `"]}`,
		"a number":                   `{"code":` + "1" + code[1:] + `}`,
		"an object":                  `{"code":{"$ne":""}}`,
		"metadata with a name twice": `{"code":"` + code + `","x":{"a":1,"a":2}}`,
	} {
		t.refused(what, post(verify, body))
	}
	t.refused("metadata with a name twice", ask{method: http.MethodPatch, path: "/v1/users/" + p.id, raw: `{"public_metadata":{"role":"user","role":"admin"}}`, kind: "application/json"}.
		with("Authorization", "Bearer "+t.SecretKey.Reveal()))
	b := p.halfway()
	t.refused("a form parameter twice", ask{method: http.MethodPost, path: b.step("attempt"), cookie: b.cookie, raw: "strategy=totp&code=" + wrong[0] + "&code=" + code, kind: "application/x-www-form-urlencoded"})
	t.refused("parameters with semicolons", ask{method: http.MethodPost, path: b.step("attempt"), cookie: b.cookie, raw: "strategy=totp;code=" + code + "&code=" + wrong[0], kind: "application/x-www-form-urlencoded"})
	t.refused("a parameter of the body in the query", ask{method: http.MethodPost, path: b.step("attempt") + "?code=" + code, cookie: b.cookie, form: url.Values{"strategy": {"totp"}}})
	t.refused("a parameter as a list", ask{method: http.MethodPost, path: b.step("attempt"), cookie: b.cookie, raw: "strategy=totp&code[]=" + wrong[0] + "&code=" + code, kind: "application/x-www-form-urlencoded"})
	t.refused("two sessions", ask{path: "/v1/me?_clerk_session_id=a&_clerk_session_id=b", cookie: b.cookie})
	t.ok(p.verify(code)) // none of these used it up
}

func bigBodies(t *trial) {
	for _, size := range []int{100 << 10, 1 << 20} {
		text := strings.Repeat("a", size)
		t.refused("the Frontend API", ask{method: http.MethodPost, path: "/v1/client/sign_ins", form: url.Values{"identifier": {text}}})
		t.refused("the Backend API", t.backend(http.MethodPost, "/v1/users", map[string]any{"username": text}))
	}
	t.refused("metadata of 20 KB", t.backend(http.MethodPost, "/v1/users", map[string]any{"public_metadata": map[string]string{"a": strings.Repeat("a", 20<<10)}}))
}

func oddJSON(t *trial) {
	const deep = 10000
	for what, body := range map[string]string{
		"deep lists": `{"public_metadata":{"a":` + strings.Repeat("[", deep) + strings.Repeat("]", deep) + `}}`, "deep lists alone": strings.Repeat("[", deep),
		"deep objects":           strings.Repeat(`{"a":`, deep/2) + "1" + strings.Repeat("}", deep/2),
		"a hundred levels":       `{"public_metadata":{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}}`,
		"a text for a list":      `{"email_address":"a@example.com"}`,
		"an object cut short":    `{"username":"a"`,
		"two objects":            `{}{}`,
		"a list":                 `[]`,
		"a number out of range":  `{"username":1e99999}`,
		"no JSON":                `{username:a}`,
		"a NUL":                  `{"username":"a\u0000"}`,
		"half a surrogate alone": `{"public_metadata":{"a":["\udc00\ud83d"]}}`,
		"half a surrogate":       `{"username":"\ud800","password":7}`,
		"a mark before it":       "\ufeff{\"username\":\"a\"}",
		"comments":               `{"username":"a"/* */}`,
		"a huge number":          `{"created_at":` + strings.Repeat("9", 400) + `}`,
		"bytes that are no text": "{\"username\":\"\xff\"}",
	} {
		t.refused(what, ask{method: http.MethodPost, path: "/v1/users", raw: body, kind: "application/json"}.with("Authorization", "Bearer "+t.SecretKey.Reveal()))
	}
}

func headerInjection(t *trial) {
	for _, odd := range []string{"a%0d%0aSet-Cookie:%20evil=1", "a%00b", "%22%3e%3cscript%3e", "a%0aX-Evil:%201", "..%2f..%2fusers", "%e2%80%ae"} {
		for _, a := range []ask{
			{path: "/v1/client/sign_ins/" + odd}, {path: "/v1/me?_clerk_session_id=" + odd}, {path: "/v1/client?__clerk_db_jwt=" + odd}, t.backend(http.MethodGet, "/v1/users/"+odd, nil),
		} {
			r := t.do(a)
			if r.header.Get("X-Evil") != "" || strings.Contains(r.header.Get("Set-Cookie"), "evil") || r.status >= 500 || strings.Contains(string(r.body), "<script>") {
				t.failf("%v: a part of the request became part of the answer", r)
			}
		}
	}
}
