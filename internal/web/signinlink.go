package web

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/typed"
)

// longestLink is the longest life of a sign-in link that a dashboard session may create. The
// Backend API allows thirty days: a link that a support desk sends is used at once.
const longestLink = time.Hour

// createLink creates a sign-in ticket. The cookie alone authorizes less than the Backend API: only
// a short life, and only with a reason, because the API writes an audit entry for requests that
// have one.
func (p *pages) createLink(w http.ResponseWriter, r *http.Request) {
	var in struct {
		User string `json:"user_id"`
		Life int    `json:"expires_in_seconds"`
	}
	p.forwardPart(w, r, &in, func() bool { return in.Life >= 1 && in.Life <= int(longestLink/time.Second) && hasReason(r) })
}

// forwardPart decodes a request's body into in, and forwards the request with the fields of in
// alone. It refuses a body with other fields, and one for which valid is false.
func (p *pages) forwardPart(w http.ResponseWriter, r *http.Request, in any, valid func() bool) {
	body := json.NewDecoder(r.Body)
	body.DisallowUnknownFields()
	if err := body.Decode(in); err != nil {
		refuse(w, http.StatusBadRequest, "request_body_invalid")
		return
	}
	if !valid() {
		refuse(w, http.StatusUnprocessableEntity, "form_param_value_invalid")
		return
	}
	checked, err := json.Marshal(in)
	if err != nil {
		refuse(w, http.StatusBadRequest, "request_body_invalid")
		return
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(checked)), int64(len(checked))
	p.forward(w, r)
}

// hasReason reports whether a request has a reason that the Backend API reads as one: white space
// alone is none.
func hasReason(r *http.Request) bool {
	text, err := url.PathUnescape(r.Header.Get(reasonHeader))
	line, ok := typed.Line(text)
	return err == nil && ok && line != ""
}
