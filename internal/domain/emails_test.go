package domain_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/directory"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/store"
)

// addEmail adds an unverified address and returns its id.
func (p *person) addEmail(address string) string {
	p.Helper()
	e, err := p.Admin.AddUserEmail(p.Context(), p.id, address, admin.EmailChange{})
	p.Must(err)
	if !e.Unverified {
		p.Errorf("%s is verified from the start", address)
	}
	return e.ID
}

// changeEmail changes the address with an id.
func (p *person) changeEmail(id string, change admin.EmailChange) error {
	_, err := p.Admin.ChangeUserEmail(p.Context(), id, change)
	return err
}

// primaryEmail returns the user's primary address, or "".
func (p *person) primaryEmail() string {
	p.Helper()
	u, err := p.Admin.User(p.Context(), p.id)
	p.Must(err)
	if e := u.PrimaryEmail(); e != nil {
		return e.Address
	}
	return ""
}

// identifiedBy reports whether an address finds a user, at a sign-in and in the directory. Both
// must agree.
func (w *world) identifiedBy(address string) bool {
	w.Helper()
	found, err := w.Directory.Users(w.Context(), directory.Query{Filter: directory.Filter{Emails: []string{address}}, Limit: 10})
	w.Must(err)
	p := &person{world: w}
	_, err = w.MFA.CreateSignIn(w.Context(), p.browser, mfa.SignInInput{Identifier: address, Strategy: account.Password, Password: secret.New("correct horse")})
	if signsIn := err == nil; signsIn != (len(found) == 1) {
		w.Errorf("%s finds %d users, and a sign-in answers %v", address, len(found), err)
	}
	return err == nil
}

// TestAnUnverifiedAddressIdentifiesNobody: only a verified address is an identifier. Two users may
// have the same unverified one; the first that is verified belongs to its user alone.
func TestAnUnverifiedAddressIdentifiesNobody(t *testing.T) {
	w := newWorld(t)
	one, other := w.newcomer(), w.newcomer()
	const address = "shared@example.com"
	first, second := one.addEmail(address), other.addEmail("SHARED@example.com")
	if w.identifiedBy(address) {
		t.Error("an unverified address identifies its user")
	}
	yes, no := true, false
	w.want(apierr.FormParamValueInvalid, one.changeEmail(first, admin.EmailChange{Primary: &yes}))
	w.Must(one.changeEmail(first, admin.EmailChange{Verified: &yes}))
	if !w.identifiedBy(address) {
		t.Error("a verified address does not identify its user")
	}
	w.wantTaken("email_address", other.changeEmail(second, admin.EmailChange{Verified: &yes}))
	_, err := w.Admin.AddUserEmail(t.Context(), w.newcomer().id, address, admin.EmailChange{})
	w.wantTaken("email_address", err)
	w.Must(other.Admin.DeleteUser(t.Context(), other.id)) // releases nothing of the first user's
	if !w.identifiedBy(address) {
		t.Error("the deletion of another user took the address")
	}
	w.Must(one.changeEmail(first, admin.EmailChange{Verified: &no}))
	if w.identifiedBy(address) {
		t.Error("the address identifies its user after its verification was withdrawn")
	}
	_, err = w.Admin.CreateUser(t.Context(), admin.UserInput{Emails: []string{address}})
	w.Must(err)
	taken, err := w.Admin.EnsureClaims(t.Context(), one.id)
	w.Must(err)
	if len(taken) > 0 {
		t.Errorf("an unverified address counts as taken: %v", taken)
	}
}

// TestThePrimaryAddress: the first verified address is primary until another one is chosen; when
// the primary one goes, another verified one follows it.
func TestThePrimaryAddress(t *testing.T) {
	w := newWorld(t)
	u, err := w.Admin.CreateUser(t.Context(), admin.UserInput{Username: "maxine"})
	w.Must(err)
	p := &person{world: w, id: u.WireID()}
	want := func(address string) {
		t.Helper()
		if got := p.primaryEmail(); got != address {
			t.Errorf("the primary address is %q, want %q", got, address)
		}
	}
	yes, no := true, false
	a, b, c := p.addEmail("a@example.com"), p.addEmail("b@example.com"), p.addEmail("c@example.com")
	want("")
	w.Must(p.changeEmail(b, admin.EmailChange{Verified: &yes}))
	want("b@example.com")
	w.Must(p.changeEmail(a, admin.EmailChange{Verified: &yes})) // stands before b
	want("b@example.com")
	w.Must(p.changeEmail(c, admin.EmailChange{Verified: &yes, Primary: &yes}))
	want("c@example.com")
	w.Must(p.changeEmail(a, admin.EmailChange{Primary: &no})) // is not primary
	want("c@example.com")
	w.Must(p.changeEmail(c, admin.EmailChange{Primary: &no}))
	want("a@example.com")
	w.Must(p.changeEmail(c, admin.EmailChange{Primary: &yes}))
	w.Must(w.Admin.DeleteUserEmail(t.Context(), c))
	want("a@example.com")
	w.Must(p.changeEmail(a, admin.EmailChange{Verified: &no}))
	want("b@example.com")
	w.Must(w.Admin.DeleteUserEmail(t.Context(), b))
	want("")
	w.want(apierr.ResourceNotFound, w.Admin.DeleteUserEmail(t.Context(), b))
	w.want(apierr.ResourceNotFound, p.changeEmail(c, admin.EmailChange{}))
	if w.identifiedBy("b@example.com") || w.identifiedBy("c@example.com") {
		t.Error("a removed address identifies its user")
	}
}

// TestAddressesAreLimited: a user has at most ten addresses, verified or not, and each once.
func TestAddressesAreLimited(t *testing.T) {
	w := newWorld(t)
	p := w.newcomer()
	for i := range account.EmailsPerUser - 1 {
		p.addEmail(fmt.Sprintf("added%d@example.com", i))
	}
	_, err := w.Admin.AddUserEmail(t.Context(), p.id, "eleventh@example.com", admin.EmailChange{})
	w.want(apierr.FormParamArraySizeExceeded, err)
	u, err := w.Admin.User(t.Context(), p.id)
	w.Must(err)
	w.Must(w.Admin.DeleteUserEmail(t.Context(), u.Emails[0].ID))
	for _, text := range []string{"added1@example.com", "Added1@EXAMPLE.com"} {
		_, err = w.Admin.AddUserEmail(t.Context(), p.id, text, admin.EmailChange{})
		w.wantTaken("email_address", err)
	}
	_, err = w.Admin.AddUserEmail(t.Context(), p.id, "added", admin.EmailChange{})
	w.want(apierr.FormParamFormatInvalid, err)
	_, err = w.Admin.AddUserEmail(t.Context(), account.PrefixUser+"nobody", "a@example.com", admin.EmailChange{})
	w.want(apierr.ResourceNotFound, err)
}

// TestAChangeOfNothingWritesNothing: a repeated change makes no event and no commit.
func TestAChangeOfNothingWritesNothing(t *testing.T) {
	w := newWorld(t)
	p := w.newcomer()
	yes := true
	id := p.addEmail("added@example.com")
	w.Must(p.changeEmail(id, admin.EmailChange{Verified: &yes, Primary: &yes}))
	w.counts.Reset()
	w.Must(p.changeEmail(id, admin.EmailChange{Verified: &yes, Primary: &yes}))
	if w.counts.Counts().Writes > 0 {
		t.Error("a change of nothing was committed")
	}
}

// TestOneUserVerifiesAnAddress: of users whose same address is verified at the same time, exactly
// one gets it.
func TestOneUserVerifiesAnAddress(t *testing.T) {
	for _, n := range racers() {
		t.Run(fmt.Sprintf("%d at once", n), func(t *testing.T) {
			w := newWorld(t)
			people := make([]*person, n)
			ids := make([]string, n)
			for i := range people {
				people[i] = w.newcomer()
				ids[i] = people[i].addEmail("shared@example.com")
			}
			yes := true
			answers := race(n, func(i int) error { return people[i].changeEmail(ids[i], admin.EmailChange{Verified: &yes}) })
			if answers[""] != 1 {
				t.Errorf("answers %v, want one success", answers)
			}
			verified := 0
			for i, p := range people {
				e, err := p.Admin.UserEmail(t.Context(), ids[i])
				w.Must(err)
				if !e.Unverified {
					verified++
				}
			}
			if verified != 1 || !w.identifiedBy("shared@example.com") {
				t.Errorf("%d users have the address verified", verified)
			}
		})
	}
}

// TestAddressesOfEarlierRecords: an address that is stored without a state is verified, and its id
// finds it.
func TestAddressesOfEarlierRecords(t *testing.T) {
	w := newWorld(t)
	p := w.newcomer()
	k := store.Key{Kind: store.KindUser, ID: account.BareID(account.PrefixUser, p.id)}
	u, err := w.Admin.User(t.Context(), p.id)
	w.Must(err)
	stored, err := w.Store.Get(t.Context(), k)
	w.Must(err)
	if want := fmt.Sprintf(`"em":[{"i":%q,"a":%q,"c":%d}]`, u.Emails[0].Name, u.Emails[0].Address, u.Emails[0].CreatedAt); !bytes.Contains(stored[0].Data, []byte(want)) {
		t.Errorf("an address is stored in another form than %s", want)
	}
	e, err := w.Admin.UserEmail(t.Context(), u.Emails[0].ID)
	w.Must(err)
	if e.Unverified || e.Address != u.Emails[0].Address {
		t.Errorf("the id finds %+v", e)
	}
}
