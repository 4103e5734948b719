package mfa

import (
	"context"
	"errors"
	"slices"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
)

// PhoneResult is a phone with what its answer shows.
type PhoneResult struct {
	Phone *Phone
	// BackupCodes is the set that was made together with the first factor.
	BackupCodes []string
	User        *User
	Snapshot    *Snapshot
}

// Me returns the user of the caller's session.
func (s *Service) Me(ctx context.Context, from Caller) (*SessionResult, error) {
	return s.Session(ctx, from, from.Session)
}

// withPhone runs an operation on a number of the caller.
func (s *Service) withPhone(ctx context.Context, from Caller, id string, a authority.Action, do func(*txn, *signedIn, *Phone, *PhoneResult) error) (*PhoneResult, error) {
	var out PhoneResult
	keys := append(from.keysFor(from.Session), s.numberKeys(id)...)
	snap, err := s.runClient(ctx, from, keys, func(t *txn, p *clientSession) error {
		caller, err := t.requireSession(p, from.Session, a)
		if err != nil {
			return err
		}
		ph := caller.user.phone(id)
		if ph == nil {
			return apierr.New(apierr.ResourceNotFound)
		}
		out = PhoneResult{User: caller.user}
		if err := do(t, caller, ph, &out); err != nil {
			return err
		}
		shown := *ph
		out.Phone = &shown
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.Snapshot = snap
	return &out, nil
}

// Phone returns one number.
func (s *Service) Phone(ctx context.Context, from Caller, id string) (*PhoneResult, error) {
	return s.withPhone(ctx, from, id, authority.Use, func(*txn, *signedIn, *Phone, *PhoneResult) error { return nil })
}

// AddPhone adds a number that is still to be verified. reserve asks for it as a second factor once it is.
func (s *Service) AddPhone(ctx context.Context, from Caller, text string, reserve bool) (*PhoneResult, error) {
	if text == "" {
		return nil, apierr.New(apierr.FormParamNil).Param("phone_number")
	}
	number, err := s.number(text)
	if err != nil {
		return nil, err
	}
	var out PhoneResult
	claim := s.claimKey("phone", number.E164())
	snap, err := s.runClient(ctx, from, append(from.keysFor(from.Session), claim), func(t *txn, p *clientSession) error {
		caller, err := t.requireSession(p, from.Session, authority.AddNumber)
		if err != nil {
			return err
		}
		if err := t.checkMayAdd(caller.user, number, claim); err != nil {
			return err
		}
		added := s.newPhone(caller.user, number, t.now)
		if reserve {
			added.Reserved, added.For = true, caller.nonce()
		}
		caller.user.Phones = append(caller.user.Phones, added)
		caller.user.touch(t.now)
		t.record(caller.user, EventNumberAdded, added.subject())
		out = PhoneResult{Phone: &added, User: caller.user}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.Snapshot = snap
	return &out, nil
}

// number reads a number that is new to the service.
func (s *Service) number(text string) (phone.Number, error) {
	if s.numbers == nil {
		return phone.Number{}, errors.New("mfa: this service takes no new numbers")
	}
	n, err := s.numbers(text)
	if err != nil {
		return phone.Number{}, apierr.New(apierr.FormParamFormatInvalid).Param("phone_number")
	}
	return n, nil
}

func (s *Service) newPhone(u *User, n phone.Number, now Instant) Phone {
	tail := s.maskNumber(u.ID, s.numberKey(n.E164()).ID)
	return Phone{ID: prefixID + u.ID + tail, Tail: tail, Number: n.E164(), Country: n.Country(), Line: n.Line(), CreatedAt: now, UpdatedAt: now}
}

func (t *txn) checkMayAdd(u *User, n phone.Number, claim Key) error {
	if err := t.checkSMSAllowed(u, n); err != nil {
		return err
	}
	taken := apierr.New(apierr.FormIdentifierExists).Param("phone_number")
	if u.phoneBy(n.E164()) != nil {
		return taken
	}
	if len(u.Phones) >= phonesPerUser {
		return tooMany("phone_number")
	}
	unverified := 0
	for i := range u.Phones {
		if u.Phones[i].Verified == 0 {
			unverified++
		}
	}
	if unverified >= unverifiedPerUser {
		return apierr.New(apierr.TooManyUnverifiedIdentifications).Param("phone_number")
	}
	if wait := u.NewNumberLog.Wait(t.now.Time(), newNumberRules...); wait > 0 {
		return apierr.New(apierr.TooManyRequests).Retry(wait)
	}
	u.NewNumberLog = u.NewNumberLog.Add(t.now.Time(), newNumberRules...)
	c, err := load[*Claim](t, claim)
	if err != nil {
		return err
	}
	if c != nil && c.User != "" { // Clerk says so, and so do we; but whoever looks for numbers pays for each as for a new one
		t.record(u, EventNumberRefused, subject{method: PhoneCode})
		return t.refuse(taken)
	}
	return nil
}

// PreparePhone sends the code that verifies a number.
func (s *Service) PreparePhone(ctx context.Context, from Caller, id string, by Strategy) (*PhoneResult, error) {
	return s.withPhone(ctx, from, id, authority.VerifyNumber, func(t *txn, caller *signedIn, ph *Phone, _ *PhoneResult) error {
		if by != PhoneCode {
			return apierr.New(apierr.VerificationStrategyInvalid).Param("strategy")
		}
		if ph.Verified != 0 {
			return apierr.New(apierr.VerificationAlreadyVerified)
		}
		if err := t.checkNumberLimits(caller, ph); err != nil {
			return err
		}
		ph.touch(t.now)
		caller.user.touch(t.now)
		return t.sendCode(caller.user, ph, challenge{&ph.Pending, VerifyNumber, caller.session.ID}, from, t.knownDevice(caller.client, caller.user))
	})
}

// AttemptPhone verifies a number. A right code clears nothing: it proves a number, not the user.
func (s *Service) AttemptPhone(ctx context.Context, from Caller, id string, g Proof) (*PhoneResult, error) {
	return s.withPhone(ctx, from, id, authority.VerifyNumber, func(t *txn, caller *signedIn, ph *Phone, out *PhoneResult) error {
		if ph.Verified != 0 {
			return apierr.New(apierr.VerificationAlreadyVerified)
		}
		if err := t.checkMayVerify(caller, ph); err != nil {
			return err
		}
		g.Strategy = PhoneCode
		if err := g.wellFormed(); err != nil {
			return err
		}
		if err := t.checkNumberLimits(caller, ph); err != nil {
			return err
		}
		t.countAddress(from, attemptLimits)
		right, err := t.consume(caller.user, challenge{&ph.Pending, VerifyNumber, caller.session.ID}, g.Code.Reveal())
		if err != nil {
			return err
		}
		if !right {
			return t.wrongNumberCode(caller, ph)
		}
		return t.verifiedPhone(caller, ph, out)
	})
}

// verifiedPhone claims the number for its user, in the same commit.
func (t *txn) verifiedPhone(caller *signedIn, ph *Phone, out *PhoneResult) error {
	if err := t.claim("phone", ph.Number, caller.user, "code"); err != nil {
		return err
	}
	wanted := ph.becomesFactor(caller.nonce(), t.now)
	ph.cancelEnrolment()
	ph.Reserved = wanted
	ph.Verified, ph.By = t.now, caller.session.nonceStart()
	ph.touch(t.now)
	caller.user.touch(t.now)
	t.record(caller.user, EventNumberVerified, ph.subject())
	if ph.Reserved {
		return t.finishReserve(caller, ph, out)
	}
	return nil
}

// ReservePhone makes a verified number a second factor, if a text can reach it. With makeDefault it
// becomes the default one in the same commit.
func (s *Service) ReservePhone(ctx context.Context, from Caller, id string, makeDefault bool) (*PhoneResult, error) {
	return s.withPhone(ctx, from, id, authority.ReserveNumber, func(t *txn, caller *signedIn, ph *Phone, out *PhoneResult) error {
		if !t.state.settings.SMSCode {
			return apierr.New(apierr.FeatureNotEnabled)
		}
		if ph.Verified == 0 {
			return apierr.New(apierr.IdentificationUpdateSecondFactorUnverified)
		}
		return t.reserve(caller, ph, out, makeDefault)
	})
}

// ReleasePhone stops using a number as a second factor. The number stays.
func (s *Service) ReleasePhone(ctx context.Context, from Caller, id string) (*PhoneResult, error) {
	return s.withPhone(ctx, from, id, authority.ReleaseNumber, func(t *txn, caller *signedIn, ph *Phone, _ *PhoneResult) error {
		if ph.Verified == 0 {
			return apierr.New(apierr.IdentificationUpdateSecondFactorUnverified)
		}
		if !ph.Reserved {
			return nil
		}
		if err := t.checkMayRemove(caller.user, func(u *User) { u.phone(id).Reserved = false }); err != nil {
			return err
		}
		ph.Reserved, ph.Failures = false, 0
		ph.touch(t.now)
		t.factorRemoved(caller.user, EventFactorRemoved, ph.subject())
		return nil
	})
}

func (t *txn) reserve(caller *signedIn, ph *Phone, out *PhoneResult, makeDefault bool) error {
	if !ph.Reserved {
		if err := t.checkMayReserve(ph); err != nil {
			return err
		}
		ph.Reserved = true
		if err := t.finishReserve(caller, ph, out); err != nil {
			return err
		}
	}
	if makeDefault {
		t.makeDefault(caller.user, ph)
	}
	return nil
}

// finishReserve completes the change of a number into a second factor.
func (t *txn) finishReserve(caller *signedIn, ph *Phone, out *PhoneResult) error {
	ph.touch(t.now)
	codes, err := t.factorEnrolled(caller.user, ph.subject())
	if err != nil {
		return err
	}
	out.BackupCodes = codes
	if ph.By == caller.session.nonceStart() { // the code that verified the number came to this session
		caller.proof = authority.Proof{Method: string(PhoneCode), At: ph.Verified.Time()}
		t.rememberDevice(caller.client, caller.user)
		caller.stage(t)
	}
	return nil
}

// checkMayReserve refuses a number that no text can reach: a second factor must be provable.
func (t *txn) checkMayReserve(ph *Phone) error {
	if !t.state.settings.SMSCode {
		return apierr.New(apierr.FeatureNotEnabled)
	}
	return t.checkReceivesSMS(ph)
}

// factorEnrolled settles a user's factors after one was added, and makes backup codes when there are none.
func (t *txn) factorEnrolled(u *User, what subject) ([]string, error) {
	u.settleFactors(t.now)
	t.record(u, EventFactorAdded, what)
	if u.BackupCodesEnabled() || !t.state.settings.BackupCodes {
		return nil, nil
	}
	return t.makeBackupCodes(u)
}

// checkMayRemove refuses a change that would leave a user without a factor while one is required.
func (t *txn) checkMayRemove(u *User, change func(*User)) error {
	if !t.state.settings.MFARequired || !u.TwoFactorEnabled() {
		return nil
	}
	after := *u
	after.Phones = slices.Clone(u.Phones)
	change(&after)
	if after.TwoFactorEnabled() {
		return nil
	}
	return apierr.New(apierr.SecondFactorDeletionNotAllowed)
}

// factorRemoved settles a user's factors after one was taken away.
func (t *txn) factorRemoved(u *User, name EventName, what subject) {
	codes := u.Backup
	u.settleFactors(t.now)
	t.record(u, name, what)
	if codes != nil && u.Backup == nil { // they go with the last factor
		t.record(u, EventBackupRemoved, codes.subject())
	}
}

// MakeDefaultPhone makes a reserved number the default second factor.
func (s *Service) MakeDefaultPhone(ctx context.Context, from Caller, id string, on bool) (*PhoneResult, error) {
	return s.withPhone(ctx, from, id, authority.DefaultNumber, func(t *txn, caller *signedIn, ph *Phone, _ *PhoneResult) error {
		if !on {
			return apierr.New(apierr.FormDisableDefaultSecondFactorNotAllowed).Param("default_second_factor")
		}
		if !ph.isSecondFactor() {
			return apierr.New(apierr.IdentificationUpdateSecondFactorUnverified)
		}
		t.makeDefault(caller.user, ph)
		return nil
	})
}

func (t *txn) makeDefault(u *User, ph *Phone) {
	for i := range u.Phones {
		u.Phones[i].Default = &u.Phones[i] == ph
	}
	ph.touch(t.now)
	u.touch(t.now)
	t.record(u, EventFactorDefault, ph.subject())
}

// DeletePhone removes a number.
func (s *Service) DeletePhone(ctx context.Context, from Caller, id string) (*PhoneResult, error) {
	return s.withPhone(ctx, from, id, authority.Use, func(t *txn, caller *signedIn, ph *Phone, _ *PhoneResult) error {
		action := authority.RemoveNumber
		if ph.Verified == 0 {
			action = authority.DropNumber
		}
		if err := t.requireProof(caller, action); err != nil {
			return err
		}
		if err := t.checkMayRemove(caller.user, func(u *User) { u.phone(id).Reserved = false }); err != nil {
			return err
		}
		return t.dropPhone(caller.user, id)
	})
}

func (t *txn) dropPhone(u *User, id string) error {
	ph := u.phone(id)
	if ph.Verified != 0 {
		if err := t.release("phone", ph.Number, u); err != nil {
			return err
		}
	}
	was, what := ph.isSecondFactor(), ph.subject()
	u.Phones = slices.DeleteFunc(slices.Clone(u.Phones), func(p Phone) bool { return p.ID == id })
	t.record(u, EventNumberRemoved, what)
	if was {
		t.factorRemoved(u, EventFactorRemoved, what)
		return nil
	}
	u.touch(t.now)
	return nil
}
