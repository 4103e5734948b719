package sessions

import (
	"slices"
	"strconv"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// deviceTag names a user in a client's list of users that passed a second factor there. The list
// has no user ids, because a client outlives the users that used it. The tag changes when the
// user's last second factor is removed: then the device is unknown again.
func deviceTag(t *tx.Tx, c *account.Client, u *account.User) string {
	parts := []string{"known", c.ID, u.ID}
	if u.MFADisabledAt != 0 {
		parts = append(parts, strconv.FormatInt(int64(u.MFADisabledAt), 10))
	}
	return t.Engine.Digest(parts...)[:account.DeviceTagLen]
}

// isDeviceTag matches the entry of a user. Older entries are the user's id, and count until the
// user's factors are reset.
func isDeviceTag(tag string, u *account.User) func(string) bool {
	return func(known string) bool { return known == tag || known == u.ID && u.MFADisabledAt == 0 }
}

// DeviceOf says whether the user passed a second factor on this client before. Without a client, or
// without a user, the device is unknown.
func DeviceOf(t *tx.Tx, c *account.Client, u *account.User) account.Device {
	if c != nil && u != nil && slices.ContainsFunc(c.KnownUsers, isDeviceTag(deviceTag(t, c, u), u)) {
		return account.KnownDevice
	}
	return account.UnknownDevice
}

// MakeKnown makes the client a known device of the user.
func MakeKnown(t *tx.Tx, c *account.Client, u *account.User) {
	MakeUnknown(t, c, u)
	c.KnownUsers = append(c.KnownUsers, deviceTag(t, c, u))
	c.KnownUsers = c.KnownUsers[max(0, len(c.KnownUsers)-account.KnownUsers):]
}

// MakeUnknown makes the client an unknown device of the user.
func MakeUnknown(t *tx.Tx, c *account.Client, u *account.User) {
	c.KnownUsers = slices.DeleteFunc(c.KnownUsers, isDeviceTag(deviceTag(t, c, u), u))
}
