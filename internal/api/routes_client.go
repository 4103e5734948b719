package api

import (
	"net/http"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// EnvironmentGet is the row of environment-get: what an SDK must know of the instance.
func EnvironmentGet() Operation {
	return row(Frontend, "environment-get", get, "/v1/environment", "What an SDK must know of the instance", 0, getEnvironment)
}

// EnvironmentPatch is the row of environment-patch: the same; clerk-js reads with PATCH in development.
func EnvironmentPatch() Operation {
	return row(Frontend, "environment-patch", patch, "/v1/environment", "The same; clerk-js reads with PATCH in development", 0, getEnvironment)
}

// DevBrowserCreate is the row of dev-browser-create: register a development browser.
func DevBrowserCreate() Operation {
	return row(Public, "dev-browser-create", post, "/v1/dev_browser", "Register a development browser", Writes, createDevBrowser, missing...)
}

// ClientGet is the row of client-get: the calling client with its sessions.
func ClientGet() Operation {
	return row(Frontend, "client-get", get, "/v1/client", "The calling client with its sessions", Writes|Signs, getClient)
}

// ClientCreate is the row of client-create: become a client.
func ClientCreate() Operation {
	return row(Frontend, "client-create", post, "/v1/client", "Become a client", Writes|Limited|Signs, createClient)
}

// ClientPut is the row of client-put: become a client.
func ClientPut() Operation {
	return row(Frontend, "client-put", http.MethodPut, "/v1/client", "Become a client", Writes|Limited|Signs, createClient)
}

// ClientDelete is the row of client-delete: end all sessions of the client.
func ClientDelete() Operation {
	return row(Frontend, "client-delete", remove, "/v1/client", "End all sessions of the client", Writes|Signs, endAllSessions)
}

// ClientSessionsDelete is the row of client-sessions-delete: end all sessions of the client.
func ClientSessionsDelete() Operation {
	return row(Frontend, "client-sessions-delete", remove, "/v1/client/sessions", "End all sessions of the client", Writes|Signs, endAllSessions)
}

// SignInCreate is the row of sign-in-create: begin to sign in, with a ticket, a password or an identifier.
func SignInCreate() Operation {
	return row(Frontend, "sign-in-create", post, "/v1/client/sign_ins",
		"Begin to sign in, with a ticket, a password or an identifier", Writes|Counts|Signs, createSignIn,
		join(passworded, []apierr.Code{apierr.FormIdentifierNotFound, apierr.FormParamMissing, apierr.FormParamValueInvalid,
			apierr.SessionExists, apierr.TicketInvalidCode, apierr.TicketExpiredCode, apierr.SignInTokenAlreadyUsedCode,
			apierr.SignInTokenRevokedCode, apierr.SignInTokenCannotBeUsedCode, apierr.UserLocked, apierr.UserBanned, apierr.TooManyRequests,
			apierr.StrategyForUserInvalid})...)
}

// SignInGet is the row of sign-in-get: the sign-in in progress.
func SignInGet() Operation {
	return row(Frontend, "sign-in-get", get, pathSignIn, "The sign-in in progress", Signs, getSignIn, missing...)
}

// SignInFirstFactorPrepare is the row of sign-in-first-factor-prepare: send a first-factor code.
func SignInFirstFactorPrepare() Operation {
	return row(Frontend, "sign-in-first-factor-prepare", post, pathSignIn+"/prepare_first_factor",
		"Send a first-factor code", Writes|SendsSMS|Counts|Signs, prepareFirstFactor, join(missing, sent)...)
}

// SignInFirstFactorAttempt is the row of sign-in-first-factor-attempt: prove the first factor.
func SignInFirstFactorAttempt() Operation {
	return row(Frontend, "sign-in-first-factor-attempt", post, pathSignIn+"/attempt_first_factor",
		"Prove the first factor", Writes|Counts|Signs, attemptFirstFactor,
		join(missing, passworded, guessed, []apierr.Code{apierr.VerificationAlreadyVerified})...)
}

// SignInSecondFactorPrepare is the row of sign-in-second-factor-prepare: send a second-factor code.
func SignInSecondFactorPrepare() Operation {
	return row(Frontend, "sign-in-second-factor-prepare", post, pathSignIn+"/prepare_second_factor",
		"Send a second-factor code", Writes|SendsSMS|Counts|Signs, prepareSecondFactor, join(missing, sent)...)
}

// SignInSecondFactorAttempt is the row of sign-in-second-factor-attempt: prove the second factor.
func SignInSecondFactorAttempt() Operation {
	return row(Frontend, "sign-in-second-factor-attempt", post, pathSignIn+"/attempt_second_factor",
		"Prove the second factor", Writes|Counts|Signs, attemptSecondFactor, join(missing, guessed)...)
}
