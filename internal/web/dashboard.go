package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/typed"
)

// dashboardLife is the lifetime of a dashboard session. Use does not extend it.
const dashboardLife = 8 * time.Hour

const maxDashboardBody = 64 << 10

// forwarded are the operations of the Backend API that the dashboard's cookie authorizes as they
// are: those that the dashboard uses. [pages.createLink], [pages.markUser] and [pages.search]
// authorize a part of others.
var forwarded = []string{
	"GET /v1/instance", "PATCH /v1/instance",
	"GET /v1/instance/audit_events", "GET /v1/statistics", "GET /v1/sms_usage", "GET /v1/sms_messages",
	"GET /v1/events", "GET /v1/webhook_endpoints", "POST /v1/webhook_endpoints", "PATCH /v1/webhook_endpoints/{endpoint_id}", "DELETE /v1/webhook_endpoints/{endpoint_id}",
	"POST /v1/webhook_endpoints/{endpoint_id}/rotate_secret", "POST /v1/webhook_endpoints/{endpoint_id}/test", "POST /v1/webhook_endpoints/{endpoint_id}/replay", "GET /v1/webhook_endpoints/{endpoint_id}/deliveries",
	"GET /v1/users", "GET /v1/users/count", "GET /v1/users/{user_id}", "GET /v1/users/{user_id}/audit_events",
	"POST /v1/users/{user_id}/lock", "POST /v1/users/{user_id}/unlock", "POST /v1/users/{user_id}/ban", "POST /v1/users/{user_id}/unban",
	"DELETE /v1/users/{user_id}/mfa", "DELETE /v1/users/{user_id}/totp", "DELETE /v1/users/{user_id}/backup_code", "DELETE /v1/users/{user_id}/recovery",
	"DELETE /v1/users/{user_id}/passkeys/{passkey_identification_id}",
	"GET /v1/users/{user_id}/remembered_devices", "DELETE /v1/users/{user_id}/remembered_devices/{device_id}",
	"DELETE /v1/phone_numbers/{phone_number_id}",
	"GET /v1/sessions", "POST /v1/sessions/{session_id}/revoke",
}

const dashboardAPI = "/dashboard/api"

func (p *pages) dashboardRoutes() {
	p.mux.HandleFunc("POST "+dashboardAPI+"/session", p.sameOrigin(p.openDashboard))
	p.mux.HandleFunc("DELETE "+dashboardAPI+"/session", p.sameOrigin(p.closeDashboard))
	p.mux.HandleFunc("POST "+dashboardAPI+"/search", p.authorized(func(w http.ResponseWriter, r *http.Request) { p.search(w, r, "/v1/users") }))
	p.mux.HandleFunc("POST "+dashboardAPI+"/search/count", p.authorized(func(w http.ResponseWriter, r *http.Request) { p.search(w, r, "/v1/users/count") }))
	p.mux.HandleFunc("POST "+dashboardAPI+"/v1/sign_in_tokens", p.authorized(p.createLink))
	p.mux.HandleFunc("PATCH "+dashboardAPI+"/v1/users/{user_id}", p.authorized(p.markUser))
	p.mux.HandleFunc("GET "+dashboardAPI+"/texts/{lang}", p.authorized(p.listTexts))
	for _, pattern := range forwarded {
		method, path, _ := strings.Cut(pattern, " ")
		p.mux.HandleFunc(method+" "+dashboardAPI+path, p.authorized(p.forward))
	}
	p.mux.HandleFunc(dashboardAPI+"/", func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusNotFound, "resource_not_found") })
}

// refuse answers with an error in the API's format.
func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []map[string]any{{"code": code, "message": http.StatusText(status), "meta": map[string]any{}}}})
}

// sameOrigin rejects requests of other origins. The cookie is SameSite=Strict, but a sibling domain
// is the same site. So a change must also name our origin and be JSON.
func (p *pages) sameOrigin(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if from := r.Header.Get("Sec-Fetch-Site"); from != "" && from != "same-origin" {
			refuse(w, http.StatusForbidden, "origin_invalid")
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
			if r.Header.Get("Origin") != p.PublicURL || kind != "application/json" {
				refuse(w, http.StatusForbidden, "origin_invalid")
				return
			}
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxDashboardBody)
		next(w, r)
	}
}

// authorized also requires a dashboard session.
func (p *pages) authorized(next http.HandlerFunc) http.HandlerFunc {
	return p.sameOrigin(func(w http.ResponseWriter, r *http.Request) {
		session, err := p.session(r)
		switch {
		case err != nil:
			refuse(w, http.StatusServiceUnavailable, "service_unavailable")
		case session == nil:
			refuse(w, http.StatusUnauthorized, "authentication_invalid")
		default:
			r.Header.Set(operatorHeader, url.PathEscape(session.operator))
			next(w, r)
		}
	})
}

// servePrivate redirects visitors without a dashboard session to its sign-in, which leads back to
// the page. This only helps the visitor: the page itself holds no data.
func (p *pages) servePrivate(w http.ResponseWriter, r *http.Request, at page) {
	if session, err := p.session(r); err != nil || session == nil {
		w.Header().Set("Cache-Control", "no-store")
		to := signInToDashboard
		if here := r.URL.RequestURI(); here != "/dashboard" {
			to += "?" + url.Values{returnParameter: {here}}.Encode()
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	p.servePage(w, r, at, http.StatusOK)
}

// cookieName has the prefix __Host- over https, which binds the cookie to the host (RFC 6265bis).
func (p *pages) cookieName() string {
	if p.secure {
		return "__Host-countersign_dashboard"
	}
	return "countersign_dashboard"
}

func (p *pages) openDashboard(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Key string `json:"secret_key"`
		// Operator is the name under which audit logs list the changes of the session; it may be "".
		Operator string `json:"operator"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		refuse(w, http.StatusBadRequest, "request_body_invalid")
		return
	}
	operator, ok := typed.Line(in.Operator)
	if !ok || utf8.RuneCountInString(operator) > longestOperator {
		refuse(w, http.StatusUnprocessableEntity, "form_param_format_invalid")
		return
	}
	key, err := p.SecretKey(r.Context())
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, "service_unavailable")
		return
	}
	wait, err := p.DashboardState.CountGuess(r.Context(), key, p.Address(r))
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, "service_unavailable")
		return
	}
	if wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
		refuse(w, http.StatusTooManyRequests, "too_many_requests")
		return
	}
	if !secret.New(strings.TrimSpace(in.Key)).Equal(key) {
		refuse(w, http.StatusUnauthorized, "clerk_key_invalid")
		return
	}
	p.setCookie(w, p.ticket(key, operator), int(dashboardLife/time.Second))
	w.WriteHeader(http.StatusNoContent)
}

// closeDashboard ends the session, so that a copy of its cookie is worthless.
func (p *pages) closeDashboard(w http.ResponseWriter, r *http.Request) {
	p.setCookie(w, "", -1)
	session, err := p.session(r)
	if err == nil && session != nil {
		err = p.DashboardState.EndSession(r.Context(), session.body, session.until)
	}
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, "service_unavailable")
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (p *pages) setCookie(w http.ResponseWriter, value string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: p.cookieName(), Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: p.secure, SameSite: http.SameSiteStrictMode,
	})
}

// ticket returns the value of a new session's cookie: expiry, 16 random bytes, the operator's name,
// and an HMAC of them. The HMAC key derives from the secret key, so a new secret key ends every
// session. The store only remembers sessions that were signed out.
func (p *pages) ticket(key secret.Value, operator string) string {
	body := binary.BigEndian.AppendUint64(nil, uint64(p.Now().Add(dashboardLife).Unix()))
	random := make([]byte, 16)
	_, _ = rand.Read(random) // never fails, see crypto/rand
	body = append(append(body, random...), operator...)
	return base64.RawURLEncoding.EncodeToString(append(body, sign(key, body)...))
}

func sign(secretKey secret.Value, body []byte) []byte {
	key := sha256.Sum256([]byte("countersign dashboard cookie\x00" + secretKey.Reveal()))
	mac := hmac.New(sha256.New, key[:])
	mac.Write(body)
	return mac.Sum(nil)
}

// ticketBody is the length of the expiry and the random bytes of a session's cookie.
const ticketBody = 8 + 16

// longestOperator is the largest number of characters of an operator's name, as in the Backend API.
const longestOperator = 40

// The headers of the Backend API that name an operator and a reason, percent-encoded. A session has
// its operator; the page sends the reason with a change.
const (
	operatorHeader = "Countersign-Operator"
	reasonHeader   = "Countersign-Reason"
)

// dashboardSession is what the cookie of a dashboard session holds.
type dashboardSession struct {
	body     []byte // the signed part, which names the session
	until    time.Time
	operator string
}

// session returns the dashboard session of a request, or nil without a valid one. The error says
// that the store or the secret key is not available.
func (p *pages) session(r *http.Request) (*dashboardSession, error) {
	c, err := r.Cookie(p.cookieName())
	if err != nil {
		return nil, nil //nolint:nilnil // a visitor without a session is no error
	}
	key, err := p.SecretKey(r.Context())
	if err != nil {
		return nil, err
	}
	raw, err := base64.RawURLEncoding.DecodeString(c.Value)
	end := len(raw) - sha256.Size
	if err != nil || end < ticketBody || !hmac.Equal(raw[end:], sign(key, raw[:end])) {
		return nil, nil //nolint:nilnil // not a cookie of ours
	}
	session := &dashboardSession{body: raw[:end], until: time.Unix(int64(binary.BigEndian.Uint64(raw)), 0), operator: string(raw[ticketBody:end])}
	if !p.Now().Before(session.until) {
		return nil, nil //nolint:nilnil // a session that expired is none
	}
	if ended, err := p.DashboardState.SessionEnded(r.Context(), session.body); err != nil || ended {
		return nil, err
	}
	return session, nil
}

// forward sends a request on to the Backend API, with the secret key that the browser never gets.
func (p *pages) forward(w http.ResponseWriter, r *http.Request) {
	to := r.Clone(r.Context())
	to.URL = &url.URL{Path: strings.TrimPrefix(r.URL.Path, dashboardAPI), RawPath: strings.TrimPrefix(r.URL.RawPath, dashboardAPI)}
	if r.Method == http.MethodGet {
		// with other methods the parameter _method could select another operation
		to.URL.RawQuery = r.URL.RawQuery
	}
	p.ask(w, to)
	if r.Method == http.MethodPatch {
		p.appearances.invalidate() // show a change of the appearance at once
	}
}

// listTexts answers with the texts of the visitors' pages in a language, as deployed. Changes by
// the settings are not among them.
func (p *pages) listTexts(w http.ResponseWriter, r *http.Request) {
	texts, ok := newCatalogue(p.Appearance.Texts)[r.PathValue("lang")]
	if !ok {
		refuse(w, http.StatusNotFound, "resource_not_found")
		return
	}
	maps.DeleteFunc(texts, func(key, _ string) bool { return strings.HasPrefix(key, "dash.") || strings.HasPrefix(key, "dev.") })
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(texts)
}

// ask sends a request to the Backend API with the secret key.
func (p *pages) ask(w http.ResponseWriter, r *http.Request) {
	key, err := p.SecretKey(r.Context())
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, "service_unavailable")
		return
	}
	r.RequestURI = ""
	from := r.Header
	r.Header = http.Header{"Authorization": {"Bearer " + key.Reveal()}}
	if r.Method != http.MethodGet {
		for _, name := range []string{"Content-Type", operatorHeader, reasonHeader} {
			if value := from.Get(name); value != "" {
				r.Header.Set(name, value)
			}
		}
	}
	p.Backend.ServeHTTP(w, r)
}
