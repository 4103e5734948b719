package account

import (
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/authority"
)

// Account returns what the rules of package authority need to know of a user.
//
// Only this file and the files authority.go of tx and sessions ask package authority, or read and
// write what sessions proved. A test of the repository holds that.
func (u *User) Account() authority.Account {
	return authority.Account{SecondFactor: u.TwoFactorEnabled(), Generation: u.Generation, FirstSince: u.FirstSince, SecondSince: u.SecondSince, BackupSince: u.BackupSince, PasskeySince: u.PasskeySince}
}

// SetAccount stores the generations that the rules returned.
func (u *User) SetAccount(a authority.Account) {
	u.Generation, u.FirstSince, u.SecondSince, u.BackupSince, u.PasskeySince = a.Generation, a.FirstSince, a.SecondSince, a.BackupSince, a.PasskeySince
}

// proved returns what the rules need to know of a session.
func (s *Session) proved() authority.Session {
	return authority.Session{
		First:  authority.Proof{Method: string(s.FirstBy), At: s.FirstAt.Time()},
		Second: authority.Proof{Method: string(s.SecondBy), At: s.SecondAt.Time()},
		Alone:  s.AloneAt.Time(), Enrolled: s.Enrolled, Remembered: s.Remembered,
	}
}

// SetProved stores what a session has proved, in its user's record too, and reports whether the
// session itself changed.
func (s *Session) SetProved(u *User, p authority.Session) bool {
	before := *s
	s.FirstBy, s.FirstAt = Strategy(p.First.Method), At(p.First.At)
	s.SecondBy, s.SecondAt = Strategy(p.Second.Method), At(p.Second.At)
	s.AloneAt, s.Enrolled, s.Remembered = At(p.Alone), p.Enrolled, p.Remembered
	if ref := u.SessionRef(s); ref != nil {
		ref.Generation = p.Generation
	}
	return before != *s
}

// Authority returns what the rules depend on beside a user's account: the settings, and whether the
// user has to have a second factor now.
func (set *Settings) Authority(u *User, now Instant) authority.Policy {
	return authority.Policy{
		Required: due(earlier(u.RequiredFrom, set.RequiredFrom(u)), now), KeepSessions: set.KeepOtherSessions,
		Remember: set.RememberDays > 0, RememberSince: set.RememberSince,
	}
}

// AuthorityCase returns the case that the rules decide: a session and its user, now.
func AuthorityCase(s *Session, u *User, set *Settings, now Instant) authority.Case {
	c := authority.Case{Session: s.proved(), Account: u.Account(), Policy: set.Authority(u, now), Now: now.Time(), Pending: s.Pending}
	if ref := u.SessionRef(s); ref != nil {
		c.Session.Generation = ref.Generation
	}
	return c
}

// SessionRef returns the entry of a session in its user's list, or nil. A session that is not in
// the list has ended.
func (u *User) SessionRef(s *Session) *SessionRef {
	n, ok := ParseSession(s.ID)
	if !ok {
		return nil
	}
	i := slices.IndexFunc(u.Sessions, func(ref SessionRef) bool { return ref.Client == n.Client && ref.Nonce == n.Nonce })
	if i < 0 {
		return nil
	}
	return &u.Sessions[i]
}

// StepUpLevel returns the level that a step-up of the user must reach.
func (u *User) StepUpLevel(asked authority.Level) authority.Level { return u.Account().StepUp(asked) }

// SameGeneration reports whether a sign-in or step-up that began under a generation of the account
// may go on.
func (u *User) SameGeneration(generation uint32) bool { return u.Generation == generation }

// BecomesFactor reports whether a session added the number as a second factor, so that verifying it
// makes it one. In another session, or later, it does not.
func (p *Phone) BecomesFactor(session string, now Instant) bool {
	pending := authority.PendingFactor{Owner: p.For, Began: p.CreatedAt.Time(), Wrong: p.Wrong}
	return p.Reserved && pending.Live(session, now.Time())
}

// CancelEnrolment keeps a number, but no longer as a second factor to be.
func (p *Phone) CancelEnrolment() { p.Reserved, p.For, p.Wrong = false, "", 0 }

// ReservedAt reports whether the number is a second factor, or may still become one.
func (p *Phone) ReservedAt(now Instant) bool {
	return p.Reserved && (p.Verified != 0 || p.BecomesFactor(p.For, now))
}

// FactorSet identifies the factors of a user, so that a change can be detected.
type FactorSet struct {
	Known    bool
	Password string
	Backup   string
	First    []string
	Second   []string
	Passkeys []string // those that can prove the user for some RP id
}

// FactorSet returns the user's factors. Each has an id of its own, so a replaced factor is a
// removed one.
func (u *User) FactorSet() FactorSet {
	set := FactorSet{Known: true, Password: u.Password}
	if u.TOTPEnabled() {
		set.Second = append(set.Second, u.TOTP.ID)
	}
	if u.Backup != nil {
		set.Backup = u.Backup.ID
	}
	for i := range u.Passkeys {
		if p := &u.Passkeys[i]; p.Usable(p.RPID) {
			set.Passkeys = append(set.Passkeys, p.ID)
		}
	}
	for i := range u.Phones {
		switch p := &u.Phones[i]; {
		case p.IsSecondFactor():
			set.Second = append(set.Second, p.Tail)
		case p.IsFirstFactor():
			set.First = append(set.First, p.Tail)
		}
	}
	return set
}

// Lost reports whether after lacks an element of before.
func Lost(before, after []string) bool {
	return slices.ContainsFunc(before, func(id string) bool { return !slices.Contains(after, id) })
}

// Equal reports whether two sets have the same factors.
func (f FactorSet) Equal(g FactorSet) bool {
	return f.Password == g.Password && f.Backup == g.Backup && slices.Equal(f.First, g.First) && slices.Equal(f.Second, g.Second) && slices.Equal(f.Passkeys, g.Passkeys)
}

// CancelEnrolments forgets factors in enrolment. They do not outlive a change of the password, nor
// their session.
func (u *User) CancelEnrolments() {
	if u.TOTP != nil && u.TOTP.Verified == 0 {
		u.TOTP = nil
	}
	u.dropPendingPasskeys(func(*Passkey) bool { return true })
	for i := range u.Phones {
		if p := &u.Phones[i]; p.Verified == 0 {
			p.CancelEnrolment()
			p.Pending = nil
		}
	}
}

// AgeProofs makes the proofs of a session older, for development.
func (s *Session) AgeProofs(by time.Duration) {
	for _, at := range []*Instant{&s.FirstAt, &s.SecondAt, &s.AloneAt} {
		if *at != 0 {
			*at = at.Add(-by)
		}
	}
}
