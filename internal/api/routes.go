package api

import (
	"net/http"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

const (
	get    = http.MethodGet
	post   = http.MethodPost
	patch  = http.MethodPatch
	remove = http.MethodDelete
)

// Codes that families of operations share.
var (
	guessed = []apierr.Code{
		apierr.FormParamNil, apierr.FormCodeIncorrect, apierr.TooManyRequests, apierr.UserLocked, apierr.UserBanned, apierr.FeatureNotEnabled,
		apierr.StrategyForUserInvalid, apierr.VerificationStrategyInvalid, apierr.VerificationMissing, apierr.VerificationExpired, apierr.VerificationFailed,
	}
	sent = []apierr.Code{
		apierr.VerificationCodeTooManyRequests, apierr.TooManyRequests, apierr.UserLocked, apierr.UserBanned, apierr.FeatureNotEnabled, apierr.SMSSendError,
		apierr.UnsupportedCountryCode, apierr.VerificationFailed, apierr.VerificationStrategyInvalid, apierr.StrategyForUserInvalid,
	}
	passworded = []apierr.Code{apierr.FormPasswordIncorrect, apierr.FormPasswordOrIdentifierIncorrect}
	sensitive  = []apierr.Code{apierr.SessionReverificationRequired}
	notPending = []apierr.Code{apierr.AuthorizationInvalid}
	ticketed   = []apierr.Code{
		apierr.TicketInvalidCode, apierr.TicketExpiredCode, apierr.SignInTokenAlreadyUsedCode, apierr.SignInTokenRevokedCode,
		apierr.SignInTokenCannotBeUsedCode,
	}
	reverified = []apierr.Code{apierr.SessionReverificationMissing, apierr.InvalidActionForSessionReverification}
	lastFactor = []apierr.Code{apierr.SecondFactorDeletionNotAllowed}
	missing    = []apierr.Code{apierr.ResourceNotFound}
	unverified = []apierr.Code{apierr.IdentificationUpdateSecondFactorUnverified, apierr.FormDisableDefaultSecondFactorNotAllowed, apierr.FeatureNotEnabled}
	invalid    = []apierr.Code{apierr.FormParamFormatInvalid, apierr.FormParamValueInvalid}
	// unreached are for a number as a second factor that no code can reach.
	unreached = []apierr.Code{apierr.UnsupportedCountryCode, apierr.FormParamFormatInvalid}
	imported  = []apierr.Code{
		apierr.FormIdentifierExists, apierr.FormPasswordLengthTooShort, apierr.FormPasswordLengthTooLong, apierr.InvalidTOTPSecretCode,
		apierr.FormParamFormatInvalid, apierr.FormParamValueInvalid,
	}
)

func join(lists ...[]apierr.Code) []apierr.Code {
	var out []apierr.Code
	seen := map[apierr.Code]bool{}
	for _, l := range lists {
		for _, c := range l {
			if !seen[c] {
				seen[c] = true
				out = append(out, c)
			}
		}
	}
	return out
}

const (
	pathSignIn       = "/v1/client/sign_ins/{sign_in_id}"
	pathSession      = "/v1/client/sessions/{session_id}"
	pathPhones       = "/v1/me/phone_numbers"
	pathPhone        = "/v1/me/phone_numbers/{phone_number_id}"
	pathUser         = "/v1/users/{user_id}"
	pathAdminPhone   = "/v1/phone_numbers/{phone_number_id}"
	pathAdminSession = "/v1/sessions/{session_id}"
)

// Operations returns THE table of routes. The local server, the functions, the infrastructure, the OpenAPI document and the fixtures are
// derived from it or compared with it. Every row is a function of its own, so that a Lambda function links what its operation needs and
// no more.
func Operations() []Operation {
	rows := Rows()
	all := make([]Operation, len(rows))
	for i, row := range rows {
		all[i] = row()
	}
	return all
}

// Rows are the functions that make the rows of the table.
func Rows() []func() Operation {
	return []func() Operation{
		JWKSGet, OpenIDConfigurationGet, HealthGet, ClientHandshake,
		EnvironmentGet, EnvironmentPatch, DevBrowserCreate, ClientGet, ClientCreate, ClientPut, ClientDelete, ClientSessionsDelete,
		SignInCreate, SignInGet, SignInFirstFactorPrepare, SignInFirstFactorAttempt, SignInSecondFactorPrepare,
		SignInSecondFactorAttempt,
		SessionGet, SessionTouch, SessionTokenCreate, SessionEnd, SessionRemove, SessionReverificationCreate,
		SessionReverificationFirstFactorPrepare, SessionReverificationFirstFactorAttempt, SessionReverificationSecondFactorPrepare,
		SessionReverificationSecondFactorAttempt, MeSessionsList, MeSessionsActiveList, MeSessionRevoke, MeAuditEventsList,
		MeGet, MePhoneNumbersList, MePhoneNumberCreate, MePhoneNumberGet, MePhoneNumberPrepare, MePhoneNumberAttempt,
		MePhoneNumberUpdate, MePhoneNumberDelete, MeTOTPCreate, MeTOTPAttempt, MeTOTPDelete, MeBackupCodesCreate,
		UsersCreate, UsersList, UsersCount, UserGet, UserExport, UserAuditEventsList, UserUpdate, UserDelete, UserLock, UserUnlock, UserBan, UserUnban, UserTOTPVerify,
		UserPasswordVerify, UserMFADelete, UserTOTPDelete, UserBackupCodeDelete,
		PhoneNumberCreate, PhoneNumberGet, PhoneNumberUpdate, PhoneNumberDelete, SignInTokenCreate, SignInTokenRevoke, SessionsList,
		AdminSessionGet, AdminSessionRevoke, AdminSessionTokenCreate, BackendJWKSGet, HandshakePayloadGet, InstanceGet, InstanceAuditEventsList, InstanceUpdate,
		SMSMessagesList, SMSUsageGet, StatisticsGet,
		EventsList, WebhookEndpointsList, WebhookEndpointCreate, WebhookEndpointUpdate, WebhookEndpointDelete, WebhookEndpointSecretRotate,
		WebhookEndpointReplay, WebhookEndpointTest,
	}
}
