package api_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// listing is an operation that answers a list, with a path that it answers.
type listing struct {
	operation.Operation
	path string
}

// listings returns all operations that answer a list or a count, each with a path that succeeds.
func (w *world) listings(user string) []listing {
	w.Helper()
	w.backend("PATCH", "/v1/instance", `{"passkey_android_apps":["`+anAndroidApp+`"]}`).ok()
	endpoint := w.backend("POST", "/v1/webhook_endpoints", `{"url":"https://app.example.com/hooks"}`).ok().text("id")
	var found []listing
	for _, op := range api.Operations() {
		if op.Method != http.MethodGet || !op.AnswersList() && !strings.HasSuffix(op.Name, "-list") && !strings.HasSuffix(op.Name, "-count") {
			continue
		}
		path := strings.NewReplacer("{user_id}", user, "{endpoint_id}", endpoint).Replace(op.Path)
		if op.Name == "sessions-list" {
			path += "?user_id=" + user
		}
		found = append(found, listing{op, path})
	}
	if len(found) < 12 {
		w.Errorf("%d lists were found", len(found))
	}
	return found
}

// ask reads a list with an additional query.
func (b *browser) ask(of listing, query string) *answer {
	b.Helper()
	path := of.path + map[bool]string{true: "&", false: "?"}[strings.Contains(of.path, "?")] + query
	if of.Surface == operation.Backend {
		return b.backend(of.Method, path, "")
	}
	return b.call(of.Method, path)
}

// TestListsRefuseWhatTheyDoNotApply: a list refuses a filter that it does not apply. Ignoring the
// filter would list every user.
func TestListsRefuseWhatTheyDoNotApply(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn()
	user := b.call("GET", "/v1/me").ok().text("response.id")
	for _, of := range w.listings(user) {
		b.ask(of, "").ok()
		if !of.Strict() {
			t.Errorf("%s ignores what it does not know", of.Name)
		}
		own := map[string]bool{}
		for _, f := range of.Params() {
			own[f.Name] = true
		}
		for _, name := range []string{
			"colour", "Limit", "limit%20", "order_by", "query", "banned", "last_active_at_before", "organization_id", "starting_after", "user_id[0]", "status", "client_id",
			"paginated", "offset", "before", "days", "secret_key", "%00",
		} {
			if plain, _ := url.QueryUnescape(name); !own[plain] {
				if a := b.ask(of, name+"=1"); a.at("errors.0.code") != "form_param_unknown" || a.StatusCode != 422 || a.at("errors.0.meta.param_name") != plain {
					t.Errorf("%s?%s=1: %d %s", of.Name, name, a.StatusCode, a.body)
				}
			}
		}
		for _, name := range operation.CarriedParams(of.Surface) {
			if slices.Contains([]string{"__clerk_db_jwt", "__dev_session", "_is_native", "_clerk_session_id"}, name) {
				continue // the carriers' tests send them with a value that is right
			}
			b.ask(of, name+"=5.99.0").ok()
		}
	}
}

// wrongValues returns queries that give a parameter a value that breaks a rule, or no value.
func wrongValues(p operation.Param) []string {
	name := p.Name
	bad := []string{name, name + "=", name + "[]=", name + "=%00", name + "=%ff"}
	switch p.Kind() {
	case "integer":
		bad = append(bad, name+"=x", name+"=1.5", name+"=1e3", name+"=%201", name+"=0x1", name+"=9223372036854775808", name+"=-99999999999999999999", name+"=1&"+name+"=2")
		for bound, beyond := range map[*float64]float64{p.Min: -1, p.Max: 1} {
			if bound != nil {
				bad = append(bad, name+"="+strconv.FormatFloat(*bound+beyond, 'f', -1, 64))
			}
		}
	case "boolean":
		bad = append(bad, name+"=maybe", name+"=1", name+"=TRUE", name+"=true&"+name+"=true")
	case "array":
		bad = append(bad, strings.Repeat(name+"=US&", p.Items.Max)+name+"=US", name+"=US&"+name+"=")
	default:
		bad = append(bad, name+"=a&"+name+"=b")
	}
	if p.One != nil || p.Pattern != nil && !p.Pattern.MatchString("no-such-value") {
		bad = append(bad, name+"=no-such-value")
	}
	if p.Length.Max > 0 {
		bad = append(bad, name+"="+strings.Repeat("x", p.Length.Max+1))
	}
	return bad
}

// TestListsRefuseValues: a list refuses a value that it cannot apply, and never takes it for no
// value.
func TestListsRefuseValues(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn()
	user := b.call("GET", "/v1/me").ok().text("response.id")
	for _, of := range w.listings(user) {
		for _, p := range of.Params() {
			if p.In != "query" {
				continue
			}
			for _, query := range wrongValues(p) {
				a := b.ask(of, query)
				if a.StatusCode != 422 && a.at("errors.0.code") != "request_body_invalid" || a.at("errors.0.meta.param_name") != p.Name {
					t.Errorf("%s?%.60s: %d %s", of.Name, query, a.StatusCode, a.body)
				}
			}
		}
	}
}

// TestBeyondTheEnd: a page beyond the end of a list is empty, whatever the offset.
func TestBeyondTheEnd(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn()
	user := b.call("GET", "/v1/me").ok().text("response.id")
	found := 0
	for _, of := range w.listings(user) {
		at := slices.IndexFunc(of.Params(), func(p operation.Param) bool { return p.Name == "offset" })
		if at < 0 || !of.AnswersList() {
			continue
		}
		found++
		most := of.Params()[at].Max
		for _, offset := range []string{"1000", "2147483648", "9223372036854775807"} {
			if n, err := strconv.ParseFloat(offset, 64); err != nil || most != nil && n > *most {
				continue
			}
			a := b.ask(of, "limit=500&offset="+offset).ok()
			if a.at("0") != nil || a.at("data.0") != nil {
				t.Errorf("%s beyond %s: %s", of.Name, offset, a.body)
			}
		}
	}
	if found < 4 {
		t.Errorf("%d lists take an offset", found)
	}
}

// TestTheBackendAPIRefusesUnknownParameters: the Backend API refuses unknown parameters. A write
// that ignored dry_run would write.
func TestTheBackendAPIRefusesUnknownParameters(t *testing.T) {
	w := newWorld(t)
	for _, op := range api.Operations() {
		if op.Surface != operation.Backend {
			continue
		}
		path := strings.NewReplacer("{", "", "}", "").Replace(op.Path)
		for _, name := range []string{"dry_run", "_method", "_clerk_session_id"} {
			a := w.backend(op.Method, path+"?"+name+"=", "")
			if a.StatusCode != 422 || a.at("errors.0.code") != "form_param_unknown" {
				t.Errorf("%s?%s=: %d %s", op.Name, name, a.StatusCode, a.body)
			}
		}
	}
}

// TestUserFilters: a filter lists exactly the users that it describes, and the count is the same.
func TestUserFilters(t *testing.T) {
	w := newWorld(t)
	ids := map[string]string{}
	for _, name := range []string{"ann", "bob", "cy"} {
		w.Advance(time.Second)
		ids[name] = w.backend("POST", "/v1/users", map[string]string{
			"ann": `{"username":"ann","first_name":"Ann","last_name":"Lee","email_address":["ann@example.com"],"phone_number":["+12015550123"],"external_id":"1"}`,
			"bob": `{"username":"bob","email_address":["Bob@example.org"],"banned":true,"external_id":"2"}`,
			"cy":  `{"username":"cy"}`,
		}[name]).ok().text("id")
	}
	w.Advance(time.Minute)
	w.open(tx.Cookie).enter(ids["ann"])
	signedIn := w.Now().UnixMilli()
	at := func(ms int64) string { return strconv.FormatInt(ms, 10) }
	for query, want := range map[string]string{
		"": "cy bob ann", "order_by=created_at": "ann bob cy", "order_by=-created_at": "cy bob ann", "order_by=%2Bcreated_at": "ann bob cy", "order_by=+created_at": "ann bob cy",
		"order_by=created_at&limit=1&offset=1": "bob", "offset=7": "",
		"query=nobody-here": "", "query=EXAMPLE": "bob ann", "query=ann+lee": "ann", "query=" + ids["cy"]: "cy", "query=%2B12015550123": "ann", "query=+1+201+555+0123": "ann", "query=0123": "ann", "query=1201": "", "query=ann+nobody": "",
		"email_address_query=example.org": "bob", "email_address_query=bob@ex": "bob", "email_address_query=ob@ex": "", "username_query=b": "bob", "name_query=LE": "ann", "name_query=bob": "",
		"phone_number_query=0123": "ann", "phone_number_query=+12015550123": "ann", "phone_number_query=0124": "", "query=ann&banned=true": "", "query=b&banned=true": "bob",
		"banned=true": "bob", "banned=false": "cy ann", "email_address=bob@example.org": "bob", "email_address=ann@example.com&email_address[]=bob@example.org": "bob ann",
		"phone_number=+12015550123": "ann", "phone_number=%2B12015550123": "ann", "username=CY": "cy", "external_id=2&external_id=1": "bob ann", "external_id=2&username=cy": "",
		"user_id=" + ids["cy"]: "cy", "created_at_before=1": "", "created_at_after=1": "cy bob ann", "created_at_after=0": "cy bob ann", "created_at_after=-7": "cy bob ann", "created_at_before=-7": "",
		"created_at_after=9223372036854775807": "", "created_at_before=9223372036854775807": "cy bob ann", "username=cy&last_sign_in_at_after=0": "", "username=ann&last_sign_in_at_after=0": "ann",
		"email_address=ann@example.com&username=ann&phone_number=+12015550123&external_id=1&query=lee": "ann", "email_address=ann@example.com&username=bob": "",
		"query=ann&last_sign_in_at_before=" + at(signedIn+1): "ann", "username=ann&last_sign_in_at_before=" + at(signedIn): "", "query=a&last_sign_in_at_after=" + at(signedIn-1): "ann",
		"starting_after=" + ids["cy"]: "bob ann", "order_by=created_at&starting_after=" + ids["bob"]: "cy", "query=example&starting_after=" + ids["bob"]: "ann", "starting_after=" + ids["ann"]: "",
		"user_id=" + ids["ann"] + "&user_id=" + ids["cy"] + "&starting_after=" + ids["bob"]: "ann",
	} {
		a := w.backend("GET", "/v1/users?"+query, "").ok()
		var got []string
		for i := range 3 {
			if name, ok := a.at(strconv.Itoa(i) + ".username").(string); ok {
				got = append(got, name)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %v, want %q", query, got, want)
		}
		if strings.Contains(query, "order_by") || strings.Contains(query, "offset") || strings.Contains(query, "starting_after") {
			continue
		}
		if n := w.backend("GET", "/v1/users/count?"+query, "").ok().at("total_count"); n != float64(len(got)) {
			t.Errorf("%q: counted %v, listed %d", query, n, len(got))
		}
	}
	for _, query := range []string{
		"user_id=-" + ids["cy"], "user_id=%2B" + ids["cy"], "external_id=-1", "query=%25", "query=+", "query=ann+!!", "query=*+ann", "query=ann+%26+lee", "name_query=-+lee", "query=%E2%80%8F", "query=" + strings.Repeat("a", 101), "query=a+b+c+d+e+f+g+h+i",
		"phone_number_query=555", "phone_number_query=%2B120155", "last_sign_in_at_before=1", "last_sign_in_at_after=1", "stranded=false", "stranded=true&banned=true",
	} {
		if a := w.backend("GET", "/v1/users?"+query, ""); a.StatusCode != 422 || a.at("errors.0.code") != "form_param_value_invalid" {
			t.Errorf("%s: %d %s", query, a.StatusCode, a.body)
		}
		w.backend("GET", "/v1/users/count?"+query, "").want(422, "form_param_value_invalid")
	}
	for _, query := range []string{"order_by=-last_sign_in_at", "order_by=updated_at", "offset=10001", "starting_after=x", "starting_after=user_x", "offset=1&starting_after=" + ids["cy"]} {
		if a := w.backend("GET", "/v1/users?"+query, ""); a.StatusCode != 422 || a.at("errors.0.code") != "form_param_value_invalid" {
			t.Errorf("%s: %d %s", query, a.StatusCode, a.body)
		}
	}
}

// TestSessionFilters: a filter narrows a list of sessions.
func TestSessionFilters(t *testing.T) {
	w := newWorld(t)
	user := w.user()
	w.open(tx.Cookie).enter(user)
	w.open(tx.Cookie).enter(user)
	all := w.backend("GET", "/v1/sessions?user_id="+user, "").ok()
	client := all.text("0.client_id")
	for query, want := range map[string]float64{"client_id=" + client: 1, "client_id=client_x": 0, "status=active": 2, "status=pending": 0} {
		if got := w.backend("GET", "/v1/sessions?paginated=true&user_id="+user+"&"+query, "").ok().at("total_count"); got != want {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	w.backend("GET", "/v1/sessions?client_id="+client, "").want(422, "form_param_missing")
}

// TestNoBodyInAnyForm: a request without parameters is the same in each form in which SDKs send it.
// Clerk's SDK for Go sends null with every method, others a content type without a body.
func TestNoBodyInAnyForm(t *testing.T) {
	w := newWorld(t)
	for _, op := range api.Operations() {
		path := strings.NewReplacer("{", "", "}", "").Replace(op.Path)
		answers := map[string]string{}
		for name, sent := range map[string][2]string{
			"absent": {"", ""}, "empty": {"{}", jsonType}, "null": {"null", jsonType}, "null with blanks": {" null\n", jsonType},
			"null with a charset": {"null", jsonType + "; charset=utf-8"}, "a type alone": {"", jsonType}, "a type and a charset alone": {"", jsonType + ";charset=UTF-8"},
			"a form alone": {"", formType}, "another type alone": {"", "text/plain"},
		} {
			r := httptest.NewRequest(op.Method, path, strings.NewReader(sent[0]))
			if op.Surface == operation.Backend {
				r.Header.Set("Authorization", "Bearer "+secretKey)
			}
			if sent[1] != "" {
				r.Header.Set("Content-Type", sent[1])
			}
			a := w.send(r)
			code, _ := a.at("errors.0.code").(string)
			answers[name] = http.StatusText(a.StatusCode) + " " + code
		}
		for name, got := range answers {
			if got != answers["absent"] {
				t.Errorf("%s with a body that is %s: %s, without one: %s", op.Name, name, got, answers["absent"])
			}
		}
	}
}

// TestIgnoredParameters: an operation takes each parameter of Clerk's that it ignores, with any
// value, and changes nothing by it. Others stay unknown.
func TestIgnoredParameters(t *testing.T) {
	w := newWorld(t)
	found := 0
	for _, op := range api.Operations() {
		path := strings.NewReplacer("{", "", "}", "").Replace(op.Path)
		for _, name := range op.Ignores("body") {
			found++
			for _, value := range []string{`"x"`, `null`, `true`, `{"a":[1]}`} {
				a := w.backend(op.Method, path, `{"`+name+`":`+value+`}`)
				without := w.backend(op.Method, path, `{}`)
				if a.StatusCode != without.StatusCode || a.at("errors.0.code") != without.at("errors.0.code") {
					t.Errorf("%s with %s=%s: %d %s", op.Name, name, value, a.StatusCode, a.body)
				}
			}
			w.backend(op.Method, path, `{"`+name+`_":1}`).want(422, "form_param_unknown")
		}
	}
	if found < 15 {
		t.Errorf("%d parameters are ignored", found)
	}
}

// TestWhomASettingStrands: before a method or a country is switched off, the count says how many
// users would lose their only second factor.
func TestWhomASettingStrands(t *testing.T) {
	w := newWorld(t)
	w.backend("PATCH", "/v1/instance", `{"sms_countries":["US","CA","FR"]}`).ok()
	const app = `,"totp_secret":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"`
	for name, factors := range map[string]string{
		"none": "", "app": app, "us": `,"phone_number":["+12015550123"],"phone_number_identification_status":["reserved"]`,
		"fr":   `,"phone_number":["+33612345678"],"phone_number_identification_status":["reserved"],"backup_codes":["aaaaa-aaaaa"]`,
		"both": app + `,"phone_number":["+33612345679"],"phone_number_identification_status":["reserved"]`,
	} {
		w.backend("POST", "/v1/users", `{"username":"`+name+`"`+factors+`}`).ok()
	}
	who := func(query, want string) {
		t.Helper()
		a := w.backend("GET", "/v1/users?order_by=created_at&"+query, "").ok()
		var got []string
		for i := range 5 {
			if name, ok := a.at(strconv.Itoa(i) + ".username").(string); ok {
				got = append(got, name)
			}
		}
		slices.Sort(got)
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %q", query, got, want)
		}
		if n := w.backend("GET", "/v1/users/count?"+query, "").ok().at("total_count"); n != float64(len(got)) {
			t.Errorf("%s: counted %v", query, n)
		}
	}
	who("stranded=true", "")
	who("stranded_without=FR", "fr")
	who("stranded_without=FR&stranded_without=US", "fr us")
	who("stranded_without=sms_code", "fr us")
	who("stranded_without=authenticator_app", "app")
	who("stranded_without=sms_code&stranded_without=authenticator_app", "app both fr us")
	who("stranded_without=DE", "")
	w.backend("PATCH", "/v1/instance", `{"sms_countries":["US"]}`).ok()
	who("stranded=true", "fr")
	who("stranded=false&query=u", "us")
	who("stranded=true&username=fr", "fr")
	who("stranded_without=sms_code", "us")
	for _, bad := range []string{"fr", "backup_codes", "mfa_required", "FRA"} {
		w.backend("GET", "/v1/users/count?stranded_without="+bad, "").want(422, "form_param_value_invalid")
	}
}
