package attack

import (
	"net/http"
	"strings"
)

// boundProbes are about what one request, or one person, can have kept or computed. They are of several classes.
func boundProbes() []Probe {
	return []Probe{
		{"D17", "a user with hundreds of identifiers, which one deletion could not remove", "refused; a user with as many as allowed can be deleted", "2.2.1, 15.2.2", "", "", 0, manyIdentifiers},
		{"D18", "usernames with line ends, blanks, @, + and signs that cannot be seen, on creation and on change", "refused", "2.2.1, 1.2.1", "", "", 0, oddUsernames},
	}
}

func manyIdentifiers(t *trial) {
	addresses := func(n int) []string {
		return list(n, func(int) string { return "attack" + letters(20) + "@example.com" })
	}
	numbers := func(n int) []string { return list(n, func(int) string { return "+12122" + digits(6) }) }
	for what, in := range map[string]map[string]any{
		"eleven addresses": {"email_address": addresses(11)}, "five hundred addresses": {"email_address": addresses(500)},
		"eleven numbers": {"phone_number": numbers(11)}, "five hundred numbers": {"phone_number": numbers(500)},
	} {
		t.refused(what, t.backend(http.MethodPost, "/v1/users", in), "form_param_array_size_exceeded")
	}
	r := t.ok(t.backend(http.MethodPost, "/v1/users", map[string]any{"username": "attack" + letters(20), "email_address": addresses(10)}))
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
		"attack\n" + letters(9), "attack\r\nX: y", " attack" + letters(9), "attack" + letters(9) + " ", "att ack", "attack@example.com", "+12125550123", "attack+1", "12125550123",
		"attack\u2028", "attack\u200b", "\u202eattack", "\uff41ttack", "\u0430ttack", strings.Repeat("a", 65),
	} {
		t.refused("a user named "+strings.ToValidUTF8(name, "?"), t.backend(http.MethodPost, "/v1/users", map[string]any{"username": name}))
		t.refused("a change of the name to "+strings.ToValidUTF8(name, "?"), t.backend(http.MethodPatch, "/v1/users/"+p.id, map[string]any{"username": name}))
	}
	if got := p.shown().text("username"); got != p.name {
		t.failf("the username is now %q", got)
	}
}
