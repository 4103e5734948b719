package passkeys

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"github.com/countersign-mfa/countersign/internal/crypto/passkey"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// credentialParam is the parameter with an authenticator's answer.
const credentialParam = "public_key_credential"

// Ask puts a new challenge into an attempt. The options for the browser name the allowed passkeys;
// without any, the person chooses among those that the authenticator has. The caller stages the
// attempt's record.
func Ask(t *tx.Tx, a *account.Attempt, from tx.Caller, allowed []account.Passkey) error {
	party, err := partyOf(t, from)
	if err != nil {
		return err
	}
	challenge, kept, err := newChallenge(t)
	if err != nil {
		return err
	}
	options, err := party.RequestOptions(challenge, credentials(allowed))
	if err != nil {
		return err
	}
	a.Strategy, a.Challenge, a.Options = account.PasskeyProof, kept, options
	return nil
}

// Answer is an authenticator's answer to a challenge, not verified yet.
type Answer struct{ presented passkey.Presented }

// Read reads an answer. A malformed one is no try.
func Read(text string) (Answer, error) {
	if text == "" {
		return Answer{}, apierr.New(apierr.FormParamNil).Param(credentialParam)
	}
	presented, err := passkey.ParseAssertion(text)
	if err != nil {
		return Answer{}, malformed()
	}
	return Answer{presented}, nil
}

// User returns the id of the user that the answer names, or "".
func (a Answer) User() string {
	if id := string(a.presented.UserHandle()); account.IsID(id) {
		return id
	}
	return ""
}

// Prove verifies the answer to the challenge of an attempt, for a user who may be nil. The answer
// uses the challenge up, right or wrong. A wrong one counts as a try of the attempt alone: a
// signature cannot be guessed, so it locks no one out. The refusal commits the count. The caller
// stages the record with the attempt.
func Prove(t *tx.Tx, u *account.User, a *account.Attempt, from tx.Caller, answer Answer) error {
	challenge, err := challengeOf(t, a.Challenge)
	if err != nil {
		return err
	}
	if a.Wrong >= t.Policy().Tries {
		return apierr.New(apierr.VerificationFailed).Param("strategy")
	}
	party, err := partyOf(t, from)
	if err != nil {
		return err
	}
	a.Challenge = nil
	if u == nil {
		return failed(t, a, apierr.PasskeyNotRegistered)
	}
	p := u.PasskeyBy(answer.presented.CredentialID())
	if p == nil {
		return failed(t, a, apierr.PasskeyNotRegistered)
	}
	proved, err := party.Verify(challenge, handle(u), credential(p), answer.presented)
	switch wentBack := (*passkey.CounterError)(nil); {
	case errors.As(err, &wentBack):
		block(t, u, p)
		return failed(t, a, apierr.PasskeyAuthenticationFailure)
	case err != nil:
		return failed(t, a, apierr.PasskeyAuthenticationFailure)
	}
	p.Counter, p.BackedUp, p.Used = proved.SignCount, proved.BackedUp, t.Now
	audit.Record(t, u, eventtype.FactorUsed, p.Subject())
	t.Put(u)
	return nil
}

// failed counts a wrong answer on the attempt. The refusal commits the count.
func failed(t *tx.Tx, a *account.Attempt, code apierr.Code) error {
	a.Wrong++
	return t.Refuse(apierr.New(code).Param(credentialParam))
}

// block ends the use of a passkey whose counter went back: a copy of its key may exist (W3C Web
// Authentication Level 3 section 6.1.1), and a copy can raise the counter as well as the owner. So
// neither may use the passkey again. The user is told.
func block(t *tx.Tx, u *account.User, p *account.Passkey) {
	p.Copied, p.ChangedAt = t.Now, p.UpdatedAt().After(t.Now)
	u.Touch(t.Now)
	audit.Record(t, u, eventtype.PasskeyCopied, p.Subject())
	t.Put(u)
}

// partyOf returns the relying party for a caller. The answer must come from the page that sends it:
// from the caller's origin, which the API admitted. A native app sends no origin: its answer names
// the RP id on iOS, and on Android the certificate of an app in the settings.
func partyOf(t *tx.Tx, from tx.Caller) (passkey.RelyingParty, error) {
	set := &t.State.Settings
	id := t.Engine.RPID(set)
	if id == "" {
		return passkey.RelyingParty{}, apierr.New(apierr.FeatureNotEnabled)
	}
	origins := []string{from.Origin}
	if from.Origin == "" {
		origins = []string{"https://" + id}
		for _, app := range AndroidApps(set) {
			origins = append(origins, app.origin())
		}
	}
	party, err := passkey.NewRelyingParty(id, set.AppName(t.Engine.AppName), origins...)
	switch {
	case errors.Is(err, passkey.ErrOrigin):
		return party, apierr.New(apierr.OriginInvalid).Explain("Passkeys of this instance work on pages of " + id + " and its subdomains.")
	case err != nil:
		return party, apierr.New(apierr.FeatureNotEnabled).Explain("The setting passkey_rp_id must be a domain.")
	}
	return party, nil
}

// newChallenge makes a challenge, and the form of it that a record keeps.
func newChallenge(t *tx.Tx) (passkey.Challenge, *account.Challenge, error) {
	c, err := passkey.NewChallenge(t.Engine.Rand)
	if err != nil {
		return c, nil, fmt.Errorf("passkey challenge: %w", err)
	}
	return c, &account.Challenge{Text: c.String(), Expires: t.Now.Add(account.ChallengeLife)}, nil
}

// challengeOf returns a kept challenge that is still valid.
func challengeOf(t *tx.Tx, kept *account.Challenge) (passkey.Challenge, error) {
	if kept == nil {
		return passkey.Challenge{}, apierr.New(apierr.VerificationMissing)
	}
	c, ok := passkey.ParseChallenge(kept.Text)
	if !ok || kept.Expires <= t.Now || t.IsFuture(kept.Expires.Add(-account.ChallengeLife)) {
		return passkey.Challenge{}, apierr.New(apierr.VerificationExpired)
	}
	return c, nil
}

func malformed() error {
	return apierr.New(apierr.PasskeyInvalidPublicKeyCredential).Param(credentialParam)
}

// handle is the user handle of WebAuthn: the random id, which is no personal data.
func handle(u *account.User) []byte { return []byte(u.ID) }

// CredentialText returns the credential id as [identifier.Credential] has it.
func CredentialText(p *account.Passkey) string { return credentialText(p.Credential) }

func credentialText(id []byte) string { return base64.RawURLEncoding.EncodeToString(id) }

func credential(p *account.Passkey) passkey.Credential {
	return passkey.Credential{ID: p.Credential, PublicKey: OpenKey(p.Key), SignCount: p.Counter, BackupEligible: p.Eligible, BackedUp: p.BackedUp, Transports: OpenTransports(p.Transports)}
}

func credentials(of []account.Passkey) []passkey.Credential {
	var all []passkey.Credential
	for i := range of {
		all = append(all, credential(&of[i]))
	}
	return all
}

func hasCredential(u *account.User, id []byte) bool {
	return slices.ContainsFunc(u.Passkeys, func(p account.Passkey) bool { return slices.Equal(p.Credential, id) })
}
