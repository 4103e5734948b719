package account

import (
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/language"
)

// Recovery is a user's request to remove the second factors without an administrator. It waits for
// days, so that the owner of the account can cancel it.
type Recovery struct {
	RequestedAt Instant `json:"c"`
	// CompletesAt is when the second factors are removed.
	CompletesAt Instant `json:"d"`
	// ToldAt is when the user's channels were last told.
	ToldAt Instant `json:"t"`
	// Language is that of the messages: the owner's, if it is known, else of the person who asked.
	Language language.Tag `json:"l,omitempty"`
}

// RecoveryReminder is the time between two reminders of a request.
const RecoveryReminder = 24 * time.Hour

// The days that a request waits, as the settings may say. 0 switches recovery off.
const (
	ShortestRecovery = 3
	LongestRecovery  = 30
)

// NextStep returns when the cleanup has something to do: a reminder, or the removal.
func (r *Recovery) NextStep() Instant { return min(r.CompletesAt, r.ToldAt.Add(RecoveryReminder)) }

// RecoveryTime is how long a request waits under the settings. Without recovery it is 0.
func (s *Settings) RecoveryTime() time.Duration {
	return time.Duration(s.RecoveryDays) * 24 * time.Hour
}

// RecoveryOf returns the user's request under the settings, or nil. A request from before recovery
// was last switched on has ended: switching it off ended all.
func (s *Settings) RecoveryOf(u *User) *Recovery {
	if u.Recovery == nil || s.RecoveryDays == 0 || u.Recovery.RequestedAt < s.RecoverySince {
		return nil
	}
	return u.Recovery
}

// LoseNumbers marks the numbers that are second factors as perhaps lost: see [Phone.Lost].
func (u *User) LoseNumbers() {
	u.Phones = slices.Clone(u.Phones)
	for i := range u.Phones {
		u.Phones[i].Lost = u.Phones[i].IsSecondFactor()
	}
}

// RemoveSecondFactors removes all second factors and backup codes. Numbers stay, but are no second
// factors any more.
func (u *User) RemoveSecondFactors() {
	u.TOTP, u.Backup = nil, nil
	phones := append([]Phone(nil), u.Phones...)
	for i := range phones {
		phones[i].Reserved, phones[i].Default, phones[i].Failures = false, false, 0
	}
	u.Phones = phones
}
