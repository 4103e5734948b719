package domain_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/factors"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
)

// stepUpTo begins a step-up of the session.
func (h *holder) stepUpTo(level authority.Level) *mfa.ReverificationResult {
	h.Helper()
	r, err := h.MFA.StartReverification(h.Context(), h.browser, h.browser.Session, level)
	h.Must(err)
	return r
}

// TestTwoStepUpsByOnePasskeyAreNoTwoFactors: where a passkey proves one factor, a passkey that
// proved a session's second factor does not renew the first one. Else one authenticator would make
// both ages 0 by two step-ups, one after the other.
func TestTwoStepUpsByOnePasskeyAreNoTwoFactors(t *testing.T) {
	h := newWorld(t).withPasskeys().holder()
	h.Must(h.second(h.sign(h.secondOptions())))
	h.stepUpTo(authority.FirstFactor)
	r, err := h.MFA.PrepareReverificationFirstFactor(t.Context(), h.browser, h.browser.Session, account.PasskeyProof, "")
	h.Must(err)
	asked := r.Reverification.First.Options
	h.oneFactor()
	h.Advance(5 * time.Minute)

	_, err = h.MFA.AttemptReverificationFirstFactor(t.Context(), h.browser, h.browser.Session, assertion(h.sign(asked)))
	h.want(apierr.StrategyForUserInvalid, err)
	r = h.stepUpTo(authority.MultiFactor)
	if slices.ContainsFunc(r.FirstFactors, func(f factors.Factor) bool { return f.Strategy == account.PasskeyProof }) {
		t.Error("a passkey is offered as the first factor")
	}
	_, err = h.MFA.PrepareReverificationFirstFactor(t.Context(), h.browser, h.browser.Session, account.PasskeyProof, "")
	h.want(apierr.StrategyForUserInvalid, err)
	if h.ages() != [2]int{5, 5} {
		t.Errorf("ages %v", h.ages())
	}

	h.Advance(time.Hour)
	h.stepUpTo(authority.SecondFactor)
	_, err = h.MFA.AttemptReverificationSecondFactor(t.Context(), h.browser, h.browser.Session, mfa.Proof{Strategy: account.TOTPCode, Code: secret.New(h.totpCode())})
	h.Must(err)
	h.stepUpTo(authority.FirstFactor)
	r, err = h.MFA.PrepareReverificationFirstFactor(t.Context(), h.browser, h.browser.Session, account.PasskeyProof, "")
	h.Must(err)
	_, err = h.MFA.AttemptReverificationFirstFactor(t.Context(), h.browser, h.browser.Session, assertion(h.sign(r.Reverification.First.Options)))
	h.Must(err)
	if h.ages() != [2]int{0, 0} {
		t.Errorf("ages %v after two factors", h.ages())
	}
}

// TestAPasswordForASignInWithoutAnIdentifier: a sign-in that names no account takes no password and
// no code. The refusal changes nothing.
func TestAPasswordForASignInWithoutAnIdentifier(t *testing.T) {
	for what, in := range map[string]mfa.SignInInput{"by passkey": {Strategy: account.PasskeyProof}, "empty": {}, "invisible": {Identifier: " \u200b "}} {
		t.Run(what, func(t *testing.T) {
			h := newWorld(t).withPasskeys().holder()
			r, err := h.MFA.CreateSignIn(t.Context(), h.browser, in)
			h.Must(err)
			h.keepToken(r.Snapshot)
			for _, proof := range []mfa.Proof{
				{Strategy: account.Password, Password: secret.New("correct horse battery staple")},
				{Strategy: account.PhoneCode, Code: secret.New("424242")},
				{Strategy: account.TicketCode, Ticket: secret.New("ticket")},
			} {
				_, err := h.MFA.AttemptFirstFactor(t.Context(), h.browser, r.SignIn.ID, proof)
				if refused := (*apierr.Error)(nil); !errors.As(err, &refused) {
					t.Errorf("%s: %v", proof.Strategy, err)
				}
			}
			in.Strategy, in.Password = account.Password, secret.New("correct horse battery staple")
			_, err = h.MFA.CreateSignIn(t.Context(), h.browser, in)
			h.want(apierr.FormParamMissing, err)
		})
	}
}

// TestNoListOfFirstFactorsTellsOfAPasskey: while accounts are hidden, the factors for an identifier
// name no passkey, also where SMS codes are a first factor and are listed.
func TestNoListOfFirstFactorsTellsOfAPasskey(t *testing.T) {
	h := newWorld(t).withPasskeys().holder()
	for _, hidden := range []bool{true, false} {
		set, err := h.Settings.Change(t.Context(), func(s *account.Settings) {
			s.EnumerationProtection, s.FirstFactorPhoneCode = hidden, true
		})
		h.Must(err)
		listed := slices.ContainsFunc(factors.First(h.record(), &set), func(f factors.Factor) bool { return f.Strategy == account.PasskeyProof })
		if listed == hidden {
			t.Errorf("accounts are hidden: %t, a passkey is listed: %t", hidden, listed)
		}
	}
}
