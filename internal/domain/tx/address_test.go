package tx_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// TestParseAddress: all spellings of an address are the same address. A text that names no address,
// or several, is the address of all unknown callers.
func TestParseAddress(t *testing.T) {
	for want, texts := range map[string][]string{
		"203.0.113.9": {
			"203.0.113.9", " 203.0.113.9\t", "203.0.113.9:39870", "203.0.113.9:0", "203.0.113.9:", "::ffff:203.0.113.9",
			"[::ffff:203.0.113.9]:443", "[::ffff:cb00:7109]",
		},
		"2001:db8::1": {
			"2001:db8::1", "2001:DB8:0::1", "[2001:db8::1]", "[2001:db8::1]:443", "[2001:db8::1]:", "2001:db8:0:0:0:0:0:1:50123",
			"2001:db8::1%eth0", "[2001:db8::1%eth0]:443", "[2001:db8::1%25eth0]",
		},
		"fe80::1": {"fe80::1%eth0", "[fe80::1%en0]:1"},
		"0.0.0.0": {
			"", " ", "unknown", "-", "_hidden", "localhost", "localhost:80", "203.0.113", "203.0.113.9.1", "203.0.113.009", "203.0.113.9/32",
			"203.0.113.9, 198.51.100.1", "203.0.113.9,198.51.100.1:80", "203.0.113.9:http", "203.0.113.9:123456", "203.0.113.9:+1", "[203.0.113.9]",
			"[203.0.113.9]:80", "[2001:db8::1", "2001:db8::1]", "[2001:db8::1]x", "[[2001:db8::1]]", "[]", "[]:80", ":80", ":", "2001:db8::1::2",
			"0.0.0.0", "0.0.0.0:80", "::", "[::]:80", "::ffff:0.0.0.0", "::%eth0", "for=203.0.113.9", "203.0.113.9\x00", "２０３.0.113.9",
		},
	} {
		for _, text := range texts {
			if got := tx.ParseAddress(text); got != netip.MustParseAddr(want) {
				t.Errorf("%q: got %v, want %s", text, got, want)
			}
		}
	}
}

// FuzzParseAddress: every text gives an address that counts: without zone, with both networks. Each
// spelling of this address gives the same address.
func FuzzParseAddress(f *testing.F) {
	for _, text := range []string{"203.0.113.9:39870", "[2001:db8::1%eth0]:443", "::ffff:203.0.113.9", "unknown", "", "2001:db8:0:0:0:0:0:1:50123"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a := tx.ParseAddress(text)
		single, around := tx.AddressNetworks(a)
		if !a.IsValid() || a.Zone() != "" || a.Is4In6() || !single.Contains(a) || !around.Contains(a) {
			t.Fatalf("%q is %v in %v and %v", text, a, single, around)
		}
		if a != tx.UnknownAddress && !strings.ContainsAny(text, ".:") {
			t.Fatalf("%q is %v", text, a)
		}
		spellings := []string{a.String(), a.StringExpanded(), netip.AddrPortFrom(a, 443).String(), a.StringExpanded() + ":443"}
		if a.Is4() {
			spellings = append(spellings, "::ffff:"+a.String())
		} else {
			spellings = append(spellings, "["+a.String()+"]", a.WithZone("eth0").String())
		}
		for _, s := range spellings {
			if got := tx.ParseAddress(s); got != a {
				t.Errorf("%q is %v, but %q is %v", text, a, s, got)
			}
		}
	})
}
