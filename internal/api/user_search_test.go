package api_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// TestUsersAreFoundAsOperatorsType: a number is found whole and by its end, in national forms, and
// a name by its parts. A number that only shares its last four digits is not found.
func TestUsersAreFoundAsOperatorsType(t *testing.T) {
	w := newWorld(t)
	w.backend("POST", "/v1/users", `{"username":"us","first_name":"Anna","last_name":"Smith","phone_number":["+12015551000"]}`).ok()
	w.backend("POST", "/v1/users", `{"username":"other","first_name":"Ben","phone_number":["+12025551000"]}`).ok()
	w.backend("POST", "/v1/users", `{"username":"de","email_address":["d@example.org"],"phone_number":["+4915123456789"]}`).ok()
	for query, want := range map[string]string{
		"+12015551000": "us", "+1 (201) 555-1000": "us", "2015551000": "us", "(201) 555-1000": "us", "201.555.1000": "us", "12015551000": "us", "555-1000": "other us", "1000": "other us",
		"0151 23456789": "de", "0151/23456789": "de", "+49 151 23456789": "de", "015123456789": "de", "23456789": "de", "9992015551000": "", "2035551000": "",
		"anna": "us", "smith": "us", "Anna Smith": "us", "SMI": "us", "example.org": "de",
	} {
		answer := w.backend("GET", "/v1/users?query="+url.QueryEscape(query), "").ok()
		if got := usernames(answer); got != want {
			t.Errorf("%q finds %q, want %q", query, got, want)
		}
		count := w.backend("GET", "/v1/users/count?query="+url.QueryEscape(query), "").ok()
		if n := count.at("total_count"); n != float64(len(strings.Fields(want))) {
			t.Errorf("%q counts %v, want %q", query, n, want)
		}
	}
	if got := usernames(w.backend("GET", "/v1/users?phone_number_query=555-1000", "").ok()); got != "other us" {
		t.Errorf("the end of a number finds %q", got)
	}
}

func usernames(a *answer) string {
	var names []string
	for i := range 9 {
		if name, ok := a.at(string(rune('0'+i)) + ".username").(string); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// TestUsersAreFilteredByState: by lock, ban and second factor, together and beside a search.
func TestUsersAreFilteredByState(t *testing.T) {
	w := newWorld(t)
	w.backend("POST", "/v1/users", `{"username":"plain"}`).ok()
	w.backend("POST", "/v1/users", `{"username":"app","totp_secret":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}`).ok()
	w.backend("POST", "/v1/users", `{"username":"locked","locked":true}`).ok()
	w.backend("POST", "/v1/users", `{"username":"banned","banned":true}`).ok()
	for query, want := range map[string]string{
		"second_factor=true": "app", "second_factor=false": "banned locked plain", "second_factor=false&banned=false": "locked plain", "locked=true": "locked", "locked=false&second_factor=false": "banned plain",
		"banned=true": "banned", "locked=true&query=lock": "locked", "locked=false&query=lock": "", "second_factor=false&username=app": "", "locked=true&limit=1&offset=1": "", "stranded=true&locked=true": "",
	} {
		if got := usernames(w.backend("GET", "/v1/users?"+query, "").ok()); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
		if !strings.Contains(query, "offset") {
			if n := w.backend("GET", "/v1/users/count?"+query, "").ok().at("total_count"); n != float64(len(strings.Fields(want))) {
				t.Errorf("%s: counted %v, want %q", query, n, want)
			}
		}
	}
}
