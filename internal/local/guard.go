package local

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// guardHost refuses requests under a name that is not this server's, on every route. The Backend
// API key of a development server is published. A page whose name was pointed at this machine (DNS
// rebinding) has the same origin as the server, so the origin protects nothing.
func (a *App) guardHost(r *http.Request) error {
	if !a.ownHost(r) {
		return apierr.New(apierr.OriginInvalid)
	}
	return nil
}

// ownHost reports whether a request names this server: a loopback name with the port of the
// connection, the configured public host, or the address of the connection, which no DNS name can
// be.
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

// arrivedAt returns the local address of the request's connection, if the server knows it.
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

// guard keeps pages of other origins away from the development pages: the first page has the
// Backend API key, and the outbox has codes. Programs send no Origin and are allowed. The API has
// its own list of origins.
//
// The pages have the Referrer-Policy no-referrer, so browsers send "Origin: null" with their forms
// (Fetch standard, "append a request Origin header"). Sec-Fetch-Site tells such a form from a
// sandboxed frame, which also has the origin null, but is never same-origin. Scripts cannot set it.
func (a *App) guard(r *http.Request) error {
	origins := r.Header.Values("Origin")
	site := r.Header.Get("Sec-Fetch-Site")
	if len(origins) > 0 {
		ownForm := origins[0] == "null" && site == "same-origin"
		if len(origins) > 1 || !ownForm && !a.ownOrigin(origins[0], r.Host) {
			return apierr.New(apierr.OriginInvalid)
		}
		return nil
	}
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	if reads && !strings.HasPrefix(r.URL.Path, "/dev/") { // other sites may link to a page
		return nil
	}
	if site == "cross-site" || site == "same-site" {
		return apierr.New(apierr.OriginInvalid)
	}
	return nil
}

// ownOrigin reports whether an origin is this server's. It compares with the host of the request,
// which [App.guardHost] has checked.
func (a *App) ownOrigin(origin, host string) bool {
	return origin == a.PublicURL || origin == "http://"+strings.ToLower(host)
}
