package api

import (
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// SessionGet is the row of session-get: a session.
func SessionGet() Operation {
	return row(Frontend, "session-get", get, pathSession, "A session", Signs, getSession)
}

// SessionTouch is the row of session-touch: make a session the last active one.
func SessionTouch() Operation {
	return row(Frontend, "session-touch", post, pathSession+"/touch", "Make a session the last active one", Writes|Signs, touchSession)
}

// SessionTokenCreate is the row of session-token-create: a fresh session token.
func SessionTokenCreate() Operation {
	return row(Frontend, "session-token-create", post, pathSession+"/tokens", "A fresh session token", Signs, createToken)
}

// SessionEnd is the row of session-end: end a session.
func SessionEnd() Operation {
	return row(Frontend, "session-end", post, pathSession+"/end", "End a session", Writes|Signs, endSession)
}

// SessionRemove is the row of session-remove: end a session.
func SessionRemove() Operation {
	return row(Frontend, "session-remove", post, pathSession+"/remove", "End a session", Writes|Signs, removeSession)
}

// SessionReverificationCreate is the row of session-reverification-create: begin a step-up.
func SessionReverificationCreate() Operation {
	return row(Frontend, "session-reverification-create", post, pathSession+"/verify",
		"Begin a step-up", Writes|Signs, startReverification, apierr.FormParamValueInvalid)
}

// SessionReverificationFirstFactorPrepare is the row of session-reverification-first-factor-prepare: send a first-factor code.
func SessionReverificationFirstFactorPrepare() Operation {
	return row(Frontend, "session-reverification-first-factor-prepare", post, pathSession+"/verify/prepare_first_factor",
		"Send a first-factor code", Writes|SendsSMS|Counts|Signs, prepareReverification(false), join(reverified, sent)...)
}

// SessionReverificationFirstFactorAttempt is the row of session-reverification-first-factor-attempt: prove the first factor again.
func SessionReverificationFirstFactorAttempt() Operation {
	return row(Frontend, "session-reverification-first-factor-attempt", post, pathSession+"/verify/attempt_first_factor",
		"Prove the first factor again", Writes|Counts|Signs, reproveFirst, join(reverified, passworded, guessed, ticketed)...)
}

// SessionReverificationSecondFactorPrepare is the row of session-reverification-second-factor-prepare: send a second-factor code.
func SessionReverificationSecondFactorPrepare() Operation {
	return row(Frontend, "session-reverification-second-factor-prepare", post, pathSession+"/verify/prepare_second_factor",
		"Send a second-factor code", Writes|SendsSMS|Counts|Signs, prepareReverification(true), join(reverified, missing, sent)...)
}

// SessionReverificationSecondFactorAttempt is the row of session-reverification-second-factor-attempt: prove the second factor again.
func SessionReverificationSecondFactorAttempt() Operation {
	return row(Frontend, "session-reverification-second-factor-attempt", post, pathSession+"/verify/attempt_second_factor",
		"Prove the second factor again", Writes|Counts|Signs, reproveSecond, join(reverified, guessed)...)
}

// MeSessionsList is the row of me-sessions-list: the user's live sessions.
func MeSessionsList() Operation {
	return row(Frontend, "me-sessions-list", get, "/v1/me/sessions", "The user's live sessions", 0, listOwnSessions, notPending...)
}

// MeAuditEventsList is the row of me-audit-events-list: what was done to the user of late, newest first.
func MeAuditEventsList() Operation {
	return row(Frontend, "me-audit-events-list", get, "/v1/me/audit_events", "What was done to the user of late, newest first", 0, listOwnAuditEvents, notPending...)
}

// MeSessionsActiveList is the row of me-sessions-active-list: the user's live sessions.
func MeSessionsActiveList() Operation {
	return row(Frontend, "me-sessions-active-list", get, "/v1/me/sessions/active", "The user's live sessions", 0, listOwnSessions, notPending...)
}

// MeSessionRevoke is the row of me-session-revoke: end another session of the user.
func MeSessionRevoke() Operation {
	return row(Frontend, "me-session-revoke", post, "/v1/me/sessions/{session_id}/revoke",
		"End another session of the user", Writes|Signs, revokeOwnSession, join(sensitive, notPending, missing)...)
}
