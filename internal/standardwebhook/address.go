package standardwebhook

import (
	"errors"
	"net/netip"
	"syscall"

	"code.dny.dev/ssrf"
)

// ErrAddress says that the endpoint's name resolves to an address that no webhook may go to.
var ErrAddress = errors.New("webhook: the address is not a public one")

// guard permits TCP to port 443 of public addresses: those that IANA gave out for global unicast
// and that are in none of its registries of special-purpose addresses.
var guard = ssrf.New(ssrf.WithPorts(443))

// control is a [net.Dialer] Control: it rejects an address just before the connection is made.
// The name is already resolved then, so DNS cannot lead elsewhere between the check and its use.
func (r Reach) control(network, address string, c syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err == nil && r == LoopbackToo && (network == "tcp4" || network == "tcp6") && at.Addr().Unmap().IsLoopback() {
		return nil
	}
	if guard.Safe(network, address, c) != nil {
		return ErrAddress // without the address
	}
	return nil
}
