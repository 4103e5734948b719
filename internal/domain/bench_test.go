package domain_test

import (
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
)

// bench reports time and allocations of do, and the store's requests per operation; ready is not
// measured.
func bench(b *testing.B, p *person, ready func(), do func() error) {
	b.Helper()
	b.ReportAllocs()
	var gets, commits int
	for b.Loop() {
		b.StopTimer()
		if ready != nil {
			ready()
		}
		_, err := p.Engine.Settings(b.Context())
		p.Must(err)
		p.counts.Reset()
		b.StartTimer()
		err = do()
		b.StopTimer()
		p.Must(err)
		n := p.counts.Reset()
		gets, commits = gets+n.Gets, commits+n.Commits
		b.StartTimer()
	}
	b.ReportMetric(float64(gets)/float64(b.N), "reads/op")
	b.ReportMetric(float64(commits)/float64(b.N), "commits/op")
}

func BenchmarkVerifyTOTP(b *testing.B) {
	p := newWorld(b).member()
	bench(b, p, func() { p.Advance(totp.Period) }, func() error {
		_, err := p.Admin.VerifyTOTP(b.Context(), p.id, secret.New(p.totpCode()))
		return err
	})
}

func BenchmarkWrongCode(b *testing.B) {
	p := newWorld(b).member()
	bench(b, p, func() {
		_, err := p.Admin.Unlock(b.Context(), p.id)
		p.Must(err)
		// This clears the app's own count.
		_, err = p.Admin.VerifyTOTP(b.Context(), p.id, secret.New(p.totpCode()))
		p.Must(err)
		p.Advance(totp.Period)
	}, func() error {
		if _, err := p.Admin.VerifyTOTP(b.Context(), p.id, secret.New(p.wrong())); err == nil {
			b.Fatal("a wrong code was accepted")
		}
		return nil
	})
}

func BenchmarkVerifySMSCode(b *testing.B) {
	p := newWorld(b).member()
	bench(b, p, func() {
		p.signOut()
		p.Advance(2 * time.Hour)
		p.signInWithTicket()
		p.text()
	}, func() error { return p.secondFactor(account.PhoneCode, p.Code()) })
}

func BenchmarkBackupCode(b *testing.B) {
	p := newWorld(b).member()
	p.inside()
	bench(b, p, func() {
		p.Advance(time.Minute)
		r, err := p.MFA.CreateBackupCodes(b.Context(), p.browser)
		if err != nil {
			p.signOut()
			p.inside()
			r, err = p.MFA.CreateBackupCodes(b.Context(), p.browser)
		}
		p.Must(err)
		p.backup = r.Codes
	}, func() error {
		_, err := p.Admin.VerifyTOTP(b.Context(), p.id, secret.New(p.backup[9]))
		return err
	})
}

func BenchmarkEnrol(b *testing.B) {
	p := newWorld(b).newcomer()
	p.signInWithTicket()
	bench(b, p, func() {
		if _, err := p.MFA.DeleteTOTP(b.Context(), p.browser); err != nil {
			p.signOut()
			p.signInWithTicket()
		}
	}, func() error {
		_, err := p.MFA.CreateTOTP(b.Context(), p.browser)
		return err
	})
}

func BenchmarkConfirm(b *testing.B) {
	w := newWorld(b)
	var p *person
	p = w.newcomer()
	bench(b, p, func() {
		*p = *w.newcomer()
		p.signInWithTicket()
		r, err := p.MFA.CreateTOTP(b.Context(), p.browser)
		p.Must(err)
		p.key = r.Secret
	}, func() error {
		_, err := p.MFA.ConfirmTOTP(b.Context(), p.browser, secret.New(p.totpCode()))
		return err
	})
}

func BenchmarkSignInWithSecondFactor(b *testing.B) {
	p := newWorld(b).member()
	bench(b, p, func() {
		p.signOut()
		p.Advance(time.Minute)
		p.ticketReady()
	}, func() error {
		r, err := p.MFA.CreateSignIn(b.Context(), p.browser, mfa.SignInInput{Strategy: account.TicketCode, Ticket: ready[p]})
		if err != nil {
			return err
		}
		p.keepToken(r.Snapshot)
		p.signIn = r.SignIn.ID
		return p.secondFactor(account.TOTPCode, p.totpCode())
	})
}

func BenchmarkClient(b *testing.B) {
	p := newWorld(b).member()
	p.inside()
	bench(b, p, nil, func() error {
		_, err := p.Sessions.Client(b.Context(), p.browser)
		return err
	})
}

func BenchmarkSessionToken(b *testing.B) {
	p := newWorld(b).member()
	p.inside()
	bench(b, p, nil, func() error {
		_, err := p.Sessions.SessionToken(b.Context(), p.browser, p.browser.Session)
		return err
	})
}
