package admin

import (
	"context"
	"slices"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/identifier"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// PhoneChange is the body of a new number or of a change of one; nil leaves a field as it is.
type PhoneChange struct {
	Verified, Primary, Reserved, Default *bool
	// Region is the country in which a new number is written, if it has no country code.
	Region string
}

// AddUserPhone adds a number to a user, as the team's server says.
func (s *Service) AddUserPhone(ctx context.Context, user, text string, change PhoneChange) (*mfa.PhoneResult, error) {
	n, err := s.Number(text, change.Region)
	if err != nil {
		return nil, err
	}
	var out mfa.PhoneResult
	err = s.Admin(ctx, user, func(t *tx.Tx, u *account.User) error {
		if u.PhoneBy(n.E164()) != nil {
			return apierr.New(apierr.FormIdentifierExists).Param("phone_number")
		}
		if len(u.Phones) >= account.PhonesPerUser {
			return account.TooMany("phone_number")
		}
		if err := checkFree(t, u, identifier.Phone, n.E164(), "phone_number"); err != nil {
			return err
		}
		u.Phones = append(u.Phones, s.NewPhone(u, n, t.Now))
		audit.Record(t, u, eventtype.NumberAdded, u.Phones[len(u.Phones)-1].Subject())
		return sessions.KeepClaims(t, u, func() error {
			return changePhone(t, u, &u.Phones[len(u.Phones)-1], change, &out)
		})
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// ReplaceUserPhones gives a user one number in place of all others. A number that the user has
// already keeps its id. Second factors among the removed numbers are removed with them.
func (s *Service) ReplaceUserPhones(ctx context.Context, user, text string, change PhoneChange) (*mfa.PhoneResult, error) {
	n, err := s.Number(text, change.Region)
	if err != nil {
		return nil, err
	}
	var out mfa.PhoneResult
	err = s.Admin(ctx, user, func(t *tx.Tx, u *account.User) error {
		if err := t.Read(claimsOf(t, u, held{kind: identifier.Phone, text: n.E164()})...); err != nil {
			return err
		}
		if err := checkFree(t, u, identifier.Phone, n.E164(), "phone_number"); err != nil {
			return err
		}
		return sessions.KeepClaims(t, u, func() error {
			if err := s.onlyPhone(t, u, n); err != nil {
				return err
			}
			return changePhone(t, u, &u.Phones[0], change, &out)
		})
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// onlyPhone removes all numbers of a user but one, which it adds if the user does not have it.
func (s *Service) onlyPhone(t *tx.Tx, u *account.User, n phone.Number) error {
	for _, p := range slices.Clone(u.Phones) {
		if p.Number == n.E164() {
			continue
		}
		if err := mfa.DropPhone(t, u, p.ID); err != nil {
			return err
		}
	}
	if len(u.Phones) == 0 {
		u.Phones = append(u.Phones, s.NewPhone(u, n, t.Now))
		audit.Record(t, u, eventtype.NumberAdded, u.Phones[0].Subject())
	}
	return nil
}

// UserPhone returns any user's number.
func (s *Service) UserPhone(ctx context.Context, id string) (*mfa.PhoneResult, error) {
	return s.adminPhone(ctx, id, func(_ *tx.Tx, u *account.User, p *account.Phone, out *mfa.PhoneResult) error {
		*out = mfa.PhoneResult{Phone: p, User: u}
		return nil
	})
}

// ChangeUserPhone changes any user's number.
func (s *Service) ChangeUserPhone(ctx context.Context, id string, change PhoneChange) (*mfa.PhoneResult, error) {
	return s.adminPhone(ctx, id, func(t *tx.Tx, u *account.User, p *account.Phone, out *mfa.PhoneResult) error {
		return sessions.KeepClaims(t, u, func() error { return changePhone(t, u, p, change, out) })
	})
}

// DeleteUserPhone removes any user's number.
func (s *Service) DeleteUserPhone(ctx context.Context, id string) (*mfa.PhoneResult, error) {
	return s.adminPhone(ctx, id, func(t *tx.Tx, u *account.User, p *account.Phone, out *mfa.PhoneResult) error {
		gone := *p
		*out = mfa.PhoneResult{Phone: &gone, User: u}
		return mfa.DropPhone(t, u, id)
	})
}

func (s *Service) adminPhone(ctx context.Context, id string, do func(*tx.Tx, *account.User, *account.Phone, *mfa.PhoneResult) error, more ...store.Key) (*mfa.PhoneResult, error) {
	user, _, ok := s.ParsePhoneID(id)
	if !ok {
		return nil, apierr.New(apierr.ResourceNotFound)
	}
	var out mfa.PhoneResult
	err := s.Admin(ctx, account.PrefixUser+user, func(t *tx.Tx, u *account.User) error {
		p := u.Phone(id)
		if p == nil {
			return apierr.New(apierr.ResourceNotFound)
		}
		out = mfa.PhoneResult{}
		return do(t, u, p, &out)
	}, more...)
	if err != nil {
		return nil, err
	}
	return &out, nil
}

func changePhone(t *tx.Tx, u *account.User, p *account.Phone, c PhoneChange, out *mfa.PhoneResult) error {
	id, before := p.ID, *p
	if c.Verified != nil && *c.Verified != (p.Verified != 0) {
		set := unverify
		if *c.Verified {
			set = verify
		}
		if err := set(t, u, p); err != nil {
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
	p.Touch(t.Now)
	if err := settleFactor(t, u, before, p); err != nil {
		return err
	}
	if c.Default != nil && *c.Default && p.IsSecondFactor() {
		mfa.MakeDefault(t, u, p)
	}
	t.Put(u)
	shown := *u.Phone(id)
	*out = mfa.PhoneResult{Phone: &shown, User: u}
	return nil
}

// settleFactor carries out what follows when a number became a second factor or ceased to be one.
func settleFactor(t *tx.Tx, u *account.User, before account.Phone, p *account.Phone) error {
	switch was, is := before.IsSecondFactor(), p.IsSecondFactor(); {
	case is && !was:
		if err := sms.CheckPhone(t, p); err != nil {
			return err
		}
		u.SettleFactors(t.Now)
		audit.Record(t, u, eventtype.FactorAdded, p.Subject())
	case was && !is:
		mfa.FactorRemoved(t, u, eventtype.FactorRemoved, p.Subject())
	default:
		u.SettleFactors(t.Now)
	}
	return nil
}

// verify makes a number the user's. The session's own proof that it holds the number no longer
// counts. A pending enrolment of the number as a second factor is completed.
func verify(t *tx.Tx, u *account.User, p *account.Phone) error {
	reserved := p.ReservedAt(t.Now)
	p.CancelEnrolment()
	p.By, p.Reserved = "", reserved
	if err := t.Claim(identifier.Phone, p.Number, u, "phone_number"); err != nil {
		return err
	}
	p.Verified, p.Pending, p.Lost = t.Now, nil, false
	audit.Record(t, u, eventtype.NumberVerified, p.Subject())
	return nil
}

// unverify takes a number from the user, and with it the second factor and any enrolment of one.
func unverify(t *tx.Tx, u *account.User, p *account.Phone) error {
	p.CancelEnrolment()
	p.By, p.Reserved, p.Verified, p.Backend = "", false, 0, nil
	audit.Record(t, u, eventtype.NumberDoubted, p.Subject())
	return t.Release(identifier.Phone, p.Number, u)
}
