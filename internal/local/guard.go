package local

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// guardHost refuses requests under a name that is not this server's. It holds for every route: the Backend API's key of a development
// server is published, and a page whose own name was pointed at this machine (DNS rebinding) is of the same origin as what it asks.
func (a *App) guardHost(r *http.Request) error {
	if !a.ownHost(r) {
		return apierr.New(apierr.OriginInvalid)
	}
	return nil
}

// ownHost says whether a request names this server: a loopback name with the port that the request arrived at, the configured public host,
// or the very address that the request arrived at, which no name can be pointed to.
func (a *App) ownHost(r *http.Request) bool {
	host := strings.ToLower(r.Host)
	public, err := url.Parse(a.PublicURL)
	if err == nil && host == strings.ToLower(public.Host) {
		return true
	}
	arrived := arrivedAt(r)
	port := public.Port()
	if arrived.IsValid() {
		_, port, _ = net.SplitHostPort(arrived.String())
	}
	names := []string{"localhost", "127.0.0.1", "[::1]"}
	if arrived.IsValid() {
		names = append(names, bracketed(arrived.Addr()))
	}
	for _, name := range names {
		if host == name+":"+port || host == name && (port == "80" || port == "") {
			return true
		}
	}
	return false
}

// arrivedAt is the address of this machine that a request came to, where the server knows it.
func arrivedAt(r *http.Request) netip.AddrPort {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	at := local.AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap().WithZone(""), at.Port())
}

func bracketed(a netip.Addr) string {
	if a.Is6() {
		return "[" + a.String() + "]"
	}
	return a.String()
}

// guard keeps pages of other origins away from what a development server shows and does for everybody: the first page has the secret key,
// the outbox has codes. Programs send no Origin and are let through. The API has its own list of origins.
func (a *App) guard(r *http.Request) error {
	origins := r.Header.Values("Origin")
	if len(origins) > 0 {
		if len(origins) > 1 || !a.ownOrigin(origins[0], r.Host) {
			return apierr.New(apierr.OriginInvalid)
		}
		return nil
	}
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	if reads && !strings.HasPrefix(r.URL.Path, "/dev/") { // a page may be linked to
		return nil
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		return apierr.New(apierr.OriginInvalid)
	}
	return nil
}

// ownOrigin says whether an origin is this server's. The host is that of the request, which [App.guardHost] has found to be ours.
func (a *App) ownOrigin(origin, host string) bool {
	return origin == a.PublicURL || origin == "http://"+strings.ToLower(host)
}
