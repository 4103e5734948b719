package api_test

import (
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// TestOperationsThatMoveUsersBetweenLists: each operation that changes what a user can prove, or
// the user's name, takes the user out of a list. TestMain then compares the rights of its function.
func TestOperationsThatMoveUsersBetweenLists(t *testing.T) {
	w := newWorld(t)
	w.backend("PATCH", "/v1/instance", `{"sms_countries":["US","FR"]}`).ok()
	user := w.user()
	b := w.open(tx.Cookie)
	b.enter(user)
	app := b.enrolApp()
	has := func(signature string) {
		t.Helper()
		listed := w.listed("factors")
		if len(listed) != 1 || listed[0] != signature {
			t.Errorf("the list of factors has %q, want %q", listed, signature)
		}
	}
	has("app")
	one := "/v1/me/phone_numbers/" + b.call("POST", "/v1/me/phone_numbers", "phone_number", "+12125550123", "reserved_for_second_factor", "true").ok().text("response.id")
	b.call("POST", one+"/prepare_verification", "strategy", "phone_code").ok()
	b.call("POST", one+"/attempt_verification", "code", b.Code()).ok()
	has("US+app")
	b.call("PATCH", one, "reserved_for_second_factor", "false").ok()
	has("app")
	w.backend("POST", "/v1/phone_numbers", `{"user_id":"`+user+`","phone_number":"+33612345678","verified":true,"reserved_for_second_factor":true}`).ok()
	has("FR+app")
	w.backend("PATCH", "/v1/users/"+user, `{"username":"renamed"}`).ok()
	w.backend("PATCH", "/v1/users/"+user, `{"username":"again"}`).ok()
	if a := w.backend("GET", "/v1/users/count?username_query=renamed", "").ok(); a.at("total_count") != 0.0 {
		t.Errorf("the former username is found: %s", a.body)
	}

	wrong := func() string { return string('0'+(app()[0]-'0'+5)%10) + app()[1:] }
	for name, attempt := range map[string]func(){
		"Backend API": func() { w.backend("POST", "/v1/users/"+user+"/verify_totp", `{"code":"`+wrong()+`"}`) },
		"sign-in": func() {
			other := w.open(tx.Cookie)
			id := other.enter(user).text("response.id")
			other.call("POST", "/v1/client/sign_ins/"+id+"/attempt_second_factor", "strategy", "totp", "code", wrong())
		},
		"step-up": func() {
			session := "/v1/client/sessions/" + b.session
			b.call("POST", session+"/verify", "level", "second_factor").ok()
			b.call("POST", session+"/verify/attempt_second_factor", "strategy", "totp", "code", wrong())
		},
	} {
		w.Advance(time.Hour)
		w.failed(user, account.FailuresPerFactor-1)
		has("FR+app")
		attempt()
		if listed := w.listed("factors"); len(listed) != 1 || listed[0] != "FR" {
			t.Errorf("%s: the list of factors has %q, want FR: too many failures disabled the app", name, listed)
		}
	}
}

// listed returns the ranks of a list without the times at their ends.
func (w *world) listed(list string) []string {
	w.Helper()
	listed, err := w.World.Config.Store.Entries(w.Context(), store.Range{List: list, Limit: 10})
	w.Must(err)
	var ranks []string
	for _, l := range listed {
		ranks = append(ranks, l.Rank[:len(l.Rank)-13])
	}
	return ranks
}

// failed sets how often in a row a user's authenticator failed.
func (w *world) failed(user string, times int) {
	w.Helper()
	key := store.Key{Kind: store.KindUser, ID: account.BareID(account.PrefixUser, user)}
	w.Must(w.World.Service.Update(w.Context(), []store.Key{key}, func(t *tx.Tx) error {
		u, err := t.User(key.ID)
		u.TOTP.Failures, u.SecondFailures, u.FailureLog = times, account.FailureCounters{}, nil
		t.Put(u)
		return err
	}))
}
