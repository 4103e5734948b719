package domain_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/migration"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// counted counts comparisons.
type counted struct {
	tx.Passwords
	n atomic.Int64
}

func (c *counted) VerifyIf(ctx context.Context, digest string, pw secret.Value, still func() error) (bool, error) {
	return c.Passwords.VerifyIf(ctx, digest, pw, func() error {
		err := still()
		if err == nil {
			c.n.Add(1)
		}
		return err
	})
}

func (c *counted) VerifyNoneIf(ctx context.Context, pw secret.Value, still func() error) error {
	return c.Passwords.VerifyNoneIf(ctx, pw, func() error {
		err := still()
		if err == nil {
			c.n.Add(1)
		}
		return err
	})
}

// counting returns a world whose service counts comparisons.
func counting(t *testing.T) (*world, *counted) {
	t.Helper()
	w := newWorld(t)
	c := &counted{Passwords: w.Config.Passwords}
	w.Config.Passwords = c
	w.Restart()
	return w, c
}

// fromClerk returns a user whose five backup codes are bcrypt digests.
func (w *world) fromClerk() *person {
	w.Helper()
	codes := make([]secret.Value, 5)
	for i := range codes {
		digest, err := bcrypt.GenerateFromPassword([]byte(imported(i)), bcrypt.MinCost)
		w.Must(err)
		codes[i] = secret.New(string(digest))
	}
	u, err := w.Admin.CreateUser(w.Context(), admin.UserInput{Username: fmt.Sprint("clerk", w.count()), Password: secret.New("correct horse"), TOTPSecret: secret.New("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"), BackupCodes: codes})
	w.Must(err)
	return &person{world: w, id: u.WireID(), key: secret.New("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")}
}

func imported(i int) string { return fmt.Sprint("clerkcode", i) }

// TestADigestIsComparedOncePerAttempt: a repeated commit does not repeat the comparison.
func TestADigestIsComparedOncePerAttempt(t *testing.T) {
	const conflicts = 20
	ctx := t.Context()
	for name, tc := range map[string]struct {
		do    func(p *person) error
		want  int64
		wrong apierr.Code
	}{
		"a right imported code":         {func(p *person) error { _, err := p.Admin.VerifyTOTP(ctx, p.id, secret.New(imported(4))); return err }, 5, ""},
		"a wrong imported code":         {func(p *person) error { _, err := p.Admin.VerifyTOTP(ctx, p.id, secret.New("clerkcodex")); return err }, 5, apierr.FormCodeIncorrect},
		"a wrong code in groups":        {func(p *person) error { _, err := p.Admin.VerifyTOTP(ctx, p.id, secret.New("clerk-codex")); return err }, 10, apierr.FormCodeIncorrect},
		"an imported code in a sign-in": {func(p *person) error { return p.secondFactor(account.BackupCode, imported(0)) }, 1, ""},
		"a sign-in with a right password": {func(p *person) error {
			u, err := p.Admin.User(ctx, p.id)
			p.Must(err)
			_, err = p.MFA.CreateSignIn(ctx, tx.Caller{}, mfa.SignInInput{Identifier: u.Username, Password: secret.New("correct horse")})
			return err
		}, 1, ""},
		"a wrong password": {func(p *person) error { return p.Admin.VerifyPassword(ctx, p.id, secret.New("wrong horse")) }, 1, apierr.FormPasswordIncorrect},
		"a sign-in with a wrong password": {func(p *person) error {
			u, err := p.Admin.User(ctx, p.id)
			p.Must(err)
			_, err = p.MFA.CreateSignIn(ctx, tx.Caller{}, mfa.SignInInput{Identifier: u.Username, Password: secret.New("wrong horse")})
			return err
		}, 1, apierr.FormPasswordOrIdentifierIncorrect},
		"a sign-in of nobody": {func(p *person) error {
			_, err := p.MFA.CreateSignIn(ctx, tx.Caller{}, mfa.SignInInput{Identifier: "nobody", Password: secret.New("wrong horse")})
			return err
		}, 1, apierr.FormPasswordOrIdentifierIncorrect},
	} {
		t.Run(name, func(t *testing.T) {
			w, compared := counting(t)
			p := w.fromClerk()
			p.signInWithTicket()
			if tc.want == 1 {
				w.faults.Inject(store.ConflictCommit(1))
			}
			for n := range conflicts {
				w.faults.Inject(store.ConflictCommit(n + 2)) // after that of a reservation
			}
			w.want(tc.wrong, tc.do(p))
			if left := w.faults.Pending(); left > 1 {
				t.Errorf("there were %d conflicts fewer than were to be", left)
			}
			if got := compared.n.Load(); got != tc.want {
				t.Errorf("%d comparisons, want %d", got, tc.want)
			}
		})
	}
}

// TestAttemptsAtTheSameMomentCompareWithinTheBudget: simultaneous attempts, from any number of
// addresses, compute no more comparisons than failures are allowed.
func TestAttemptsAtTheSameMomentCompareWithinTheBudget(t *testing.T) {
	const callers = 40
	ctx := context.WithoutCancel(t.Context())
	for name, tc := range map[string]struct {
		try   func(p *person, i int) error
		most  int64
		least int64
	}{
		"passwords of a user": {func(p *person, i int) error {
			from := tx.Caller{Address: netip.AddrFrom4([4]byte{198, 51, byte(i), 7})}
			_, err := p.MFA.CreateSignIn(ctx, from, mfa.SignInInput{Identifier: "clerk", Password: secret.New(fmt.Sprint("wrong horse ", i))})
			return err
		}, 5, 5},
		"passwords of nobody": {func(p *person, i int) error {
			from := tx.Caller{Address: netip.AddrFrom4([4]byte{198, 51, byte(i), 7})}
			_, err := p.MFA.CreateSignIn(ctx, from, mfa.SignInInput{Identifier: "nobody", Password: secret.New(fmt.Sprint("wrong horse ", i))})
			return err
		}, 5, 5},
		"imported codes": {func(p *person, i int) error {
			_, err := p.Admin.VerifyTOTP(ctx, p.id, secret.New(fmt.Sprint("clerk-code-", 100+i)))
			return err
		}, 5 * 5 * 2, 5}, // failures, codes, spellings
	} {
		t.Run(name, func(t *testing.T) {
			w, compared := counting(t)
			p := w.fromClerk()
			name := "clerk"
			_, err := w.Admin.UpdateUser(ctx, p.id, admin.UserChange{Username: &name})
			w.Must(err)
			var all sync.WaitGroup
			start := make(chan struct{})
			for i := range callers {
				all.Go(func() {
					<-start
					_ = tc.try(p, i)
				})
			}
			close(start)
			all.Wait()
			if got := compared.n.Load(); got > tc.most || got < tc.least {
				t.Errorf("%d comparisons, want %d to %d", got, tc.least, tc.most)
			}
		})
	}
}

// TestALimitedAddressComputesNothing: an address whose limit is exhausted causes no comparison
// until the period ends.
func TestALimitedAddressComputesNothing(t *testing.T) {
	w, compared := counting(t)
	_, err := w.Settings.Change(t.Context(), func(s *account.Settings) { s.IPLimits = true })
	w.Must(err)
	from := tx.Caller{Address: aNetwork}
	try := func(i int) error {
		_, err := w.MFA.CreateSignIn(t.Context(), from, mfa.SignInInput{Identifier: fmt.Sprint("nobody", i), Password: secret.New("wrong horse")})
		return err
	}
	const most = 60 // an hour
	refused := 0
	for i := range 3 * most {
		if apierr.From(try(i)).Code() == apierr.TooManyRequests {
			refused++
		}
		if i%5 == 4 {
			w.Advance(10 * time.Second)
		}
	}
	// the commit that finds the limit exhausted has compared
	if got := compared.n.Load(); got > most+1 {
		t.Errorf("%d comparisons of an address that may try %d times", got, most)
	}
	if refused < most {
		t.Errorf("only %d tries were refused", refused)
	}
	w.Advance(time.Hour)
	if err := try(1000); apierr.From(err).Code() != apierr.FormPasswordOrIdentifierIncorrect {
		t.Errorf("after the period: %v", err)
	}
}

// TestAttemptsAtImportedCodesAreReserved: the store reserves an attempt before the comparison, so
// the limit holds over all processes and apart from the failure counters. Attempts of strangers do
// not lock out the owner's browser.
func TestAttemptsAtImportedCodesAreReserved(t *testing.T) {
	w, compared := counting(t)
	ctx := t.Context()
	p := w.fromClerk()
	p.signInWithTicket()
	p.Must(p.secondFactor(account.BackupCode, imported(0)))
	p.signOut()
	const tries, unused = 19, 4 // of twenty: the owner was a stranger at first
	began := compared.n.Load()
	for n := range tries + 5 {
		want := apierr.FormCodeIncorrect
		if n >= tries {
			want = apierr.TooManyRequests
		}
		_, err := w.Admin.VerifyTOTP(ctx, p.id, secret.New("clerkcodex"))
		w.want(want, err)
		p.rewrite(func(record map[string]any) { delete(record, "b2"); delete(record, "lg") })
		w.Restart() // another process
	}
	if got := compared.n.Load() - began; got != tries*unused {
		t.Errorf("%d comparisons, want %d", got, tries*unused)
	}
	p.signInWithTicket()
	p.Must(p.secondFactor(account.BackupCode, imported(1)))
	w.Advance(time.Hour)
	_, err := w.Admin.VerifyTOTP(ctx, p.id, secret.New(imported(2)))
	w.Must(err)
}

// TestDearCodesFromBeforeTheBound: of a set of codes from an earlier release, only those within the
// cost limit of an attempt are compared. They work.
func TestDearCodesFromBeforeTheBound(t *testing.T) {
	w, compared := counting(t)
	p := w.fromClerk()
	const dear = "$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
	p.rewrite(func(record map[string]any) {
		set := record["bc"].(map[string]any)
		own := set["b"].([]any)
		all := []any{dear, own[0], dear, own[1], dear}
		for range 30 {
			all = append(all, strings.Replace(dear, "31", "12", 1))
		}
		set["b"] = all
	})
	_, err := p.Admin.VerifyTOTP(t.Context(), p.id, secret.New(imported(1)))
	w.Must(err)
	if got := compared.n.Load(); got != 2 {
		t.Errorf("%d comparisons, want 2", got)
	}
}

// TestADearPasswordFromBeforeTheBound: a digest above the cost limit counts as a wrong password.
func TestADearPasswordFromBeforeTheBound(t *testing.T) {
	w, compared := counting(t)
	p := w.fromClerk()
	p.rewrite(func(record map[string]any) {
		record["pw"] = "$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
	})
	for range 5 {
		w.want(apierr.FormPasswordIncorrect, p.Admin.VerifyPassword(t.Context(), p.id, secret.New("correct horse")))
	}
	w.want(apierr.TooManyRequests, p.Admin.VerifyPassword(t.Context(), p.id, secret.New("correct horse")))
	if got := compared.n.Load(); got != 5 {
		t.Errorf("%d comparisons, want 5", got)
	}
}

// TestImportedDigestsAreBounded: every kind of import limits the cost and the number of digests.
func TestImportedDigestsAreBounded(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	digest := func(cost int) string {
		return fmt.Sprintf("$2a$%02d$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", cost)
	}
	many := func(n, cost int) (out []secret.Value) {
		for range n {
			out = append(out, secret.New(digest(cost)))
		}
		return out
	}
	const app = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	for name, tc := range map[string]struct {
		in admin.UserInput
		ok bool
	}{
		"twenty codes of cost 10":     {admin.UserInput{BackupCodes: many(20, 10)}, true},
		"five codes of cost 12":       {admin.UserInput{BackupCodes: many(5, 12)}, true},
		"six codes of cost 12":        {admin.UserInput{BackupCodes: many(6, 12)}, false},
		"twenty codes of cost 11":     {admin.UserInput{BackupCodes: many(20, 11)}, false},
		"one code of cost 13":         {admin.UserInput{BackupCodes: many(1, 13)}, false},
		"one code of cost 31":         {admin.UserInput{BackupCodes: many(1, 31)}, false},
		"twenty-one codes":            {admin.UserInput{BackupCodes: many(21, 4)}, false},
		"a password of cost 12":       {admin.UserInput{PasswordHasher: "bcrypt", PasswordDigest: digest(12)}, true},
		"a password of cost 13":       {admin.UserInput{PasswordHasher: "bcrypt", PasswordDigest: digest(13)}, false},
		"a password named wrongly":    {admin.UserInput{PasswordHasher: "argon2id", PasswordDigest: digest(10)}, false},
		"a password of great memory":  {admin.UserInput{PasswordHasher: "argon2id", PasswordDigest: "$argon2id$v=19$m=1048576,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"}, false},
		"a password of memory × time": {admin.UserInput{PasswordHasher: "argon2id", PasswordDigest: "$argon2id$v=19$m=65536,t=5,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"}, false},
	} {
		tc.in.TOTPSecret = secret.New(app)
		created, err := w.Admin.CreateUser(ctx, tc.in)
		if (err == nil) != tc.ok || err != nil && apierr.From(err).Code() != apierr.FormParamValueInvalid {
			t.Errorf("create with %s: %v", name, err)
		}
		if err == nil {
			w.Must(w.Admin.DeleteUser(ctx, created.WireID()))
		}
		u, err := w.Admin.CreateUser(ctx, admin.UserInput{TOTPSecret: secret.New(app)})
		w.Must(err)
		_, err = w.Admin.UpdateUser(ctx, u.WireID(), admin.UserChange{PasswordDigest: tc.in.PasswordDigest, PasswordHasher: tc.in.PasswordHasher, BackupCodes: tc.in.BackupCodes})
		if (err == nil) != tc.ok {
			t.Errorf("change to %s: %v", name, err)
		}
		var moved migration.Export
		w.Must(w.exported(ctx, func(p migration.Export, err error) error { moved = p; return err }))
		w.Must(w.Admin.DeleteUser(ctx, u.WireID()))
		if moved.PasswordDigest = tc.in.PasswordDigest; tc.in.PasswordHasher == "argon2id" && strings.HasPrefix(tc.in.PasswordDigest, "$2") {
			continue // an export names no hasher
		}
		if len(tc.in.BackupCodes) > 0 {
			moved.BackupCodes = &migration.ExportedCodes{ID: "bkc_x", Key: migration.Disclosed{Value: secret.New(strings.Repeat("A", 43) + "=")}}
			for _, c := range tc.in.BackupCodes {
				moved.BackupCodes.BCrypt = append(moved.BackupCodes.BCrypt, c.Reveal())
			}
		}
		err = w.Migration.ImportUser(ctx, moved)
		if (err == nil) != tc.ok {
			t.Errorf("restore %s: %v", name, err)
		}
		if err == nil {
			w.Must(w.Admin.DeleteUser(ctx, u.WireID()))
		}
	}
}
