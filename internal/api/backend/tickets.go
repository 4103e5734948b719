package backend

import (
	"time"

	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
)

// SignInTokenCreate is POST /v1/sign_in_tokens.
func SignInTokenCreate() operation.Operation {
	return row("sign-in-token-create", "POST /v1/sign_in_tokens",
		"Make a sign-in ticket", operation.Writes, createTicket,
		operation.NotFound)
}

// SignInTokenRevoke is POST /v1/sign_in_tokens/{sign_in_token_id}/revoke.
func SignInTokenRevoke() operation.Operation {
	return row("sign-in-token-revoke", "POST /v1/sign_in_tokens/{sign_in_token_id}/revoke",
		"Revoke a ticket", operation.Writes, revokeTicket,
		operation.NotFound, []apierr.Code{apierr.SignInTokenCannotBeRevokedCode})
}

// SignInToken is a ticket: it signs its user in once.
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
	UserID string `body:"user_id" rules:"required"`
	Life   int    `body:"expires_in_seconds" rules:"min=1 max=2592000 default=600"`
}

func createTicket(c *operation.Call, in ticketCreateInput) (SignInToken, error) {
	return presentTicket(c.Service.MFA.CreateTicket(c, in.UserID, time.Duration(in.Life)*time.Second))
}

type ticketInput struct {
	ID string `path:"sign_in_token_id"`
}

func revokeTicket(c *operation.Call, in ticketInput) (SignInToken, error) {
	return presentTicket(c.Service.MFA.RevokeTicket(c, in.ID))
}
