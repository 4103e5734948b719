package clerksdk_test

import (
	"github.com/clerk/clerk-sdk-go/v2"
	"github.com/clerk/clerk-sdk-go/v2/actortoken"
	"github.com/clerk/clerk-sdk-go/v2/allowlistidentifier"
	"github.com/clerk/clerk-sdk-go/v2/billing"
	"github.com/clerk/clerk-sdk-go/v2/blocklistidentifier"
	"github.com/clerk/clerk-sdk-go/v2/client"
	"github.com/clerk/clerk-sdk-go/v2/domain"
	"github.com/clerk/clerk-sdk-go/v2/emailaddress"
	"github.com/clerk/clerk-sdk-go/v2/instancesettings"
	"github.com/clerk/clerk-sdk-go/v2/invitation"
	"github.com/clerk/clerk-sdk-go/v2/jwks"
	"github.com/clerk/clerk-sdk-go/v2/jwttemplate"
	"github.com/clerk/clerk-sdk-go/v2/m2m_token"
	"github.com/clerk/clerk-sdk-go/v2/machine"
	"github.com/clerk/clerk-sdk-go/v2/machinescope"
	"github.com/clerk/clerk-sdk-go/v2/oauthapplication"
	"github.com/clerk/clerk-sdk-go/v2/organization"
	"github.com/clerk/clerk-sdk-go/v2/organizationdomain"
	"github.com/clerk/clerk-sdk-go/v2/organizationinvitation"
	"github.com/clerk/clerk-sdk-go/v2/organizationmembership"
	"github.com/clerk/clerk-sdk-go/v2/phonenumber"
	"github.com/clerk/clerk-sdk-go/v2/proxycheck"
	"github.com/clerk/clerk-sdk-go/v2/redirecturl"
	"github.com/clerk/clerk-sdk-go/v2/samlconnection"
	"github.com/clerk/clerk-sdk-go/v2/session"
	"github.com/clerk/clerk-sdk-go/v2/signintoken"
	"github.com/clerk/clerk-sdk-go/v2/svixwebhook"
	"github.com/clerk/clerk-sdk-go/v2/template"
	"github.com/clerk/clerk-sdk-go/v2/testingtoken"
	"github.com/clerk/clerk-sdk-go/v2/user"
	"github.com/clerk/clerk-sdk-go/v2/waitlistentry"
)

// clients returns a client of every package of the SDK.
func clients(config *clerk.ClientConfig) map[string]any {
	return map[string]any{
		"actortoken":             actortoken.NewClient(config),
		"allowlistidentifier":    allowlistidentifier.NewClient(config),
		"billing":                billing.NewClient(config),
		"blocklistidentifier":    blocklistidentifier.NewClient(config),
		"client":                 client.NewClient(config),
		"domain":                 domain.NewClient(config),
		"emailaddress":           emailaddress.NewClient(config),
		"instancesettings":       instancesettings.NewClient(config),
		"invitation":             invitation.NewClient(config),
		"jwks":                   jwks.NewClient(config),
		"jwttemplate":            jwttemplate.NewClient(config),
		"m2m_token":              m2m_token.NewClient(config),
		"machine":                machine.NewClient(config),
		"machinescope":           machinescope.NewClient(config),
		"oauthapplication":       oauthapplication.NewClient(config),
		"organization":           organization.NewClient(config),
		"organizationdomain":     organizationdomain.NewClient(config),
		"organizationinvitation": organizationinvitation.NewClient(config),
		"organizationmembership": organizationmembership.NewClient(config),
		"phonenumber":            phonenumber.NewClient(config),
		"proxycheck":             proxycheck.NewClient(config),
		"redirecturl":            redirecturl.NewClient(config),
		"samlconnection":         samlconnection.NewClient(config),
		"session":                session.NewClient(config),
		"signintoken":            signintoken.NewClient(config),
		"svixwebhook":            svixwebhook.NewClient(config),
		"template":               template.NewClient(config),
		"testingtoken":           testingtoken.NewClient(config),
		"user":                   user.NewClient(config),
		"waitlistentry":          waitlistentry.NewClient(config),
	}
}
