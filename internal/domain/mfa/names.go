package mfa

import (
	"context"
	"unicode/utf8"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/domain/typed"
)

// NameLength is the most characters of a person's name for an app or a number.
const NameLength = 100

// ReadName returns a name as it is stored, without white space around it; "" removes one. A name
// that is too long, or misleads on a page or in a log, is refused.
func ReadName(text string) (string, error) {
	line, ok := typed.Line(text)
	switch {
	case !ok:
		return "", apierr.New(apierr.FormParamFormatInvalid).Param("name")
	case utf8.RuneCountInString(line) > NameLength:
		return "", apierr.New(apierr.FormParamMaxLengthExceeded).Param("name")
	}
	return line, nil
}

// NameTOTP names the authenticator app of the caller; "" removes the name.
func (s *Service) NameTOTP(ctx context.Context, from tx.Caller, name string) (*TOTPResult, error) {
	line, err := ReadName(name)
	if err != nil {
		return nil, err
	}
	return sessions.RunSession(ctx, s.Service, from, from.Session, authority.NameFactor, func(t *tx.Tx, caller *tx.SignedIn) (*TOTPResult, error) {
		u := caller.User
		if !u.TOTPEnabled() {
			return nil, apierr.New(apierr.ResourceNotFound)
		}
		rename(t, u, &u.TOTP.Name, line)
		shown := *u.TOTP
		return &TOTPResult{TOTP: &shown}, nil
	})
}

// NamePhone names a number of the caller; "" removes the name.
func (s *Service) NamePhone(ctx context.Context, from tx.Caller, id, name string) (*PhoneResult, error) {
	line, err := ReadName(name)
	if err != nil {
		return nil, err
	}
	return s.withPhone(ctx, from, id, authority.NameFactor, func(t *tx.Tx, caller *tx.SignedIn, ph *account.Phone, _ *PhoneResult) error {
		if rename(t, caller.User, &ph.Name, line) {
			ph.Touch(t.Now)
		}
		return nil
	})
}

// rename stages a changed name and reports whether it changed.
func rename(t *tx.Tx, u *account.User, name *string, to string) bool {
	if *name == to {
		return false
	}
	*name = to
	u.Touch(t.Now)
	audit.Record(t, u, eventtype.UserUpdated, account.Subject{})
	return true
}

// used stores when a factor was last used, in the record that the check of its code writes anyway.
func used(u *account.User, what account.Subject, now account.Instant) {
	switch what.Method {
	case account.TOTPCode:
		u.TOTP.Used = now
	case account.PhoneCode:
		if p := u.FindPhone(func(p *account.Phone) bool { return p.Subject() == what }); p != nil {
			p.Used = now
		}
	}
}
