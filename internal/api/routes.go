package api

import (
	"net/http"

	"github.com/countersign-mfa/countersign/internal/apierr"
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
	reverified = []apierr.Code{apierr.SessionReverificationMissing, apierr.InvalidActionForSessionReverification}
	lastFactor = []apierr.Code{apierr.SecondFactorDeletionNotAllowed}
	missing    = []apierr.Code{apierr.ResourceNotFound}
	invalid    = []apierr.Code{apierr.FormParamFormatInvalid, apierr.FormParamValueInvalid}
	imported   = []apierr.Code{
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

// Operations returns THE table of routes. The local server, the functions, the infrastructure, the OpenAPI document and the fixtures are
// derived from it or compared with it.
func Operations() []Operation {
	var all []Operation
	for _, part := range [][]Operation{publicRows(), clientRows(), sessionRows(), meRows(), userRows(), adminRows()} {
		all = append(all, part...)
	}
	return all
}

func publicRows() []Operation {
	hs := row(Frontend, "client-handshake", get, "/v1/client/handshake", "Tell an application's server what its cookies should be", Writes|Signs, handshake, invalid...)
	hs.Status = http.StatusTemporaryRedirect
	return []Operation{
		row(Public, "jwks-get", get, "/.well-known/jwks.json", "The keys that verify session tokens", Signs, getJWKS),
		row(Public, "openid-configuration-get", get, "/.well-known/openid-configuration", "Where the keys are", 0, getOpenIDConfiguration),
		row(Public, "health-get", get, "/healthz", "Whether the service answers and reaches its store", 0, getHealth),
		hs,
	}
}

func clientRows() []Operation {
	const signIn = "/v1/client/sign_ins/{sign_in_id}"
	return []Operation{
		row(Frontend, "environment-get", get, "/v1/environment", "What an SDK must know of the instance", 0, getEnvironment),
		row(Frontend, "environment-patch", patch, "/v1/environment", "The same; clerk-js reads with PATCH in development", 0, getEnvironment),
		row(Public, "dev-browser-create", post, "/v1/dev_browser", "Register a development browser", Writes, createDevBrowser),
		row(Frontend, "client-get", get, "/v1/client", "The calling client with its sessions", Writes|Signs, getClient),
		row(Frontend, "client-create", post, "/v1/client", "Become a client", Writes|Signs, createClient),
		row(Frontend, "client-put", http.MethodPut, "/v1/client", "Become a client", Writes|Signs, createClient),
		row(Frontend, "client-delete", remove, "/v1/client", "End all sessions of the client", Writes|Signs, endAllSessions),
		row(Frontend, "client-sessions-delete", remove, "/v1/client/sessions", "End all sessions of the client", Writes|Signs, endAllSessions),
		row(Frontend, "sign-in-create", post, "/v1/client/sign_ins", "Begin to sign in, with a ticket, a password or an identifier", Writes|Signs, createSignIn,
			join(passworded, []apierr.Code{apierr.FormIdentifierNotFound, apierr.FormParamMissing, apierr.FormParamValueInvalid, apierr.SessionExists, apierr.TicketInvalidCode,
				apierr.TicketExpiredCode, apierr.SignInTokenAlreadyUsedCode, apierr.SignInTokenRevokedCode, apierr.SignInTokenCannotBeUsedCode, apierr.UserLocked,
				apierr.UserBanned, apierr.TooManyRequests, apierr.StrategyForUserInvalid})...),
		row(Frontend, "sign-in-get", get, signIn, "The sign-in in progress", Signs, getSignIn, missing...),
		row(Frontend, "sign-in-first-factor-prepare", post, signIn+"/prepare_first_factor", "Send a first-factor code", Writes|Texts|Signs, prepareFirstFactor, join(missing, sent)...),
		row(Frontend, "sign-in-first-factor-attempt", post, signIn+"/attempt_first_factor", "Prove the first factor", Writes|Signs, attemptFirstFactor,
			join(missing, passworded, guessed, []apierr.Code{apierr.VerificationAlreadyVerified})...),
		row(Frontend, "sign-in-second-factor-prepare", post, signIn+"/prepare_second_factor", "Send a second-factor code", Writes|Texts|Signs, prepareSecondFactor, join(missing, sent)...),
		row(Frontend, "sign-in-second-factor-attempt", post, signIn+"/attempt_second_factor", "Prove the second factor", Writes|Signs, attemptSecondFactor, join(missing, guessed)...),
	}
}

func sessionRows() []Operation {
	const session = "/v1/client/sessions/{session_id}"
	return []Operation{
		row(Frontend, "session-get", get, session, "A session", Signs, getSession),
		row(Frontend, "session-touch", post, session+"/touch", "Make a session the last active one", Writes|Signs, touchSession),
		row(Frontend, "session-token-create", post, session+"/tokens", "A fresh session token", Signs, createToken),
		row(Frontend, "session-end", post, session+"/end", "End a session", Writes|Signs, endSession),
		row(Frontend, "session-remove", post, session+"/remove", "End a session", Writes|Signs, removeSession),
		row(Frontend, "session-reverification-create", post, session+"/verify", "Begin a step-up", Writes|Signs, startReverification, apierr.FormParamValueInvalid),
		row(Frontend, "session-reverification-first-factor-prepare", post, session+"/verify/prepare_first_factor", "Send a first-factor code", Writes|Texts|Signs,
			prepareReverification(false), join(reverified, sent)...),
		row(Frontend, "session-reverification-first-factor-attempt", post, session+"/verify/attempt_first_factor", "Prove the first factor again", Writes|Signs,
			reproveFirst, join(reverified, passworded, guessed)...),
		row(Frontend, "session-reverification-second-factor-prepare", post, session+"/verify/prepare_second_factor", "Send a second-factor code", Writes|Texts|Signs,
			prepareReverification(true), join(reverified, missing, sent)...),
		row(Frontend, "session-reverification-second-factor-attempt", post, session+"/verify/attempt_second_factor", "Prove the second factor again", Writes|Signs,
			reproveSecond, join(reverified, guessed)...),
		row(Frontend, "me-sessions-list", get, "/v1/me/sessions", "The user's live sessions", 0, listOwnSessions),
		row(Frontend, "me-sessions-active-list", get, "/v1/me/sessions/active", "The user's live sessions", 0, listOwnSessions),
		row(Frontend, "me-session-revoke", post, "/v1/me/sessions/{session_id}/revoke", "End another session of the user", Writes|Signs, revokeOwnSession, join(sensitive, missing)...),
	}
}

func meRows() []Operation {
	const phones, one = "/v1/me/phone_numbers", "/v1/me/phone_numbers/{phone_number_id}"
	unverified := []apierr.Code{apierr.IdentificationUpdateSecondFactorUnverified, apierr.FormDisableDefaultSecondFactorNotAllowed, apierr.FeatureNotEnabled}
	return []Operation{
		row(Frontend, "me-get", get, "/v1/me", "The user", Signs, getMe),
		row(Frontend, "me-phone-numbers-list", get, phones, "The user's numbers", Signs, listPhones),
		row(Frontend, "me-phone-number-create", post, phones, "Add a number", Writes|Signs, createPhone,
			join(sensitive, []apierr.Code{apierr.FormParamNil, apierr.FormParamFormatInvalid, apierr.FormIdentifierExists, apierr.TooManyUnverifiedIdentifications,
				apierr.UnsupportedCountryCode, apierr.FeatureNotEnabled, apierr.TooManyRequests})...),
		row(Frontend, "me-phone-number-get", get, one, "A number", Signs, getPhone, missing...),
		row(Frontend, "me-phone-number-prepare", post, one+"/prepare_verification", "Send the code that verifies a number", Writes|Texts|Signs, preparePhone,
			join(missing, sent, []apierr.Code{apierr.VerificationAlreadyVerified})...),
		row(Frontend, "me-phone-number-attempt", post, one+"/attempt_verification", "Verify a number", Writes|Signs, attemptPhone,
			join(missing, guessed, []apierr.Code{apierr.VerificationAlreadyVerified, apierr.FormIdentifierExists})...),
		row(Frontend, "me-phone-number-update", patch, one, "Reserve a number for the second factor, or make it the default", Writes|Signs, updatePhone,
			join(missing, sensitive, lastFactor, unverified)...),
		row(Frontend, "me-phone-number-delete", remove, one, "Remove a number", Writes|Signs, deletePhone, join(missing, sensitive, lastFactor)...),
		row(Frontend, "me-totp-create", post, "/v1/me/totp", "Begin to enrol an authenticator app", Writes|Signs, createTOTP,
			join(sensitive, []apierr.Code{apierr.TOTPAlreadyEnabled, apierr.FeatureNotEnabled})...),
		row(Frontend, "me-totp-attempt", post, "/v1/me/totp/attempt_verification", "Verify the authenticator app", Writes|Signs, attemptTOTP,
			join(missing, []apierr.Code{apierr.FormCodeIncorrect, apierr.FormParamNil, apierr.VerificationAlreadyVerified, apierr.FeatureNotEnabled})...),
		row(Frontend, "me-totp-delete", remove, "/v1/me/totp", "Remove the authenticator app", Writes|Signs, deleteTOTP, join(missing, sensitive, lastFactor)...),
		row(Frontend, "me-backup-codes-create", post, "/v1/me/backup_codes", "Replace the backup codes", Writes|Signs, createBackupCodes,
			join(sensitive, []apierr.Code{apierr.BackupCodesNotAvailable, apierr.FeatureNotEnabled})...),
	}
}

func userRows() []Operation {
	const user = "/v1/users/{user_id}"
	return []Operation{
		row(Backend, "users-create", post, "/v1/users", "Create a user, or import one with its factors", Writes, createUser, imported...),
		row(Backend, "users-list", get, "/v1/users", "List users", Lists, listUsers, apierr.FormParamValueInvalid),
		row(Backend, "users-count", get, "/v1/users/count", "Count users", Lists, countUsers),
		row(Backend, "user-get", get, user, "A user", 0, getUser, missing...),
		row(Backend, "user-update", patch, user, "Change a user", Writes, updateUser, join(missing, imported)...),
		row(Backend, "user-delete", remove, user, "Delete a user", Writes, deleteUser, missing...),
		row(Backend, "user-lock", post, user+"/lock", "Lock a user for an hour", Writes, lockUser, missing...),
		row(Backend, "user-unlock", post, user+"/unlock", "End every lock of a user", Writes, unlockUser, missing...),
		row(Backend, "user-ban", post, user+"/ban", "Keep a user out and end its sessions", Writes, banUser(true), missing...),
		row(Backend, "user-unban", post, user+"/unban", "Let a user in again", Writes, banUser(false), missing...),
		row(Backend, "user-totp-verify", post, user+"/verify_totp", "Check an authenticator or backup code and use it up", Writes, verifyTOTP,
			join(missing, guessed, []apierr.Code{apierr.TOTPDisabled})...),
		row(Backend, "user-password-verify", post, user+"/verify_password", "Check a password", Writes, verifyPassword,
			join(missing, passworded, []apierr.Code{apierr.NoPasswordSet, apierr.FormParamNil, apierr.TooManyRequests, apierr.UserLocked})...),
		row(Backend, "user-mfa-delete", remove, user+"/mfa", "Remove every second factor", Writes, removeMFA, missing...),
		row(Backend, "user-totp-delete", remove, user+"/totp", "Remove the authenticator app", Writes, removeTOTP, missing...),
		row(Backend, "user-backup-code-delete", remove, user+"/backup_code", "Remove the backup codes", Writes, removeBackupCodes, missing...),
	}
}

func adminRows() []Operation {
	const phone, session = "/v1/phone_numbers/{phone_number_id}", "/v1/sessions/{session_id}"
	return []Operation{
		row(Backend, "phone-number-create", post, "/v1/phone_numbers", "Add a number to a user", Writes, createUserPhone,
			join(missing, []apierr.Code{apierr.FormParamFormatInvalid, apierr.FormIdentifierExists, apierr.IdentificationUpdateSecondFactorUnverified})...),
		row(Backend, "phone-number-get", get, phone, "A number", 0, getUserPhone, missing...),
		row(Backend, "phone-number-update", patch, phone, "Change a number", Writes, updateUserPhone,
			join(missing, []apierr.Code{apierr.FormIdentifierExists, apierr.IdentificationUpdateSecondFactorUnverified})...),
		row(Backend, "phone-number-delete", remove, phone, "Remove a number", Writes, deleteUserPhone, missing...),
		row(Backend, "sign-in-token-create", post, "/v1/sign_in_tokens", "Make a sign-in ticket", Writes, createTicket, join(missing, invalid)...),
		row(Backend, "sign-in-token-revoke", post, "/v1/sign_in_tokens/{sign_in_token_id}/revoke", "Revoke a ticket", Writes, revokeTicket,
			join(missing, []apierr.Code{apierr.SignInTokenCannotBeRevokedCode})...),
		row(Backend, "sessions-list", get, "/v1/sessions", "A user's live sessions", 0, listSessions, join(missing, []apierr.Code{apierr.FormParamMissing})...),
		row(Backend, "admin-session-get", get, session, "A session", 0, getAnySession, missing...),
		row(Backend, "admin-session-revoke", post, session+"/revoke", "End a session", Writes, revokeSession, missing...),
		row(Backend, "admin-session-token-create", post, session+"/tokens", "A session token, for tests", Signs, createSessionToken, missing...),
		row(Backend, "backend-jwks-get", get, "/v1/jwks", "The keys that verify session tokens", Signs, getJWKS),
		row(Backend, "handshake-payload-get", get, "/v1/clients/handshake_payload", "What a handshake nonce stands for, once", Writes, getHandshakePayload, missing...),
		row(Backend, "instance-get", get, "/v1/instance", "The instance with its settings", 0, getInstance),
		func() Operation {
			op := row(Backend, "instance-update", patch, "/v1/instance", "Change the settings", Writes, updateInstance, apierr.FormParamFormatInvalid)
			op.Status, op.Response = http.StatusNoContent, nil
			return op
		}(),
	}
}
