// Package authority decides what a session may do, from what it has proved and what its user has
// now.
//
// The package is pure: it knows no clock, no store and no wire. Every operation of a signed-in
// session asks [Case.May] before it acts, and every change of an account goes through
// [Case.Changed] or [Account.Changed]. No other package decides whether a proof is enough.
//
// A proof counts by the generation of the account that it was made under, never by comparing clock
// times: two functions may have different clocks.
package authority

import "time"

// FreshFor is how long a proof is enough for a change of factors.
const FreshFor = 10 * time.Minute

// Skew is how far the clocks of two functions may differ. A time further in the future proves
// nothing.
const Skew = 30 * time.Second

// PendingFor is the life of a factor that is not verified yet: an authenticator secret, or a number
// that was added as a second factor. It belongs to the session that began it.
const PendingFor = 15 * time.Minute

// NotProved is the age, in whole minutes, of a factor that the user has and the session did not
// prove: a hundred years. Clerk's SDKs read -1 as "the user has no such factor", and then accept
// the first factor alone (checkReverificationAuthorization in @clerk/shared).
const NotProved = 100 * 365 * 24 * 60

// NoFactor is the age of a second factor that the user does not have.
const NoFactor = -1

// Proof is one proof of a factor. A zero time is no proof.
type Proof struct {
	Method string // the strategy by its name on the wire
	At     time.Time
}

// Session is what one session has proved.
type Session struct {
	First  Proof
	Second Proof
	// Alone is when the first factor was proved, if the user had no second factor then. It lets the
	// session change factors for [FreshFor], also after it added the first second factor itself.
	Alone time.Time
	// Enrolled says that this session gave the user the second factor. It fulfils the task of
	// enforced enrolment and proves nothing: a number may have been verified elsewhere.
	Enrolled bool
	// Remembered says that the sign-in needed the first factor only, because the user had the device
	// remembered ([Account.Remembers]). It fulfils a required second factor and proves nothing.
	Remembered bool
	// Generation is the generation of the account as this session last proved or changed something.
	Generation uint32
}

// Account is what decides how much the proofs of a user's sessions are worth now.
type Account struct {
	// SecondFactor says that a second factor is bound, whether or not the settings allow it now.
	SecondFactor bool
	// Generation rises with every change of a password or a factor, and when all sessions are ended.
	// A sign-in or step-up in progress carries the generation it began under and ends with it.
	Generation uint32
	// FirstSince and SecondSince are the generations from which proofs of the first and of the second
	// factor count. They rise when a factor is removed or replaced.
	FirstSince, SecondSince uint32
	// BackupSince is the generation from which proofs by backup code count. It rises when the set of
	// codes is replaced or removed: the proof of a code on a list that was replaced is worth nothing.
	BackupSince uint32
	// PasskeySince is the generation from which proofs by passkey count, as a first or a second
	// factor. It rises when a passkey is removed: a session does not say which one it proved.
	PasskeySince uint32
}

// BackupCode is the method of a proof by backup code.
const BackupCode = "backup_code"

// Passkey is the method of a proof by passkey.
const Passkey = "passkey"

// Policy is what the instance's settings say about sessions.
type Policy struct {
	// Required says that every user needs a second factor.
	Required bool
	// KeepSessions keeps a user's other sessions alive when the first second factor is added. They
	// then prove no second factor. Without it they end (OWASP ASVS 5.0, 7.4.3).
	KeepSessions bool
	// Remember says that users may have devices remembered. RememberSince counts how often the days
	// were lowered: that ends all devices from before.
	Remember      bool
	RememberSince uint32
}

// Case is one session of one account at one moment.
type Case struct {
	Session Session
	Account Account
	Policy  Policy
	Now     time.Time
	// Pending says that the session was pending when its client last touched it: a session stays
	// pending until then, so that the page of the task can finish.
	Pending bool
}

// Standing is what a session is worth as a whole.
type Standing int

// The standings.
const (
	// Active sessions may do what [Case.May] grants.
	Active Standing = iota
	// Pending sessions may do only what the task of enforced enrolment needs.
	Pending
	// Ended sessions are dead: a second factor is required, the user has one, and the session did not
	// prove it.
	Ended
)

// Standing returns what the session is worth as a whole.
func (c Case) Standing() Standing {
	switch {
	case !c.Policy.Required, c.secondCounts(), c.enrolledCounts(), c.rememberedCounts():
		if c.Pending {
			return Pending
		}
		return Active
	case c.Account.SecondFactor:
		return Ended
	}
	return Pending
}

// Settled reports whether a pending session has done what its task asked for.
func (c Case) Settled() bool {
	c.Pending = false
	return c.Standing() == Active
}

// Verdict is the answer to [Case.May].
type Verdict int

// The verdicts.
const (
	Granted Verdict = iota
	// NeedsStepUp says that the session must prove the factors of [Account.StepUp] again.
	NeedsStepUp
	// NotWhilePending says that a pending session asked for more than its task needs.
	NotWhilePending
	// SessionEnded says that the session is dead.
	SessionEnded
)

// May decides whether the session may begin or complete an action. An operation in several steps
// asks at each step: the factors of the user may have changed in between.
func (c Case) May(a Action) Verdict {
	row, known := rules[a]
	switch standing := c.Standing(); {
	case standing == Ended, !known:
		return SessionEnded
	case standing == Pending && !row.pending:
		return NotWhilePending
	case row.needs == recentProof && !c.recent(), row.needs == secondFactor && !c.secondCounts():
		return NeedsStepUp
	}
	return Granted
}

// recent reports whether the session proved, within [FreshFor], the strongest factor that the user
// has.
func (c Case) recent() bool {
	if !c.Account.SecondFactor {
		return c.firstCounts() && c.fresh(c.Session.First.At)
	}
	if c.secondCounts() && c.fresh(c.Session.Second.At) {
		return true
	}
	return c.firstCounts() && c.fresh(c.Session.Alone) && c.Session.Generation == c.Account.Generation
}

// fresh reports whether a time lies less than [FreshFor] back. A time beyond [Skew] in the future
// is not.
func (c Case) fresh(at time.Time) bool {
	return !at.IsZero() && !c.future(at) && c.Now.Sub(at) < FreshFor
}

func (c Case) future(at time.Time) bool { return Future(at, c.Now) }

// Future reports whether a time is too far ahead of now to be believed: more than [Skew].
func Future(at, now time.Time) bool { return at.Sub(now) > Skew }

func (c Case) firstCounts() bool {
	since := c.Account.FirstSince
	if c.Session.First.Method == Passkey {
		since = max(since, c.Account.PasskeySince)
	}
	return !c.Session.First.At.IsZero() && c.Session.Generation >= since
}

func (c Case) secondCounts() bool {
	since := c.Account.SecondSince
	switch c.Session.Second.Method {
	case BackupCode:
		since = max(since, c.Account.BackupSince)
	case Passkey:
		since = max(since, c.Account.PasskeySince)
	}
	return !c.Session.Second.At.IsZero() && c.Account.SecondFactor && c.Session.Generation >= since
}

// SecondMethod returns the method of the session's proof of a second factor, or "" if none counts.
func (c Case) SecondMethod() string {
	if !c.secondCounts() {
		return ""
	}
	return c.Session.Second.Method
}

func (c Case) enrolledCounts() bool {
	return c.Session.Enrolled && c.Account.SecondFactor && c.Session.Generation >= c.Account.SecondSince
}

func (c Case) rememberedCounts() bool {
	return c.Session.Remembered && c.Account.SecondFactor && c.Session.Generation >= c.Account.SecondSince
}

// Ages returns the whole minutes since the first and the second factor were proved: the claim fva
// of a session token. A factor that was not proved is [NotProved], a second factor that the user
// does not have [NoFactor].
func (c Case) Ages() [2]int {
	first, second := NotProved, NotProved
	if c.firstCounts() {
		first = c.age(c.Session.First.At)
	}
	switch {
	case c.secondCounts():
		second = c.age(c.Session.Second.At)
	case !c.Account.SecondFactor:
		second = NoFactor
	}
	return [2]int{first, second}
}

func (c Case) age(at time.Time) int {
	if c.future(at) {
		return NotProved
	}
	return min(NotProved, max(0, int(c.Now.Sub(at)/time.Minute)))
}

// SignIn returns what a new session has proved: the proofs of the sign-in that made it.
func (a Account) SignIn(first, second Proof) Session {
	s := Session{First: first, Second: second, Generation: a.Generation}
	if !a.SecondFactor {
		s.Second, s.Alone = Proof{}, first.At
	}
	return s
}

// ProvedFirst returns the session after a step-up proved the first factor.
func (c Case) ProvedFirst(method string) Session {
	s := c.current()
	s.First = Proof{method, c.Now}
	if !c.Account.SecondFactor {
		s.Alone = c.Now
	}
	return s
}

// ProvedSecond returns the session after a step-up proved a second factor.
func (c Case) ProvedSecond(method string) Session {
	s := c.current()
	s.Second = Proof{method, c.Now}
	return s
}

// current returns the session without the proofs that no longer count, at the account's generation.
func (c Case) current() Session {
	s := c.Session
	if !c.firstCounts() {
		s.First, s.Alone = Proof{}, time.Time{}
	}
	if !c.secondCounts() {
		s.Second = Proof{}
	}
	if s.Generation != c.Account.Generation {
		s.Alone = time.Time{}
	}
	s.Enrolled, s.Remembered = c.enrolledCounts(), c.rememberedCounts()
	s.Generation = c.Account.Generation
	return s
}
