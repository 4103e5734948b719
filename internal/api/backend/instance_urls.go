package backend

import (
	"cmp"
	"net/netip"
	"net/url"

	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// maxURL is the maximum length in bytes of a URL in the settings.
const maxURL = 2048

// checkURLs checks the pages of the application that the settings name.
func (in instanceInput) checkURLs(c *operation.Call) error {
	return cmp.Or(checkPageURL(c, "reauth_url", in.ReauthURL), checkPageURL(c, "password_reset_url", in.PasswordResetURL))
}

// checkPageURL accepts an absolute https URL without user and fragment, in development also http
// on this machine. An empty URL switches the setting off. Users prove their identity or type a new
// password on these pages, so the way there must be encrypted.
func checkPageURL(c *operation.Call, param string, given *string) error {
	if given == nil || *given == "" {
		return nil
	}
	wrong := apierr.New(apierr.FormParamFormatInvalid).Param(param).Explain("The URL is absolute, begins with https:// and has no user name and no fragment.")
	u, err := url.Parse(*given)
	if err != nil || len(*given) > maxURL || u.Hostname() == "" || u.Opaque != "" || u.User != nil || u.Fragment != "" {
		return wrong
	}
	if u.Scheme == "https" || c.Development && u.Scheme == "http" && isLoopback(u.Hostname()) {
		return nil
	}
	return wrong
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}
