package tx

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/store"
)

// AddressLimit bounds what comes from one network address. The periods are fixed, not sliding: a
// counter is one conditional add without a read, and the per-user budgets, which are exact, do
// not depend on it. So twice the limit may come within one period's time, around the boundary of
// two, and never more than limit × (n+1) within the time of n.
type AddressLimit struct {
	Name   string
	Limit  int64
	Period time.Duration
}

// neighbourhood is how many times an address's limit its surroundings (/24, /56) get.
const neighbourhood = 10

var (
	AttemptLimits = []AddressLimit{{"try", 3, 10 * time.Second}, {"try", 60, time.Hour}, {"try", 300, 24 * time.Hour}}
	// Failures factors are counted apart from second ones: an office behind one address should not
	// get half as many sign-ins.
	FirstLimits  = []AddressLimit{{"first", 3, 10 * time.Second}, {"first", 60, time.Hour}, {"first", 300, 24 * time.Hour}}
	SendLimits   = []AddressLimit{{"send", 10, 10 * time.Minute}, {"send", 50, 24 * time.Hour}}
	CreateLimits = []AddressLimit{{"create", 5, 10 * time.Second}}
	// What nobody has signed in for is kept a day (a client) or a minute (a handshake's answer),
	// and an address may have so much of it.
	ClientLimits    = []AddressLimit{{"client", 500, 24 * time.Hour}}
	HandshakeLimits = []AddressLimit{{"handshake", 30, 10 * time.Second}, {"handshake", 3000, 24 * time.Hour}}
)

// CountAddress stages the limits of the caller's address. Requests of the team's own servers have
// none.
func (t *Tx) CountAddress(from Caller, limits []AddressLimit) {
	if !t.State.Settings.IPLimits || !from.Address.IsValid() {
		return
	}
	single, around := AddressNetworks(from.Address)
	for _, l := range limits {
		t.countNetwork(l, single, l.Limit)
	}
	longest := limits[len(limits)-1]
	t.countNetwork(longest, around, longest.Limit*neighbourhood)
}

func (t *Tx) countNetwork(l AddressLimit, who netip.Prefix, limit int64) {
	period := int64(t.Now) / l.Period.Milliseconds()
	t.Increments = append(t.Increments, store.Increment{
		Counter: fmt.Sprintf("%s:%s:%s:%d", l.Name, l.Period, t.Engine.Digest("address", who.String()), period),
		By:      1,
		Max:     limit,
		Expires: time.UnixMilli((period + 1) * l.Period.Milliseconds()),
	})
}

// AddressNetworks are the address itself (a /64 for IPv6, which one subscriber holds) and its
// surroundings.
func AddressNetworks(a netip.Addr) (single, around netip.Prefix) {
	a = a.Unmap()
	narrow, wide := 32, 24
	if a.Is6() {
		narrow, wide = 64, 56
	}
	single, _ = a.WithZone("").Prefix(narrow)
	around, _ = a.WithZone("").Prefix(wide)
	return single, around
}

func (t *Tx) Staged(counter string) *store.Increment {
	for i := range t.Increments {
		if t.Increments[i].Counter == counter {
			return &t.Increments[i]
		}
	}
	return nil
}

func HourOf(at account.Instant) string { return strconv.FormatInt(at.Time().Unix()/3600, 10) }

// asLimitReached returns the counter whose limit a commit found reached.
func asLimitReached(err error) (counter string, ok bool) {
	e := (*store.LimitReachedError)(nil)
	if !errors.As(err, &e) {
		return "", false
	}
	return e.Counter, true
}
