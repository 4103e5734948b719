package domain_test

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// again signs in with the password once more in the same browser.
func (p *person) again() {
	p.Helper()
	u, err := p.Admin.User(p.Context(), p.id)
	p.Must(err)
	r, err := p.MFA.CreateSignIn(p.Context(), p.browser, mfa.SignInInput{Strategy: account.Password, Identifier: u.Emails[0].Address, Password: secret.New("correct horse")})
	p.Must(err)
	p.keepToken(r.Snapshot)
	p.signIn = r.SignIn.ID
}

// asked has a second-factor code sent and returns the result.
func (p *person) asked() (*mfa.SignInResult, error) {
	return p.MFA.PrepareSecondFactor(p.Context(), p.browser, p.signIn, account.PhoneCode, p.phone)
}

// TestARepeatedRequestSendsNothing: within the wait a second request for a code has the effect of
// one. It answers the same state, sends no message, reserves no money and writes nothing.
func TestARepeatedRequestSendsNothing(t *testing.T) {
	for name, begin := range map[string]func(p *person) (request func() (any, error)){
		"second factor of a sign-in": func(p *person) func() (any, error) {
			p.signInWithTicket()
			return func() (any, error) {
				r, err := p.asked()
				return r.SignIn.Second, err
			}
		},
		"first factor of a sign-in": func(p *person) func() (any, error) {
			q := p.newcomer()
			q.signInWithTicket()
			q.phone = q.given(anotherNumber, true)
			q.signOut()
			p.settle(func(s *account.Settings) { s.FirstFactorPhoneCode = true })
			r, err := p.MFA.CreateSignIn(p.Context(), q.browser, mfa.SignInInput{Identifier: anotherNumber})
			p.Must(err)
			q.keepToken(r.Snapshot)
			return func() (any, error) {
				r, err := p.MFA.PrepareFirstFactor(p.Context(), q.browser, r.SignIn.ID, account.PhoneCode, q.phone)
				return r.SignIn.First, err
			}
		},
		"second factor of a step-up": func(p *person) func() (any, error) {
			p.inside()
			p.Advance(time.Minute)
			_, err := p.MFA.StartReverification(p.Context(), p.browser, p.browser.Session, authority.SecondFactor)
			p.Must(err)
			return func() (any, error) {
				r, err := p.MFA.PrepareReverificationSecondFactor(p.Context(), p.browser, p.browser.Session, account.PhoneCode, p.phone)
				return r.Reverification.Second, err
			}
		},
		"number of an enrolment": func(p *person) func() (any, error) {
			p.inside()
			r, err := p.MFA.AddPhone(p.Context(), p.browser, mfa.PhoneInput{Number: anotherNumber})
			p.Must(err)
			return func() (any, error) {
				r, err := p.MFA.PreparePhone(p.Context(), p.browser, r.Phone.ID, account.PhoneCode)
				return r.Phone, err
			}
		},
		"number of the team's server": func(p *person) func() (any, error) {
			return func() (any, error) { return p.Admin.PrepareUserPhone(p.Context(), tx.Caller{}, p.phone) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newWorld(t).member()
			request := begin(p)
			p.Clear()
			first, err := request()
			p.Must(err)
			usage, err := p.SMS.Usage(t.Context())
			p.Must(err)
			p.Advance(account.ResendAfter - time.Millisecond)
			p.counts.Reset()
			second, err := request()
			p.Must(err)
			if diff := cmp.Diff(first, second); diff != "" {
				t.Errorf("the state changed (-first +second):\n%s", diff)
			}
			if n := p.counts.Counts().Commits; n != 0 {
				t.Errorf("%d commits", n)
			}
			after, err := p.SMS.Usage(t.Context())
			p.Must(err)
			if len(p.Sent()) != 1 || after.Spent != usage.Spent {
				t.Errorf("%d messages, %v spent after %v", len(p.Sent()), after.Spent, usage.Spent)
			}
			p.Advance(time.Millisecond)
			if _, err = request(); err != nil || len(p.Sent()) != 2 {
				t.Errorf("after the wait: %v, %d messages", err, len(p.Sent()))
			}
		})
	}
}

// TestTheOlderCodeWorks: every unexpired code of a verification works, once, and all share its
// tries.
func TestTheOlderCodeWorks(t *testing.T) {
	begin := func(t *testing.T, pause time.Duration) (p *person, older, newer string) {
		p = newWorld(t).member()
		p.signInWithTicket()
		p.text()
		older = p.Code()
		p.Advance(pause)
		p.text()
		return p, older, p.Code()
	}
	for name, tc := range map[string]struct {
		pause  time.Duration
		repeat bool
	}{"a new code is repeated": {account.ResendAfter, true}, "to its half life": {account.RepeatedFor - 1, true}, "then replaced": {account.RepeatedFor, false}} {
		t.Run(name, func(t *testing.T) {
			p, older, newer := begin(t, tc.pause)
			if (older == newer) != tc.repeat {
				t.Errorf("the codes are %s and %s", older, newer)
			}
			p.Must(p.secondFactor(account.PhoneCode, older))
			p.want(apierr.ResourceNotFound, p.secondFactor(account.PhoneCode, newer))
			p, _, newer = begin(t, tc.pause)
			p.Must(p.secondFactor(account.PhoneCode, newer))
		})
	}
	t.Run("until it expires", func(t *testing.T) {
		p, older, newer := begin(t, account.CodeLife-time.Second)
		p.Advance(time.Second)
		p.want(apierr.FormCodeIncorrect, p.secondFactor(account.PhoneCode, older))
		p.Must(p.secondFactor(account.PhoneCode, newer))
	})
	t.Run("a repeated code keeps its expiry", func(t *testing.T) {
		p, _, newer := begin(t, account.ResendAfter)
		p.Advance(account.CodeLife - account.ResendAfter)
		p.want(apierr.VerificationExpired, p.secondFactor(account.PhoneCode, newer))
	})
	t.Run("within the same tries", func(t *testing.T) {
		p, older, newer := begin(t, account.RepeatedFor)
		for range 5 {
			p.Advance(time.Minute / 2)
			p.want(apierr.FormCodeIncorrect, p.secondFactor(account.PhoneCode, neither(older, newer)))
		}
		p.want(apierr.VerificationFailed, p.secondFactor(account.PhoneCode, older))
	})
}

// neither returns a well-formed code that is none of the others.
func neither(codes ...string) string {
	for _, candidate := range []string{"000000", "111111", "222222"} {
		if !slices.Contains(codes, candidate) {
			return candidate
		}
	}
	return "333333"
}

// TestANewSignInTakesTheCode: a second sign-in of the same user in the same browser within the wait
// goes on with the code that is on its way: no message, the same tries, one use.
func TestANewSignInTakesTheCode(t *testing.T) {
	begin := func(t *testing.T) *person {
		p := newWorld(t).member()
		p.again()
		p.Clear()
		p.text()
		p.Advance(account.ResendAfter - time.Second)
		return p
	}
	t.Run("the code works once", func(t *testing.T) {
		p := begin(t)
		old := p.signIn
		p.again()
		p.want(apierr.VerificationMissing, p.secondFactor(account.PhoneCode, p.Code()))
		r, err := p.asked()
		p.Must(err)
		if r.SignIn.Second.Code == nil || len(p.Sent()) != 1 {
			t.Fatalf("%+v, %d messages", r.SignIn.Second, len(p.Sent()))
		}
		p.want(apierr.ResourceNotFound, func() error {
			_, err := p.MFA.AttemptSecondFactor(t.Context(), p.browser, old, mfa.Proof{Strategy: account.PhoneCode, Code: secret.New(p.Code())})
			return err
		}())
		p.Must(p.secondFactor(account.PhoneCode, p.Code()))
		p.signOut()
		p.again()
		_, err = p.asked()
		p.want(apierr.VerificationCodeTooManyRequests, err) // the code is used up
		p.want(apierr.VerificationMissing, p.secondFactor(account.PhoneCode, p.Code()))
	})
	t.Run("within the same tries", func(t *testing.T) {
		p := begin(t)
		for n := range 5 {
			p.want(apierr.FormCodeIncorrect, p.secondFactor(account.PhoneCode, neither(p.Code())))
			p.again()
			if _, err := p.asked(); n < 4 {
				p.Must(err)
			} else {
				p.want(apierr.TooManyRequests, err) // five failures in a row
			}
		}
		p.Advance(time.Minute)
		p.want(apierr.VerificationMissing, p.secondFactor(account.PhoneCode, p.Code()))
	})
	t.Run("with its expiry", func(t *testing.T) {
		p := begin(t)
		p.again()
		_, err := p.asked()
		p.Must(err)
		p.Advance(account.CodeLife - account.ResendAfter + time.Second)
		p.want(apierr.VerificationExpired, p.secondFactor(account.PhoneCode, p.Code()))
	})
	t.Run("not after the wait", func(t *testing.T) {
		p := begin(t)
		older := p.Code()
		p.again()
		p.Advance(time.Second)
		_, err := p.asked()
		p.Must(err)
		if len(p.Sent()) != 2 || p.Code() == older {
			t.Fatalf("%d messages, with %s and %s", len(p.Sent()), older, p.Code())
		}
		p.want(apierr.FormCodeIncorrect, p.secondFactor(account.PhoneCode, older))
		p.Must(p.secondFactor(account.PhoneCode, p.Code()))
	})
	t.Run("not in another browser", func(t *testing.T) {
		p := begin(t)
		other := p.stranger()
		other.again()
		_, err := other.asked()
		p.want(apierr.VerificationCodeTooManyRequests, err)
		p.Must(p.secondFactor(account.PhoneCode, p.Code()))
	})
	t.Run("not of another user", func(t *testing.T) {
		p := begin(t)
		q := p.newcomer()
		q.phone = q.given(anotherNumber, true)
		_, err := p.Admin.ChangeUserPhone(t.Context(), q.phone, admin.PhoneChange{Reserved: new(true)})
		p.Must(err)
		q.browser = p.browser
		q.again()
		_, err = q.asked()
		p.Must(err)
		if len(p.Sent()) != 2 {
			t.Errorf("%d messages", len(p.Sent()))
		}
	})
	t.Run("not after a change of factors", func(t *testing.T) {
		p := begin(t)
		_, err := p.Admin.RemoveTOTP(t.Context(), p.id)
		p.Must(err)
		p.again()
		_, err = p.asked()
		p.want(apierr.VerificationCodeTooManyRequests, err)
	})
	t.Run("nor a message that the network refused", func(t *testing.T) {
		p := newWorld(t).member()
		p.again()
		p.Clear()
		p.Fail(errors.New("network down"))
		_, err := p.asked()
		p.want(apierr.SMSSendError, err)
		p.Fail(nil)
		p.again()
		p.text()
		if len(p.Sent()) != 1 {
			t.Fatalf("%d messages", len(p.Sent()))
		}
		p.Must(p.secondFactor(account.PhoneCode, p.Code()))
	})
	t.Run("a step-up begun again", func(t *testing.T) {
		p := newWorld(t).member()
		p.inside()
		p.Advance(time.Minute)
		p.Clear()
		for range 2 {
			_, err := p.MFA.StartReverification(t.Context(), p.browser, p.browser.Session, authority.SecondFactor)
			p.Must(err)
			_, err = p.MFA.PrepareReverificationSecondFactor(t.Context(), p.browser, p.browser.Session, account.PhoneCode, p.phone)
			p.Must(err)
		}
		_, err := p.MFA.AttemptReverificationSecondFactor(t.Context(), p.browser, p.browser.Session, mfa.Proof{Strategy: account.PhoneCode, Code: secret.New(p.Code())})
		p.Must(err)
		if len(p.Sent()) != 1 {
			t.Errorf("%d messages", len(p.Sent()))
		}
	})
}

// TestTwoNumbersInOneSignIn: a user who goes to another number and back within the wait finds the
// code of the first one, with the tries of both.
func TestTwoNumbersInOneSignIn(t *testing.T) {
	p := newWorld(t).member()
	second := p.given(anotherNumber, true)
	_, err := p.Admin.ChangeUserPhone(t.Context(), second, admin.PhoneChange{Reserved: new(true)})
	p.Must(err)
	p.signInWithTicket()
	p.Clear()
	first := p.phone
	ask := func(phone string) {
		p.Helper()
		p.phone = phone
		p.text()
	}
	ask(first)
	code := p.Code()
	ask(second)
	p.want(apierr.FormCodeIncorrect, p.secondFactor(account.PhoneCode, neither(code, p.Code())))
	ask(first)
	r, err := p.MFA.SignIn(t.Context(), p.browser, p.signIn)
	p.Must(err)
	if got := r.SignIn.Second.Code; got.Phone != first || got.Attempts != 1 || len(p.Sent()) != 2 {
		t.Errorf("a code for %s after %d tries, %d messages", got.Phone, got.Attempts, len(p.Sent()))
	}
	p.Must(p.secondFactor(account.PhoneCode, code))
}

// TestTheCodeOfTwoSignInsWorksOnce: tabs of one browser use the code in a sign-in and begin others
// that take it over, all at once. The code opens one session.
func TestTheCodeOfTwoSignInsWorksOnce(t *testing.T) {
	p := newWorld(t).member()
	p.again()
	p.Clear()
	p.text()
	old, code, browser := p.signIn, p.Code(), p.browser
	var opened atomic.Int64
	answers := race(50, func(i int) error {
		q := *p
		q.browser, q.signIn = browser, old
		if i%2 == 0 {
			u, err := q.Admin.User(q.Context(), q.id)
			if err != nil {
				return err
			}
			r, err := q.MFA.CreateSignIn(q.Context(), q.browser, mfa.SignInInput{Strategy: account.Password, Identifier: u.Emails[0].Address, Password: secret.New("correct horse")})
			if err != nil {
				return err
			}
			q.keepToken(r.Snapshot)
			q.signIn = r.SignIn.ID
			if _, err := q.asked(); err != nil {
				return err
			}
		}
		err := q.secondFactor(account.PhoneCode, code)
		if err == nil {
			opened.Add(1)
		}
		return err
	})
	if opened.Load() != 1 || len(p.Sent()) != 1 {
		t.Errorf("%d sessions, %d messages: %v", opened.Load(), len(p.Sent()), answers)
	}
	p.noServerErrors(answers)
}
