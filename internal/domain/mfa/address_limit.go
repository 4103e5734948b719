package mfa

import (
	"fmt"
	"net/netip"
	"time"
)

// addressLimit bounds what comes from one network address. The periods are fixed, not sliding: a
// counter is one conditional add without a read, and the per-user budgets, which are exact, do
// not depend on it. So twice the limit may come within one period's time, around the boundary of
// two, and never more than limit × (n+1) within the time of n.
type addressLimit struct {
	name   string
	limit  int64
	period time.Duration
}

// neighbourhood is how many times an address's limit its surroundings (/24, /56) get.
const neighbourhood = 10

var (
	attemptLimits = []addressLimit{{"try", 3, 10 * time.Second}, {"try", 60, time.Hour}, {"try", 300, 24 * time.Hour}}
	// Failures factors are counted apart from second ones: an office behind one address should not
	// get half as many sign-ins.
	firstLimits  = []addressLimit{{"first", 3, 10 * time.Second}, {"first", 60, time.Hour}, {"first", 300, 24 * time.Hour}}
	sendLimits   = []addressLimit{{"send", 10, 10 * time.Minute}, {"send", 50, 24 * time.Hour}}
	createLimits = []addressLimit{{"create", 5, 10 * time.Second}}
	// What nobody has signed in for is kept a day (a client) or a minute (a handshake's answer),
	// and an address may have so much of it.
	clientLimits    = []addressLimit{{"client", 500, 24 * time.Hour}}
	handshakeLimits = []addressLimit{{"handshake", 30, 10 * time.Second}, {"handshake", 3000, 24 * time.Hour}}
)

// countAddress stages the limits of the caller's address. Requests of the team's own servers have
// none.
func (t *txn) countAddress(from Caller, limits []addressLimit) {
	if !t.state.settings.IPLimits || !from.Address.IsValid() {
		return
	}
	single, around := addressNetworks(from.Address)
	for _, l := range limits {
		t.countNetwork(l, single, l.limit)
	}
	longest := limits[len(limits)-1]
	t.countNetwork(longest, around, longest.limit*neighbourhood)
}

func (t *txn) countNetwork(l addressLimit, who netip.Prefix, limit int64) {
	period := int64(t.now) / l.period.Milliseconds()
	t.increments = append(t.increments, Increment{
		Counter: fmt.Sprintf("%s:%s:%s:%d", l.name, l.period, t.s.digest("address", who.String()), period),
		By:      1,
		Max:     limit,
		Expires: time.UnixMilli((period + 1) * l.period.Milliseconds()),
	})
}

// addressNetworks are the address itself (a /64 for IPv6, which one subscriber holds) and its
// surroundings.
func addressNetworks(a netip.Addr) (single, around netip.Prefix) {
	a = a.Unmap()
	narrow, wide := 32, 24
	if a.Is6() {
		narrow, wide = 64, 56
	}
	single, _ = a.WithZone("").Prefix(narrow)
	around, _ = a.WithZone("").Prefix(wide)
	return single, around
}
