package mfa

import (
	"context"
	"errors"

	"github.com/countersign-mfa/countersign/internal/crypto/password"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

func passwordError(err error) error {
	if errors.Is(err, password.ErrTooShort) {
		return apierr.New(apierr.FormPasswordLengthTooShort).Param("password")
	}
	return apierr.New(apierr.FormPasswordLengthTooLong).Param("password")
}

// PhoneChange says what a number is to be; nil leaves it as it is.
type PhoneChange struct{ Verified, Primary, Reserved, Default *bool }

// AddUserPhone adds a number to a user on the word of the team's server.
func (s *Service) AddUserPhone(ctx context.Context, user, text string, change PhoneChange) (*PhoneResult, error) {
	n, err := s.number(text)
	if err != nil {
		return nil, err
	}
	var out PhoneResult
	err = s.admin(ctx, user, func(t *txn, u *User) error {
		if u.phoneBy(n.E164()) != nil {
			return apierr.New(apierr.FormIdentifierExists).Param("phone_number")
		}
		if len(u.Phones) >= phonesPerUser {
			return tooMany("phone_number")
		}
		holder, err := t.claimUser(s.claimKey("phone", n.E164()))
		if err != nil {
			return err
		}
		if holder != nil {
			return apierr.New(apierr.FormIdentifierExists).Param("phone_number")
		}
		u.Phones = append(u.Phones, s.newPhone(u, n, t.now))
		t.record(u, EventNumberAdded, u.Phones[len(u.Phones)-1].subject())
		return t.changePhone(u, &u.Phones[len(u.Phones)-1], change, &out)
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// UserPhone returns any user's number.
func (s *Service) UserPhone(ctx context.Context, id string) (*PhoneResult, error) {
	return s.adminPhone(ctx, id, func(_ *txn, u *User, p *Phone, out *PhoneResult) error {
		*out = PhoneResult{Phone: p, User: u}
		return nil
	})
}

// ChangeUserPhone changes any user's number.
func (s *Service) ChangeUserPhone(ctx context.Context, id string, change PhoneChange) (*PhoneResult, error) {
	return s.adminPhone(ctx, id, func(t *txn, u *User, p *Phone, out *PhoneResult) error {
		return t.changePhone(u, p, change, out)
	})
}

// DeleteUserPhone removes any user's number.
func (s *Service) DeleteUserPhone(ctx context.Context, id string) (*PhoneResult, error) {
	return s.adminPhone(ctx, id, func(t *txn, u *User, p *Phone, out *PhoneResult) error {
		gone := *p
		*out = PhoneResult{Phone: &gone, User: u}
		return t.dropPhone(u, id)
	})
}

func (s *Service) adminPhone(ctx context.Context, id string, do func(*txn, *User, *Phone, *PhoneResult) error) (*PhoneResult, error) {
	user, _, ok := s.parsePhoneID(id)
	if !ok {
		return nil, apierr.New(apierr.ResourceNotFound)
	}
	var out PhoneResult
	err := s.admin(ctx, prefixUser+user, func(t *txn, u *User) error {
		p := u.phone(id)
		if p == nil {
			return apierr.New(apierr.ResourceNotFound)
		}
		out = PhoneResult{}
		return do(t, u, p, &out)
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

func (t *txn) changePhone(u *User, p *Phone, c PhoneChange, out *PhoneResult) error {
	id, was := p.ID, p.isSecondFactor()
	if c.Verified != nil && *c.Verified != (p.Verified != 0) {
		if err := t.setVerified(u, p, *c.Verified); err != nil {
			return err
		}
	}
	if c.Reserved != nil {
		if *c.Reserved && p.Verified == 0 {
			return apierr.New(apierr.IdentificationUpdateSecondFactorUnverified)
		}
		p.Reserved = *c.Reserved
	}
	if c.Primary != nil {
		for i := range u.Phones {
			u.Phones[i].Primary = *c.Primary && u.Phones[i].ID == id
		}
	}
	p.touch(t.now)
	switch is := p.isSecondFactor(); {
	case is && !was:
		if err := t.checkReceivesSMS(p); err != nil {
			return err
		}
		u.settleFactors(t.now)
		t.record(u, EventFactorAdded, p.subject())
	case was && !is:
		t.factorRemoved(u, EventFactorRemoved, p.subject())
	default:
		u.settleFactors(t.now)
	}
	if c.Default != nil && *c.Default && p.isSecondFactor() {
		t.makeDefault(u, p)
	}
	t.put(u)
	shown := *u.phone(id)
	*out = PhoneResult{Phone: &shown, User: u}
	return nil
}

// setVerified says whether a number is the user's. What a session did with the number before counts no
// more: its proof that it holds it, and its intent to use it as a second factor, unless that still lives.
func (t *txn) setVerified(u *User, p *Phone, on bool) error {
	wanted := on && p.ReservedAt(t.now)
	p.cancelEnrolment()
	p.By, p.Reserved = "", wanted
	if on {
		if err := t.claim("phone", p.Number, u, "phone_number"); err != nil {
			return err
		}
		p.Verified, p.Pending = t.now, nil
		t.record(u, EventNumberVerified, p.subject())
		return nil
	}
	p.Verified = 0
	t.record(u, EventNumberDoubted, p.subject())
	return t.release("phone", p.Number, u)
}
