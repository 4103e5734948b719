package mfa

import (
	"context"
	"slices"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/identifier"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// PhoneResult is a phone with what its answer shows.
type PhoneResult struct {
	Phone *account.Phone
	// BackupCodes are new if the phone is the user's first second factor.
	BackupCodes []string
	User        *account.User
	sessions.WithSnapshot
}

// withPhone runs an operation on a number of the caller.
func (s *Service) withPhone(ctx context.Context, from tx.Caller, id string, a authority.Action, do func(*tx.Tx, *tx.SignedIn, *account.Phone, *PhoneResult) error) (*PhoneResult, error) {
	return sessions.RunSession(ctx, s.Service, from, from.Session, a, func(t *tx.Tx, caller *tx.SignedIn) (*PhoneResult, error) {
		ph := caller.User.Phone(id)
		if ph == nil {
			return nil, apierr.New(apierr.ResourceNotFound)
		}
		out := &PhoneResult{User: caller.User}
		if err := do(t, caller, ph, out); err != nil {
			return nil, err
		}
		shown := *ph
		out.Phone = &shown
		return out, nil
	}, s.numberKeys(id)...)
}

// Phone returns a number of the caller.
func (s *Service) Phone(ctx context.Context, from tx.Caller, id string) (*PhoneResult, error) {
	return s.withPhone(ctx, from, id, authority.Use, func(*tx.Tx, *tx.SignedIn, *account.Phone, *PhoneResult) error { return nil })
}

// PhoneInput is the body of a new number.
type PhoneInput struct {
	Number string
	// Region is the country in which the number is written, if it has no country code.
	Region string
	// Reserved makes the number a second factor once it is verified.
	Reserved bool
}

// AddPhone adds a number that is still to be verified.
func (s *Service) AddPhone(ctx context.Context, from tx.Caller, in PhoneInput) (*PhoneResult, error) {
	if in.Number == "" {
		return nil, apierr.New(apierr.FormParamNil).Param("phone_number")
	}
	number, err := s.Number(in.Number, in.Region)
	if err != nil {
		return nil, err
	}
	claim := s.ClaimKey(identifier.Phone, number.E164())
	return sessions.RunSession(ctx, s.Service, from, from.Session, authority.AddNumber, func(t *tx.Tx, caller *tx.SignedIn) (*PhoneResult, error) {
		if err := checkMayAdd(t, caller.User, number, claim); err != nil {
			return nil, err
		}
		added := s.NewPhone(caller.User, number, t.Now)
		if in.Reserved {
			added.Reserved, added.For = true, caller.Nonce()
		}
		caller.User.Phones = append(caller.User.Phones, added)
		caller.User.Touch(t.Now)
		audit.Record(t, caller.User, eventtype.NumberAdded, added.Subject())
		return &PhoneResult{Phone: &added, User: caller.User}, nil
	}, claim)
}

// checkMayAdd refuses a number that cannot be added: a code cannot reach it, the user has too many,
// or it is taken.
func checkMayAdd(t *tx.Tx, u *account.User, n phone.Number, claim store.Key) error {
	if err := sms.CheckNumber(t, u, n); err != nil {
		return err
	}
	taken := apierr.New(apierr.FormIdentifierExists).Param("phone_number")
	if own := u.PhoneBy(n.E164()); own != nil {
		return taken.With("phone_number_id", own.ID)
	}
	if len(u.Phones) >= account.PhonesPerUser {
		return account.TooMany("phone_number")
	}
	unverified := 0
	for i := range u.Phones {
		if u.Phones[i].Verified == 0 {
			unverified++
		}
	}
	if unverified >= sms.UnverifiedPerUser {
		return apierr.New(apierr.TooManyUnverifiedIdentifications).Param("phone_number")
	}
	if wait := u.NewNumberLog.Wait(t.Now.Time(), sms.NewNumberRules...); wait > 0 {
		return apierr.New(apierr.TooManyRequests).Retry(wait)
	}
	u.NewNumberLog = u.NewNumberLog.Add(t.Now.Time(), sms.NewNumberRules...)
	c, err := tx.Load[*account.Claim](t, claim)
	if err != nil {
		return err
	}
	if c != nil && c.User != "" { // a search for taken numbers uses up NewNumberRules
		audit.Record(t, u, eventtype.NumberRefused, account.Subject{Method: account.PhoneCode})
		return t.Refuse(taken)
	}
	return nil
}

// PreparePhone sends the code that verifies a number.
func (s *Service) PreparePhone(ctx context.Context, from tx.Caller, id string, by account.Strategy) (*PhoneResult, error) {
	return s.withPhone(ctx, from, id, authority.VerifyNumber, func(t *tx.Tx, caller *tx.SignedIn, ph *account.Phone, _ *PhoneResult) error {
		if by != account.PhoneCode {
			return apierr.New(apierr.VerificationStrategyInvalid).Param("strategy")
		}
		if ph.Verified != 0 {
			return apierr.New(apierr.VerificationAlreadyVerified)
		}
		if err := checkNumberLimits(t, caller.User, sessions.DeviceOf(t, caller.Client, caller.User), ph); err != nil {
			return err
		}
		changed, err := sms.SendCode(t, caller.User, ph, sms.Challenge{Code: &ph.Pending, Purpose: account.VerifyNumber, Bound: caller.Session.ID}, from, sessions.DeviceOf(t, caller.Client, caller.User))
		if err != nil || !changed {
			return err
		}
		ph.Touch(t.Now)
		caller.User.Touch(t.Now)
		return nil
	})
}

// AttemptPhone verifies a number. A right code clears no failures: it proves a number, not the
// user.
func (s *Service) AttemptPhone(ctx context.Context, from tx.Caller, id string, proof Proof) (*PhoneResult, error) {
	return s.withPhone(ctx, from, id, authority.VerifyNumber, func(t *tx.Tx, caller *tx.SignedIn, ph *account.Phone, out *PhoneResult) error {
		if ph.Verified != 0 {
			return apierr.New(apierr.VerificationAlreadyVerified)
		}
		if err := checkMayVerify(t, caller, ph); err != nil {
			return err
		}
		proof.Strategy = account.PhoneCode
		proof, err := proof.read()
		if err != nil {
			return err
		}
		if err := checkNumberLimits(t, caller.User, sessions.DeviceOf(t, caller.Client, caller.User), ph); err != nil {
			return err
		}
		t.CountAddress(from, tx.AttemptLimits)
		right, err := sms.Consume(t, caller.User, sms.Challenge{Code: &ph.Pending, Purpose: account.VerifyNumber, Bound: caller.Session.ID}, proof.Code.Reveal())
		if err != nil {
			return err
		}
		if !right {
			return recordWrongNumberCode(t, caller, ph)
		}
		return verifiedPhone(t, caller, ph, out)
	})
}

// verifiedPhone claims the number for its user, in the same commit, and completes its enrolment.
func verifiedPhone(t *tx.Tx, caller *tx.SignedIn, ph *account.Phone, out *PhoneResult) error {
	wanted := ph.BecomesFactor(caller.Nonce(), t.Now)
	ph.CancelEnrolment()
	ph.Reserved = wanted
	if err := claimPhone(t, caller.User, ph, caller.Session.NonceStart()); err != nil {
		return err
	}
	if ph.Reserved {
		return finishReserve(t, caller, ph, out)
	}
	return nil
}

// claimPhone makes a number the user's, verified by a code: by is [account.Phone.By]. If another
// user has the number, the error is form_identifier_exists.
func claimPhone(t *tx.Tx, u *account.User, ph *account.Phone, by string) error {
	if err := t.Claim(identifier.Phone, ph.Number, u, "code"); err != nil {
		return err
	}
	ph.Verified, ph.By, ph.Lost = t.Now, by, false
	ph.Touch(t.Now)
	u.Touch(t.Now)
	audit.Record(t, u, eventtype.NumberVerified, ph.Subject())
	return nil
}

// PhoneChange is the body of a change; nil leaves a field as it is.
type PhoneChange struct{ Reserved, Default *bool }

// ChangePhone makes a verified number a second factor or the default one, or stops using it as one.
func (s *Service) ChangePhone(ctx context.Context, from tx.Caller, id string, in PhoneChange) (*PhoneResult, error) {
	reserve, release := in.Reserved != nil && *in.Reserved, in.Reserved != nil && !*in.Reserved
	makeDefault := in.Default != nil && *in.Default
	switch {
	case release && makeDefault:
		return nil, apierr.New(apierr.FormParamValueInvalid).Param("default_second_factor")
	case release:
		return s.releasePhone(ctx, from, id)
	case reserve && (in.Default == nil || makeDefault):
		return s.reservePhone(ctx, from, id, in)
	case in.Default != nil:
		return s.changeDefaultPhone(ctx, from, id, in)
	}
	return s.Phone(ctx, from, id)
}

// reservePhone makes a verified number a second factor, if an SMS can reach it. A number that is
// also to be the default one becomes that in the same commit.
func (s *Service) reservePhone(ctx context.Context, from tx.Caller, id string, in PhoneChange) (*PhoneResult, error) {
	return s.withPhone(ctx, from, id, authority.ReserveNumber, func(t *tx.Tx, caller *tx.SignedIn, ph *account.Phone, out *PhoneResult) error {
		if !t.State.Settings.SMSCode {
			return apierr.New(apierr.FeatureNotEnabled)
		}
		if ph.Verified == 0 {
			return apierr.New(apierr.IdentificationUpdateSecondFactorUnverified)
		}
		if !ph.Reserved {
			if err := checkMayReserve(t, ph); err != nil {
				return err
			}
			ph.Reserved = true
			if err := finishReserve(t, caller, ph, out); err != nil {
				return err
			}
		}
		if in.Default != nil {
			MakeDefault(t, caller.User, ph)
		}
		return nil
	})
}

// releasePhone stops using a number as a second factor. The number stays.
func (s *Service) releasePhone(ctx context.Context, from tx.Caller, id string) (*PhoneResult, error) {
	return s.withPhone(ctx, from, id, authority.ReleaseNumber, func(t *tx.Tx, caller *tx.SignedIn, ph *account.Phone, _ *PhoneResult) error {
		if ph.Verified == 0 {
			return apierr.New(apierr.IdentificationUpdateSecondFactorUnverified)
		}
		if !ph.Reserved {
			return nil
		}
		if err := checkMayRemove(t, caller.User, func(u *account.User) { u.Phone(id).Reserved = false }); err != nil {
			return err
		}
		ph.Reserved, ph.Failures = false, 0
		ph.Touch(t.Now)
		FactorRemoved(t, caller.User, eventtype.FactorRemoved, ph.Subject())
		return nil
	})
}

// finishReserve completes the change of a number into a second factor.
func finishReserve(t *tx.Tx, caller *tx.SignedIn, ph *account.Phone, out *PhoneResult) error {
	ph.Touch(t.Now)
	codes, err := factorEnrolled(t, caller.User, ph.Subject())
	if err != nil {
		return err
	}
	out.BackupCodes = codes
	if ph.By == caller.Session.NonceStart() { // the code that verified the number came to this session
		caller.Proof = authority.Proof{Method: string(account.PhoneCode), At: ph.Verified.Time()}
		sessions.MakeKnown(t, caller.Client, caller.User)
		sessions.Stage(t, caller)
	}
	return nil
}

// checkMayReserve refuses a number that no SMS can reach: a second factor must be provable.
func checkMayReserve(t *tx.Tx, ph *account.Phone) error {
	if !t.State.Settings.SMSCode {
		return apierr.New(apierr.FeatureNotEnabled)
	}
	return sms.CheckPhone(t, ph)
}

// changeDefaultPhone makes a reserved number the default second factor. A default number stays that
// until another one becomes the default.
func (s *Service) changeDefaultPhone(ctx context.Context, from tx.Caller, id string, in PhoneChange) (*PhoneResult, error) {
	return s.withPhone(ctx, from, id, authority.DefaultNumber, func(t *tx.Tx, caller *tx.SignedIn, ph *account.Phone, _ *PhoneResult) error {
		if !*in.Default {
			return apierr.New(apierr.FormDisableDefaultSecondFactorNotAllowed).Param("default_second_factor")
		}
		if !ph.IsSecondFactor() {
			return apierr.New(apierr.IdentificationUpdateSecondFactorUnverified)
		}
		MakeDefault(t, caller.User, ph)
		return nil
	})
}

// MakeDefault makes a number the user's default second factor.
func MakeDefault(t *tx.Tx, u *account.User, ph *account.Phone) {
	for i := range u.Phones {
		u.Phones[i].Default = &u.Phones[i] == ph
	}
	ph.Touch(t.Now)
	u.Touch(t.Now)
	audit.Record(t, u, eventtype.FactorDefault, ph.Subject())
}

// DeletePhone removes a number of the caller.
func (s *Service) DeletePhone(ctx context.Context, from tx.Caller, id string) (*PhoneResult, error) {
	return s.withPhone(ctx, from, id, authority.Use, func(t *tx.Tx, caller *tx.SignedIn, ph *account.Phone, _ *PhoneResult) error {
		action := authority.RemoveNumber
		if ph.Verified == 0 {
			action = authority.DropNumber
		}
		if err := sessions.RequireProof(t, caller, action); err != nil {
			return err
		}
		if err := checkMayRemove(t, caller.User, func(u *account.User) { u.Phone(id).Reserved = false }); err != nil {
			return err
		}
		return DropPhone(t, caller.User, id)
	})
}

// DropPhone removes a number and frees its claim.
func DropPhone(t *tx.Tx, u *account.User, id string) error {
	ph := u.Phone(id)
	if ph.Verified != 0 {
		if err := t.Release(identifier.Phone, ph.Number, u); err != nil {
			return err
		}
	}
	was, what := ph.IsSecondFactor(), ph.Subject()
	u.Phones = slices.DeleteFunc(slices.Clone(u.Phones), func(p account.Phone) bool { return p.ID == id })
	audit.Record(t, u, eventtype.NumberRemoved, what)
	if was {
		FactorRemoved(t, u, eventtype.FactorRemoved, what)
		return nil
	}
	u.Touch(t.Now)
	return nil
}
