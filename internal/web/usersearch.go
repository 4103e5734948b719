package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// userSearch is a search of the dashboard for users, or the list of all without a text.
type userSearch struct {
	Text string `json:"text"`
	// Filters are parameters of GET /v1/users.
	Filters userFilters `json:"filters"`
	// Order is that of GET /v1/users, Limit the size of the page, and After the id of the last user
	// of the page before. A count takes none of them.
	Order string      `json:"order"`
	Limit json.Number `json:"limit"`
	After string      `json:"after"`
}

// userFilters are the filters that a search of the dashboard may have. A missing one is nil: the
// operation refuses an empty value.
type userFilters struct {
	Banned        *string `json:"banned"`
	Locked        *string `json:"locked"`
	SecondFactor  *string `json:"second_factor"`
	MFADue        *string `json:"mfa_due"`
	CreatedAfter  *string `json:"created_at_after"`
	CreatedBefore *string `json:"created_at_before"`
}

// search asks an operation of users for those of a search. The text is in the body, because URLs
// end up in logs and histories.
func (p *pages) search(w http.ResponseWriter, r *http.Request, path string) {
	var in userSearch
	body := json.NewDecoder(r.Body)
	body.DisallowUnknownFields() // a list without a filter that was asked for would be a wrong answer
	if err := body.Decode(&in); err != nil {
		refuse(w, http.StatusBadRequest, "request_body_invalid")
		return
	}
	to, err := http.NewRequestWithContext(r.Context(), http.MethodGet, path+"?"+in.query().Encode(), bytes.NewReader(nil))
	if err != nil {
		refuse(w, http.StatusBadRequest, "request_body_invalid")
		return
	}
	to.Host = r.Host
	to.RemoteAddr = r.RemoteAddr
	p.ask(w, to)
}

// query returns the parameters of the operation. The operation itself takes a text that is a whole
// number or id for its user.
func (in userSearch) query() url.Values {
	query := url.Values{}
	set := func(name, value string) {
		if value != "" {
			query.Set(name, value)
		}
	}
	set("query", strings.TrimSpace(in.Text))
	for name, value := range map[string]*string{
		"banned": in.Filters.Banned, "locked": in.Filters.Locked, "second_factor": in.Filters.SecondFactor, "mfa_due": in.Filters.MFADue, "created_at_after": in.Filters.CreatedAfter, "created_at_before": in.Filters.CreatedBefore,
	} {
		if value != nil {
			query.Set(name, *value)
		}
	}
	set("order_by", in.Order)
	set("limit", in.Limit.String())
	set("starting_after", in.After)
	return query
}
