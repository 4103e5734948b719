package domain_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// identifiers are those of a user with a password, of one without, and of no user. A client without
// a session must not be able to distinguish them.
func identifiers(w *world) map[string]string {
	w.Helper()
	for name, password := range map[string]string{"known": "correct horse", "passwordless": ""} {
		_, err := w.Admin.CreateUser(w.Context(), admin.UserInput{Username: name, Password: secret.New(password)})
		w.Must(err)
	}
	return map[string]string{"a user": "known", "a user without a password": "passwordless", "nobody": "nobody"}
}

// cost is what an observer of the store's round trips sees. The size of a record is not part of it.
func cost(c store.Counts) string {
	return fmt.Sprintf("%d reads, %d reservations of %d, %d commits of %d records and %d counters", c.Gets, c.Reserves, c.Reserved, c.Commits, c.Writes, c.Increments)
}

// TestNobodyCostsWhatSomebodyDoes: no error code and no round trip of a sign-in shows whether an
// account exists or has a password, after any number of tries. A round trip to a remote store is
// long enough to be measured from outside.
func TestNobodyCostsWhatSomebodyDoes(t *testing.T) {
	password := mfa.Proof{Strategy: account.Password, Password: secret.New("a wrong password")}
	for name, do := range map[string]func(w *world, identifier string) error{
		"an identifier alone": func(w *world, identifier string) error {
			_, err := w.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Identifier: identifier})
			return err
		},
		"identifier and password": func(w *world, identifier string) error {
			_, err := w.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Identifier: identifier, Password: password.Password})
			return err
		},
		"the password in a second step": func(w *world, identifier string) error {
			p := &person{world: w}
			r, err := w.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Identifier: identifier})
			w.Must(err)
			p.keepToken(r.Snapshot)
			w.counts.Reset()
			_, err = w.MFA.AttemptFirstFactor(t.Context(), p.browser, r.SignIn.ID, password)
			return err
		},
		"looking at the sign-in": func(w *world, identifier string) error {
			p := &person{world: w}
			r, err := w.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Identifier: identifier})
			w.Must(err)
			p.keepToken(r.Snapshot)
			w.counts.Reset()
			_, err = w.MFA.SignIn(t.Context(), p.browser, r.SignIn.ID)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			who := identifiers(w)
			const more = 12 // than are compared before the lock
			for i := range more {
				seen := map[string]string{}
				for what, identifier := range who {
					_, err := w.Engine.Settings(t.Context()) // a warm process
					w.Must(err)
					w.counts.Reset()
					err = do(w, identifier)
					seen[what] = fmt.Sprint(codeOf(err), ": ", cost(w.counts.Counts()))
				}
				for what, got := range seen {
					if got != seen["a user"] {
						t.Errorf("try %d: %s answers %s, a user %s", i+1, what, got, seen["a user"])
					}
				}
				w.Advance(31 * time.Second)
			}
		})
	}
}

// TestAnIdentifierThatWasGuessedAtCanBeTaken: failures of an identifier without a user do not count
// for its later owner.
func TestAnIdentifierThatWasGuessedAtCanBeTaken(t *testing.T) {
	w := newWorld(t)
	try := func(identifier, password string) apierr.Code {
		_, err := w.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Identifier: identifier, Password: secret.New(password)})
		return codeOf(err)
	}
	for range 6 {
		try("later", "a wrong password")
	}
	if got := try("later", "a wrong password"); got != apierr.TooManyRequests {
		t.Fatal(got)
	}
	_, err := w.Admin.CreateUser(t.Context(), admin.UserInput{Username: "later", Password: secret.New("correct horse")})
	w.Must(err)
	if got := try("later", "correct horse"); got != "" {
		t.Errorf("its owner: %s", got)
	}
	if _, err := w.Admin.CreateUser(t.Context(), admin.UserInput{Username: "Later"}); codeOf(err) != apierr.FormIdentifierExists {
		t.Errorf("a second owner: %v", err)
	}
}

// TestGuessesAtNobodyAreForgotten: the cleanup removes the failures of identifiers without a user,
// and no claims of users.
func TestGuessesAtNobodyAreForgotten(t *testing.T) {
	w := newWorld(t)
	_, err := w.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Identifier: "nobody", Password: secret.New("a wrong password")})
	w.want(apierr.FormPasswordOrIdentifierIncorrect, err)
	_, err = w.Admin.CreateUser(t.Context(), admin.UserInput{Username: "somebody"})
	w.Must(err)
	w.Advance(32 * 24 * time.Hour)
	_, err = w.Service.Admin.Cleanup(t.Context(), 100)
	w.Must(err)
	claims, _, err := w.counts.List(t.Context(), store.KindClaim, "", 10)
	w.Must(err)
	if len(claims) != 1 {
		t.Errorf("%d claims are left, want the one of somebody", len(claims))
	}
}

// TestLookingForNumbersIsLimited: an account that adds other people's numbers to see which are
// taken learns ten a day. They use up its new numbers.
func TestLookingForNumbersIsLimited(t *testing.T) {
	w := newWorld(t)
	p, q := w.newcomer(), w.newcomer()
	p.signInWithTicket()
	q.signInWithTicket()
	number := func(i int) string { return fmt.Sprintf("+1212555%04d", i) }
	add := func(p *person, i int) (string, error) {
		w.counts.Reset()
		_, err := p.MFA.AddPhone(t.Context(), p.browser, mfa.PhoneInput{Number: number(i)})
		return cost(w.counts.Counts()), err
	}
	const most = 10
	for i := range most {
		_, err := w.Admin.CreateUser(t.Context(), admin.UserInput{Username: fmt.Sprint("holder", i), Phones: []string{number(i)}})
		w.Must(err)
	}
	const freeAtOnce = 5
	for i := range most {
		taken, err := add(p, i)
		w.want(apierr.FormIdentifierExists, err)
		if i >= freeAtOnce {
			continue
		}
		free, err := add(q, most+i)
		w.Must(err)
		if taken != free {
			t.Errorf("try %d: a taken number costs %s, a free one %s", i, taken, free)
		}
	}
	if _, err := p.MFA.AddPhone(t.Context(), p.browser, mfa.PhoneInput{Number: number(0)}); codeOf(err) != apierr.TooManyRequests {
		t.Errorf("the eleventh: %v", err)
	}
}
