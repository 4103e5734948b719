package domain_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/internal/store/boltstore"
	"github.com/countersign-mfa/countersign/test/authenticator"
	"github.com/countersign-mfa/countersign/test/mfatest"
)

func encode64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// spoilt are answers that prove nothing, with the code of their refusal.
var spoilt = map[string]struct {
	change func(*authenticator.Authenticator)
	want   apierr.Code
}{
	"no user verification":  {func(a *authenticator.Authenticator) { a.Flags = authenticator.UP }, apierr.PasskeyAuthenticationFailure},
	"another page's origin": {func(a *authenticator.Authenticator) { a.Origin = "https://evil.example.com" }, apierr.PasskeyAuthenticationFailure},
	"another challenge": {func(a *authenticator.Authenticator) {
		a.Client = func(data map[string]any) { data["challenge"] = strings.Repeat("A", 43) }
	}, apierr.PasskeyAuthenticationFailure},
	"the answer of an enrolment": {func(a *authenticator.Authenticator) {
		a.Client = func(data map[string]any) { data["type"] = "webauthn.create" }
	}, apierr.PasskeyAuthenticationFailure},
	"another RP id": {func(a *authenticator.Authenticator) {
		a.Data = func(data []byte) []byte { data[0] ^= 1; return data }
	}, apierr.PasskeyAuthenticationFailure},
	"another signature": {func(a *authenticator.Authenticator) {
		a.Response = func(c map[string]any) { c["response"].(map[string]any)["signature"] = encode64([]byte("wrong")) }
	}, apierr.PasskeyAuthenticationFailure},
	"an unknown credential": {func(a *authenticator.Authenticator) {
		a.Response = func(c map[string]any) { c["id"], c["rawId"] = encode64([]byte("unknown")), encode64([]byte("unknown")) }
	}, apierr.PasskeyNotRegistered},
	"another user's handle": {func(a *authenticator.Authenticator) {
		a.Response = func(c map[string]any) {
			c["response"].(map[string]any)["userHandle"] = encode64([]byte(strings.Repeat("a", 26)))
		}
	}, apierr.PasskeyAuthenticationFailure},
	"no JSON": {func(a *authenticator.Authenticator) {
		a.Response = func(c map[string]any) { c["type"] = 7 }
	}, apierr.PasskeyInvalidPublicKeyCredential},
}

// TestAnswersThatProveNothing: a wrong answer changes nothing of the user's factors and failures
// and cannot be followed by a right one to the same challenge. A malformed answer is no answer.
func TestAnswersThatProveNothing(t *testing.T) {
	for name, tc := range spoilt {
		t.Run(name, func(t *testing.T) {
			h := newWorld(t).withPasskeys().holder()
			options, device := h.secondOptions(), *h.device
			tc.change(h.device)
			before := h.record()
			h.want(tc.want, h.second(h.sign(options)))
			after := h.record()
			if !after.FactorSet().Equal(before.FactorSet()) || after.Passkeys[0].Counter != before.Passkeys[0].Counter || len(after.FailureLog) != 0 || after.SecondFailures.Failures != 0 {
				t.Error("the refusal changed the user")
			}
			h.device = &device
			again := apierr.VerificationMissing
			if tc.want == apierr.PasskeyInvalidPublicKeyCredential {
				again = ""
			}
			h.want(again, h.second(h.sign(options)))
		})
	}
}

// TestTheTriesOfAPasskeyAreBounded: five wrong answers end the attempt, and do not lock the user.
func TestTheTriesOfAPasskeyAreBounded(t *testing.T) {
	h := newWorld(t).withPasskeys().holder()
	right := *h.device
	h.signInWithTicket()
	ask := func() (string, error) {
		r, err := h.MFA.PrepareSecondFactor(t.Context(), h.browser, h.signIn, account.PasskeyProof, "")
		if err != nil {
			return "", err
		}
		return r.SignIn.Second.Options, nil
	}
	h.device.Flags = authenticator.UP
	for range account.DefaultPolicy().Tries {
		options, err := ask()
		h.Must(err)
		h.want(apierr.PasskeyAuthenticationFailure, h.second(h.sign(options)))
	}
	_, err := ask()
	h.want(apierr.VerificationFailed, err)
	h.device = &right
	h.Must(h.second(h.sign(h.secondOptions())))
}

// TestAChallengeOpensNothingElsewhere: the answer to a challenge of one attempt is refused in every
// other one.
func TestAChallengeOpensNothingElsewhere(t *testing.T) {
	for name, give := range map[string]func(h *holder, answer string) error{
		"another sign-in of the client": func(h *holder, answer string) error { h.secondOptions(); return h.second(answer) },
		"another client's sign-in": func(h *holder, answer string) error {
			h.browser = tx.Caller{Origin: onPage}
			h.secondOptions()
			return h.second(answer)
		},
		"the first factor": func(h *holder, answer string) error {
			h.browser = tx.Caller{Origin: onPage}
			h.bySignIn()
			_, err := h.first(answer)
			return err
		},
		"a step-up": func(h *holder, answer string) error {
			h.inside()
			_, err := h.MFA.StartReverification(h.Context(), h.browser, h.browser.Session, authority.SecondFactor)
			h.Must(err)
			_, err = h.MFA.PrepareReverificationSecondFactor(h.Context(), h.browser, h.browser.Session, account.PasskeyProof, "")
			h.Must(err)
			_, err = h.MFA.AttemptReverificationSecondFactor(h.Context(), h.browser, h.browser.Session, assertion(answer))
			return err
		},
		"another user": func(h *holder, answer string) error {
			other := &holder{person: h.newcomer(), device: &authenticator.Authenticator{}}
			other.browser.Origin = onPage
			other.signInWithTicket()
			other.enrolApp()
			other.enrol()
			other.signOut()
			other.secondOptions()
			err := other.second(answer)
			if !errors.Is(err, apierr.New(apierr.PasskeyNotRegistered)) {
				return err
			}
			return apierr.New(apierr.PasskeyAuthenticationFailure)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newWorld(t).withPasskeys().holder()
			h.want(apierr.PasskeyAuthenticationFailure, give(h, h.sign(h.secondOptions())))
		})
	}
}

// TestASignInByPasskeyTakesNothingElse: a sign-in without an identifier has no account whose
// password or number could be tried.
func TestASignInByPasskeyTakesNothingElse(t *testing.T) {
	h := newWorld(t).withPasskeys().holder()
	answer := h.bySignIn()
	for strategy, proof := range map[account.Strategy]mfa.Proof{
		account.Password:  {Strategy: account.Password, Password: secret.New("a password")},
		account.PhoneCode: {Strategy: account.PhoneCode, Code: secret.New("123456")},
	} {
		_, err := h.MFA.AttemptFirstFactor(t.Context(), h.browser, h.signIn, proof)
		h.want(apierr.StrategyForUserInvalid, err)
		if strategy == account.PhoneCode {
			_, err = h.MFA.PrepareFirstFactor(t.Context(), h.browser, h.signIn, strategy, "")
			h.want(apierr.StrategyForUserInvalid, err)
		}
	}
	_, err := h.first(answer)
	h.Must(err)
}

// TestAChallengeEnds: a challenge is valid for ten minutes, and not when a clock went back.
func TestAChallengeEnds(t *testing.T) {
	for by, want := range map[time.Duration]apierr.Code{account.ChallengeLife - time.Second: "", account.ChallengeLife: apierr.VerificationExpired} {
		h := newWorld(t).withPasskeys().holder()
		answer := h.sign(h.secondOptions())
		h.Advance(by)
		h.want(want, h.second(answer))
	}
}

// TestOneAnswerOneSuccess: of 50 copies of an answer one opens, at a sign-in, a step-up and an
// enrolment.
func TestOneAnswerOneSuccess(t *testing.T) {
	const copies = 50
	for name, prepare := range map[string]func(h *holder) func(int) error{
		"first factor": func(h *holder) func(int) error {
			answer := h.bySignIn()
			return func(int) error {
				_, err := h.MFA.AttemptFirstFactor(h.Context(), h.browser, h.signIn, assertion(answer))
				return err
			}
		},
		"second factor": func(h *holder) func(int) error {
			answer := h.sign(h.secondOptions())
			return func(int) error {
				_, err := h.MFA.AttemptSecondFactor(h.Context(), h.browser, h.signIn, assertion(answer))
				return err
			}
		},
		"step-up": func(h *holder) func(int) error {
			h.inside()
			_, err := h.MFA.StartReverification(h.Context(), h.browser, h.browser.Session, authority.SecondFactor)
			h.Must(err)
			r, err := h.MFA.PrepareReverificationSecondFactor(h.Context(), h.browser, h.browser.Session, account.PasskeyProof, "")
			h.Must(err)
			answer := h.sign(r.Reverification.Second.Options)
			return func(int) error {
				_, err := h.MFA.AttemptReverificationSecondFactor(h.Context(), h.browser, h.browser.Session, assertion(answer))
				return err
			}
		},
		"enrolment": func(h *holder) func(int) error {
			h.inside()
			h.device = &authenticator.Authenticator{}
			id, answer := h.begin()
			return func(i int) error {
				_, err := h.Passkeys.Confirm(h.Context(), h.browser, id, answer, fmt.Sprint(i))
				return err
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newWorld(t).withPasskeys().holder()
			answers := race(copies, prepare(h))
			if answers[""] != 1 {
				t.Errorf("%v", answers)
			}
			h.noServerErrors(answers)
		})
	}
}

// TestLocks: an operator's lock stops passkeys. A lock by wrong codes does not: a stranger who
// guesses codes cannot lock the owner of a passkey out.
func TestLocks(t *testing.T) {
	h := newWorld(t).withPasskeys().holder()
	thief := h.stranger()
	for range account.DefaultPolicy().UnknownDeviceFailures {
		thief.browser.Credentials = nil
		thief.signInWithTicket()
		h.want(apierr.FormCodeIncorrect, thief.secondFactor(account.TOTPCode, h.wrong()))
		h.Advance(2 * time.Hour)
	}
	fresh := h.another()
	fresh.signInWithTicket()
	h.want(apierr.UserLocked, fresh.secondFactor(account.TOTPCode, h.totpCode()))
	r, err := h.MFA.PrepareSecondFactor(t.Context(), fresh.browser, fresh.signIn, account.PasskeyProof, "")
	h.Must(err)
	h.Must(fresh.second(fresh.sign(r.SignIn.Second.Options)))
	waiting := h.another()
	answer := waiting.sign(waiting.secondOptions())
	_, err = h.Admin.Lock(t.Context(), h.id)
	h.Must(err)
	h.want(apierr.UserLocked, waiting.second(answer))
	_, err = h.MFA.PrepareSecondFactor(t.Context(), waiting.browser, waiting.signIn, account.PasskeyProof, "")
	h.want(apierr.UserLocked, err)
	h = h.another()
	_, err = h.first(h.bySignIn())
	h.want(apierr.UserLocked, err)
}

// TestAnIdentifiedSignInNamesNoPasskey: the options of a first factor list no credentials, and an
// unknown identifier gets the same answer as a known one.
func TestAnIdentifiedSignInNamesNoPasskey(t *testing.T) {
	h := newWorld(t).withPasskeys().holder()
	for _, identifier := range []string{h.record().Emails[0].Address, "nobody@example.com"} {
		r, err := h.MFA.CreateSignIn(t.Context(), h.browser, mfa.SignInInput{Identifier: identifier})
		h.Must(err)
		h.keepToken(r.Snapshot)
		r, err = h.MFA.PrepareFirstFactor(t.Context(), h.browser, r.SignIn.ID, account.PasskeyProof, "")
		h.Must(err)
		if !strings.Contains(r.SignIn.First.Options, `"allowCredentials":[]`) {
			t.Errorf("the options name credentials: %s", r.SignIn.First.Options)
		}
		h.signIn = r.SignIn.ID
		want := apierr.Code("")
		if identifier == "nobody@example.com" {
			want = apierr.PasskeyNotRegistered
		}
		_, err = h.first(h.sign(r.SignIn.First.Options))
		h.want(want, err)
		if err == nil {
			h.signOut()
		}
	}
}

// TestPasskeysOnEachStore: the story and the race of a passkey, with two servers over one store.
func TestPasskeysOnEachStore(t *testing.T) {
	t.Run("in memory", func(t *testing.T) { mfatest.RaceForPasskey(t, store.NewMemory()) })
	t.Run("in a file", func(t *testing.T) {
		s, err := boltstore.Open(filepath.Join(t.TempDir(), "store"), boltstore.Options{Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		mfatest.RaceForPasskey(t, s)
	})
}
