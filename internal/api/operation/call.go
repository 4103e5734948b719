package operation

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// ClientCookie is the name of the cookie that carries a client token.
const ClientCookie = "__client"

// Call is one request for an operation.
type Call struct {
	context.Context
	*Instance
	Request *http.Request
	Answer  http.ResponseWriter
	// Caller is who called the Frontend API.
	Caller   tx.Caller
	Settings account.Settings
}

// Instance is what operations know of the instance that they serve.
type Instance struct {
	Service *domain.Service
	// PublicURL is where clients reach the API, without a slash at the end.
	PublicURL string
	// Origins are allowed on top of those of the instance's settings.
	Origins []string
	// PublishableKey is the application's. The handshake derives cookie names from it.
	PublishableKey string
	AppName        string
	// NumberingPlans is the age of the numbering plans by which new phone numbers are valid.
	NumberingPlans string
	// Development allows every loopback origin and says "development" in the environment.
	Development bool
}

// Secure reports whether clients reach the API with TLS.
func (i *Instance) Secure() bool { return strings.HasPrefix(i.PublicURL, "https:") }

// Production reports whether the publishable key is one of production, as Clerk's SDKs read it.
func (i *Instance) Production() bool { return strings.HasPrefix(i.PublishableKey, "pk_live_") }

// EnvironmentType is the type of the instance in Clerk's words.
func (i *Instance) EnvironmentType() string {
	if i.Development {
		return "development"
	}
	return "production"
}

// OriginAllowed reports whether pages of an origin may call the API. The list is that of the
// instance's settings.
func (i *Instance) OriginAllowed(origin string, allowed []string) bool {
	if origin == i.PublicURL || slices.Contains(allowed, origin) || slices.Contains(i.Origins, origin) {
		return true
	}
	if !i.Development {
		return false
	}
	u, err := url.Parse(origin)
	return err == nil && (u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1")
}
