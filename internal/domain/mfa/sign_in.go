package mfa

import (
	"context"
	"crypto/subtle"
	"strings"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
)

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

// SignInInput is the body of a new sign-in.
type SignInInput struct {
	Strategy   Strategy
	Identifier string
	Password   secret.Value
	Ticket     secret.Value
}

// SignInResult is a sign-in with what its answer shows.
type SignInResult struct {
	SignIn   *SignIn
	User     *User // nil while nobody may be told who it is
	Snapshot *Snapshot
}

// CreateSignIn begins a sign-in, replacing one in progress. A ticket or a right password proves the first factor at once.
func (s *Service) CreateSignIn(ctx context.Context, from Caller, in SignInInput) (*SignInResult, error) {
	in.Identifier = strings.TrimSpace(in.Identifier)
	if len(in.Identifier) > identifierLength {
		return nil, apierr.New(apierr.FormParamMaxLengthExceeded).Param("identifier")
	}
	if in.Strategy == TicketCode || !in.Ticket.IsZero() {
		return s.signInByTicket(ctx, from, in.Ticket)
	}
	if in.Strategy != "" && in.Strategy != Password && in.Strategy != PhoneCode {
		return nil, apierr.New(apierr.FormParamValueInvalid).Param("strategy")
	}
	if in.Strategy == Password && in.Password.IsZero() {
		return nil, apierr.New(apierr.FormParamMissing).Param("password")
	}
	if in.Identifier == "" && !in.Password.IsZero() {
		return nil, apierr.New(apierr.FormParamMissing).Param("identifier")
	}
	var memo passwordMemo
	claim := s.claimKey(identifier(in.Identifier))
	return s.signIn(ctx, from, []Key{claim}, func(t *txn, p *clientSession) (*SignIn, *User, error) {
		t.countAddress(from, createLimits)
		u, err := t.claimUserUniform(claim)
		if err != nil {
			return nil, nil, err
		}
		if in.Identifier != "" && u == nil && !t.state.settings.EnumerationProtection {
			return nil, nil, apierr.New(apierr.FormIdentifierNotFound).Param("identifier")
		}
		if in.Password.IsZero() {
			si, err := t.beginSignIn(p, u, in.Identifier, false)
			return si, u, err
		}
		t.countAddress(from, firstLimits[1:]) // the limit on new sign-ins is for the short run
		if err := t.passwordOf(u, t.knownDevice(p.client, u), claim, in.Password, &memo); err != nil {
			return nil, nil, err
		}
		si, err := t.beginSignIn(p, u, in.Identifier, true)
		if err != nil {
			return nil, nil, err
		}
		return si, u, t.provedFirst(p, u, si, Password, from)
	})
}

// passwordOf judges a password for an account that may not exist, at the same cost either way.
func (t *txn) passwordOf(u *User, known bool, claim Key, given secret.Value, memo *passwordMemo) error {
	memo.of = claim.ID
	switch hidden := t.state.settings.EnumerationProtection; {
	case hidden && u == nil:
		return t.refusePassword(claim, given, memo)
	case hidden:
		return t.verifyPassword(u, known, given, memo, apierr.FormPasswordOrIdentifierIncorrect)
	case u != nil && u.Password != "":
		return t.verifyPassword(u, known, given, memo, apierr.FormPasswordIncorrect)
	}
	if _, err := memo.verify(t, "", given); err != nil {
		return err
	}
	return t.refuse(apierr.New(apierr.StrategyForUserInvalid).Param("strategy"))
}

// refusePassword is provePassword for an identifier that nobody holds: the same waits, the same hashing, the same commit.
func (t *txn) refusePassword(claim Key, given secret.Value, memo *passwordMemo) error {
	if err := t.read(claim); err != nil {
		return err
	}
	c := t.seen[claim].(*Claim)
	if err := c.Failures.check(t.now); err != nil {
		return err
	}
	if _, err := memo.verify(t, "", given); err != nil {
		return err
	}
	if c.User == "" { // or somebody has taken it since the sign-in began
		c.Failures.fail(t.now, t.policy())
		c.Expires = t.now.Add(unclaimedKept)
		t.put(c)
	}
	return t.refuse(apierr.New(apierr.FormPasswordOrIdentifierIncorrect).Param("password"))
}

// identifier says what kind of identifier a text is, in its canonical form.
func identifier(text string) (kind, value string) {
	text = strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(text, "+"):
		if number, err := phone.Normalize(text); err == nil {
			return "phone", number
		}
		return "phone", text
	case strings.Contains(text, "@"):
		return "email", strings.ToLower(text)
	}
	return "username", strings.ToLower(text)
}

func (s *Service) claimKey(kind, value string) Key {
	if value == "" {
		return Key{}
	}
	return Key{KindClaim, s.digest("claim", kind, value)}
}

// claimUser returns the user that holds an identifier, or nil.
func (t *txn) claimUser(k Key) (*User, error) {
	c, err := load[*Claim](t, k)
	if err != nil || c == nil || c.User == "" {
		return nil, err
	}
	return t.user(c.User)
}

// claimUserUniform is claimed for whoever must not learn whether there is an account: where nobody holds the identifier it reads a record that does not
// exist, because a store's round trip takes long enough to be measured from outside.
func (t *txn) claimUserUniform(k Key) (*User, error) {
	if k.ID == "" {
		return nil, nil
	}
	c, err := load[*Claim](t, k)
	if err != nil {
		return nil, err
	}
	id := t.s.digest("nobody", k.ID)
	if c != nil && c.User != "" {
		id = c.User
	}
	return t.user(id)
}

// signIn runs one step of a sign-in and builds its answer.
func (s *Service) signIn(ctx context.Context, from Caller, keys []Key, step func(*txn, *clientSession) (*SignIn, *User, error)) (*SignInResult, error) {
	var result SignInResult
	snap, err := s.runClient(ctx, from, keys, func(t *txn, p *clientSession) error {
		si, u, err := step(t, p)
		if si != nil {
			shown := *si
			result.SignIn, result.User = &shown, u
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	result.Snapshot = snap
	return &result, nil
}

// beginSignIn makes a new sign-in the client's current one.
func (t *txn) beginSignIn(p *clientSession, u *User, identifier string, proved bool) (*SignIn, error) {
	if err := t.noSession(p); err != nil {
		return nil, err
	}
	if err := t.ensureClient(p); err != nil {
		return nil, err
	}
	id, err := t.s.randomID()
	if err != nil {
		return nil, err
	}
	si := &SignIn{ID: prefixSignIn + id, Identifier: identifier, CreatedAt: t.now, Expires: t.now.Add(signInLife)}
	if u != nil {
		si.User = u.ID
		if proved {
			si.ID += u.ID
		}
	}
	p.client.SignIn = si
	return si, nil
}

// noSession refuses a sign-in on a client that is signed in: the instance is in single-session mode, Clerk's default.
func (t *txn) noSession(p *clientSession) error {
	if p.client == nil {
		return nil
	}
	for i := range p.client.Sessions {
		u, err := t.sessionUser(&p.client.Sessions[i])
		if err != nil {
			return err
		}
		if u != nil && !u.Banned {
			return apierr.New(apierr.SessionExists).With("session_id", p.client.Sessions[i].ID)
		}
	}
	return nil
}

// provedFirst moves a sign-in on after its first factor: to the second factor of a user who has one, else to its end.
func (t *txn) provedFirst(p *clientSession, u *User, si *SignIn, by Strategy, from Caller) error {
	if u.Banned {
		return apierr.New(apierr.UserBanned)
	}
	if u.LockedUntil > t.now {
		return locked(u.LockedUntil.Sub(t.now))
	}
	si.User, si.Generation = u.ID, u.Generation
	si.First = Attempt{Strategy: by, Proved: t.now}
	p.client.touch(t.now)
	if !u.TwoFactorEnabled() {
		return t.complete(p, u, si, from)
	}
	t.reportStranded(u)
	t.put(p.client)
	return t.rotateToken(p)
}

// complete turns the sign-in into a session. The session's id is new, and so is the client's token.
func (t *txn) complete(p *clientSession, u *User, si *SignIn, from Caller) error {
	nonce, err := t.s.randomID()
	if err != nil {
		return err
	}
	c := p.client
	id := sessionName{c.ID, u.ID, nonce}.String()
	session := Session{
		ID: id, LastActive: t.now, Agent: agent(from.Agent), CreatedAt: t.now, UpdatedAt: t.now, Expires: t.now.Add(sessionLife),
	}
	si.Created = id
	c.SignIn, c.LastActive = nil, id
	u.addSession(SessionRef{Client: c.ID, Nonce: nonce, Ends: session.Expires}, t.now)
	t.startProofs(&session, u, si)
	c.Sessions = append(c.Sessions, session)
	c.Expires = max(c.Expires, session.Expires, c.CreatedAt.Add(ClientLife))
	c.touch(t.now)
	t.put(c)
	u.LastSignInAt = t.now
	u.FirstFailures.clear()
	u.touch(t.now)
	t.record(u, EventSignedIn, sessionName{c.ID, u.ID, nonce}.subject(session.CreatedAt))
	c.keepFormerHash()
	return t.rotateToken(p)
}

// agent keeps what a list of devices shows of a User-Agent: browsers name themselves near the end of up to 150 characters.
func agent(text string) string { return strings.ToValidUTF8(text[:min(len(text), 200)], "") }

// addSession lists a new session. Above the cap the oldest one leaves the list, and is dead with it.
// What ran out is removed late: another function's clock may be behind.
func (u *User) addSession(ref SessionRef, now Instant) {
	listed := u.Sessions
	u.removeExpired(now)
	u.Sessions = append(withoutEnded(listed, now.Add(-cleanupKept)), ref)
	if over := len(u.Sessions) - sessionsPerUser; over > 0 {
		u.Sessions = u.Sessions[over:]
	}
}

// current returns the client's sign-in in progress. Somebody else's is not found, like one that does not exist.
func (t *txn) current(p *clientSession, id string) (*SignIn, *User, error) {
	if !p.exists() || p.client.SignIn == nil || p.client.SignIn.ID != id || p.client.SignIn.Expires <= t.now || t.isFuture(p.client.SignIn.CreatedAt) {
		return nil, nil, apierr.New(apierr.ResourceNotFound)
	}
	si := p.client.SignIn
	if si.User == "" { // as many round trips as when there is a user to read
		return si, nil, t.read(t.s.claimKey(identifier(si.Identifier)))
	}
	u, err := t.user(si.User)
	if err != nil {
		return nil, nil, err
	}
	if u == nil || si.First.Proved != 0 && !u.sameGeneration(si.Generation) {
		return nil, nil, apierr.New(apierr.ResourceNotFound)
	}
	return si, u, nil
}

// SignIn returns the client's sign-in in progress.
func (s *Service) SignIn(ctx context.Context, from Caller, id string) (*SignInResult, error) {
	return s.signIn(ctx, from, signInKeys(id), func(t *txn, p *clientSession) (*SignIn, *User, error) {
		return t.current(p, id)
	})
}

func signInKeys(id string) []Key { return []Key{{KindUser, signInUser(id)}} }

// PrepareFirstFactor sends a first-factor code, where settings allow that at all. A password needs no preparation.
func (s *Service) PrepareFirstFactor(ctx context.Context, from Caller, id string, by Strategy, phoneID string) (*SignInResult, error) {
	return s.signIn(ctx, from, signInKeys(id), func(t *txn, p *clientSession) (*SignIn, *User, error) {
		si, u, err := t.current(p, id)
		if err != nil {
			return nil, nil, err
		}
		if si.Status() != NeedsFirstFactor || by != PhoneCode {
			return nil, nil, apierr.New(apierr.VerificationStrategyInvalid).Param("strategy")
		}
		if !t.state.settings.FirstFactorPhoneCode || u == nil {
			return nil, nil, apierr.New(apierr.StrategyForUserInvalid).Param("strategy")
		}
		ph := u.findPhone(func(ph *Phone) bool { return ph.isFirstFactor() && t.state.settings.canReceiveSMS(ph) })
		if phoneID != "" {
			ph = u.phone(phoneID)
		}
		if ph == nil || !ph.isFirstFactor() {
			return nil, nil, apierr.New(apierr.ResourceNotFound)
		}
		if err := t.checkFirstLimits(u, t.knownDevice(p.client, u)); err != nil {
			return nil, nil, err
		}
		si.First.Strategy = PhoneCode
		t.put(p.client)
		return si, u, t.sendCode(u, ph, challenge{&si.First.Code, SignInFirstFactor, si.ID}, from, t.knownDevice(p.client, u))
	})
}

// AttemptFirstFactor proves the first factor with a password or a code.
func (s *Service) AttemptFirstFactor(ctx context.Context, from Caller, id string, g Proof) (*SignInResult, error) {
	var memo passwordMemo
	return s.signIn(ctx, from, signInKeys(id), func(t *txn, p *clientSession) (*SignIn, *User, error) {
		si, u, err := t.current(p, id)
		if err != nil {
			return nil, nil, err
		}
		if si.Status() != NeedsFirstFactor {
			return nil, nil, apierr.New(apierr.VerificationAlreadyVerified)
		}
		t.countAddress(from, firstLimits)
		switch g.Strategy {
		case Password:
			if g.Password.IsZero() {
				return nil, nil, apierr.New(apierr.FormParamNil).Param("password")
			}
			err = t.passwordOf(u, t.knownDevice(p.client, u), s.claimKey(identifier(si.Identifier)), g.Password, &memo)
		case PhoneCode:
			if u == nil || !t.state.settings.FirstFactorPhoneCode {
				return nil, nil, apierr.New(apierr.StrategyForUserInvalid).Param("strategy")
			}
			t.put(p.client)
			err = t.verifyFirstFactorCode(u, t.knownDevice(p.client, u), g, challenge{&si.First.Code, SignInFirstFactor, si.ID})
		default:
			err = apierr.New(apierr.VerificationStrategyInvalid).Param("strategy")
		}
		if err != nil {
			return nil, nil, err
		}
		return si, u, t.provedFirst(p, u, si, g.Strategy, from)
	})
}

// sameSecret compares a secret with its stored hash.
func sameSecret(hash []byte, text string) bool {
	return subtle.ConstantTimeCompare(hash, hashToken(text)) == 1
}
