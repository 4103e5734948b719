package api_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/domain/account"
)

// TestBackendPhoneVerification: the answers have Clerk's fields, a wrong code is a status, and bad
// input an error that changes nothing.
func TestBackendPhoneVerification(t *testing.T) {
	w := newWorld(t)
	user := w.backend("POST", "/v1/users", `{"username":"max"}`).ok().text("id")
	phone := w.backend("POST", "/v1/phone_numbers", `{"user_id":"`+user+`","phone_number":"+14155550177","verified":false}`).ok().text("id")
	one := "/v1/phone_numbers/" + phone
	sent := w.backend("POST", one+"/prepare_verification", "").ok()
	id, code := sent.text("id"), w.Code()
	ends := float64(account.At(w.Now()).Add(account.CodeLife))
	state := func(status string, attempts int) map[string]any {
		return map[string]any{"object": "verification_otp", "id": id, "status": status, "strategy": "phone_code", "attempts": float64(attempts), "expire_at": ends, "channel": "sms"}
	}
	whole := func(a *answer) (body map[string]any) {
		w.Must(json.Unmarshal(a.body, &body))
		return body
	}
	if diff := cmp.Diff(state("unverified", 0), whole(sent)); diff != "" {
		t.Errorf("prepared (-want +got):\n%s", diff)
	}
	wrong := "000000"
	if code == wrong {
		wrong = "000001"
	}
	try := func(body string) *answer { return w.backend("POST", one+"/attempt_verification", body) }
	for body, want := range map[string]string{
		`{"code":"` + code + `"}`:                           "form_param_missing",
		`{"verification_id":"` + id + `"}`:                  "form_param_missing",
		`{"verification_id":"` + id + `","code":""}`:        "form_param_nil",
		`{"verification_id":"","code":"` + code + `"}`:      "form_param_nil",
		`{"verification_id":"` + id + `","code":123456}`:    "form_param_type_invalid",
		`{"verification_id":"` + id + `","code":"1","a":1}`: "form_param_unknown",
	} {
		try(body).want(422, want)
	}
	try(`{"verification_id":"x","code":"`+code+`"}`).want(404, "resource_not_found")
	right := fmt.Sprintf(`{"verification_id":%q,"code":%q}`, id, code)
	if diff := cmp.Diff(state("unverified", 1), whole(try(fmt.Sprintf(`{"verification_id":%q,"code":%q}`, id, wrong)).ok())); diff != "" {
		t.Errorf("a wrong code (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(state("verified", 1), whole(try(right).ok())); diff != "" {
		t.Errorf("the right code (-want +got):\n%s", diff)
	}
	try(right).want(400, "verification_already_verified")
	number := w.backend("GET", one, "").ok()
	if number.text("verification.status") != "verified" || number.text("verification.strategy") != "phone_code" {
		t.Errorf("the number: %v", number.body)
	}
}
