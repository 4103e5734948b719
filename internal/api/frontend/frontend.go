// Package frontend has the operations of Clerk's Frontend API and the public ones, a file for each
// subject.
package frontend

import (
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// row returns an operation of the Frontend API.
func row[In, Out any](name, pattern, summary string, permissions operation.Permissions, h operation.Handler[In, Out], codes ...[]apierr.Code) operation.Operation {
	return operation.New(operation.Frontend, name, pattern, summary, permissions, h, codes...)
}

// Codes that several operations may answer.
var (
	sent = []apierr.Code{
		apierr.VerificationCodeTooManyRequests, apierr.TooManyRequests, apierr.UserLocked, apierr.UserBanned, apierr.FeatureNotEnabled, apierr.SMSSendError,
		apierr.UnsupportedCountryCode, apierr.VerificationFailed, apierr.VerificationStrategyInvalid, apierr.StrategyForUserInvalid,
	}
	asked    = []apierr.Code{apierr.OriginInvalid, apierr.NoPasskeysFoundForUser}
	answered = []apierr.Code{
		apierr.OriginInvalid, apierr.NoPasskeysFoundForUser, apierr.PasskeyInvalidPublicKeyCredential, apierr.PasskeyNotRegistered, apierr.PasskeyAuthenticationFailure,
	}
	sensitive  = []apierr.Code{apierr.SessionReverificationRequired}
	notPending = []apierr.Code{apierr.AuthorizationInvalid}
	ticketed   = []apierr.Code{
		apierr.TicketInvalidCode, apierr.TicketExpiredCode, apierr.SignInTokenAlreadyUsedCode, apierr.SignInTokenRevokedCode,
		apierr.SignInTokenCannotBeUsedCode,
	}
	lastFactor = []apierr.Code{apierr.SecondFactorDeletionNotAllowed}
)
