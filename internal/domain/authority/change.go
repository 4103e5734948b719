package authority

import "time"

// Change is what happened to the factors of an account in one commit.
type Change struct {
	// SecondFactor says that a second factor is bound after the change.
	SecondFactor bool
	// FirstRemoved and SecondRemoved say that a factor of that kind was removed or replaced, so that
	// older proofs of its kind no longer count.
	FirstRemoved, SecondRemoved bool
	// BackupRemoved says that the backup codes were removed or replaced.
	BackupRemoved bool
	// PasskeyRemoved says that a passkey was removed, or blocked because its counter went back.
	PasskeyRemoved bool
	// Shown is the proof that the acting session holds the factor it added. Zero: it did not show it.
	Shown Proof
}

// Changed returns the account after a change.
func (a Account) Changed(ch Change) Account {
	had := a.SecondFactor
	a.SecondFactor = ch.SecondFactor
	a.Generation++
	if ch.FirstRemoved {
		a.FirstSince = a.Generation
	}
	if ch.BackupRemoved {
		a.BackupSince = a.Generation
	}
	if ch.PasskeyRemoved {
		a.PasskeySince = a.Generation
	}
	if ch.SecondRemoved || had != ch.SecondFactor {
		a.SecondSince = a.Generation
	}
	return a
}

// Changed returns the session that made a change, and the account after it. The change must have
// been granted by [Case.May].
//
// The session gets a second-factor proof in one case only: the change gave the user the first
// second factor, and the session showed that it holds it.
func (c Case) Changed(ch Change) (Session, Account) {
	s, after := c.current(), c.Account.Changed(ch)
	s.Generation = after.Generation
	switch had := c.Account.SecondFactor; {
	case !had && after.SecondFactor:
		s.Second, s.Enrolled = ch.Shown, true
	case had && !after.SecondFactor:
		// The session removed the last second factor, so its first-factor proof stands alone now.
		s.Second, s.Enrolled, s.Remembered, s.Alone = Proof{}, false, false, s.First.At
	}
	return s, after
}

// EndsOthers reports whether a change ends the user's other sessions: those from before the first
// second factor did not prove it (OWASP ASVS 5.0, 7.4.3).
func (p Policy) EndsOthers(before Account, ch Change) bool {
	first := !before.SecondFactor && ch.SecondFactor
	return first && (p.Required || !p.KeepSessions)
}

// PendingFactor is a factor that a session began to enrol and did not verify yet.
type PendingFactor struct {
	Owner string // the session that began it
	Began time.Time
	Wrong int // wrong codes
}

// PendingTries is how many wrong codes end a pending factor.
const PendingTries = 5

// Live reports whether a session may still verify the factor. The factor belongs to the session
// that began it: a secret that was shown to one session must not become a factor through another.
func (p PendingFactor) Live(session string, now time.Time) bool {
	age := now.Sub(p.Began)
	return p.Owner != "" && p.Owner == session && p.Wrong < PendingTries && age < PendingFor && age >= -Skew
}
