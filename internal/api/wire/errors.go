package wire

import "github.com/countersign-mfa/countersign/internal/domain/apierr"

// codes lists the error codes by HTTP status. Clerk answers each code with that status.
var codes = map[int][]apierr.Code{
	400: {
		apierr.VerificationExpired, apierr.VerificationFailed, apierr.VerificationMissing,
		apierr.VerificationAlreadyVerified, apierr.VerificationStrategyInvalid,
		apierr.StrategyForUserInvalid, apierr.TOTPAlreadyEnabled, apierr.TOTPDisabled,
		apierr.BackupCodesNotAvailable, apierr.NoPasswordSet, apierr.PasswordRequired,
		apierr.SessionReverificationMissing, apierr.LastRequiredIdentificationDeletionFailed,
		apierr.InvalidActionForSessionReverification, apierr.IdentificationUpdateSecondFactorUnverified,
		apierr.SecondFactorDeletionNotAllowed, apierr.TooManyUnverifiedIdentifications,
		apierr.SMSSendError, apierr.SessionExists, apierr.TicketInvalidCode, apierr.TicketExpiredCode,
		apierr.SignInTokenAlreadyUsedCode, apierr.SignInTokenRevokedCode,
		apierr.SignInTokenCannotBeUsedCode, apierr.SignInTokenCannotBeRevokedCode,
		apierr.NoPasskeysFoundForUser, apierr.PasskeyAuthenticationFailure, apierr.PasskeyRegistrationFailure,
		apierr.RequestInvalidForEnvironment, apierr.RequestBodyInvalid, apierr.OriginInvalid, apierr.OriginAuthorizationHeadersConflict,
	},
	401: {
		apierr.AuthenticationInvalid, apierr.DevBrowserUnauthenticated, apierr.ClerkKeyInvalid,
	},
	403: {
		apierr.UserLocked, apierr.UserBanned, apierr.FeatureNotEnabled, apierr.UserDeleteSelfNotEnabled,
		apierr.SessionReverificationRequired, apierr.UnsupportedCountryCode, apierr.AuthorizationInvalid,
		apierr.PasskeyQuotaExceeded,
	},
	404: {apierr.ResourceNotFound, apierr.PasskeyNotRegistered},
	405: {apierr.MethodNotAllowed},
	409: {apierr.ResourceLocked},
	413: {apierr.RequestBodyTooLarge},
	415: {apierr.UnsupportedContentType},
	422: {
		apierr.FormParamMissing, apierr.FormParamNil, apierr.FormParamFormatInvalid,
		apierr.FormParamValueInvalid, apierr.FormParamTypeInvalid, apierr.FormParamUnknown,
		apierr.FormParamDuplicate, apierr.FormParamArraySizeExceeded, apierr.FormParamMaxLengthExceeded,
		apierr.FormParamExceedsAllowedSize, apierr.FormUsernameInvalidCharacter,
		apierr.FormUsernameInvalidLength, apierr.FormUsernameNeedsNonNumberChar,
		apierr.FormCodeIncorrect, apierr.FormIdentifierExists, apierr.FormIdentifierNotFound,
		apierr.FormPasswordIncorrect, apierr.FormPasswordOrIdentifierIncorrect,
		apierr.FormPasswordLengthTooShort, apierr.FormPasswordLengthTooLong,
		apierr.FormDisableDefaultSecondFactorNotAllowed, apierr.InvalidTOTPSecretCode,
		apierr.SessionClaimsTooLarge, apierr.PasskeyIdentificationNotVerified, apierr.PasskeyInvalidPublicKeyCredential,
	},
	429: {apierr.VerificationCodeTooManyRequests, apierr.TooManyRequests},
	500: {apierr.InternalClerkError},
	503: {apierr.ServiceUnavailable},
}

var statuses = func() map[apierr.Code]int {
	by := map[apierr.Code]int{}
	for status, list := range codes {
		for _, code := range list {
			by[code] = status
		}
	}
	return by
}()

// Status returns the HTTP status of an error code.
func Status(code apierr.Code) int { return statuses[code] }

// Envelope is the body of an error answer.
type Envelope struct {
	Errors  []ErrorBody `json:"errors"`
	TraceID string      `json:"clerk_trace_id"`
}

// ErrorBody is one error of an [Envelope].
type ErrorBody struct {
	Code        apierr.Code    `json:"code"`
	Message     string         `json:"message"`
	LongMessage string         `json:"long_message"`
	Meta        map[string]any `json:"meta"`
}

// NewEnvelope returns the body of the answer for an error.
func NewEnvelope(e *apierr.Error, traceID string) Envelope {
	return Envelope{TraceID: traceID, Errors: []ErrorBody{{e.Code(), e.Message(), e.LongMessage(), e.Meta()}}}
}
