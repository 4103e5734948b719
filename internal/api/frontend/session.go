package frontend

import (
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
)

// SessionGet is GET /v1/client/sessions/{session_id}.
func SessionGet() operation.Operation {
	return row("session-get", "GET /v1/client/sessions/{session_id}", "A session", 0, getSession)
}

// SessionTouch is POST /v1/client/sessions/{session_id}/touch.
func SessionTouch() operation.Operation {
	return row("session-touch", "POST /v1/client/sessions/{session_id}/touch",
		"Make a session the last active one", operation.Writes, touchSession)
}

// SessionTokenCreate is POST /v1/client/sessions/{session_id}/tokens.
func SessionTokenCreate() operation.Operation {
	return row("session-token-create", "POST /v1/client/sessions/{session_id}/tokens",
		"A fresh session token", 0, createToken, []apierr.Code{apierr.SessionClaimsTooLarge})
}

// SessionEnd is POST /v1/client/sessions/{session_id}/end.
func SessionEnd() operation.Operation {
	return row("session-end", "POST /v1/client/sessions/{session_id}/end", "End a session", operation.Writes, endSession)
}

// SessionRemove is POST /v1/client/sessions/{session_id}/remove.
func SessionRemove() operation.Operation {
	return row("session-remove", "POST /v1/client/sessions/{session_id}/remove",
		"End a session", operation.Writes, removeSession)
}

// MeSessionsList is GET /v1/me/sessions.
func MeSessionsList() operation.Operation {
	return row("me-sessions-list", "GET /v1/me/sessions", "The user's live sessions", 0, listOwnSessions, notPending)
}

// MeSessionsActiveList is GET /v1/me/sessions/active.
func MeSessionsActiveList() operation.Operation {
	return row("me-sessions-active-list", "GET /v1/me/sessions/active",
		"The user's live sessions", 0, listOwnSessions,
		notPending)
}

// MeSessionRevoke is POST /v1/me/sessions/{session_id}/revoke.
func MeSessionRevoke() operation.Operation {
	return row("me-session-revoke", "POST /v1/me/sessions/{session_id}/revoke",
		"End another session of the user", operation.Writes, revokeOwnSession,
		sensitive, notPending, operation.NotFound)
}

// MeSessionsRevokeOthers is POST /v1/me/sessions/revoke_others.
func MeSessionsRevokeOthers() operation.Operation {
	return row("me-sessions-revoke-others", "POST /v1/me/sessions/revoke_others",
		"End all other sessions of the user", operation.Writes, revokeOtherSessions,
		sensitive, notPending)
}

type sessionInput struct {
	ID string `path:"session_id"`
}

func session(c *operation.Call, r *sessions.Result, err error) (Wrapped[wire.Session], error) {
	if err != nil {
		return Wrapped[wire.Session]{}, err
	}
	return wrap(c, wire.NewSession(r.Session, r.User, r.Snapshot), r.Snapshot), nil
}

func getSession(c *operation.Call, in sessionInput) (Wrapped[wire.Session], error) {
	r, err := c.Service.Sessions.Session(c, c.Caller, in.ID)
	return session(c, r, err)
}

func touchSession(c *operation.Call, in sessionInput) (Wrapped[wire.Session], error) {
	r, err := c.Service.Sessions.Touch(c, c.Caller, in.ID)
	return session(c, r, err)
}

func endSession(c *operation.Call, in sessionInput) (Wrapped[wire.Session], error) {
	r, err := c.Service.Sessions.EndSession(c, c.Caller, in.ID, account.SessionEnded)
	return session(c, r, err)
}

func removeSession(c *operation.Call, in sessionInput) (Wrapped[wire.Session], error) {
	r, err := c.Service.Sessions.EndSession(c, c.Caller, in.ID, account.SessionRemoved)
	return session(c, r, err)
}

func createToken(c *operation.Call, in sessionInput) (wire.Token, error) {
	token, err := c.Service.Sessions.SessionToken(c, c.Caller, in.ID)
	return wire.Token{Object: "token", JWT: token.Reveal()}, err
}

func listOwnSessions(c *operation.Call, _ operation.Empty) ([]wire.SessionActivity, error) {
	found, err := c.Service.Sessions.OwnSessions(c, c.Caller)
	out := []wire.SessionActivity{}
	for _, r := range found {
		out = append(out, wire.NewSessionActivity(r))
	}
	return out, err
}

func revokeOwnSession(c *operation.Call, in sessionInput) (Wrapped[wire.Session], error) {
	r, err := c.Service.Sessions.RevokeOwn(c, c.Caller, in.ID)
	return session(c, r, err)
}

func revokeOtherSessions(c *operation.Call, _ operation.Empty) (Wrapped[wire.Session], error) {
	r, err := c.Service.Sessions.RevokeOthers(c, c.Caller)
	return session(c, r, err)
}
