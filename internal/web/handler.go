package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/web/appearance"
)

// Config is the configuration of the pages.
type Config struct {
	// PublicURL is the origin of pages and API, without a slash at the end.
	PublicURL string
	// Appearance is the deployed appearance. That of the settings, read from Backend, takes
	// precedence.
	Appearance appearance.Appearance
	// AfterSignIn is where a sign-in without a redirect URL leads: a path or an absolute URL. The
	// default is the account page.
	AfterSignIn string
	// Origins are the deployed origins of applications that a sign-in may redirect to, besides
	// PublicURL and allowed_origins of the settings, which the pages read from Backend.
	Origins []string
	// SecretKey returns the current key of the Backend API, which also opens the dashboard. It is
	// called for every dashboard request; an error refuses the request. Nil switches the dashboard
	// off.
	SecretKey func(context.Context) (secret.Value, error)
	// DashboardState counts guesses of the key and remembers signed-out sessions. The dashboard needs
	// it.
	DashboardState DashboardState
	// Address returns the visitor's network address, by which guesses of the key are limited.
	Address func(*http.Request) netip.Addr
	// Backend answers the dashboard's requests to the Backend API, and GET /v1/environment for the
	// appearance. It is the API itself or a reverse proxy to it.
	Backend http.Handler
	// Now returns the time, for dashboard sessions and the appearance cache.
	Now func() time.Time
	// Development adds the page [PhonePath], which needs the development endpoints, and lets a sign-in
	// redirect to every port of this machine.
	Development bool
	// Faults returns the simulated faults that are active, sms and store. The development strip names
	// them. Nil has none.
	Faults func() []string
	// Documents are pages of other packages, by the pattern of their path.
	Documents map[string]DocumentFunc
}

// DashboardState is the dashboard's storage. An error refuses the request.
type DashboardState interface {
	// CountGuess counts a guess of the secret key from an address. It returns the time to wait when
	// there were too many, else 0.
	CountGuess(ctx context.Context, key secret.Value, from netip.Addr) (time.Duration, error)
	// EndSession ends a session that would expire at until.
	EndSession(ctx context.Context, session []byte, until time.Time) error
	// SessionEnded says whether EndSession was called for a session.
	SessionEnded(ctx context.Context, session []byte) (bool, error)
}

// pages serves all pages. Only its appearance cache changes after the start.
type pages struct {
	Config
	mux         *http.ServeMux
	assets      *assets
	appearances *appearanceCache
	secure      bool
}

// Paths returns the patterns under which a server mounts the handler.
func Paths() []string {
	return []string{"/sign-in", "/tasks/", "/account/", "/dashboard", "/dashboard/", "/assets/"}
}

// PhonePath is the path of the development page. [Paths] does not contain it.
const PhonePath = "/dev/phone"

// Handler returns the handler of all pages.
func Handler(c Config) (http.Handler, error) {
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Host == "" || strings.HasSuffix(c.PublicURL, "/") {
		return nil, fmt.Errorf("web: public URL %q is not an absolute URL without a slash at the end", c.PublicURL)
	}
	if c.SecretKey != nil && (c.Backend == nil || c.DashboardState == nil || c.Address == nil) || c.Backend != nil && c.Now == nil {
		return nil, errors.New("web: the dashboard needs Backend, DashboardState and Address, and Backend needs Now")
	}
	if c.Appearance.Name == "" {
		c.Appearance.Name = "Countersign"
	}
	p := &pages{Config: c, mux: http.NewServeMux(), secure: u.Scheme == "https"}
	if p.AfterSignIn == "" {
		p.AfterSignIn = "/account/security"
	}
	if p.appearances, err = newAppearanceCache(c); err != nil {
		return nil, err
	}
	if p.assets, err = newAssets(); err != nil {
		return nil, err
	}
	p.routes()
	return p, nil
}

func (p *pages) routes() {
	p.mux.HandleFunc("GET /assets/", p.serveAsset)
	for _, at := range sitemap {
		switch {
		case at.kind == kindDashboard && p.SecretKey == nil, at.kind == kindDevelopment && !p.Development:
			continue
		case at.kind == kindDashboard && at.path != signInToDashboard:
			p.mux.HandleFunc("GET "+at.path, func(w http.ResponseWriter, r *http.Request) { p.servePrivate(w, r, at) })
		default:
			p.mux.HandleFunc("GET "+at.path, func(w http.ResponseWriter, r *http.Request) { p.servePage(w, r, at, http.StatusOK) })
		}
	}
	for pattern, of := range p.Documents {
		p.mux.HandleFunc("GET "+pattern, func(w http.ResponseWriter, r *http.Request) { p.serveDocument(w, r, of) })
	}
	if p.SecretKey != nil {
		p.dashboardRoutes()
	}
	p.mux.HandleFunc("/", p.notFound)
}

// ServeHTTP answers one request.
func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	if p.secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()")
	p.mux.ServeHTTP(w, r)
}

// notFound serves a page for a GET, and plain text for every other method.
func (p *pages) notFound(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "Not found", http.StatusNotFound)
		return
	}
	p.servePage(w, r, page{script: "missing.js", title: "missing.title", kind: kindAccount, narrow: true}, http.StatusNotFound)
}
