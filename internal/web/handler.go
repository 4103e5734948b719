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

// Config is what the pages need. Nothing of it is taken from a request.
type Config struct {
	// PublicURL is the origin that serves both pages and API, without a slash at the end.
	PublicURL string
	// Appearance is how the pages look as deployed. What the settings say, which Backend is asked for, counts more.
	Appearance appearance.Appearance
	// AfterSignIn is where a sign-in leads that did not say where to go: a path or an absolute URL. The account page by default.
	AfterSignIn string
	// Origins are the applications' origins that a sign-in may lead back to, besides the pages' own.
	Origins []string
	// SecretKey returns the Backend API's key of the moment, which opens the dashboard. It is asked for every request of the dashboard, and an
	// error refuses the request. When it is nil there is no dashboard.
	SecretKey func(context.Context) (secret.Value, error)
	// DashboardState remembers sessions of the dashboard that ended and guesses of the key. The dashboard needs it.
	DashboardState DashboardState
	// Address returns the visitor's network address; guesses of the key are limited for each.
	Address func(*http.Request) netip.Addr
	// Backend answers the dashboard's requests to the Backend API, and says how the settings want the pages to look: the API itself, or a reverse
	// proxy in front of it.
	Backend http.Handler
	// Now is the time, for the end of a dashboard session and for how long an appearance is kept.
	Now func() time.Time
	// Development adds the phone, which needs the development endpoints.
	Development bool
}

// DashboardState is what the dashboard remembers. An error refuses the request.
type DashboardState interface {
	// CountGuess counts a guess of the secret key, and returns how long to wait when there were too many from an address.
	CountGuess(ctx context.Context, key secret.Value, from netip.Addr) (time.Duration, error)
	// EndSession makes a session end before its time, which is until.
	EndSession(ctx context.Context, session []byte, until time.Time) error
	// SessionEnded says whether that was done.
	SessionEnded(ctx context.Context, session []byte) (bool, error)
}

// pages serves all pages. It holds nothing that a request changes, but for the appearance.
type pages struct {
	Config
	mux         *http.ServeMux
	assets      *assets
	appearances *appearanceCache
	secure      bool
}

// Paths are the patterns under which a server mounts the handler.
func Paths() []string {
	return []string{"/sign-in", "/tasks/", "/account/", "/dashboard", "/dashboard/", "/assets/"}
}

// PhonePath is the development page, besides [Paths].
const PhonePath = "/dev/phone"

// Handler returns the handler of all pages.
func Handler(c Config) (http.Handler, error) {
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Host == "" || strings.HasSuffix(c.PublicURL, "/") {
		return nil, fmt.Errorf("web: public URL %q is not an absolute URL without a slash at the end", c.PublicURL)
	}
	if c.SecretKey != nil && (c.Backend == nil || c.DashboardState == nil || c.Address == nil) || c.Backend != nil && c.Now == nil {
		return nil, errors.New("web: the dashboard needs Backend, Desk and Address, and Backend needs Now")
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

func (p *pages) notFound(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "Not found", http.StatusNotFound)
		return
	}
	p.servePage(w, r, page{script: "missing.js", title: "missing.title", kind: kindAccount, narrow: true}, http.StatusNotFound)
}
