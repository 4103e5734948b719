package api

import (
	"net/netip"
	"net/url"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// maxURL bounds what a setting holds of an address.
const maxURL = 2048

// checkReauthURL takes an absolute https URL without user and fragment, in development also http on this machine; empty switches it off. The
// pages lead people there with what they may come back with, so nobody on the way may read or change it.
func (a *API) checkReauthURL(given *string) error {
	if given == nil || *given == "" {
		return nil
	}
	wrong := apierr.New(apierr.FormParamFormatInvalid).Param("reauth_url")
	u, err := url.Parse(*given)
	if err != nil || len(*given) > maxURL || u.Hostname() == "" || u.Opaque != "" || u.User != nil || u.Fragment != "" {
		return wrong
	}
	if u.Scheme == "https" || a.Development && u.Scheme == "http" && isLoopback(u.Hostname()) {
		return nil
	}
	return wrong
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}
