package backend

import (
	"encoding/json"

	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
)

// SessionsList is GET /v1/sessions.
func SessionsList() operation.Operation {
	return row("sessions-list", "GET /v1/sessions",
		"A user's live sessions", 0, listSessions,
		operation.NotFound)
}

// AdminSessionCreate is POST /v1/sessions.
func AdminSessionCreate() operation.Operation {
	return row("admin-session-create", "POST /v1/sessions",
		"Begin a session without a sign-in, for tests in development", operation.Writes, createSession,
		operation.NotFound, testsOnly, []apierr.Code{apierr.FormParamValueInvalid, apierr.UserBanned, apierr.UserLocked})
}

// AdminSessionGet is GET /v1/sessions/{session_id}.
func AdminSessionGet() operation.Operation {
	return row("admin-session-get", "GET /v1/sessions/{session_id}", "A session", 0, getAnySession, operation.NotFound)
}

// AdminSessionRevoke is POST /v1/sessions/{session_id}/revoke.
func AdminSessionRevoke() operation.Operation {
	return row("admin-session-revoke", "POST /v1/sessions/{session_id}/revoke",
		"End a session", operation.Writes, revokeSession,
		operation.NotFound)
}

// AdminSessionTokenCreate is POST /v1/sessions/{session_id}/tokens.
func AdminSessionTokenCreate() operation.Operation {
	return row("admin-session-token-create", "POST /v1/sessions/{session_id}/tokens",
		"A session token, for tests", 0, createSessionToken,
		operation.NotFound, []apierr.Code{apierr.SessionClaimsTooLarge})
}

type sessionListInput struct {
	UserID   string `query:"user_id" rules:"required" doc:"sessions are kept by user"`
	ClientID string `query:"client_id" doc:"only those of one client"`
	Status   string `query:"status" rules:"one=active|pending" doc:"sessions that ended are not kept"`
	page
	Paginated bool `query:"paginated" doc:"an object with data and total_count in place of the array"`
}

// SessionList is a list of sessions: an array, or the page that Clerk's server SDK asks for with
// paginated.
type SessionList struct {
	sessionPage
	paginated bool
}

type sessionPage struct {
	Data       []wire.AdminSession `json:"data"`
	TotalCount int                 `json:"total_count"`
}

// Forms implements [operation.Former].
func (SessionList) Forms() []any { return []any{[]wire.AdminSession{}, sessionPage{}} }

// MarshalJSON returns the array or the page.
func (l SessionList) MarshalJSON() ([]byte, error) {
	if l.paginated {
		return json.Marshal(l.sessionPage)
	}
	return json.Marshal(l.Data)
}

func listSessions(c *operation.Call, in sessionListInput) (SessionList, error) {
	found, err := c.Service.Admin.UserSessions(c, in.UserID)
	out := []wire.AdminSession{}
	for i := range found {
		s := wire.NewAdminSession(&found[i])
		if (in.Status == "" || in.Status == s.Status) && (in.ClientID == "" || in.ClientID == s.ClientID) {
			out = append(out, s)
		}
	}
	total := len(out)
	return SessionList{sessionPage{Data: of(in.page, out), TotalCount: total}, in.Paginated}, err
}

func adminSession(r *sessions.Result, err error) (wire.AdminSession, error) {
	if err != nil {
		return wire.AdminSession{}, err
	}
	return wire.NewAdminSession(r), nil
}

type sessionCreateInput struct {
	UserID string `body:"user_id" rules:"required"`
}

func createSession(c *operation.Call, in sessionCreateInput) (wire.AdminSession, error) {
	if err := checkDevelopment(c); err != nil {
		return wire.AdminSession{}, err
	}
	return adminSession(c.Service.Admin.CreateSession(c, in.UserID))
}

type sessionInput struct {
	ID string `path:"session_id"`
}

func getAnySession(c *operation.Call, in sessionInput) (wire.AdminSession, error) {
	return adminSession(c.Service.Admin.AnySession(c, in.ID))
}

func revokeSession(c *operation.Call, in sessionInput) (wire.AdminSession, error) {
	return adminSession(c.Service.Admin.RevokeSession(c, in.ID))
}

func createSessionToken(c *operation.Call, in sessionInput) (wire.Token, error) {
	token, err := c.Service.Admin.AnySessionToken(c, in.ID)
	return wire.Token{Object: "token", JWT: token.Reveal()}, err
}
