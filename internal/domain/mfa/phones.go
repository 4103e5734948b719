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
	snap, err := s.run(ctx, from, keys, func(t *txn, p *presence) error {
		in, err := t.live(p, from.Session, a)
		if err != nil {
			return err
		}
		ph := in.user.phone(id)
		if ph == nil {
			return apierr.New(apierr.ResourceNotFound)
		}
		out = PhoneResult{User: in.user}
		if err := do(t, in, ph, &out); err != nil {
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
	snap, err := s.run(ctx, from, append(from.keysFor(from.Session), claim), func(t *txn, p *presence) error {
		in, err := t.live(p, from.Session, authority.AddNumber)
		if err != nil {
			return err
		}
		if err := t.mayAdd(in.user, number, claim); err != nil {
			return err
		}
		added := s.newPhone(in.user, number, t.now)
		if reserve {
			added.Reserved, added.For = true, in.nonce()
		}
		in.user.Phones = append(in.user.Phones, added)
		in.user.touch(t.now)
		t.note(in.user, EventNumberAdded, added.subject())
		out = PhoneResult{Phone: &added, User: in.user}
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

func (t *txn) mayAdd(u *User, n phone.Number, claim Key) error {
	if err := t.mayText(u, n); err != nil {
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
	if wait := u.Tried.Wait(t.now.Time(), triedRules...); wait > 0 {
		return apierr.New(apierr.TooManyRequests).Retry(wait)
	}
	u.Tried = u.Tried.Add(t.now.Time(), triedRules...)
	c, err := load[*Claim](t, claim)
	if err != nil {
		return err
	}
	if c != nil && c.User != "" { // Clerk says so, and so do we; but whoever looks for numbers pays for each as for a new one
		t.note(u, EventNumberRefused, subject{method: PhoneCode})
		return t.refuse(taken)
	}
	return nil
}

// PreparePhone sends the code that verifies a number.
func (s *Service) PreparePhone(ctx context.Context, from Caller, id string, by Strategy) (*PhoneResult, error) {
	return s.withPhone(ctx, from, id, authority.VerifyNumber, func(t *txn, in *signedIn, ph *Phone, _ *PhoneResult) error {
		if by != PhoneCode {
			return apierr.New(apierr.VerificationStrategyInvalid).Param("strategy")
		}
		if ph.Verified != 0 {
			return apierr.New(apierr.VerificationAlreadyVerified)
		}
		if err := t.mayGuessNumber(in, ph); err != nil {
			return err
		}
		ph.touch(t.now)
		in.user.touch(t.now)
		return t.sendCode(in.user, ph, slot{&ph.Pending, VerifyNumber, in.session.ID}, from, t.knows(in.client, in.user))
	})
}

// AttemptPhone verifies a number. A right code clears nothing: it proves a number, not the user.
func (s *Service) AttemptPhone(ctx context.Context, from Caller, id string, g Guess) (*PhoneResult, error) {
	return s.withPhone(ctx, from, id, authority.VerifyNumber, func(t *txn, in *signedIn, ph *Phone, out *PhoneResult) error {
		if ph.Verified != 0 {
			return apierr.New(apierr.VerificationAlreadyVerified)
		}
		if err := t.mayVerify(in, ph); err != nil {
			return err
		}
		g.Strategy = PhoneCode
		if err := g.wellFormed(); err != nil {
			return err
		}
		if err := t.mayGuessNumber(in, ph); err != nil {
			return err
		}
		t.takeAddress(from, attemptLimits)
		right, err := t.spend(in.user, slot{&ph.Pending, VerifyNumber, in.session.ID}, g.Code.Reveal())
		if err != nil {
			return err
		}
		if !right {
			return t.wrongNumberCode(in, ph)
		}
		return t.verifiedPhone(in, ph, out)
	})
}

// verifiedPhone claims the number for its user, in the same commit.
func (t *txn) verifiedPhone(in *signedIn, ph *Phone, out *PhoneResult) error {
	if err := t.claim("phone", ph.Number, in.user, "code"); err != nil {
		return err
	}
	wanted := ph.wanted(in.nonce(), t.now)
	ph.forgetIntent()
	ph.Reserved = wanted
	ph.Verified, ph.By = t.now, in.session.mark()
	ph.touch(t.now)
	in.user.touch(t.now)
	t.note(in.user, EventNumberVerified, ph.subject())
	if ph.Reserved {
		return t.reserved(in, ph, out)
	}
	return nil
}

// ReservePhone makes a verified number a second factor, if a text can reach it. With makeDefault it
// becomes the default one in the same commit.
func (s *Service) ReservePhone(ctx context.Context, from Caller, id string, makeDefault bool) (*PhoneResult, error) {
	return s.withPhone(ctx, from, id, authority.ReserveNumber, func(t *txn, in *signedIn, ph *Phone, out *PhoneResult) error {
		if !t.state.settings.SMSCode {
			return apierr.New(apierr.FeatureNotEnabled)
		}
		if ph.Verified == 0 {
			return apierr.New(apierr.IdentificationUpdateSecondFactorUnverified)
		}
		return t.reserve(in, ph, out, makeDefault)
	})
}

// ReleasePhone stops using a number as a second factor. The number stays.
func (s *Service) ReleasePhone(ctx context.Context, from Caller, id string) (*PhoneResult, error) {
	return s.withPhone(ctx, from, id, authority.ReleaseNumber, func(t *txn, in *signedIn, ph *Phone, _ *PhoneResult) error {
		if ph.Verified == 0 {
			return apierr.New(apierr.IdentificationUpdateSecondFactorUnverified)
		}
		if !ph.Reserved {
			return nil
		}
		if err := t.mayLose(in.user, func(u *User) { u.phone(id).Reserved = false }); err != nil {
			return err
		}
		ph.Reserved, ph.Failures = false, 0
		ph.touch(t.now)
		t.removed(in.user, EventFactorRemoved, ph.subject())
		return nil
	})
}

func (t *txn) reserve(in *signedIn, ph *Phone, out *PhoneResult, makeDefault bool) error {
	if !ph.Reserved {
		if err := t.mayReserve(ph); err != nil {
			return err
		}
		ph.Reserved = true
		if err := t.reserved(in, ph, out); err != nil {
			return err
		}
	}
	if makeDefault {
		t.makeDefault(in.user, ph)
	}
	return nil
}

// reserved completes the change of a number into a second factor.
func (t *txn) reserved(in *signedIn, ph *Phone, out *PhoneResult) error {
	ph.touch(t.now)
	codes, err := t.enrolled(in.user, ph.subject())
	if err != nil {
		return err
	}
	out.BackupCodes = codes
	if ph.By == in.session.mark() { // the code that verified the number came to this session
		in.shown = authority.Proof{Method: string(PhoneCode), At: ph.Verified.Time()}
		t.learn(in.client, in.user)
		in.changed(t)
	}
	return nil
}

// mayReserve refuses a number that no text can reach: a second factor must be provable.
func (t *txn) mayReserve(ph *Phone) error {
	if !t.state.settings.SMSCode {
		return apierr.New(apierr.FeatureNotEnabled)
	}
	return t.reachable(ph)
}

// enrolled settles a user's factors after one was added, and makes backup codes when there are none.
func (t *txn) enrolled(u *User, what subject) ([]string, error) {
	u.settleFactors(t.now)
	t.note(u, EventFactorAdded, what)
	if u.BackupCodesEnabled() || !t.state.settings.BackupCodes {
		return nil, nil
	}
	return t.makeBackupCodes(u)
}

// mayLose refuses a change that would leave a user without a factor while one is required.
func (t *txn) mayLose(u *User, change func(*User)) error {
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

// removed settles a user's factors after one was taken away.
func (t *txn) removed(u *User, name EventName, what subject) {
	codes := u.Backup
	u.settleFactors(t.now)
	t.note(u, name, what)
	if codes != nil && u.Backup == nil { // they go with the last factor
		t.note(u, EventBackupRemoved, codes.subject())
	}
}

// MakeDefaultPhone makes a reserved number the default second factor.
func (s *Service) MakeDefaultPhone(ctx context.Context, from Caller, id string, on bool) (*PhoneResult, error) {
	return s.withPhone(ctx, from, id, authority.DefaultNumber, func(t *txn, in *signedIn, ph *Phone, _ *PhoneResult) error {
		if !on {
			return apierr.New(apierr.FormDisableDefaultSecondFactorNotAllowed).Param("default_second_factor")
		}
		if !ph.isSecondFactor() {
			return apierr.New(apierr.IdentificationUpdateSecondFactorUnverified)
		}
		t.makeDefault(in.user, ph)
		return nil
	})
}

func (t *txn) makeDefault(u *User, ph *Phone) {
	for i := range u.Phones {
		u.Phones[i].Default = &u.Phones[i] == ph
	}
	ph.touch(t.now)
	u.touch(t.now)
	t.note(u, EventFactorDefault, ph.subject())
}

// DeletePhone removes a number.
func (s *Service) DeletePhone(ctx context.Context, from Caller, id string) (*PhoneResult, error) {
	return s.withPhone(ctx, from, id, authority.Use, func(t *txn, in *signedIn, ph *Phone, _ *PhoneResult) error {
		action := authority.RemoveNumber
		if ph.Verified == 0 {
			action = authority.DropNumber
		}
		if err := t.may(in, action); err != nil {
			return err
		}
		if err := t.mayLose(in.user, func(u *User) { u.phone(id).Reserved = false }); err != nil {
			return err
		}
		return t.dropPhone(in.user, id)
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
	t.note(u, EventNumberRemoved, what)
	if was {
		t.removed(u, EventFactorRemoved, what)
		return nil
	}
	u.touch(t.now)
	return nil
}
