package takeover

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/test/browser"
)

// rememberDays is the setting for remembered devices, and rememberedDays its value in journeys that
// have it on.
const (
	rememberDays   = "remember_device_days"
	rememberedDays = 30
)

// device is a browser on which an actor verified a second factor and had the device remembered.
type device struct {
	until time.Time
	epoch int
}

// devices knows which browsers may sign in without a second factor, by the id of their client. It
// may take a browser for remembered that the product forgot, as after a lock, never the reverse.
type devices struct {
	on    bool
	known map[string]device
	epoch int    // rises with each act that ends all devices
	valid string // what all devices depend on
	// sessions are the sessions of sign-ins on a remembered device.
	sessions map[string]bool
}

func newDevices() devices { return devices{known: map[string]device{}, sessions: map[string]bool{}} }

// checkDevices checks that a sign-in without a second factor was on a remembered device, and
// records what an answer changed. It runs before the oracle takes the state after the request.
func (o *oracle) checkDevices(p *person, r *request, a browser.Answer, after *view, said facts) []Hit {
	if !a.OK() {
		return nil
	}
	var hits []Hit
	for _, si := range said.signIns {
		n, complete := account.ParseSession(si.session)
		_, renewed := o.sessions[si.session] // a ticket proved the first factor of a session again
		switch {
		case !complete || renewed || !o.before.second():
		case r.op.Name == "sign-in-second-factor-attempt":
			if r.given["remember_device"] == "true" {
				o.devices.known[n.Client] = device{o.w.at.Add(rememberedDays * 24 * time.Hour), o.devices.epoch}
			}
		case o.remembers(n.Client):
			o.devices.sessions[si.session] = true
		default:
			hits = append(hits, Hit{Unasked, names[p.role] + " completes a sign-in on a device that is not remembered"})
		}
	}
	o.endDevices(r, after)
	return hits
}

// remembers says whether a sign-in on a client may leave the second factor out, as far as every
// function knows.
func (o *oracle) remembers(client string) bool {
	d, known := o.devices.known[client]
	current := d.epoch == o.devices.epoch || o.since(rememberDays) <= slack
	return known && current && o.w.at.Before(d.until.Add(slack))
}

// endDevices records what ended remembered devices.
func (o *oracle) endDevices(r *request, after *view) {
	valid := fmt.Sprint(after.bound(), o.passwordSet, o.allEnded)
	ends := []string{"user-lock", "me-sessions-revoke-others", "me-remembered-devices-delete"}
	if valid != o.devices.valid || r.given[rememberDays] != "" || slices.Contains(ends, r.op.Name) {
		o.devices.valid = valid
		o.devices.epoch++
	}
	switch r.op.Name {
	case "me-remembered-device-delete", "user-remembered-device-delete":
		delete(o.devices.known, strings.TrimPrefix(r.given["device_id"], "rdev_"))
	case "me-session-revoke", "admin-session-revoke":
		if n, ok := account.ParseSession(r.given["session_id"]); ok {
			delete(o.devices.known, n.Client)
		}
	}
}

// bound returns a text that changes whenever a factor is added or removed.
func (v *view) bound() string {
	var text strings.Builder
	if v.app() {
		text.WriteString(v.App.ID)
	}
	for _, n := range v.User.Numbers {
		if n.verified() {
			fmt.Fprint(&text, n.ID, n.Reserved)
		}
	}
	if v.Backup != nil {
		text.WriteString(v.Backup.ID)
	}
	return text.String()
}
