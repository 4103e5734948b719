// Package profile is what users change of themselves with a session: names, username, primary
// number and address, and metadata.
package profile

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// Service carries out the changes of users by themselves. It is safe for concurrent use.
type Service struct {
	*sessions.Service
}

// Change is the body of a change of the caller's profile; nil leaves a field as it is, and an empty
// text removes it. There is no field for public or private metadata: only the Backend API may set
// them.
type Change struct {
	Username, FirstName, LastName *string
	PrimaryPhone                  *string // the id of a verified number of the caller
	PrimaryEmail                  *string // the id of a verified address of the caller; never empty
	Unsafe                        json.RawMessage
}

// ChangeProfile changes the profile of the caller's user. Another username, primary number or
// primary address needs a recent proof: users sign in with them, or teams send their mail there. A
// change that changes nothing writes nothing.
func (s *Service) ChangeProfile(ctx context.Context, from tx.Caller, in Change) (*sessions.Result, error) {
	return s.change(ctx, from, func(t *tx.Tx, caller *tx.SignedIn) (bool, error) {
		u := caller.User
		before := identityOf(u)
		if in.renames(before) {
			if err := sessions.RequireProof(t, caller, authority.ChangeName); err != nil {
				return false, err
			}
		}
		renamed := in.Username != nil && *in.Username != before.username
		changed := admin.UserChange{Username: in.Username, FirstName: in.FirstName, LastName: in.LastName, Unsafe: in.Unsafe}
		err := sessions.KeepClaims(t, u, func() error {
			if err := in.setPrimary(u); err != nil {
				return err
			}
			return admin.ChangeProfile(t, u, changed)
		})
		if err != nil && renamed {
			t.Discard() // the old username was released already
			err = refused(t, err)
		}
		if renamed {
			t.CountAddress(from, tx.RenameLimits)
		}
		if err != nil {
			return false, err
		}
		after := identityOf(u)
		if after.username == "" && before.username != "" && !canBeIdentified(u) {
			return false, apierr.New(apierr.LastRequiredIdentificationDeletionFailed).Param("username")
		}
		if after.username != before.username {
			audit.Record(t, u, eventtype.UsernameSet, account.Subject{})
		}
		return after != before, nil
	})
}

// refused returns err. An error for the caller refuses the operation: whatever is wrong with the
// request, it may have told whether a username is taken, so it counts for the caller's address.
func refused(t *tx.Tx, err error) error {
	if e := (*apierr.Error)(nil); errors.As(err, &e) {
		return t.Refuse(e)
	}
	return err
}

// change runs do on the caller's user. If do reports a change, the user gets a new time and the
// event user.updated.
func (s *Service) change(ctx context.Context, from tx.Caller, do func(*tx.Tx, *tx.SignedIn) (bool, error)) (*sessions.Result, error) {
	return sessions.RunSession(ctx, s.Service, from, from.Session, authority.ChangeProfile, func(t *tx.Tx, caller *tx.SignedIn) (*sessions.Result, error) {
		changed, err := do(t, caller)
		if err != nil {
			return nil, err
		}
		if changed {
			caller.User.Touch(t.Now)
			audit.Record(t, caller.User, eventtype.UserUpdated, account.Subject{})
		}
		shown := *caller.Session
		return &sessions.Result{Session: &shown, User: caller.User}, nil
	})
}

// identity is what [Service.ChangeProfile] may change, so that two states can be compared.
type identity struct{ username, first, last, phone, email, unsafe string }

func identityOf(u *account.User) identity {
	is := identity{username: u.Username, first: u.FirstName, last: u.LastName, unsafe: string(u.Unsafe)}
	if primary := u.FindPhone(func(p *account.Phone) bool { return p.Primary }); primary != nil {
		is.phone = primary.ID
	}
	if primary := u.PrimaryEmail(); primary != nil {
		is.email = primary.ID
	}
	return is
}

// renames reports whether the change gives the user another username, primary number or primary
// address.
func (c Change) renames(before identity) bool {
	differs := func(to *string, from string) bool { return to != nil && *to != from }
	return differs(c.Username, before.username) || differs(c.PrimaryPhone, before.phone) || differs(c.PrimaryEmail, before.email)
}

// setPrimary makes a verified number and a verified address of the user the primary ones. "" leaves
// no number primary.
func (c Change) setPrimary(u *account.User) error {
	if id := c.PrimaryEmail; id != nil {
		if e := u.Email(*id); e == nil || e.Unverified {
			return apierr.New(apierr.FormParamValueInvalid).Param("primary_email_address_id").Explain("This is no verified e-mail address of the user.")
		}
		u.ChooseEmail(*id)
	}
	id := c.PrimaryPhone
	if id == nil {
		return nil
	}
	if p := u.Phone(*id); *id != "" && (p == nil || p.Verified == 0) {
		return apierr.New(apierr.FormParamValueInvalid).Param("primary_phone_number_id").Explain("This is no verified phone number of the user.")
	}
	for i := range u.Phones {
		u.Phones[i].Primary = u.Phones[i].ID == *id
	}
	return nil
}

// canBeIdentified reports whether the user has an identifier to sign in with.
func canBeIdentified(u *account.User) bool {
	return u.Username != "" || u.PrimaryEmail() != nil || slices.ContainsFunc(u.Phones, func(p account.Phone) bool { return p.Verified != 0 })
}
