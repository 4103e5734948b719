package mfa

import (
	"cmp"
	"context"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/recovery"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// RequestRecovery asks to remove the second factors of the user whose sign-in waits for one: see
// package recovery. The sign-in goes on.
func (s *Service) RequestRecovery(ctx context.Context, from tx.Caller, id string) (*SignInResult, error) {
	return s.signIn(ctx, from, signInKeys(id), func(t *tx.Tx, p *tx.ClientSession) (*account.SignIn, *account.User, error) {
		si, u, err := currentSecond(t, p, id)
		if err != nil {
			return nil, nil, err
		}
		if u.LockedUntil > t.Now {
			return nil, nil, LockedByOperator(u.LockedUntil.Sub(t.Now))
		}
		t.CountAddress(from, tx.AttemptLimits)
		return si, u, recovery.Request(t, u)
	})
}

// secondProved notes that the user proved a second factor: the consecutive failures are cleared,
// and a recovery that waits is cancelled.
func secondProved(t *tx.Tx, u *account.User) {
	u.SecondFailures.Clear()
	u.Language = cmp.Or(t.Language, u.Language)
	recovery.Cancel(t, u)
}

// CancelRecovery cancels the request of the caller's user. The session must have proved a second
// factor at some time. The error is [apierr.ResourceNotFound] without a request.
func (s *Service) CancelRecovery(ctx context.Context, from tx.Caller) (*sessions.Result, error) {
	return sessions.RunSession(ctx, s.Service, from, from.Session, authority.CancelRecovery, func(t *tx.Tx, caller *tx.SignedIn) (*sessions.Result, error) {
		if !recovery.Cancel(t, caller.User) {
			return nil, apierr.New(apierr.ResourceNotFound)
		}
		shown := *caller.Session
		return &sessions.Result{Session: &shown, User: caller.User}, nil
	})
}
