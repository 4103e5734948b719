package tx

import (
	"slices"

	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/account"
)

// InvalidateBefore invalidates what a restore from a backup would revive. A backup holds codes that
// were used since, and sessions that were ended since. So everything made before the restore that
// works once, or can be ended, counts as used or ended. Passwords, numbers and authenticator apps
// stay; an app's codes up to the restore count as used.
//
// The transaction applies this to every record that it reads, so it holds from the first request
// after the restore and costs no write.
func InvalidateBefore(e account.Entity, epoch account.Instant) {
	switch e := e.(type) {
	case *account.User:
		invalidateUser(e, epoch)
	case *account.Client:
		if e.SignIn != nil && e.SignIn.CreatedAt < epoch {
			e.SignIn = nil
		}
	case *account.Ticket:
		if e.CreatedAt < epoch && e.Used == 0 && e.Revoked == 0 {
			e.Revoked = epoch
		}
	case *account.Nonce:
		if e.Expires < epoch.Add(account.NonceLife) {
			e.Expires = 0
		}
	}
}

func invalidateUser(u *account.User, epoch account.Instant) {
	u.Sessions = slices.DeleteFunc(slices.Clone(u.Sessions), func(s account.SessionRef) bool {
		return s.Ends < epoch.Add(account.SessionLife) // began before the restore
	})
	u.Remembered = slices.DeleteFunc(slices.Clone(u.Remembered), func(d account.RememberedDevice) bool { return d.At < epoch })
	if u.Backup != nil && u.Backup.CreatedAt < epoch {
		u.Backup = nil
	}
	if u.Recovery != nil && u.Recovery.RequestedAt < epoch {
		u.Recovery = nil
	}
	if u.TOTP != nil {
		u.TOTP.LastStep = max(u.TOTP.LastStep, totp.LatestStep(epoch.Time()))
	}
	u.Passkeys = slices.DeleteFunc(slices.Clone(u.Passkeys), func(p account.Passkey) bool { return p.Verified == 0 && p.CreatedAt < epoch })
	for i := range u.Phones {
		if p := u.Phones[i].Pending; p != nil && p.SentAt < epoch {
			u.Phones[i].Pending = nil
		}
		if p := u.Phones[i].Backend; p != nil && p.SentAt < epoch {
			u.Phones[i].Backend = nil
		}
	}
}
