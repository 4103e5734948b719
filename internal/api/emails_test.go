package api_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/api/operation"
)

// TestAddressesMoveWords: an address of a user with very many words takes the place of others in
// the lists, and a withdrawn address gives its claim back.
func TestAddressesMoveWords(t *testing.T) {
	w := newWorld(t)
	addresses := make([]string, 6)
	for i := range addresses {
		addresses[i] = fmt.Sprintf(`"a%d.b%d.c%d.d%d.e%d@f%d.example.com"`, i, i, i, i, i, i)
	}
	user := w.backend("POST", "/v1/users", `{"email_address":[`+strings.Join(addresses, ",")+`]}`).ok().text("id")
	made := w.backend("POST", "/v1/email_addresses", `{"user_id":"`+user+`","email_address":"one.two.three.four@example.org","verified":true}`).ok()
	id := made.text("id")
	w.backend("PATCH", "/v1/email_addresses/"+id, `{"verified":false}`).ok()
	other := w.backend("POST", "/v1/users", `{"email_address":["one.two.three.four@example.org"]}`).ok().text("id")
	if other == user {
		t.Error("one user has both")
	}
	w.backend("PATCH", "/v1/email_addresses/"+id, `{"verified":true}`).want(422, "form_identifier_exists")
}

// TestNoOperationWithoutCredential: every operation of the Backend API refuses a request without a
// key and one with a wrong key.
func TestNoOperationWithoutCredential(t *testing.T) {
	for _, op := range api.Operations() {
		if op.Surface != operation.Backend {
			continue
		}
		w := newWorld(t)
		for _, header := range []string{"", "Bearer sk_test_wrong"} {
			r := httptest.NewRequest(op.Method, op.Path, nil)
			if header != "" {
				r.Header.Set("Authorization", header)
			}
			w.send(r).want(401, "clerk_key_invalid")
		}
	}
}
