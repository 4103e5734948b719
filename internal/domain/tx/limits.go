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

// AddressLimit limits the requests of one network address. Periods are fixed, not sliding, so that
// a counter is one conditional add without a read. Up to twice the limit can therefore come within
// one period's time. The limits per user, which are exact, do not depend on it.
type AddressLimit struct {
	Name   string
	Limit  int64
	Period time.Duration
}

// neighbourhood is the factor by which the network around an address (/24 or /56) may exceed the
// address's limit.
const neighbourhood = 10

// The limits of an address, each with a counter of its own.
var (
	AttemptLimits = []AddressLimit{{"try", 3, 10 * time.Second}, {"try", 60, time.Hour}, {"try", 300, 24 * time.Hour}}
	// FirstLimits apply to first factors. They are apart from AttemptLimits, because an office
	// behind one address should not get half as many sign-ins.
	FirstLimits  = []AddressLimit{{"first", 3, 10 * time.Second}, {"first", 60, time.Hour}, {"first", 300, 24 * time.Hour}}
	SendLimits   = []AddressLimit{{"send", 10, 10 * time.Minute}, {"send", 50, 24 * time.Hour}}
	CreateLimits = []AddressLimit{{"create", 5, 10 * time.Second}}
	// RenameLimits bound how fast a signed-in user can find out which usernames are taken.
	RenameLimits = []AddressLimit{{"rename", 10, 10 * time.Minute}, {"rename", 50, 24 * time.Hour}}
	// ClientLimits and HandshakeLimits bound records that exist without a sign-in: a client is kept
	// for a day, the answer of a handshake for a minute.
	ClientLimits    = []AddressLimit{{"client", 500, 24 * time.Hour}}
	HandshakeLimits = []AddressLimit{{"handshake", 30, 10 * time.Second}, {"handshake", 3000, 24 * time.Hour}}
)

// CountAddress counts the request against the limits of the caller's address, in the commit.
// Requests of the Backend API have no address and no limit.
func (t *Tx) CountAddress(from Caller, limits []AddressLimit) {
	t.Increments = append(t.Increments, t.addressIncrements(from, limits)...)
}

// ReserveAddress is CountAddress before the commit, for an operation whose other quotas are wider.
func (t *Tx) ReserveAddress(from Caller, limits []AddressLimit) {
	for _, inc := range t.addressIncrements(from, limits) {
		t.Quotas = append(t.Quotas, Quota{Increment: inc, Step: OfAddress})
	}
}

func (t *Tx) addressIncrements(from Caller, limits []AddressLimit) []store.Increment {
	if !t.State.Settings.IPLimits || !from.Address.IsValid() {
		return nil
	}
	single, around := AddressNetworks(from.Address)
	var all []store.Increment
	for _, l := range limits {
		all = append(all, t.ofNetwork(l, single, l.Limit))
	}
	longest := limits[len(limits)-1]
	return append(all, t.ofNetwork(longest, around, longest.Limit*neighbourhood))
}

func (t *Tx) ofNetwork(l AddressLimit, who netip.Prefix, limit int64) store.Increment {
	period := int64(t.Now) / l.Period.Milliseconds()
	return store.Increment{
		Counter: fmt.Sprintf("%s:%s:%s:%d", l.Name, l.Period, t.Engine.Digest("address", who.String()), period),
		By:      1,
		Max:     limit,
		Expires: time.UnixMilli((period + 1) * l.Period.Milliseconds()),
	}
}

// AddressNetworks returns the address itself (a /64 for IPv6, which one subscriber holds) and the
// network around it (/24, /56).
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

// Staged returns the staged increment of a counter or quota, or nil.
func (t *Tx) Staged(counter string) *store.Increment {
	for i := range t.Quotas {
		if t.Quotas[i].Counter == counter {
			return &t.Quotas[i].Increment
		}
	}
	for i := range t.Increments {
		if t.Increments[i].Counter == counter {
			return &t.Increments[i]
		}
	}
	return nil
}

// HourOf returns the number of the hour since 1970, as part of a counter's name.
func HourOf(at account.Instant) string { return strconv.FormatInt(at.Time().Unix()/3600, 10) }

// asLimitReached returns the counter whose limit stopped a commit.
func asLimitReached(err error) (counter string, ok bool) {
	e := (*store.LimitReachedError)(nil)
	if !errors.As(err, &e) {
		return "", false
	}
	return e.Counter, true
}
