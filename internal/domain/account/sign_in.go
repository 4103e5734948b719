package account

// SignInStatus is a status of the wire protocol.
type SignInStatus string

// The statuses of a sign-in, in order.
const (
	NeedsIdentifier   SignInStatus = "needs_identifier"
	NeedsFirstFactor  SignInStatus = "needs_first_factor"
	NeedsSecondFactor SignInStatus = "needs_second_factor"
	SignInComplete    SignInStatus = "complete"
)

// Status is how far the sign-in is.
func (si *SignIn) Status() SignInStatus {
	switch {
	case si.Created != "":
		return SignInComplete
	case si.First.Proved != 0:
		return NeedsSecondFactor
	case si.Identifier != "":
		return NeedsFirstFactor
	}
	return NeedsIdentifier
}

// AddSession lists a new session. Above the cap the oldest one leaves the list, and is dead with it.
// What ran out is removed late: another function's clock may be behind.
func (u *User) AddSession(ref SessionRef, now Instant) {
	listed := u.Sessions
	u.RemoveExpired(now)
	u.Sessions = append(withoutEnded(listed, now.Add(-CleanupKept)), ref)
	if over := len(u.Sessions) - sessionsPerUser; over > 0 {
		u.Sessions = u.Sessions[over:]
	}
}
