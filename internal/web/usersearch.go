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
	// Filters are parameters of GET /v1/users among [userFilters].
	Filters map[string]string `json:"filters"`
	// Order is that of GET /v1/users, Limit the size of the page, and After the id of the last user
	// of the page before. A count takes none of them.
	Order string      `json:"order"`
	Limit json.Number `json:"limit"`
	After string      `json:"after"`
}

// userFilters are the filters that a search of the dashboard may have.
var userFilters = []string{"banned", "locked", "second_factor", "created_at_after", "created_at_before"}

// search asks an operation of users for those of a search. The text is in the body, because URLs
// end up in logs and histories.
func (p *pages) search(w http.ResponseWriter, r *http.Request, path string) {
	var in userSearch
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
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

// query returns the parameters of the operation. A whole number or id names its user.
func (in userSearch) query() url.Values {
	query := url.Values{}
	set := func(name, value string) {
		if value != "" {
			query.Set(name, value)
		}
	}
	switch text := strings.TrimSpace(in.Text); {
	case strings.HasPrefix(text, "user_"):
		set("user_id", text)
	default:
		set("query", text)
	}
	for _, name := range userFilters {
		set(name, in.Filters[name])
	}
	set("order_by", in.Order)
	set("limit", in.Limit.String())
	set("starting_after", in.After)
	return query
}
