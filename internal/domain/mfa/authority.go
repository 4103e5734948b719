package mfa

import (
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
)

// This file is the only one that asks package authority, and the only one that reads and writes what
// sessions proved. A test of the module's root holds that.

// account is what the rules need to know of a user.
func (u *User) account() authority.Account {
	return authority.Account{SecondFactor: u.TwoFactorEnabled(), Generation: u.Generation, FirstSince: u.FirstSince, SecondSince: u.SecondSince, BackupSince: u.BackupSince}
}

func (u *User) setAccount(a authority.Account) {
	u.Generation, u.FirstSince, u.SecondSince, u.BackupSince = a.Generation, a.FirstSince, a.SecondSince, a.BackupSince
}

// proved is what the rules need to know of a session.
func (s *Session) proved() authority.Session {
	return authority.Session{
		First:  authority.Proof{Method: string(s.FirstBy), At: s.FirstAt.Time()},
		Second: authority.Proof{Method: string(s.SecondBy), At: s.SecondAt.Time()},
		Alone:  s.AloneAt.Time(), Enrolled: s.Enrolled,
	}
}

// setProved stores what a session has proved, in its user's record too, and reports whether the
// session itself changed.
func (s *Session) setProved(u *User, p authority.Session) bool {
	before := *s
	s.FirstBy, s.FirstAt = Strategy(p.First.Method), At(p.First.At)
	s.SecondBy, s.SecondAt = Strategy(p.Second.Method), At(p.Second.At)
	s.AloneAt, s.Enrolled = At(p.Alone), p.Enrolled
	if ref := u.sessionRef(s); ref != nil {
		ref.Generation = p.Generation
	}
	return before != *s
}

func (set *Settings) authority() authority.Policy {
	return authority.Policy{Required: set.MFARequired, KeepSessions: set.KeepSessions}
}

// authorityCase is a session beside its user: the case that the rules decide.
func authorityCase(s *Session, u *User, set *Settings, now Instant) authority.Case {
	c := authority.Case{Session: s.proved(), Account: u.account(), Policy: set.authority(), Now: now.Time(), Pending: s.Pending}
	if ref := u.sessionRef(s); ref != nil {
		c.Session.Generation = ref.Generation
	}
	return c
}

func (t *txn) authorityCase(s *Session, u *User) authority.Case {
	return authorityCase(s, u, &t.state.settings, t.now)
}

// requireProof refuses an action that the session has not proved enough for.
func (t *txn) requireProof(caller *signedIn, a authority.Action) error {
	switch t.authorityCase(caller.session, caller.user).May(a) {
	case authority.Granted:
		return nil
	case authority.NeedsStepUp:
		return apierr.New(apierr.SessionReverificationRequired)
	case authority.NotWhilePending:
		return apierr.New(apierr.AuthorizationInvalid)
	case authority.SessionEnded:
	}
	return apierr.New(apierr.AuthenticationInvalid)
}

// sessionRef returns the entry of a session in its user's list, or nil. A session that the list does not have
// is dead: it was ended, or it gave way to a newer one.
func (u *User) sessionRef(s *Session) *SessionRef {
	n, ok := parseSession(s.ID)
	if !ok {
		return nil
	}
	i := slices.IndexFunc(u.Sessions, func(ref SessionRef) bool { return ref.Client == n.client && ref.Nonce == n.nonce })
	if i < 0 {
		return nil
	}
	return &u.Sessions[i]
}

// sessionUser returns the user of a session that is alive, or nil.
func (t *txn) sessionUser(s *Session) (*User, error) {
	n, ok := parseSession(s.ID)
	if !ok || s.Expires <= t.now {
		return nil, nil
	}
	if last := t.now.Add(sessionLife + authority.Skew); s.Expires > last {
		s.Expires = last // it began in the future, which extends nothing
	}
	u, err := t.user(n.user)
	if err != nil || u == nil || u.sessionRef(s) == nil || t.authorityCase(s, u).Standing() == authority.Ended {
		return nil, err
	}
	return u, nil
}

// Status returns the session's status now. A session becomes pending by itself when a second factor is
// required and its user has none. It becomes active again only by a touch.
func (s *Snapshot) Status(session *Session) SessionStatus {
	u := s.User(session)
	switch {
	case session.Status != "":
		return session.Status
	case u == nil:
		return SessionActive
	case authorityCase(session, u, &s.Settings, s.Now).Standing() == authority.Pending:
		return SessionPending
	}
	return SessionActive
}

// Ages returns the whole minutes since the session proved each factor, as the claim fva has them.
// See [authority.Case.Ages].
func (s *Snapshot) Ages(session *Session) [2]int {
	u := s.User(session)
	if u == nil {
		u = &User{}
	}
	return authorityCase(session, u, &s.Settings, s.Now).Ages()
}

// updateTask opens or closes the setup-mfa task, and writes only when that changes something.
func (t *txn) updateTask(c *Client, s *Session, u *User) {
	pending := !t.authorityCase(s, u).Settled()
	if s.Pending == pending {
		return
	}
	s.Pending = pending
	s.touch(t.now)
	c.touch(t.now)
	t.put(c)
}

// startProofs is what a new session has proved: the factors of the sign-in that made it.
func (t *txn) startProofs(s *Session, u *User, si *SignIn) {
	first := authority.Proof{Method: string(si.First.Strategy), At: si.First.Proved.Time()}
	second := authority.Proof{Method: string(si.Second.Strategy), At: si.Second.Proved.Time()}
	s.setProved(u, u.account().SignIn(first, second))
	s.Pending = t.authorityCase(s, u).Standing() != authority.Active
}

// provedFirst stores that a step-up, or a ticket in its place, proved the first factor again.
func (caller *signedIn) provedFirst(t *txn, by Strategy) {
	caller.session.setProved(caller.user, t.authorityCase(caller.session, caller.user).ProvedFirst(string(by)))
	caller.reverified(t)
}

// provedSecond stores that a step-up proved a second factor.
func (caller *signedIn) provedSecond(t *txn, by Strategy) {
	caller.session.setProved(caller.user, t.authorityCase(caller.session, caller.user).ProvedSecond(string(by)))
	caller.reverified(t)
}

// stepUpLevel is the level that a step-up of the user asks for.
func (u *User) stepUpLevel(asked authority.Level) authority.Level { return u.account().StepUp(asked) }

// sameGeneration reports whether a sign-in or step-up that began under a generation of the account may go on.
func (u *User) sameGeneration(generation uint32) bool { return u.Generation == generation }

// isFuture reports whether a time is too far ahead to be believed: a clock went back, or another
// function's clock is wrong. Such a time proves nothing and extends nothing.
func (t *txn) isFuture(at Instant) bool { return authority.Future(at.Time(), t.now.Time()) }

// pendingApp returns the authenticator app that a session began to enrol and may still confirm, or nil.
func (t *txn) pendingApp(caller *signedIn) *TOTP {
	app := caller.user.TOTP
	if app == nil || app.Verified != 0 {
		return nil
	}
	pending := authority.PendingFactor{Owner: app.By, Began: app.CreatedAt.Time(), Wrong: app.Wrong}
	if !pending.Live(caller.nonce(), t.now.Time()) {
		return nil
	}
	return app
}

// becomesFactor reports whether a session added a number as a second factor, so that verifying it makes it
// one. For another session, or later, it is a number like any other.
func (p *Phone) becomesFactor(session string, now Instant) bool {
	pending := authority.PendingFactor{Owner: p.For, Began: p.CreatedAt.Time(), Wrong: p.Wrong}
	return p.Reserved && pending.Live(session, now.Time())
}

// cancelEnrolment makes a number that a session added as a second factor a number like any other.
func (p *Phone) cancelEnrolment() { p.Reserved, p.For, p.Wrong = false, "", 0 }

// ReservedAt reports whether the number is a second factor, or is still meant to become one.
func (p *Phone) ReservedAt(now Instant) bool {
	return p.Reserved && (p.Verified != 0 || p.becomesFactor(p.For, now))
}

// factorSet is which factors a user has, so that a change of it can be seen.
type factorSet struct {
	known    bool
	password string
	backup   string
	first    []string
	second   []string
}

// factorSet names the user's factors. Each has an id of its own, so a replaced one is a removed one.
func (u *User) factorSet() factorSet {
	set := factorSet{known: true, password: u.Password}
	if u.TOTPEnabled() {
		set.second = append(set.second, u.TOTP.ID)
	}
	if u.Backup != nil {
		set.backup = u.Backup.ID
	}
	for i := range u.Phones {
		switch p := &u.Phones[i]; {
		case p.isSecondFactor():
			set.second = append(set.second, p.Tail)
		case p.isFirstFactor():
			set.first = append(set.first, p.Tail)
		}
	}
	return set
}

// lost reports whether something of before is no longer there.
func lost(before, after []string) bool {
	return slices.ContainsFunc(before, func(id string) bool { return !slices.Contains(after, id) })
}

func (f factorSet) equal(g factorSet) bool {
	return f.password == g.password && f.backup == g.backup && slices.Equal(f.first, g.first) && slices.Equal(f.second, g.second)
}

// applyFactorChanges carries a change of factors over to the sessions: it raises the account's generation,
// ends the sessions that the change ends, and moves the acting session along. It runs before each
// answer and each commit on every user that is written, so no operation can forget it.
func (t *txn) applyFactorChanges() error {
	for _, k := range t.order {
		u, ok := t.seen[k].(*User)
		if !ok || t.dirty[k] || !u.readFactors.known {
			continue
		}
		if has := u.factorSet(); !has.equal(u.readFactors) {
			t.applyFactorChange(u, has)
		}
	}
	return nil
}

func (t *txn) applyFactorChange(u *User, has factorSet) {
	before := u.account()
	before.SecondFactor = u.readSecond
	change := authority.Change{
		SecondFactor:  u.TwoFactorEnabled(),
		FirstRemoved:  has.password != u.readFactors.password && u.readFactors.password != "" || lost(u.readFactors.first, has.first),
		SecondRemoved: lost(u.readFactors.second, has.second),
		BackupRemoved: has.backup != u.readFactors.backup && u.readFactors.backup != "",
	}
	var acting *signedIn
	if t.caller != nil && t.caller.user == u {
		acting = t.caller
		change.Shown = acting.proof
	}
	if t.state.settings.authority().EndsOthers(before, change) {
		u.endOthers(acting)
	}
	u.readFactors, u.readSecond = has, change.SecondFactor
	if acting == nil {
		u.setAccount(before.Changed(change))
		return
	}
	as := t.authorityCase(acting.session, u)
	as.Account = before
	session, account := as.Changed(change)
	u.setAccount(account)
	if acting.session.setProved(u, session) {
		acting.stage(t)
	}
}

// endOthers ends all sessions of a user but the acting one.
func (u *User) endOthers(acting *signedIn) {
	u.Sessions = slices.DeleteFunc(slices.Clone(u.Sessions), func(ref SessionRef) bool {
		return acting == nil || ref.Nonce != acting.nonce()
	})
}

// signOutAll ends all sessions of a user, and its sign-ins and enrolments in progress.
func (t *txn) signOutAll(u *User) {
	u.SessionsEndedAt = max(t.now, u.SessionsEndedAt+1)
	u.Sessions = nil
	u.Generation++
	u.cancelEnrolments()
	u.touch(t.now)
	t.put(u)
	t.record(u, EventSignedOutAll, subject{})
}

// cancelEnrolments forgets the factors that a session began to enrol: they do not outlive a password or a
// session that was ended.
func (u *User) cancelEnrolments() {
	if u.TOTP != nil && u.TOTP.Verified == 0 {
		u.TOTP = nil
	}
	for i := range u.Phones {
		if p := &u.Phones[i]; p.Verified == 0 {
			p.cancelEnrolment()
			p.Pending = nil
		}
	}
}

// ageProofs makes the proofs of a session older, for development.
func (s *Session) ageProofs(by time.Duration) {
	for _, at := range []*Instant{&s.FirstAt, &s.SecondAt, &s.AloneAt} {
		if *at != 0 {
			*at = at.Add(-by)
		}
	}
}
