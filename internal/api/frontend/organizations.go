package frontend

import (
	"github.com/countersign-mfa/countersign/internal/api/operation"
)

// There are no organizations, so the lists of a user's are empty. Clerk's components read them on
// every page that may show an organization, and take an error for a broken instance.

// MeOrganizationMembershipsList is GET /v1/me/organization_memberships.
func MeOrganizationMembershipsList() operation.Operation {
	return row("me-organization-memberships-list", "GET /v1/me/organization_memberships",
		"The user's organizations: none", 0, listMemberships)
}

// MeOrganizationInvitationsList is GET /v1/me/organization_invitations.
func MeOrganizationInvitationsList() operation.Operation {
	return row("me-organization-invitations-list", "GET /v1/me/organization_invitations",
		"The user's invitations: none", 0, listInvitations)
}

// MeOrganizationSuggestionsList is GET /v1/me/organization_suggestions.
func MeOrganizationSuggestionsList() operation.Operation {
	return row("me-organization-suggestions-list", "GET /v1/me/organization_suggestions",
		"Organizations that the user could join: none", 0, listSuggestions)
}

// NoOrganizations is an empty page.
type NoOrganizations struct {
	Data       []struct{} `json:"data"`
	TotalCount int        `json:"total_count"`
}

type emptyPageInput struct {
	Limit  int `query:"limit" rules:"min=1 max=500 default=10"`
	Offset int `query:"offset" rules:"min=0 default=0"`
}

type membershipsInput struct {
	emptyPageInput
	Paginated bool `query:"paginated" doc:"the answer is always a page"`
}

type invitationsInput struct {
	emptyPageInput
	Status []string `query:"status" rules:"one=pending|accepted|revoked|expired"`
}

type suggestionsInput struct {
	emptyPageInput
	Status []string `query:"status" rules:"one=pending|accepted"`
}

func listMemberships(c *operation.Call, _ membershipsInput) (Wrapped[NoOrganizations], error) {
	return noOrganizations(c)
}

func listInvitations(c *operation.Call, _ invitationsInput) (Wrapped[NoOrganizations], error) {
	return noOrganizations(c)
}

func listSuggestions(c *operation.Call, _ suggestionsInput) (Wrapped[NoOrganizations], error) {
	return noOrganizations(c)
}

// noOrganizations answers a signed-in caller with an empty page.
func noOrganizations(c *operation.Call) (Wrapped[NoOrganizations], error) {
	r, err := c.Service.Sessions.Me(c, c.Caller)
	if err != nil {
		return Wrapped[NoOrganizations]{}, err
	}
	return wrap(c, NoOrganizations{Data: []struct{}{}}, r.Snapshot), nil
}
