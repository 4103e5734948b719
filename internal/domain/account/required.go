package account

import "time"

// RequiredFrom returns since when, or from when on, the settings require a second factor of the
// user; 0 for never. A new user has the days of grace. Without any, the creation does not matter: a
// function whose clock is behind would see it in the future, and require nothing until then.
func (s *Settings) RequiredFrom(u *User) Instant {
	switch {
	case !s.MFARequired:
		return 0
	case s.Grace() == 0:
		return max(s.MFARequiredFrom, 1)
	}
	return max(s.MFARequiredFrom, u.CreatedAt.Add(s.Grace()))
}

// Grace returns the time that a user gets to enrol, if no date is given.
func (s *Settings) Grace() time.Duration { return time.Duration(s.MFAGraceDays) * 24 * time.Hour }

// MFADue returns when the user has to have a second factor, by the own mark or by the settings, and
// at the earliest since the user exists; 0 for never. The user may have one already.
func (u *User) MFADue() Instant {
	from := u.dueFrom()
	if from == 0 {
		return 0
	}
	return max(from, u.CreatedAt)
}

// NeedsMFA reports whether the user has to have a second factor now.
func (u *User) NeedsMFA(now Instant) bool { return due(u.dueFrom(), now) }

func (u *User) dueFrom() Instant { return earlier(u.RequiredFrom, u.SwitchedFrom) }

// Marked reports whether the user is marked as one who has to have a second factor and has none.
// Whether the date has come makes no difference.
func (u *User) Marked() bool { return u.RequiredFrom != 0 && !u.TwoFactorEnabled() }

func due(from, now Instant) bool { return from != 0 && from <= now }

// earlier returns the earlier of two times, each of which may be 0 for never.
func earlier(a, b Instant) Instant {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}
