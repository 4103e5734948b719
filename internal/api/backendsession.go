package api

import (
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
)

// SignInToken is a ticket.
type SignInToken struct {
	Object    string  `json:"object"`
	ID        string  `json:"id"`
	Status    string  `json:"status"`
	UserID    string  `json:"user_id"`
	Token     string  `json:"token,omitempty"`
	URL       *string `json:"url"`
	CreatedAt int64   `json:"created_at"`
	UpdatedAt int64   `json:"updated_at"`
}

func presentTicket(r *mfa.TicketResult, err error) (SignInToken, error) {
	if err != nil {
		return SignInToken{}, err
	}
	return SignInToken{
		Object: "sign_in_token", ID: r.Ticket.WireID(), Status: r.Ticket.Status(r.Now), UserID: r.Ticket.UserID(), Token: r.Token.Reveal(),
		CreatedAt: int64(r.Ticket.CreatedAt), UpdatedAt: int64(r.Ticket.UpdatedAt),
	}, nil
}

type ticketCreateInput struct {
	UserID string `body:"user_id"`
	Life   *int   `body:"expires_in_seconds" doc:"1 to 2592000, default 600"`
}

func createTicket(a *API, c *call, in ticketCreateInput) (SignInToken, error) {
	var life time.Duration
	if in.Life != nil {
		if *in.Life < 1 || *in.Life > 2592000 {
			return SignInToken{}, apierr.New(apierr.FormParamValueInvalid).Param("expires_in_seconds")
		}
		life = time.Duration(*in.Life) * time.Second
	}
	return presentTicket(a.Service.MFA.CreateTicket(c, in.UserID, life))
}

type ticketInput struct {
	ID string `path:"sign_in_token_id"`
}

func revokeTicket(a *API, c *call, in ticketInput) (SignInToken, error) {
	return presentTicket(a.Service.MFA.RevokeTicket(c, in.ID))
}

// AdminSession is a session as the Backend API shows it.
type AdminSession struct {
	Object       string    `json:"object"`
	ID           string    `json:"id"`
	UserID       string    `json:"user_id"`
	ClientID     string    `json:"client_id"`
	Status       string    `json:"status"`
	Actor        *struct{} `json:"actor"`
	Tasks        []Task    `json:"tasks"`
	LastActiveAt int64     `json:"last_active_at"`
	ExpireAt     int64     `json:"expire_at"`
	AbandonAt    int64     `json:"abandon_at"`
	CreatedAt    int64     `json:"created_at"`
	UpdatedAt    int64     `json:"updated_at"`
}

func presentAdminSession(r *sessions.Result) AdminSession {
	s := presentSession(r.Session, r.User, r.Snapshot)
	return AdminSession{
		Object: "session", ID: s.ID, UserID: r.User.WireID(), ClientID: r.Session.ClientWireID(), Status: s.Status, Tasks: s.Tasks,
		LastActiveAt: s.LastActiveAt, ExpireAt: s.ExpireAt, AbandonAt: s.AbandonAt, CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt,
	}
}

type sessionListInput struct {
	UserID    string `query:"user_id" doc:"needed: sessions are kept by user"`
	ClientID  string `query:"client_id" doc:"only those of one client"`
	Status    string `query:"status" doc:"active or pending; sessions that ended are not kept"`
	Limit     *int   `query:"limit" doc:"1 to 500, default 10"`
	Offset    int    `query:"offset"`
	Paginated bool   `query:"paginated" doc:"an object with data and total_count in place of the array"`
}

// sessionPage is the form that Clerk's server SDK asks for; without asking there is a bare array.
type sessionPage struct {
	Data       []AdminSession `json:"data"`
	TotalCount int            `json:"total_count"`
}

func listSessions(a *API, c *call, in sessionListInput) (any, error) {
	if in.UserID == "" {
		return nil, apierr.New(apierr.FormParamMissing).Param("user_id")
	}
	if in.Status != "" && in.Status != string(account.SessionActive) && in.Status != string(account.SessionPending) {
		return nil, apierr.New(apierr.FormParamValueInvalid).Param("status")
	}
	offset, limit, err := page(in.Offset, in.Limit)
	if err != nil {
		return nil, err
	}
	found, err := a.Service.Admin.UserSessions(c, in.UserID)
	out := []AdminSession{}
	for i := range found {
		s := presentAdminSession(&found[i])
		if (in.Status == "" || in.Status == s.Status) && (in.ClientID == "" || in.ClientID == s.ClientID) {
			out = append(out, s)
		}
	}
	total := len(out)
	out = out[min(offset, total):min(offset+limit, total)]
	if in.Paginated {
		return sessionPage{Data: out, TotalCount: total}, err
	}
	return out, err
}

func (a *API) adminSession(r *sessions.Result, err error) (AdminSession, error) {
	if err != nil {
		return AdminSession{}, err
	}
	return presentAdminSession(r), nil
}

func getAnySession(a *API, c *call, in sessionInput) (AdminSession, error) {
	return a.adminSession(a.Service.Admin.AnySession(c, in.ID))
}

func revokeSession(a *API, c *call, in sessionInput) (AdminSession, error) {
	return a.adminSession(a.Service.Admin.RevokeSession(c, in.ID))
}

func createSessionToken(a *API, c *call, in sessionInput) (Token, error) {
	token, err := a.Service.Admin.AnySessionToken(c, in.ID)
	return Token{Object: "token", JWT: token.Reveal()}, err
}
