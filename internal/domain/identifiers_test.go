package domain_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/identifier"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/internal/store/boltstore"
	"github.com/countersign-mfa/countersign/test/mfatest"
)

// wantTaken fails unless err says that an identifier exists, and names the parameter.
func (w *world) wantTaken(param string, err error) {
	w.Helper()
	w.want(apierr.FormIdentifierExists, err)
	if got := apierr.From(err).Meta()["param_name"]; got != param {
		w.Errorf("the error names %v, want %s", got, param)
	}
}

// TestAnExternalIDIsUnique: an external id belongs to one user, from the commit that sets it until
// the one that changes it or deletes the user.
func TestAnExternalIDIsUnique(t *testing.T) {
	w := newWorld(t)
	create := func(external string) (string, error) {
		u, err := w.Admin.CreateUser(t.Context(), admin.UserInput{Username: fmt.Sprint("mia", w.count()), ExternalID: external})
		if err != nil {
			return "", err
		}
		return u.WireID(), nil
	}
	change := func(id, external string) error {
		_, err := w.Admin.UpdateUser(t.Context(), id, admin.UserChange{ExternalID: &external})
		return err
	}
	first, err := create("crm-1")
	w.Must(err)
	_, err = create("crm-1")
	w.wantTaken("external_id", err)
	second, err := create("CRM-1") // external ids are exact
	w.Must(err)
	w.wantTaken("external_id", change(second, "crm-1"))
	w.Must(change(first, "crm-1"))
	w.Must(change(first, "crm-2"))
	w.Must(change(second, "crm-1"))
	w.wantTaken("external_id", change(first, "crm-1"))
	w.Must(change(second, ""))
	w.Must(change(first, "crm-1"))
	w.Must(w.Admin.DeleteUser(t.Context(), first))
	third, err := create("crm-1")
	w.Must(err)
	if third == first {
		t.Error("a deleted user came back")
	}
	for range 2 { // no external id is no identifier
		_, err = create("")
		w.Must(err)
	}
}

// TestAnExternalIDIsUniqueAtOnce: servers that create users with one external id, or give it to
// users that exist, at the same time: exactly one user has it.
func TestAnExternalIDIsUniqueAtOnce(t *testing.T) {
	t.Run("in memory", func(t *testing.T) { mfatest.RaceForExternalID(t, store.NewMemory()) })
	t.Run("in a file", func(t *testing.T) {
		s, err := boltstore.Open(filepath.Join(t.TempDir(), "store"), boltstore.Options{Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		mfatest.RaceForExternalID(t, s)
	})
}

// TestSpellingsOfAnIdentifierAreOneAccount: F7. Two spellings of an address cannot be two accounts,
// and the user signs in with each of them.
func TestSpellingsOfAnIdentifierAreOneAccount(t *testing.T) {
	for _, tc := range []struct {
		what, param     string
		first, second   admin.UserInput
		stored, typedIn string
	}{
		{
			"a domain and its A-label", "email_address", admin.UserInput{Emails: []string{"a@bücher.example"}}, admin.UserInput{Emails: []string{"a@xn--bcher-kva.example"}},
			"a@xn--bcher-kva.example", "A@Bücher.example",
		},
		{
			"an accent in two characters", "email_address", admin.UserInput{Emails: []string{"jose\u0301@example.com"}}, admin.UserInput{Emails: []string{"Jos\u00e9@example.com"}},
			"jos\u00e9@example.com", "jose\u0301@EXAMPLE.com",
		},
		{"capitals", "username", admin.UserInput{Username: "Mia"}, admin.UserInput{Username: "mIA"}, "", "ｍｉａ"},
	} {
		t.Run(tc.what, func(t *testing.T) {
			w := newWorld(t)
			tc.first.Password = secret.New("correct horse")
			u, err := w.Admin.CreateUser(t.Context(), tc.first)
			w.Must(err)
			if tc.stored != "" && u.Emails[0].Address != tc.stored {
				t.Errorf("the address is %+q, want %+q", u.Emails[0].Address, tc.stored)
			}
			_, err = w.Admin.CreateUser(t.Context(), tc.second)
			w.wantTaken(tc.param, err)
			r, err := w.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Identifier: tc.typedIn, Password: secret.New("correct horse")})
			w.Must(err)
			if r.SignIn.Created == "" {
				t.Error("no session")
			}
			w.Must(w.Admin.DeleteUser(t.Context(), u.WireID()))
			_, err = w.Admin.CreateUser(t.Context(), tc.second)
			w.Must(err)
		})
	}
}

// TestOneUserHasAnAddressOnce: a request with two spellings of an address is refused.
func TestOneUserHasAnAddressOnce(t *testing.T) {
	w := newWorld(t)
	_, err := w.Admin.CreateUser(t.Context(), admin.UserInput{Emails: []string{"a@bücher.example", "a@xn--bcher-kva.example"}})
	w.wantTaken("email_address", err)
}

// asBefore stores a user as an earlier release did: the identifiers in lower case only, and no
// claim of the external id.
func (w *world) asBefore(id, email, external string) {
	w.Helper()
	w.Must(w.Service.Update(w.Context(), nil, func(t *tx.Tx) error {
		u := &account.User{ID: id, Emails: []account.Email{{ID: account.PrefixID + id, Address: email, CreatedAt: t.Now}}, ExternalID: external, CreatedAt: t.Now, UpdatedAt: t.Now}
		digest, err := w.Config.Passwords.Hash(w.Context(), secret.New("correct horse"))
		if err != nil {
			return err
		}
		u.Password = digest
		t.Put(u)
		if email == "" {
			return nil
		}
		key := store.Key{Kind: store.KindClaim, ID: t.Engine.Digest("claim", "email", email)}
		if err := t.Read(key); err != nil {
			return err
		}
		claim := t.Seen[key].(*account.Claim)
		claim.User = id
		t.Put(claim)
		return nil
	}))
}

// TestClaimsOfEarlierReleases: a user of an earlier release signs in with each spelling, no other
// user takes one, and the deletion frees them. [admin.Service.EnsureClaims] claims the normal form
// and the external id.
func TestClaimsOfEarlierReleases(t *testing.T) {
	const id, other = "aaaaaaaaaaaaaaaaaaaaaaaaaa", "baaaaaaaaaaaaaaaaaaaaaaaaa"
	signIn := func(w *world, email string) error {
		_, err := w.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Identifier: email, Password: secret.New("correct horse")})
		return err
	}
	for _, ensured := range []bool{false, true} {
		t.Run(fmt.Sprintf("ensured: %t", ensured), func(t *testing.T) {
			w := newWorld(t)
			w.asBefore(id, "a@bücher.example", "crm-1")
			if ensured {
				for range 2 {
					taken, err := w.Admin.EnsureClaims(t.Context(), account.PrefixUser+id)
					w.Must(err)
					if len(taken) != 0 {
						t.Errorf("taken: %v", taken)
					}
				}
				_, err := w.Admin.CreateUser(t.Context(), admin.UserInput{ExternalID: "crm-1"})
				w.wantTaken("external_id", err)
			}
			for _, email := range []string{"a@bücher.example", "a@xn--bcher-kva.example", "A@BU\u0308CHER.example"} {
				w.Must(signIn(w, email))
				_, err := w.Admin.CreateUser(t.Context(), admin.UserInput{Emails: []string{email}})
				w.wantTaken("email_address", err)
			}
			w.Must(w.Admin.DeleteUser(t.Context(), account.PrefixUser+id))
			_, err := w.Admin.CreateUser(t.Context(), admin.UserInput{Emails: []string{"a@bücher.example"}, ExternalID: "crm-1"})
			w.Must(err)
		})
	}
	t.Run("duplicates", func(t *testing.T) {
		w := newWorld(t)
		w.asBefore(id, "a@bücher.example", "crm-1")
		w.asBefore(other, "a@xn--bcher-kva.example", "crm-1")
		first, err := w.Admin.EnsureClaims(t.Context(), account.PrefixUser+id)
		w.Must(err)
		second, err := w.Admin.EnsureClaims(t.Context(), account.PrefixUser+other)
		w.Must(err)
		want := []admin.TakenIdentifier{{Param: "email_address", Holder: account.PrefixUser + other}}
		if !slices.Equal(first, want) {
			t.Errorf("the first user: %v, want %v", first, want)
		}
		want = []admin.TakenIdentifier{{Param: "external_id", Holder: account.PrefixUser + id}, {Param: "email_address", Holder: account.PrefixUser + id}}
		if !slices.Equal(second, want) {
			t.Errorf("the second user: %v, want %v", second, want)
		}
		for _, email := range []string{"a@bücher.example", "a@xn--bcher-kva.example"} {
			w.Must(signIn(w, email))
		}
	})
	t.Run("no user", func(t *testing.T) {
		w := newWorld(t)
		_, err := w.Admin.EnsureClaims(t.Context(), account.PrefixUser+id)
		w.want(apierr.ResourceNotFound, err)
	})
}

// TestAPasswordHasManySpellings: F6. A password is typed as the keyboard writes it.
func TestAPasswordHasManySpellings(t *testing.T) {
	const composed, decomposed = "Gr\u00fc\u00dfe-Ma\u00f1ana-1", "Gru\u0308\u00dfe-Man\u0303ana-1"
	for what, tc := range map[string]struct{ set, typed string }{
		"set composed":                 {composed, decomposed},
		"set decomposed":               {decomposed, composed},
		"a space of another width":     {"correct horse", "correct\u3000horse"},
		"a space that does not break":  {"correct\u00a0horse", "correct horse"},
		"a control character (kept)":   {"correct\u0085horse", "correct\u0085horse"},
		"Hangul in conjoining letters": {"\uac01\uac01\uac01\uac01\uac01\uac01\uac01\uac01", "\u1100\u1161\u11a8\uac01\uac01\uac01\uac01\uac01\uac01\uac01"},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			_, err := w.Admin.CreateUser(t.Context(), admin.UserInput{Username: "mia", Password: secret.New(tc.set)})
			w.Must(err)
			for _, typed := range []string{tc.set, tc.typed} {
				_, err = w.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Identifier: "mia", Password: secret.New(typed)})
				w.Must(err)
			}
			_, err = w.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Identifier: "mia", Password: secret.New(tc.typed + "x")})
			w.want(apierr.FormPasswordOrIdentifierIncorrect, err)
		})
	}
}

// TestUsernamesAreChecked: F22.
func TestUsernamesAreChecked(t *testing.T) {
	w := newWorld(t)
	for name, want := range map[string]apierr.Code{
		" ": apierr.FormUsernameInvalidCharacter, "mia\n": apierr.FormUsernameInvalidCharacter, "m\u202eia": apierr.FormUsernameInvalidCharacter,
		"m\u200bia": apierr.FormUsernameInvalidCharacter, "josé": apierr.FormUsernameInvalidCharacter, "ｍｉａ": apierr.FormUsernameInvalidCharacter,
		"mia@example.com": apierr.FormUsernameInvalidCharacter, "+12015550142": apierr.FormUsernameInvalidCharacter,
		"12015550142": apierr.FormUsernameNeedsNonNumberChar, fmt.Sprintf("%0300d", 1) + "m": apierr.FormUsernameInvalidLength,
	} {
		_, err := w.Admin.CreateUser(t.Context(), admin.UserInput{Username: name})
		w.want(want, err)
	}
	if got := identifier.Normal(identifier.Username, "Mia_1-x"); got != "mia_1-x" {
		t.Error(got)
	}
}
