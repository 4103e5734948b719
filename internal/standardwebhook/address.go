package standardwebhook

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
)

// refused are the networks that no webhook goes to, after IANA's registries of special-purpose addresses: this machine, private and shared networks,
// link-local addresses with the clouds' metadata, documentation, multicast, and what embeds an IPv4 address that could be any of these.
var refused = func() []netip.Prefix {
	var all []netip.Prefix
	for _, text := range []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24",
		"192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
		"::/128", "::1/128", "::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
		"5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
	} {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}()

// unicast6 is all of IPv6 that IANA has given out for global unicast.
var unicast6 = netip.MustParsePrefix("2000::/3")

// ErrAddress says that an endpoint's name leads to where no webhook may go.
var ErrAddress = errors.New("webhook: the address is not a public one")

// control is a [net.Dialer] Control: it rejects an address just before the connection is made.
// The name is already resolved then, so DNS cannot lead elsewhere between the check and its use.
func (r Reach) control(network, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("%w: %s", ErrAddress, network)
	}
	if r == LoopbackToo && at.Addr().Unmap().IsLoopback() {
		return nil
	}
	if at.Port() != 443 || !public(at.Addr()) {
		return ErrAddress
	}
	return nil
}

func public(a netip.Addr) bool {
	if !a.IsValid() || a.Zone() != "" || a.Is4In6() || a.Is6() && !unicast6.Contains(a) {
		return false
	}
	for _, p := range refused {
		if p.Contains(a) {
			return false
		}
	}
	return a.IsGlobalUnicast()
}
