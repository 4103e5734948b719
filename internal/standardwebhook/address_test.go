package standardwebhook

import (
	"errors"
	"net/http"
	"net/netip"
	"testing"
	"time"
)

// specialPurpose are the blocks of IANA's registries of special-purpose addresses (RFC 6890, as of
// October 2025) and of multicast addresses, and those that RFCs withdrew. The list is independent
// of the one in the library.
// https://www.iana.org/assignments/iana-ipv4-special-registry
// https://www.iana.org/assignments/iana-ipv6-special-registry
var specialPurpose = []struct{ block, name string }{
	{"0.0.0.0/8", "this network"}, {"0.0.0.0/32", "this host on this network"}, {"10.0.0.0/8", "private use"}, {"100.64.0.0/10", "shared address space"}, {"127.0.0.0/8", "loopback"},
	{"169.254.0.0/16", "link local"}, {"172.16.0.0/12", "private use"}, {"192.0.0.0/24", "IETF protocol assignments"}, {"192.0.0.0/29", "IPv4 service continuity prefix"},
	{"192.0.0.8/32", "IPv4 dummy address"}, {"192.0.0.9/32", "port control protocol anycast"}, {"192.0.0.10/32", "traversal using relays around NAT anycast"},
	{"192.0.0.170/32", "NAT64/DNS64 discovery"}, {"192.0.0.171/32", "NAT64/DNS64 discovery"}, {"192.0.2.0/24", "documentation"}, {"192.31.196.0/24", "AS112-v4"},
	{"192.52.193.0/24", "AMT"}, {"192.88.99.0/24", "deprecated 6to4 relay anycast"}, {"192.168.0.0/16", "private use"}, {"192.175.48.0/24", "direct delegation AS112 service"},
	{"198.18.0.0/15", "benchmarking"}, {"198.51.100.0/24", "documentation"}, {"203.0.113.0/24", "documentation"}, {"224.0.0.0/4", "multicast"}, {"240.0.0.0/4", "reserved"},
	{"255.255.255.255/32", "limited broadcast"},
	{"::1/128", "loopback"}, {"::/128", "unspecified"}, {"::/96", "IPv4-compatible, withdrawn by RFC 4291"}, {"::ffff:0:0/96", "IPv4-mapped"}, {"64:ff9b::/96", "IPv4-IPv6 translation"},
	{"64:ff9b:1::/48", "IPv4-IPv6 translation"}, {"100::/64", "discard only"}, {"100:0:0:1::/64", "dummy prefix"}, {"2001::/23", "IETF protocol assignments"}, {"2001::/32", "Teredo"},
	{"2001:1::1/128", "port control protocol anycast"}, {"2001:1::2/128", "traversal using relays around NAT anycast"}, {"2001:1::3/128", "DNS-SD service registration anycast"},
	{"2001:2::/48", "benchmarking"}, {"2001:3::/32", "AMT"}, {"2001:4:112::/48", "AS112-v6"}, {"2001:10::/28", "deprecated ORCHID"}, {"2001:20::/28", "ORCHIDv2"},
	{"2001:30::/28", "drone remote ID"}, {"2001:db8::/32", "documentation"}, {"2002::/16", "6to4"}, {"2620:4f:8000::/48", "direct delegation AS112 service"}, {"3fff::/20", "documentation"},
	{"5f00::/16", "segment routing"}, {"fc00::/7", "unique local"}, {"fe80::/10", "link local"}, {"fec0::/10", "site local, withdrawn by RFC 3879"}, {"ff00::/8", "multicast"},
}

// last returns the last address of a block.
func last(p netip.Prefix) netip.Addr {
	raw := p.Masked().Addr().AsSlice()
	for bit := p.Bits(); bit < len(raw)*8; bit++ {
		raw[bit/8] |= 1 << (7 - bit%8)
	}
	a, _ := netip.AddrFromSlice(raw)
	return a
}

// special reports whether an address is in one of the blocks, or in no block that IANA gave out.
func special(a netip.Addr) bool {
	for _, s := range specialPurpose {
		if netip.MustParsePrefix(s.block).Contains(a) {
			return true
		}
	}
	return a.Is6() && a.AsSlice()[0]>>5 != 1
}

func public(a netip.Addr) bool { return guard.SafeAddr(a) == nil }

// TestPublicAddresses: no address at the edges of a special-purpose block is public. Each address
// just outside of a block is public, unless it is in another block.
func TestPublicAddresses(t *testing.T) {
	checked, allowed := 0, 0
	for _, s := range specialPurpose {
		block := netip.MustParsePrefix(s.block)
		from, to := block.Addr(), last(block)
		for _, a := range []netip.Addr{from, from.Next(), to.Prev(), to} {
			if block.Contains(a) && public(a) {
				t.Errorf("%v of %s (%s) is public", a, s.block, s.name)
			}
		}
		for _, a := range []netip.Addr{from.Prev(), to.Next()} {
			if !a.IsValid() {
				continue
			}
			checked++
			want := !special(a)
			if want {
				allowed++
			}
			if got := public(a); got != want {
				t.Errorf("%v beside %s (%s): public %v, want %v", a, s.block, s.name, got, want)
			}
		}
	}
	if checked < 80 || allowed < 25 {
		t.Errorf("only %d neighbours were looked at, %d of them public", checked, allowed)
	}
	for _, text := range []string{"1.1.1.1", "8.8.8.8", "52.94.236.248", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1", "192.167.0.1", "223.255.255.255", "2001:4860:4860::8888", "2606:4700:4700::1111", "2a00:1450::1"} {
		if !public(netip.MustParseAddr(text)) {
			t.Errorf("%s is not public", text)
		}
	}
	for _, text := range []string{"::ffff:8.8.8.8", "2606:4700:4700::1111%eth0", "::ffff:169.254.169.254", "4000::1", "1::1"} {
		if public(netip.MustParseAddr(text)) {
			t.Errorf("%s is public", text)
		}
	}
}

// TestControl: only connections over TCP to port 443 of a public address are made. Development may
// also reach this machine.
func TestControl(t *testing.T) {
	for _, tc := range []struct {
		network, address string
		live, local      bool
	}{
		{"tcp4", "8.8.8.8:443", true, true}, {"tcp6", "[2606:4700:4700::1111]:443", true, true},
		{"tcp4", "8.8.8.8:80", false, false}, {"tcp4", "8.8.8.8:444", false, false}, {"tcp6", "[2606:4700:4700::1111]:22", false, false}, {"udp4", "8.8.8.8:443", false, false},
		{"tcp", "8.8.8.8:443", false, false}, {"unix", "/run/docker.sock", false, false}, {"tcp4", "8.8.8.8", false, false}, {"tcp4", "", false, false},
		{"tcp4", "127.0.0.1:443", false, true}, {"tcp4", "127.0.0.1:8080", false, true}, {"tcp6", "[::1]:8080", false, true}, {"tcp6", "[::ffff:127.0.0.1]:8080", false, true},
		{"tcp4", "10.0.0.1:443", false, false}, {"tcp4", "169.254.169.254:443", false, false}, {"tcp6", "[fd00:ec2::254]:443", false, false}, {"tcp6", "[::ffff:8.8.8.8]:443", false, false},
	} {
		for reach, want := range map[Reach]bool{PublicOnly: tc.live, LoopbackToo: tc.local} {
			err := reach.control(tc.network, tc.address, nil)
			if (err == nil) != want || err != nil && !errors.Is(err, ErrAddress) {
				t.Errorf("%s %s, reach %v: %v, want it allowed %v", tc.network, tc.address, reach, err, want)
			}
		}
	}
}

// TestASenderIsImpatient: an endpoint has three seconds in all, no proxy is used, and no redirect
// is followed.
func TestASenderIsImpatient(t *testing.T) {
	for _, reach := range []Reach{PublicOnly, LoopbackToo} {
		client := New(reach).client
		transport, ok := client.Transport.(*http.Transport)
		if !ok || client.Timeout != 3*time.Second || transport.Proxy != nil || transport.TLSClientConfig != nil && transport.TLSClientConfig.InsecureSkipVerify {
			t.Errorf("reach %v: %v in all, transport %+v", reach, client.Timeout, transport)
		}
		if err := client.CheckRedirect(nil, nil); !errors.Is(err, http.ErrUseLastResponse) {
			t.Errorf("reach %v: a redirect is followed: %v", reach, err)
		}
	}
}
