package sms

import (
	"crypto/rand"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// TestACodeIsBoundToEverything: moved to another user, number, purpose, verification or session, a
// stored code is worth nothing.
func TestACodeIsBoundToEverything(t *testing.T) {
	ring, err := seal.NewRing(1, map[uint32]seal.Key{1: {9}}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tx := &tx.Tx{Engine: &tx.Engine{Ring: ring}, Now: 1000}
	spend := func(change func(u *account.User, ch *Challenge, c *account.Code)) bool {
		u, c := &account.User{ID: "user"}, &account.Code{ID: "code", Phone: "phone", Expires: 2000}
		ch := Challenge{Code: &c, Purpose: account.SignInSecondFactor, Bound: "sign-in"}
		c.Tag = tag(tx, u, ch, c, "123456")
		change(u, &ch, c)
		right, err := Consume(tx, u, ch, "123456")
		if err != nil {
			t.Fatal(err)
		}
		return right
	}
	if !spend(func(*account.User, *Challenge, *account.Code) {}) {
		t.Fatal("the code does not work where it belongs")
	}
	for name, change := range map[string]func(u *account.User, ch *Challenge, c *account.Code){
		"user":         func(u *account.User, _ *Challenge, _ *account.Code) { u.ID = "other" },
		"number":       func(_ *account.User, _ *Challenge, c *account.Code) { c.Phone = "other" },
		"verification": func(_ *account.User, _ *Challenge, c *account.Code) { c.ID = "other" },
		"purpose":      func(_ *account.User, ch *Challenge, _ *account.Code) { ch.Purpose = account.ReverifySecond },
		"session":      func(_ *account.User, ch *Challenge, _ *account.Code) { ch.Bound = "other" },
	} {
		if spend(change) {
			t.Errorf("the code works for another %s", name)
		}
	}
}

// TestSentCodesAreUniform: every digit is as likely as the others at every place, also a zero in
// front.
func TestSentCodesAreUniform(t *testing.T) {
	ring, err := seal.NewRing(1, map[uint32]seal.Key{1: {9}}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tx := &tx.Tx{Engine: &tx.Engine{Ring: ring}, State: &tx.SettingsState{}}
	const draws, places = 200_000, 6
	var counts [places][10]int
	for n := range draws {
		code := digits(tx, &account.User{ID: "user"}, account.SignInSecondFactor, &account.Code{ID: strconv.Itoa(n), Phone: "phone", Issued: 1000}, phone.Number{})
		if len(code) != 6 || strings.Trim(code, "0123456789") != "" {
			t.Fatalf("%q", code)
		}
		for i := range places {
			counts[i][code[i]-'0']++
		}
	}
	for place, all := range counts {
		sum := 0.0 // chi-square with 9 degrees of freedom: beyond 60 once in a billion runs
		for _, n := range all {
			const expected = draws / 10.0
			sum += (float64(n) - expected) * (float64(n) - expected) / expected
		}
		if sum > 60 {
			t.Errorf("place %d: chi-square %.0f", place, sum)
		}
	}
}

// TestSegments: what a message counts as, at the edges of 3GPP TS 23.038 and 23.040.
func TestSegments(t *testing.T) {
	for _, tc := range []struct {
		text string
		want int
	}{
		{"", 1}, {strings.Repeat("a", 160), 1}, {strings.Repeat("a", 161), 2}, {strings.Repeat("a", 306), 2}, {strings.Repeat("a", 307), 3},
		{strings.Repeat("[", 80), 1}, {strings.Repeat("[", 81), 2}, {strings.Repeat("で", 70), 1}, {strings.Repeat("で", 71), 2}, {strings.Repeat("で", 135), 3},
		{strings.Repeat("😀", 35), 1}, {strings.Repeat("😀", 36), 2}, {"`" + strings.Repeat("a", 70), 2},
	} {
		if got := segments(tc.text); got != tc.want {
			t.Errorf("%d characters like %q count as %d, want %d", len([]rune(tc.text)), tc.text[:min(len(tc.text), 4)], got, tc.want)
		}
	}
}

// TestANetworkIsNoAddress: of an address a record keeps the first 24 bits, of an IPv6 one the
// first 48, and nothing of its zone.
func TestANetworkIsNoAddress(t *testing.T) {
	for address, want := range map[string]string{
		"203.0.113.77": "203.0.113.0/24", "::ffff:203.0.113.77": "203.0.113.0/24", "2001:db8:1:2:3:4:5:6": "2001:db8:1::/48", "fe80::1%eth0": "fe80::/48", "255.255.255.255": "255.255.255.0/24",
		tx.UnknownAddress.String(): "",
	} {
		if got := tx.MaskNetwork(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s is kept as %s, want %s", address, got, want)
		}
	}
}
