package admin

import (
	"context"
	"slices"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/identifier"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// EmailChange is the body of a change of an e-mail address; nil leaves a field as it is. Primary
// false takes back the choice: then the first verified address is primary.
type EmailChange struct{ Verified, Primary *bool }

// AddUserEmail adds an address in any spelling to a user, as the team's server says. Without
// Verified the address is unverified. An address that another user has verified is refused with
// [apierr.FormIdentifierExists].
func (s *Service) AddUserEmail(ctx context.Context, user, text string, change EmailChange) (*account.Email, error) {
	address, err := identifier.ParseEmail(text)
	if err != nil {
		return nil, apierr.New(apierr.FormParamFormatInvalid).Param("email_address")
	}
	var out account.Email
	err = s.Admin(ctx, user, func(t *tx.Tx, u *account.User) error {
		return changeEmails(t, u, func() error {
			if len(u.Emails) >= account.EmailsPerUser {
				return account.TooMany("email_address")
			}
			e, err := listEmail(t, u, address)
			if err != nil {
				return err
			}
			e.Unverified = true
			if err := checkFree(t, u, identifier.Email, address, "email_address"); err != nil {
				return err
			}
			out, err = changeEmail(t, u, e, change)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// ReplaceUserEmails gives a user one address, in any spelling, in place of all others. An address
// that the user has already keeps its id. An address that another user has verified is refused with
// [apierr.FormIdentifierExists].
func (s *Service) ReplaceUserEmails(ctx context.Context, user, text string, change EmailChange) (*account.Email, error) {
	address, err := identifier.ParseEmail(text)
	if err != nil {
		return nil, apierr.New(apierr.FormParamFormatInvalid).Param("email_address")
	}
	var out account.Email
	err = s.Admin(ctx, user, func(t *tx.Tx, u *account.User) error {
		if err := t.Read(claimsOf(t, u, held{kind: identifier.Email, text: address})...); err != nil {
			return err
		}
		return changeEmails(t, u, func() error {
			if err := checkFree(t, u, identifier.Email, address, "email_address"); err != nil {
				return err
			}
			e, err := onlyEmail(t, u, address)
			if err == nil {
				out, err = changeEmail(t, u, e, change)
			}
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// onlyEmail removes all addresses of a user but one, which it lists if the user does not have it.
func onlyEmail(t *tx.Tx, u *account.User, address string) (*account.Email, error) {
	var kept []account.Email
	for _, e := range u.Emails {
		switch same := identifier.Normal(identifier.Email, e.Address) == address; {
		case same && (kept == nil || !e.Unverified):
			kept = []account.Email{e}
		case !same && !e.Unverified:
			if err := t.Release(identifier.Email, e.Address, u); err != nil {
				return nil, err
			}
		}
	}
	if u.Emails = kept; kept != nil {
		return &kept[0], nil
	}
	e, err := listEmail(t, u, address)
	if err == nil {
		e.Unverified = true
	}
	return e, err
}

// UserEmail returns the address with an id, of any user.
func (s *Service) UserEmail(ctx context.Context, id string) (*account.Email, error) {
	return s.adminEmail(ctx, id, func(_ *tx.Tx, _ *account.User, e *account.Email) (account.Email, error) { return *e, nil })
}

// ChangeUserEmail changes the address with an id, of any user. Verifying an address that another
// user has verified is refused with [apierr.FormIdentifierExists].
func (s *Service) ChangeUserEmail(ctx context.Context, id string, change EmailChange) (*account.Email, error) {
	return s.adminEmail(ctx, id, func(t *tx.Tx, u *account.User, e *account.Email) (out account.Email, err error) {
		if change.changesNothing(u, e) {
			return *e, nil
		}
		err = changeEmails(t, u, func() error {
			out, err = changeEmail(t, u, e, change)
			return err
		})
		return out, err
	})
}

// DeleteUserEmail removes the address with an id from its user. The user may keep no identifier, as
// after any other change by the Backend API.
func (s *Service) DeleteUserEmail(ctx context.Context, id string) error {
	_, err := s.adminEmail(ctx, id, func(t *tx.Tx, u *account.User, e *account.Email) (account.Email, error) {
		gone := *e
		return gone, changeEmails(t, u, func() error {
			u.Emails = slices.DeleteFunc(slices.Clone(u.Emails), func(e account.Email) bool { return e.ID == id })
			if gone.Unverified {
				return nil
			}
			return t.Release(identifier.Email, gone.Address, u)
		})
	})
	return err
}

func (s *Service) adminEmail(ctx context.Context, id string, do func(*tx.Tx, *account.User, *account.Email) (account.Email, error)) (*account.Email, error) {
	user := account.EmailUser(id)
	if user == "" {
		return nil, apierr.New(apierr.ResourceNotFound)
	}
	var out account.Email
	err := s.Admin(ctx, account.PrefixUser+user, func(t *tx.Tx, u *account.User) error {
		e := u.Email(id)
		if e == nil {
			return apierr.New(apierr.ResourceNotFound)
		}
		var err error
		out, err = do(t, u, e)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// changeEmails runs a change of a user's addresses and stages the user. The primary address stays
// primary unless the change says otherwise.
func changeEmails(t *tx.Tx, u *account.User, change func() error) error {
	if e := u.PrimaryEmail(); e != nil {
		e.Primary = true
	}
	if err := sessions.KeepClaims(t, u, change); err != nil {
		return err
	}
	u.Touch(t.Now)
	audit.Record(t, u, eventtype.UserUpdated, account.Subject{})
	t.Put(u)
	return nil
}

// changesNothing reports whether the address is already as the change wants it.
func (c EmailChange) changesNothing(u *account.User, e *account.Email) bool {
	primary := u.PrimaryEmail() == e
	return (c.Verified == nil || *c.Verified != e.Unverified) && (c.Primary == nil || *c.Primary == primary)
}

// changeEmail verifies an address or withdraws that, then chooses the primary one.
func changeEmail(t *tx.Tx, u *account.User, e *account.Email, c EmailChange) (account.Email, error) {
	if c.Verified != nil && *c.Verified == e.Unverified {
		set := unverifyEmail
		if *c.Verified {
			set = verifyEmail
		}
		if err := set(t, u, e); err != nil {
			return account.Email{}, err
		}
	}
	if c.Primary != nil {
		if *c.Primary && e.Unverified {
			return account.Email{}, apierr.New(apierr.FormParamValueInvalid).Param("primary").Explain("Verify the address before making it the primary one.")
		}
		if e.Primary = *c.Primary; e.Primary {
			u.ChooseEmail(e.ID)
		}
	}
	e.UpdatedAt = e.UpdatedAt.After(t.Now)
	return *e, nil
}

// verifyEmail gives the address to the user, unless another user holds it.
func verifyEmail(t *tx.Tx, u *account.User, e *account.Email) error {
	e.Unverified = false
	return t.Claim(identifier.Email, e.Address, u, "email_address")
}

// unverifyEmail takes the address from the user's identifiers.
func unverifyEmail(t *tx.Tx, u *account.User, e *account.Email) error {
	e.Unverified, e.Primary = true, false
	return t.Release(identifier.Email, e.Address, u)
}
