package frontend

import (
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// ClientGet is GET /v1/client.
func ClientGet() operation.Operation {
	return row("client-get", "GET /v1/client", "The calling client with its sessions", operation.Writes, getClient)
}

// ClientCreate is POST /v1/client.
func ClientCreate() operation.Operation {
	return row("client-create", "POST /v1/client", "Become a client", operation.Writes|operation.Limited, createClient)
}

// ClientPut is PUT /v1/client.
func ClientPut() operation.Operation {
	return row("client-put", "PUT /v1/client", "Become a client", operation.Writes|operation.Limited, createClient)
}

// ClientDelete is DELETE /v1/client.
func ClientDelete() operation.Operation {
	return row("client-delete", "DELETE /v1/client", "End all sessions of the client", operation.Writes, endAllSessions)
}

// ClientSessionsDelete is DELETE /v1/client/sessions.
func ClientSessionsDelete() operation.Operation {
	return row("client-sessions-delete", "DELETE /v1/client/sessions",
		"End all sessions of the client", operation.Writes, endAllSessions)
}

// DevBrowserCreate is POST /v1/dev_browser.
func DevBrowserCreate() operation.Operation {
	return operation.New(operation.Public, "dev-browser-create", "POST /v1/dev_browser",
		"Register a development browser", operation.Writes, createDevBrowser,
		operation.NotFound)
}

func getClient(c *operation.Call, _ operation.Empty) (Wrapped[*wire.Client], error) {
	s, err := c.Service.Sessions.Client(c, c.Caller)
	if err != nil {
		return Wrapped[*wire.Client]{}, err
	}
	keep(c, s)
	return Wrapped[*wire.Client]{Response: wire.NewClient(s)}, nil
}

func createClient(c *operation.Call, _ operation.Empty) (Wrapped[*wire.Client], error) {
	s, err := c.Service.Sessions.CreateClient(c, c.Caller)
	if err != nil {
		return Wrapped[*wire.Client]{}, err
	}
	keep(c, s)
	return Wrapped[*wire.Client]{Response: wire.NewClient(s)}, nil
}

func endAllSessions(c *operation.Call, _ operation.Empty) (Wrapped[*wire.Client], error) {
	s, err := c.Service.Sessions.EndAll(c, c.Caller)
	if err != nil {
		return Wrapped[*wire.Client]{}, err
	}
	keep(c, s)
	return Wrapped[*wire.Client]{Response: wire.NewClient(s)}, nil
}

// DevBrowser is the id of a development browser.
type DevBrowser struct {
	ID string `json:"id"`
}

func createDevBrowser(c *operation.Call, _ operation.Empty) (DevBrowser, error) {
	if c.Production() { // an id in the query is no secret: a link could plant it (session fixation)
		return DevBrowser{}, apierr.New(apierr.ResourceNotFound)
	}
	token, err := c.Service.Sessions.NewDevBrowser(c, c.Caller)
	return DevBrowser{ID: token.Reveal()}, err
}
