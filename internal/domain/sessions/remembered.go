package sessions

import (
	"context"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// A remembered device is an entry in its user's record that names a client. The user's record
// decides alone, and the token proves the client: a copy of an older record of either is worth
// nothing.

// devicesPerUser limits the list. One device more ends the oldest.
const devicesPerUser = 20

// Remembers reports whether a sign-in of the user on the client needs the first factor only.
func Remembers(t *tx.Tx, c *account.Client, u *account.User) bool {
	return slices.ContainsFunc(u.Remembered, func(d account.RememberedDevice) bool {
		return d.Client == c.ID && isRemembered(t, u, d)
	})
}

// Remember has the client remembered, from the second factor that a sign-in proves now. A banned or
// locked user's devices are not remembered.
func Remember(t *tx.Tx, c *account.Client, u *account.User, from tx.Caller) {
	set := &t.State.Settings
	if set.RememberDays == 0 || !mayRemember(t, u) {
		return
	}
	d := account.RememberedDevice{
		Client: c.ID, At: t.Now, Ends: t.Now.Add(time.Duration(set.RememberDays) * 24 * time.Hour), Generation: u.Generation, Since: set.RememberSince,
	}
	forget(u, c.ID)
	u.Remembered = append(u.Remembered, d)
	u.Remembered = u.Remembered[max(0, len(u.Remembered)-devicesPerUser):]
	c.Agent = agent(from.Agent)
	u.Touch(t.Now)
	audit.Record(t, u, eventtype.DeviceRemembered, d.Subject())
}

// mayRemember reports whether devices of the user can be remembered now: the user is neither banned
// nor locked.
func mayRemember(t *tx.Tx, u *account.User) bool { return !u.Banned && u.LockEnd(t.Now) == 0 }

// forget removes a client from the user's remembered devices.
func forget(u *account.User, client string) {
	u.Remembered = slices.DeleteFunc(slices.Clone(u.Remembered), func(d account.RememberedDevice) bool { return d.Client == client })
}

// settleRemembered removes the devices that are no longer remembered. A deletion still needs the
// names of their clients.
func settleRemembered(t *tx.Tx, u *account.User) {
	if u.Erasing == nil {
		u.Remembered = slices.DeleteFunc(slices.Clone(u.Remembered), func(d account.RememberedDevice) bool { return !isRemembered(t, u, d) })
	}
}

// CountWrong counts a wrong first factor on the calling device, if it is remembered.
// [account.Policy.LockFailures] of them end it, whether or not the owner signs in between: nothing
// else asks a thief at the device for more than the password.
func CountWrong(t *tx.Tx, u *account.User) {
	if t.Browser == nil {
		return
	}
	for i := range u.Remembered {
		if d := &u.Remembered[i]; d.Client == t.Browser.ID {
			d.Wrong++
		}
	}
}

// RememberedDevice is a remembered device as lists show it.
type RememberedDevice struct {
	account.RememberedDevice
	Agent   string // its User-Agent
	Current bool   // the calling client
}

// RememberedDevices are a user's remembered devices, newest first.
type RememberedDevices struct {
	All []RememberedDevice
	WithSnapshot
}

// DevicesOf returns the remembered devices of a user, newest first. A device whose client is gone
// is not among them: no token proves it.
func DevicesOf(t *tx.Tx, u *account.User) ([]RememberedDevice, error) {
	clients, err := readClients(t, u.Remembered, func(d account.RememberedDevice) string { return d.Client })
	if err != nil {
		return nil, err
	}
	var all []RememberedDevice
	for i, d := range u.Remembered {
		if c := clients[i]; c != nil && c.Expires > t.Now && isRemembered(t, u, d) {
			all = append(all, RememberedDevice{RememberedDevice: d, Agent: c.Agent})
		}
	}
	slices.Reverse(all)
	return all, nil
}

// OwnDevices lists the remembered devices of the user behind the caller's session.
func (s *Service) OwnDevices(ctx context.Context, from tx.Caller) (*RememberedDevices, error) {
	return RunSession(ctx, s, from, from.Session, authority.ListDevices, func(t *tx.Tx, caller *tx.SignedIn) (*RememberedDevices, error) {
		all, err := DevicesOf(t, caller.User)
		for i := range all {
			all[i].Current = all[i].Client == caller.Client.ID
		}
		return &RememberedDevices{All: all}, err
	})
}

// ForgetDevice forgets a remembered device of a user, by its wire id.
func ForgetDevice(t *tx.Tx, u *account.User, id string) (account.RememberedDevice, error) {
	for _, d := range u.Remembered {
		if d.WireID() == id {
			forget(u, d.Client)
			u.Touch(t.Now)
			audit.Record(t, u, eventtype.DeviceForgotten, d.Subject())
			return d, nil
		}
	}
	return account.RememberedDevice{}, apierr.New(apierr.ResourceNotFound)
}

// ForgetOwn forgets a remembered device of the caller's user.
func (s *Service) ForgetOwn(ctx context.Context, from tx.Caller, id string) (*RememberedDevices, error) {
	return s.forgetDevices(ctx, from, func(t *tx.Tx, u *account.User) ([]account.RememberedDevice, error) {
		d, err := ForgetDevice(t, u, id)
		return []account.RememberedDevice{d}, err
	})
}

// ForgetAllOwn forgets all remembered devices of the caller's user.
func (s *Service) ForgetAllOwn(ctx context.Context, from tx.Caller) (*RememberedDevices, error) {
	return s.forgetDevices(ctx, from, func(t *tx.Tx, u *account.User) (gone []account.RememberedDevice, err error) {
		gone = u.Remembered
		for _, d := range gone {
			if _, err := ForgetDevice(t, u, d.WireID()); err != nil {
				return nil, err
			}
		}
		return gone, nil
	})
}

// forgetDevices runs a step that forgets devices, and answers with them.
func (s *Service) forgetDevices(ctx context.Context, from tx.Caller, do func(*tx.Tx, *account.User) ([]account.RememberedDevice, error)) (*RememberedDevices, error) {
	return RunSession(ctx, s, from, from.Session, authority.ForgetDevices, func(t *tx.Tx, caller *tx.SignedIn) (*RememberedDevices, error) {
		gone, err := do(t, caller.User)
		out := &RememberedDevices{}
		for _, d := range gone {
			out.All = append(out.All, RememberedDevice{RememberedDevice: d})
		}
		return out, err
	})
}
