package attack

import (
	"net/http"
	"strings"
)

// boundProbes try to store or compute too much with one request or one user. They belong to several
// classes.
func boundProbes() []Probe {
	return []Probe{
		{"D17", "a user with hundreds of identifiers, which one deletion could not remove", "refused; a user with as many as allowed can be deleted", "2.2.1, 15.2.2", "", "", 0, manyIdentifiers},
		{"D18", "usernames with line ends, blanks, @, + and signs that cannot be seen, on creation and on change", "refused", "2.2.1, 1.2.1", "", "", 0, oddUsernames},
		{"D19", "sign-ins with identifiers of 321 bytes and of 60 KB, with and without a password", "refused", "2.2.1, 15.2.2", "", "", 0, longIdentifiers},
		{"D20", "a password for a sign-in without an identifier, and for one that cannot be seen", "refused, without a server error", "2.2.1, 16.5.2", "", "", 0, noIdentifier},
		{"H10", "passwords and backup codes with digests that take seconds to compare, on creation and on change", "refused", "15.2.2, 2.4.1", "", "", 0, dearDigests},
	}
}

func manyIdentifiers(t *trial) {
	addresses := func(n int) []string {
		return list(n, func(int) string { return "attack" + randomLetters(20) + "@example.com" })
	}
	numbers := func(n int) []string { return list(n, func(int) string { return "+12122" + digits(6) }) }
	for what, in := range map[string]map[string]any{
		"eleven addresses": {"email_address": addresses(11)}, "five hundred addresses": {"email_address": addresses(500)},
		"eleven numbers": {"phone_number": numbers(11)}, "five hundred numbers": {"phone_number": numbers(500)},
	} {
		t.refused(what, t.backend(http.MethodPost, "/v1/users", in), "form_param_array_size_exceeded")
	}
	r := t.ok(t.backend(http.MethodPost, "/v1/users", map[string]any{"username": "attack" + randomLetters(20), "email_address": addresses(10)}))
	id := r.text("id")
	t.users = append(t.users, id)
	t.refused("more metadata than there may be, in parts", t.backend(http.MethodPatch, "/v1/users/"+id, map[string]any{
		"public_metadata": map[string]string{"a": strings.Repeat("a", 5<<10)}, "private_metadata": map[string]string{"a": strings.Repeat("a", 5<<10)},
	}))
	t.ok(t.backend(http.MethodDelete, "/v1/users/"+id, nil))
	t.refused("the user that was deleted", t.backend(http.MethodGet, "/v1/users/"+id, nil), "resource_not_found")
}

func oddUsernames(t *trial) {
	p := t.person()
	for _, name := range []string{
		"attack\n" + randomLetters(9), "attack\r\nX: y", " attack" + randomLetters(9), "attack" + randomLetters(9) + " ", "att ack", "attack@example.com", "+12125550123", "attack+1", "12125550123",
		"attack\u2028", "attack\u200b", "\u202eattack", "\uff41ttack", "\u0430ttack", strings.Repeat("a", 65),
	} {
		t.refused("a user named "+strings.ToValidUTF8(name, "?"), t.backend(http.MethodPost, "/v1/users", map[string]any{"username": name}))
		t.refused("a change of the name to "+strings.ToValidUTF8(name, "?"), t.backend(http.MethodPatch, "/v1/users/"+p.id, map[string]any{"username": name}))
	}
	if got := p.shown().text("username"); got != p.name {
		t.failf("the username is now %q", got)
	}
}

func dearDigests(t *trial) {
	p := t.person(withApp)
	bcrypt := func(cost string) string {
		return "$2a$" + cost + "$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
	}
	argon := func(params string) string {
		return "$argon2id$v=19$" + params + "$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	}
	for what, in := range map[string]map[string]any{
		"bcrypt of cost 13":          {"password_hasher": "bcrypt", "password_digest": bcrypt("13")},
		"bcrypt of cost 31":          {"password_hasher": "bcrypt", "password_digest": bcrypt("31")},
		"argon2 with a gigabyte":     {"password_hasher": "argon2id", "password_digest": argon("m=1048576,t=1,p=1")},
		"argon2 with 99 passes":      {"password_hasher": "argon2id", "password_digest": argon("m=65536,t=99,p=1")},
		"argon2 with many threads":   {"password_hasher": "argon2id", "password_digest": argon("m=65536,t=1,p=255")},
		"a backup code of cost 31":   {"totp_secret": p.seed.Reveal(), "backup_codes": []string{bcrypt("31")}},
		"twenty of cost 12":          {"totp_secret": p.seed.Reveal(), "backup_codes": list(20, func(int) string { return bcrypt("12") })},
		"five hundred backup codes":  {"totp_secret": p.seed.Reveal(), "backup_codes": list(500, func(int) string { return bcrypt("04") })},
		"a digest of another hasher": {"password_hasher": "argon2id", "password_digest": bcrypt("10")},
	} {
		t.refused("a user with "+what, t.backend(http.MethodPost, "/v1/users", in))
		t.refused("a change to "+what, t.backend(http.MethodPatch, "/v1/users/"+p.id, in))
	}
}

func longIdentifiers(t *trial) {
	for _, n := range []int{321, 60_000} {
		for _, form := range []map[string][]string{{}, {"strategy": {"password"}, "password": {"a wrong password"}}} {
			form["identifier"] = []string{strings.Repeat("a", n)}
			t.refused("an identifier", ask{method: http.MethodPost, path: "/v1/client/sign_ins", form: form}, "form_param_max_length_exceeded")
		}
	}
}

func noIdentifier(t *trial) {
	const password = "a wrong password"
	for what, identifier := range map[string]string{"none": "", "a blank": " ", "a zero-width space": "\u200b", "a grapheme joiner": "\u034f"} {
		form := map[string][]string{"identifier": {identifier}, "strategy": {"password"}, "password": {password}}
		t.refused(what+", with a password", ask{method: http.MethodPost, path: "/v1/client/sign_ins", form: form})
		b := &browser{trial: t}
		id := b.must(http.MethodPost, "/v1/client/sign_ins", "identifier", identifier).text("response.id")
		t.refused(what+", then a password", b.ask(http.MethodPost, "/v1/client/sign_ins/"+id+"/attempt_first_factor", "strategy", "password", "password", password))
	}
}
