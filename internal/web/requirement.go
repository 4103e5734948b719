package web

import "net/http"

// markUser says of a user whether, and from when on, a second factor is required. The cookie alone
// authorizes less than the Backend API, whose operation sets passwords and factors too: only this
// mark, and only with a reason.
func (p *pages) markUser(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Required *bool  `json:"mfa_required,omitempty"`
		From     *int64 `json:"mfa_required_from,omitempty"` // in milliseconds since 1970
	}
	p.forwardPart(w, r, &in, func() bool { return in.Required != nil && hasReason(r) })
}
