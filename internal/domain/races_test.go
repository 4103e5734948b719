package domain_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// race runs do n times at once and returns how often each code was answered; "" is success.
func race(n int, do func(i int) error) map[apierr.Code]int {
	var mu sync.Mutex
	var wait sync.WaitGroup
	answers := map[apierr.Code]int{}
	begin := make(chan struct{})
	for i := range n {
		wait.Go(func() {
			<-begin
			code := codeOf(do(i))
			mu.Lock()
			defer mu.Unlock()
			answers[code]++
		})
	}
	close(begin)
	wait.Wait()
	return answers
}

// racers are how many take part: 50, and 1,000 in the long test.
func racers() []int {
	if testing.Short() {
		return []int{50}
	}
	return []int{50, 1000}
}

func (w *world) noServerErrors(answers map[apierr.Code]int) {
	w.Helper()
	for code, n := range answers {
		if code == apierr.InternalClerkError || code == apierr.ServiceUnavailable {
			w.Errorf("%d answers are %s", n, code)
		}
	}
}

func TestOneCodeOneSuccess(t *testing.T) {
	for _, n := range racers() {
		for name, code := range map[string]func(*person) (account.Strategy, string){
			"authenticator app": func(p *person) (account.Strategy, string) { return account.TOTPCode, p.totpCode() },
			"backup code":       func(p *person) (account.Strategy, string) { return account.BackupCode, p.backup[0] },
			"text message":      func(p *person) (account.Strategy, string) { p.text(); return account.PhoneCode, p.Code() },
		} {
			t.Run(fmt.Sprintf("%s, %d at once", name, n), func(t *testing.T) {
				p := newWorld(t).member()
				p.signInWithTicket()
				by, right := code(p)
				answers := race(n, func(int) error {
					_, err := p.MFA.AttemptSecondFactor(t.Context(), p.browser, p.signIn, mfa.Proof{Strategy: by, Code: secret.New(right)})
					return err
				})
				if answers[""] != 1 {
					t.Errorf("answers %v, want one success", answers)
				}
				p.noServerErrors(answers)
				p.unlocked()
			})
		}
	}
}

// unlocked fails if a duplicate of a correct submission counted as a failure.
func (p *person) unlocked() {
	p.Helper()
	u, err := p.Admin.User(p.Context(), p.id)
	p.Must(err)
	if u.AttemptsLeft(account.At(p.Now())) < 9 || u.LockEnd(account.At(p.Now())) != 0 {
		p.Errorf("%d attempts are left after nothing but right codes", u.AttemptsLeft(account.At(p.Now())))
	}
}

func TestBackendRace(t *testing.T) {
	p := newWorld(t).member()
	for name, code := range map[string]string{"authenticator app": p.totpCode(), "backup code": p.backup[0]} {
		answers := race(50, func(int) error {
			_, err := p.Admin.VerifyTOTP(t.Context(), p.id, secret.New(code))
			return err
		})
		if answers[""] != 1 || answers[apierr.FormCodeIncorrect] != 49 {
			t.Errorf("%s: answers %v, want one success and no wait", name, answers)
		}
		p.unlocked()
	}
}

func TestManyWrongAtOnceAreJudgedWithinTheBudget(t *testing.T) {
	for name, tc := range map[string]struct {
		signIns int
		refused apierr.Code
	}{"one sign-in": {1, apierr.VerificationFailed}, "ten sign-ins": {10, apierr.TooManyRequests}} {
		t.Run(name, func(t *testing.T) {
			p := newWorld(t).member()
			people := make([]*person, tc.signIns)
			for i := range people {
				people[i] = p.stranger()
				people[i].signInWithTicket()
			}
			wrong := p.wrong()
			answers := race(50, func(i int) error {
				b := people[i%tc.signIns]
				_, err := b.MFA.AttemptSecondFactor(t.Context(), b.browser, b.signIn, mfa.Proof{Strategy: account.TOTPCode, Code: secret.New(wrong)})
				return err
			})
			if answers[apierr.FormCodeIncorrect] != 5 || answers[tc.refused] != 45 {
				t.Errorf("answers %v, want 5 judged and 45 refused", answers)
			}
		})
	}
}

func TestOneTicketOneSession(t *testing.T) {
	w := newWorld(t)
	p := w.newcomer()
	ticket, err := w.MFA.CreateTicket(t.Context(), p.id, 0)
	w.Must(err)
	answers := race(50, func(int) error {
		_, err := w.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Strategy: account.TicketCode, Ticket: ticket.Token})
		return err
	})
	if answers[""] != 1 || answers[apierr.SignInTokenAlreadyUsedCode] != 49 {
		t.Errorf("answers %v, want one session", answers)
	}
}

func TestOneNumberOneOwner(t *testing.T) {
	w := newWorld(t)
	people := make([]*person, 8)
	codes := make([]string, len(people))
	for i := range people {
		p := w.newcomer()
		p.signInWithTicket()
		r, err := p.MFA.AddPhone(t.Context(), p.browser, mfa.PhoneInput{Number: aNumber})
		w.Must(err)
		p.phone = r.Phone.ID
		_, err = p.MFA.PreparePhone(t.Context(), p.browser, p.phone, account.PhoneCode)
		w.Must(err)
		people[i], codes[i] = p, p.Code()
		w.Advance(3 * 60e9)
		if i >= 2 {
			people, codes = people[:3], codes[:3]
			break
		}
	}
	answers := race(len(people), func(i int) error {
		_, err := w.MFA.AttemptPhone(t.Context(), people[i].browser, people[i].phone, mfa.Proof{Code: secret.New(codes[i])})
		return err
	})
	if answers[""] != 1 {
		t.Errorf("answers %v, want one owner", answers)
	}
}
