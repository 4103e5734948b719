package sessions

import (
	"slices"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/recovery"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// caseOf is a session and its user as package authority sees them.
func caseOf(t *tx.Tx, s *account.Session, u *account.User) authority.Case {
	return account.AuthorityCase(s, u, &t.State.Settings, t.Now)
}

// RequireProof refuses an action for which the session must prove a factor again.
func RequireProof(t *tx.Tx, caller *tx.SignedIn, a authority.Action) error {
	switch caseOf(t, caller.Session, caller.User).May(a) {
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

// LiveUser returns the user of a live session, or nil.
func LiveUser(t *tx.Tx, s *account.Session) (*account.User, error) {
	n, ok := account.ParseSession(s.ID)
	if !ok || s.Expires <= t.Now {
		return nil, nil
	}
	if last := t.Now.Add(account.SessionLife + authority.Skew); s.Expires > last {
		s.Expires = last // a start in the future does not make the session longer
	}
	u, err := t.User(n.User)
	if err != nil || u == nil || u.SessionRef(s) == nil || caseOf(t, s, u).Standing() == authority.Ended {
		return nil, err
	}
	return u, nil
}

// Status returns the session's status now. A session is pending while a second factor is required
// and its user has none. Only a touch makes it active again.
func (s *Snapshot) Status(session *account.Session) account.SessionStatus {
	u := s.User(session)
	switch {
	case session.Status != "":
		return session.Status
	case u == nil:
		return account.SessionActive
	case account.AuthorityCase(session, u, &s.Settings, s.Now).Standing() == authority.Pending:
		return account.SessionPending
	}
	return account.SessionActive
}

// Ages returns the whole minutes since the session proved each factor, for the claim fva.
func (s *Snapshot) Ages(session *account.Session) [2]int {
	u := s.User(session)
	if u == nil {
		u = &account.User{}
	}
	return account.AuthorityCase(session, u, &s.Settings, s.Now).Ages()
}

// updateTask opens or closes the setup-mfa task, and stages the client only if that changes it.
func updateTask(t *tx.Tx, c *account.Client, s *account.Session, u *account.User) {
	pending := !caseOf(t, s, u).Settled()
	if s.Pending == pending {
		return
	}
	s.Pending = pending
	s.Touch(t.Now)
	c.Touch(t.Now)
	t.Put(c)
}

// StartProofs gives a new session the proofs of its sign-in.
func StartProofs(t *tx.Tx, s *account.Session, u *account.User, si *account.SignIn) {
	first := authority.Proof{Method: string(si.First.Strategy), At: si.First.Proved.Time()}
	second := authority.Proof{Method: string(si.Second.Strategy), At: si.Second.Proved.Time()}
	proofs := u.Account().SignIn(first, second)
	if si.Remembered {
		proofs = u.Account().SignInRemembered(first)
	}
	s.SetProved(u, proofs)
	s.Pending = caseOf(t, s, u).Standing() != authority.Active
}

// ProvedFirst stores that a step-up, or a ticket in its place, proved the first factor again.
func ProvedFirst(t *tx.Tx, caller *tx.SignedIn, by account.Strategy) {
	caller.Session.SetProved(caller.User, caseOf(t, caller.Session, caller.User).ProvedFirst(string(by)))
	reverified(t, caller)
}

// FirstMethod returns how the first factor of a session was proved: in its step-up, else before.
func FirstMethod(s *account.Session) account.Strategy {
	if s.Verify != nil && s.Verify.First.Proved != 0 {
		return s.Verify.First.Strategy
	}
	return s.FirstBy
}

// MayProveFirstByPasskey reports whether a passkey may prove the first factor in a step-up of the
// session. A passkey that proved the second factor may not, unless the settings say that it proves
// both: otherwise the ages of both factors would come from one factor.
func MayProveFirstByPasskey(t *tx.Tx, caller *tx.SignedIn) bool {
	return t.State.Settings.PasskeySatisfies || caseOf(t, caller.Session, caller.User).SecondMethod() != authority.Passkey
}

// ProvedSecond stores that a step-up proved a second factor.
func ProvedSecond(t *tx.Tx, caller *tx.SignedIn, by account.Strategy) {
	caller.Session.SetProved(caller.User, caseOf(t, caller.Session, caller.User).ProvedSecond(string(by)))
	reverified(t, caller)
}

// Stage stages the client of a session that changed.
func Stage(t *tx.Tx, caller *tx.SignedIn) {
	caller.Session.Touch(t.Now)
	caller.Client.Touch(t.Now)
	t.Put(caller.Client)
}

// reverified stages and records that a session proved a factor again.
func reverified(t *tx.Tx, caller *tx.SignedIn) {
	Stage(t, caller)
	t.Put(caller.User)
	if n, ok := account.ParseSession(caller.Session.ID); ok {
		audit.Record(t, caller.User, eventtype.Reverified, n.Subject(caller.Session.CreatedAt))
	}
}

// PendingApp returns the authenticator app that the session began to enrol and may still confirm,
// or nil.
func PendingApp(t *tx.Tx, caller *tx.SignedIn) *account.TOTP {
	app := caller.User.TOTP
	if app == nil || app.Verified != 0 {
		return nil
	}
	pending := authority.PendingFactor{Owner: app.By, Began: app.CreatedAt.Time(), Wrong: app.Wrong}
	if !pending.Live(caller.Nonce(), t.Now.Time()) {
		return nil
	}
	return app
}

// ApplyFactorChanges carries a change of factors over to the sessions. It raises the account's
// generation, ends the sessions that the change ends, and updates the acting session. It also
// removes the devices that are no longer remembered. It runs on every staged user before each
// commit and each answer, so no operation can forget it.
func ApplyFactorChanges(t *tx.Tx) error {
	for _, k := range t.Order {
		u, ok := t.Seen[k].(*account.User)
		if !ok || t.Dirty[k] || !u.ReadFactors.Known {
			continue
		}
		if has := u.FactorSet(); !has.Equal(u.ReadFactors) {
			applyFactorChange(t, u, has)
		}
		settleRemembered(t, u)
	}
	return nil
}

func applyFactorChange(t *tx.Tx, u *account.User, has account.FactorSet) {
	before := u.Account()
	before.SecondFactor = u.ReadSecond
	change := authority.Change{
		SecondFactor:   u.TwoFactorEnabled(),
		FirstRemoved:   has.Password != u.ReadFactors.Password && u.ReadFactors.Password != "" || account.Lost(u.ReadFactors.First, has.First),
		SecondRemoved:  account.Lost(u.ReadFactors.Second, has.Second),
		PasskeyRemoved: account.Lost(u.ReadFactors.Passkeys, has.Passkeys),
		BackupRemoved:  has.Backup != u.ReadFactors.Backup && u.ReadFactors.Backup != "",
	}
	var acting *tx.SignedIn
	if t.Caller != nil && t.Caller.User == u {
		acting = t.Caller
		change.Shown = acting.Proof
	}
	if t.State.Settings.Authority(u, t.Now).EndsOthers(before, change) {
		endOthers(u, acting)
	}
	if endsRecovery(u.ReadFactors, has) {
		recovery.Cancel(t, u)
	}
	u.ReadFactors, u.ReadSecond = has, change.SecondFactor
	if acting == nil {
		u.SetAccount(before.Changed(change))
		return
	}
	as := caseOf(t, acting.Session, u)
	as.Account = before
	session, account := as.Changed(change)
	u.SetAccount(account)
	if acting.Session.SetProved(u, session) {
		Stage(t, acting)
	}
}

// endsRecovery reports whether a change of factors ends a recovery that waits. A changed password
// takes the ground from a request that was made with the old one. All else that counts needs a
// recent proof of a second factor, or an administrator. A new first factor does not.
func endsRecovery(was, is account.FactorSet) bool {
	is.First = slices.DeleteFunc(slices.Clone(is.First), func(id string) bool { return !slices.Contains(was.First, id) })
	return !is.Equal(was)
}

// EndOthers ends all sessions of the caller's user except the acting one.
func EndOthers(caller *tx.SignedIn) { endOthers(caller.User, caller) }

// endOthers ends all sessions of a user except the acting one.
func endOthers(u *account.User, acting *tx.SignedIn) {
	u.Sessions = slices.DeleteFunc(slices.Clone(u.Sessions), func(ref account.SessionRef) bool {
		return acting == nil || ref.Nonce != acting.Nonce()
	})
}

// SignOutAll ends all sessions of a user, and all sign-ins and enrolments in progress.
func SignOutAll(t *tx.Tx, u *account.User) {
	u.SessionsEndedAt = max(t.Now, u.SessionsEndedAt+1)
	u.Sessions = nil
	u.Generation++
	u.CancelEnrolments()
	u.Touch(t.Now)
	t.Put(u)
	audit.Record(t, u, eventtype.SignedOutAll, account.Subject{})
}

// isRemembered reports whether a sign-in on a remembered device needs the first factor only. No
// device is remembered while the user is banned or locked, or after too many wrong first factors on
// it.
func isRemembered(t *tx.Tx, u *account.User, d account.RememberedDevice) bool {
	device := authority.Device{At: d.At.Time(), Ends: d.Ends.Time(), Generation: d.Generation, Since: d.Since}
	return mayRemember(t, u) && d.Wrong < t.Policy().LockFailures && u.Account().Remembers(device, t.State.Settings.Authority(u, t.Now), t.Now.Time())
}
