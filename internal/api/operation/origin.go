package operation

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

const (
	// hostLabel is one part of a host name: RFC 1123, and the underscore that browsers also take.
	hostLabel = `[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?`
	// maxHost is the longest host name, in characters: RFC 1035 section 3.1.
	maxHost, maxPort = 253, 65_535
)

var (
	originForm = regexp.MustCompile(`^([a-z][a-z0-9+.-]*)://(` + hostLabel + `(?:\.` + hostLabel + `)*|\[[0-9a-f:]+\])(:(0|[1-9][0-9]{0,4}))?$`)
	usualPorts = map[string]int{"https": 443, "http": 80, "ws": 80, "wss": 443, "ftp": 21}
	// opaque are schemes whose pages send the origin "null":
	// https://url.spec.whatwg.org/#concept-url-origin
	opaque = map[string]bool{"about": true, "blob": true, "data": true, "file": true, "javascript": true}
)

// IsOrigin reports whether a browser would send this text as the header Origin: with scheme and
// host in lower case, the host in ASCII, and without a path, wildcard or the scheme's own port
// (https://html.spec.whatwg.org/#ascii-serialisation-of-an-origin). Apps have schemes of their own,
// as in capacitor://localhost.
func IsOrigin(text string) bool {
	m := originForm.FindStringSubmatch(text)
	if m == nil || opaque[m[1]] || len(m[2]) > maxHost {
		return false
	}
	if isNumeric(m[2]) && !isAddress(m[2]) {
		return false
	}
	if m[4] == "" {
		return true
	}
	port, err := strconv.Atoi(m[4])
	return err == nil && port <= maxPort && port != usualPorts[m[1]]
}

// isNumeric reports whether a host must be an IP address: it is in brackets, or its last part is a
// number (https://url.spec.whatwg.org/#ends-in-a-number-checker).
func isNumeric(host string) bool {
	last := host[strings.LastIndex(host, ".")+1:]
	return host[0] == '[' || strings.Trim(last, "0123456789") == ""
}

// isAddress reports whether a host is an IP address as a browser writes it.
func isAddress(host string) bool {
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && a.Is6() == (host[0] == '[') && a.String() == strings.Trim(host, "[]")
}
