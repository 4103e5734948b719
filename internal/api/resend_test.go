package api_test

import (
	"errors"
	"testing"
	"time"
)

// TestASignInBegunAgainTakesTheCode: the second sign-in of a browser within the wait answers when
// and to which number the code was sent, and how long no other one is sent.
func TestASignInBegunAgainTakesTheCode(t *testing.T) {
	w := newWorld(t)
	b, user, phone, _ := w.owner("+12065550188")
	w.Advance(time.Hour)
	prepare := func() *answer {
		id := b.enter(user).text("response.id")
		return b.call("POST", "/v1/client/sign_ins/"+id+"/prepare_second_factor", "strategy", "phone_code")
	}
	sent := len(w.Sent())
	first := prepare().ok()
	w.Advance(10 * time.Second)
	again := prepare().ok()
	const state = "response.second_factor_verification."
	for _, same := range []string{"status", "strategy", "attempts", "expire_at", "sent_at", "phone_number_id"} {
		if first.at(state+same) != again.at(state+same) {
			t.Errorf("%s is %v, then %v", same, first.at(state+same), again.at(state+same))
		}
	}
	if again.at(state+"retry_after") != 20.0 || again.at(state+"phone_number_id") != phone || len(w.Sent()) != sent+1 {
		t.Errorf("%d messages: %s", len(w.Sent())-sent, again.body)
	}
	b.call("POST", "/v1/client/sign_ins/"+again.text("response.id")+"/attempt_second_factor", "strategy", "phone_code", "code", b.Code()).ok()
	// The code is used up, so the number has to wait.
	b.call("DELETE", "/v1/client/sessions").ok()
	if a := prepare().want(429, "verification_code_too_many_requests"); a.Header.Get("Retry-After") != "20" {
		t.Errorf("Retry-After %q", a.Header.Get("Retry-After"))
	}
}

// TestAnAttemptWithoutTriesIsFailed: a sign-in that five wrong codes ended says so, whatever
// methods they were for.
func TestAnAttemptWithoutTriesIsFailed(t *testing.T) {
	for name, texts := range map[string]int{"app": 0, "text message": 5, "both": 2} {
		w := newWorld(t)
		b, user, _, app := w.owner("+12065550188")
		w.Advance(time.Hour)
		id := b.enter(user).text("response.id")
		at := "/v1/client/sign_ins/" + id
		if texts > 0 {
			b.call("POST", at+"/prepare_second_factor", "strategy", "phone_code").ok()
		}
		for n := range 5 {
			strategy, right := "totp", app()
			if n < texts {
				strategy, right = "phone_code", b.Code()
			}
			code := string('0'+(right[0]-'0'+5)%10) + right[1:]
			b.call("POST", at+"/attempt_second_factor", "strategy", strategy, "code", code).want(422, "form_code_incorrect")
		}
		if a := b.call("GET", at).ok(); a.text("response.second_factor_verification.status") != "failed" {
			t.Errorf("%s: %s", name, a.body)
		}
	}
}

// TestARefusedMessageIsNotSaidToBeSent: after the network refused a message, an answer says when
// the last one left, if any did, and that another one may leave at once. The code of a message
// that left before works.
func TestARefusedMessageIsNotSaidToBeSent(t *testing.T) {
	for name, begin := range map[string]func(w *world) (b *browser, at, prepare, attempt, verification string){
		"sign-in": func(w *world) (*browser, string, string, string, string) {
			b, user, _, _ := w.owner("+12065550188")
			w.Advance(time.Hour)
			return b, "/v1/client/sign_ins/" + b.enter(user).text("response.id"), "prepare_second_factor", "attempt_second_factor", "response.second_factor_verification."
		},
		"enrolment": func(w *world) (*browser, string, string, string, string) {
			b := w.signedIn()
			phone := b.call("POST", "/v1/me/phone_numbers", "phone_number", "+12065550188").ok().text("response.id")
			return b, "/v1/me/phone_numbers/" + phone, "prepare_verification", "attempt_verification", "response.verification."
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			b, at, prepare, attempt, verification := begin(w)
			ask := func() *answer { return b.call("POST", at+"/"+prepare, "strategy", "phone_code") }
			look := func() *answer { return b.call("GET", at).ok() }

			w.Fail(errors.New("network down"))
			ask().want(400, "sms_send_error")
			if a := look(); a.at(verification+"sent_at") != nil || a.at(verification+"retry_after") != 0.0 || a.text(verification+"status") != "unverified" {
				t.Errorf("no message left: %s", a.body)
			}
			w.Fail(nil)
			sent := ask().ok().at(verification + "sent_at")
			if sent == nil {
				t.Error("a message that left has no time")
			}
			code := b.Code()

			w.Advance(time.Minute)
			w.Fail(errors.New("network down"))
			ask().want(400, "sms_send_error")
			if a := look(); a.at(verification+"sent_at") != sent || a.at(verification+"retry_after") != 0.0 {
				t.Errorf("the second message did not leave, the first did at %v: %s", sent, a.body)
			}
			b.call("POST", at+"/"+attempt, "strategy", "phone_code", "code", code).ok()
		})
	}
}
