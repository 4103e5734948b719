package tx

import (
	"net/netip"
	"strings"
)

// UnknownAddress stands for the address of every caller whose address cannot be read. Such callers
// share the limits of one address, so an unreadable address never switches a limit off. No packet
// comes from it (RFC 1122, section 3.2.1.3).
var UnknownAddress = netip.IPv4Unspecified()

// ParseAddress reads the address of a peer as a gateway, a proxy or a socket reports it: an IPv4 or
// IPv6 address, with or without a port (RFC 3986, section 3.2.2: brackets around IPv6), a zone and
// blanks around it. An IPv6 address with a port may lack brackets, if all eight groups are written.
// An IPv4-mapped address is its IPv4 address; the zone is left out. Any other text, such as a list
// of addresses, is [UnknownAddress].
func ParseAddress(text string) netip.Addr {
	text = strings.TrimSpace(text)
	for _, host := range []string{text, beforePort(text)} {
		if inner, ok := strings.CutPrefix(host, "["); ok {
			if host, ok = strings.CutSuffix(inner, "]"); !ok || !strings.Contains(host, ":") {
				continue
			}
		}
		a, err := netip.ParseAddr(host)
		if a = a.Unmap().WithZone(""); err == nil && !a.IsUnspecified() {
			return a
		}
	}
	return UnknownAddress
}

// beforePort returns the text before the last colon if a port (RFC 3986, section 3.2.3: decimal
// digits, perhaps none) follows it, else the whole text.
func beforePort(text string) string {
	i := strings.LastIndexByte(text, ':')
	if i < 0 || len(text)-i > len(":65535") || strings.Trim(text[i+1:], "0123456789") != "" {
		return text
	}
	return text[:i]
}

// MaskNetwork returns the part of an address that a record keeps: a /24, or a /48 for IPv6. It is
// empty for an address that is not known.
func MaskNetwork(a netip.Addr) string {
	bits := 24
	if a = a.Unmap(); !a.IsValid() || a.IsUnspecified() {
		return ""
	}
	if a.Is6() {
		bits = 48
	}
	p, _ := a.WithZone("").Prefix(bits)
	return p.String()
}
