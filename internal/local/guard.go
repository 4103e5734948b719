package local

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/countersign-mfa/countersign/internal/apierr"
)

// guard keeps other sites away from what a development server shows and does for everybody: the first page has the secret key, the outbox
// has codes. A name that somebody points at this machine (DNS rebinding) is not ours, and a page of another origin may not press our buttons.
func (a *App) guard(r *http.Request) error {
	if !a.ours(r.Host) {
		return apierr.New(apierr.OriginInvalid)
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
			return apierr.New(apierr.OriginInvalid)
		}
		return nil
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || !a.ours(u.Host) {
		return apierr.New(apierr.OriginInvalid)
	}
	return nil
}

// ours says whether a host is an address, which nobody can rebind, this machine's own name, or the one that was configured.
func (a *App) ours(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	if len(name) > 2 && name[0] == '[' {
		name = name[1 : len(name)-1]
	}
	if _, err := netip.ParseAddr(name); err == nil || name == "localhost" {
		return true
	}
	public, err := url.Parse(a.PublicURL)
	return err == nil && name == public.Hostname()
}
