package wire

import (
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/factors"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
)

// NewTOTP returns an authenticator app. The secret and its URI are set when it was just created.
func NewTOTP(r *mfa.TOTPResult) TOTP {
	return TOTP{
		Object: "totp", ID: r.TOTP.WireID(), Name: Nullable(r.TOTP.Name), Secret: Nullable(r.Secret.Reveal()), URI: Nullable(r.URI.Reveal()), Verified: r.TOTP.Verified != 0,
		BackupCodes: r.BackupCodes, CreatedAt: int64(r.TOTP.CreatedAt), UpdatedAt: int64(r.TOTP.UpdatedAt()),
	}
}

// NewClient returns the client of a snapshot, or nil.
func NewClient(s *sessions.Snapshot) *Client {
	if s == nil || s.Client == nil {
		return nil
	}
	c := s.Client
	out := &Client{
		Object: "client", ID: c.WireID(), Sessions: []Session{}, LastActiveSessionID: Nullable(c.LastActive),
		CreatedAt: int64(c.CreatedAt), UpdatedAt: int64(c.UpdatedAt),
	}
	live := false
	for i := range c.Sessions {
		out.Sessions = append(out.Sessions, NewSession(&c.Sessions[i], s.User(&c.Sessions[i]), s))
		live = live || c.Sessions[i].ID == c.LastActive
	}
	if !live {
		out.LastActiveSessionID = nil
	}
	if c.SignIn != nil {
		shown := NewSignIn(c.SignIn, s.SigningIn, s)
		out.SignIn = &shown
	}
	return out
}

// NewSession returns a session with its user, whose token it has if the snapshot minted one.
func NewSession(session *account.Session, u *account.User, s *sessions.Snapshot) Session {
	status := s.Status(session)
	out := Session{
		Object: "session", ID: session.ID, Status: string(status), ExpireAt: int64(session.Expires), AbandonAt: int64(session.Expires),
		LastActiveAt: int64(session.LastActive), Tasks: []Task{}, FactorVerificationAge: s.Ages(session),
		CreatedAt: int64(session.CreatedAt), UpdatedAt: int64(session.UpdatedAt),
	}
	if status == account.SessionPending {
		out.Tasks = append(out.Tasks, Task{Key: "setup-mfa"})
	}
	if token, ok := s.Tokens[session.ID]; ok {
		out.LastActiveToken = &Token{Object: "token", JWT: token.Reveal()}
	}
	if u != nil {
		shown := NewUser(u, s.Now)
		out.User = &shown
		out.PublicUserData = &PublicUserData{
			FirstName: Nullable(u.FirstName), LastName: Nullable(u.LastName), Identifier: identifierOf(u), UserID: u.WireID(),
		}
	}
	return out
}

func identifierOf(u *account.User) string {
	switch e := u.PrimaryEmail(); {
	case e != nil:
		return e.Address
	case u.Username != "":
		return u.Username
	case len(u.Phones) > 0:
		return u.Phones[0].Number
	}
	return u.WireID()
}

// NewUser returns an account as its owner sees it.
func NewUser(u *account.User, now account.Instant) User {
	left := u.AttemptsLeft(now)
	out := User{
		Object: "user", ID: u.WireID(), Username: Nullable(u.Username), FirstName: Nullable(u.FirstName), LastName: Nullable(u.LastName),
		PasswordEnabled: u.Password != "", TwoFactorEnabled: u.TwoFactorEnabled(), TOTPEnabled: u.TOTPEnabled(),
		BackupCodeEnabled: u.BackupCodesEnabled(), EmailAddresses: []EmailAddress{}, PhoneNumbers: []PhoneNumber{},
		Web3Wallets: []struct{}{}, Passkeys: []Passkey{}, OrganizationMemberships: []struct{}{}, ExternalAccounts: []struct{}{},
		SAMLAccounts: []struct{}{}, EnterpriseAccounts: []struct{}{}, PasswordLastUpdatedAt: Milliseconds(u.PasswordAt),
		PublicMetadata: Object(u.Public), UnsafeMetadata: Object(u.Unsafe), ExternalID: Nullable(u.ExternalID),
		LastSignInAt: Milliseconds(u.LastSignInAt), LastActiveAt: Milliseconds(u.LastSignInAt), Banned: u.Banned, DeleteSelfEnabled: u.DeleteSelf, VerificationAttemptsRemaining: &left,
		MFAEnabledAt: Milliseconds(u.MFAEnabledAt), MFADisabledAt: Milliseconds(u.MFADisabledAt), MFADueAt: Milliseconds(u.MFADue()), CreatedAt: int64(u.CreatedAt), UpdatedAt: int64(u.UpdatedAt),
	}
	if end := u.LockEnd(now); end != 0 {
		seconds := int64(end.Sub(now).Seconds())
		out.Locked, out.LockoutExpiresInSeconds = true, &seconds
	}
	out.Recovery = NewRecovery(u.Recovery)
	out.FactorDetails = factorDetails(u)
	if b := u.Backup; b != nil {
		out.BackupCodes = &BackupCount{Left: b.Count(), Used: b.CountUsed(), CreatedAt: int64(b.CreatedAt)}
	}
	for i := range u.Passkeys {
		if p := &u.Passkeys[i]; p.Verified != 0 {
			out.Passkeys = append(out.Passkeys, newPasskey(p))
		}
	}
	for i := range u.Emails {
		out.EmailAddresses = append(out.EmailAddresses, NewEmailAddress(&u.Emails[i]))
	}
	if e := u.PrimaryEmail(); e != nil {
		out.PrimaryEmailAddressID = &e.ID
	}
	for i := range u.Phones {
		p := NewPhoneNumber(&u.Phones[i], nil, now)
		out.PhoneNumbers = append(out.PhoneNumbers, p)
		if u.Phones[i].Primary {
			out.PrimaryPhoneNumberID = &p.ID
		}
	}
	return out
}

// factorDetails returns the details of the user's authenticator app and numbers.
func factorDetails(u *account.User) []FactorDetail {
	var all []FactorDetail
	if a := u.TOTP; u.TOTPEnabled() {
		all = append(all, FactorDetail{ID: a.WireID(), Strategy: string(account.TOTPCode), Name: Nullable(a.Name), LastUsedAt: Milliseconds(a.Used), CreatedAt: int64(a.UpdatedAt())})
	}
	for i := range u.Phones {
		p := &u.Phones[i]
		all = append(all, FactorDetail{ID: p.ID, Strategy: string(account.PhoneCode), Name: Nullable(p.Name), LastUsedAt: Milliseconds(p.Used), CreatedAt: int64(p.CreatedAt)})
	}
	return all
}

// NewEmailAddress returns an e-mail address. An unverified one has no verification.
func NewEmailAddress(e *account.Email) EmailAddress {
	out := EmailAddress{
		Object: "email_address", ID: e.ID, EmailAddress: e.Address, LinkedTo: []struct{}{}, CreatedAt: int64(e.CreatedAt), UpdatedAt: int64(e.Changed()),
	}
	if !e.Unverified {
		out.Verification = &Verification{Object: "verification_admin", Status: "verified", Strategy: "admin"}
	}
	return out
}

// NewPhoneNumber returns a number, with backup codes if they were just created.
func NewPhoneNumber(p *account.Phone, codes []string, now account.Instant) PhoneNumber {
	out := PhoneNumber{
		Object: "phone_number", ID: p.ID, PhoneNumber: p.Number, ReservedForSecondFactor: p.ReservedAt(now), DefaultSecondFactor: p.Default,
		LinkedTo: []struct{}{}, BackupCodes: codes, CreatedAt: int64(p.CreatedAt), UpdatedAt: int64(p.UpdatedAt),
	}
	switch {
	case p.Verified != 0 && p.By == "":
		out.Verification = &Verification{Object: "verification_admin", Status: "verified", Strategy: "admin"}
	case p.Verified != 0:
		out.Verification = verified(account.PhoneCode)
	case p.Pending != nil:
		out.Verification = newCode(p.Pending, now)
	}
	return out
}

// objects maps a strategy to the object name of its verification.
var objects = map[account.Strategy]string{
	account.Password: "verification_password", account.TicketCode: "verification_ticket", account.PhoneCode: "verification_otp",
	account.TOTPCode: "verification_totp", account.BackupCode: "verification_backup_code",
	account.PasskeyProof: "verification_passkey",
}

func verified(by account.Strategy) *Verification {
	out := &Verification{Object: objects[by], Status: "verified", Strategy: string(by)}
	if by == account.PhoneCode || by == account.PasskeyProof {
		zero, never := 0, int64(0)
		out.Attempts, out.ExpireAt = &zero, &never
	}
	return out
}

func newCode(c *account.Code, now account.Instant) *Verification {
	attempts := c.Attempts
	out := &Verification{
		Object: "verification_otp", Status: c.Status(now), Strategy: string(account.PhoneCode), Attempts: &attempts, ExpireAt: Milliseconds(c.Expires),
	}
	if c.Accepted == 0 {
		seconds := 0
		if !c.Refused {
			left := max(0, c.SentAt.Add(account.ResendAfter).Sub(now))
			seconds = int((left + time.Second - 1) / time.Second)
		}
		out.SentAt, out.RetryAfter, out.PhoneNumberID = Milliseconds(sms.AcceptedAt(c)), &seconds, c.Phone
	}
	return out
}

// NewPhoneVerification returns a verification that the Backend API drives. It has Clerk's fields
// only.
func NewPhoneVerification(c *account.Code, now account.Instant) PhoneVerification {
	out := PhoneVerification{Verification: *newCode(c, now), ID: c.WireID(), Channel: "sms"}
	out.SentAt, out.RetryAfter, out.PhoneNumberID = nil, nil, ""
	return out
}

// newAttempt returns the state of a factor, or nil before the first code. An attempt without tries
// is failed, whatever methods the wrong codes were for.
func newAttempt(a account.Attempt, s *sessions.Snapshot) *Verification {
	failed := a.Wrong >= s.Settings.Policy().Tries
	switch {
	case a.Proved != 0:
		return verified(a.Strategy)
	case a.Strategy == account.PasskeyProof && a.Challenge != nil:
		out := newChallenge(a.Challenge, a.Options, s.Now)
		if failed {
			out.Status = "failed"
		}
		return out
	case a.Code != nil:
		out := newCode(a.Code, s.Now)
		if failed {
			out.Status = "failed"
		}
		return out
	case failed:
		return &Verification{Object: objects[account.TOTPCode], Status: "failed", Strategy: string(account.TOTPCode), Attempts: &a.Wrong}
	}
	return nil
}

func newFactors(offered []factors.Factor) []Factor {
	out := []Factor{}
	for _, f := range offered {
		shown := Factor{Strategy: string(f.Strategy)}
		if f.Phone != nil {
			shown.PhoneNumberID, shown.SafeIdentifier = f.Phone.ID, phone.Mask(f.Phone.Number)
			if isDefault := f.Phone.Default; f.Phone.Reserved {
				shown.Default = &isDefault
			}
		}
		out = append(out, shown)
	}
	return out
}

// NewSignIn returns a sign-in with the factors that the user may prove next.
func NewSignIn(si *account.SignIn, u *account.User, s *sessions.Snapshot) SignIn {
	status := si.Status()
	out := SignIn{
		Object: "sign_in_attempt", ID: si.ID, Status: string(status), SupportedIdentifiers: []string{"email_address", "phone_number", "username"},
		FirstFactorVerification: newAttempt(si.First, s), SecondFactorVerification: newAttempt(si.Second, s),
		Identifier: Nullable(si.Identifier), CreatedSessionID: Nullable(si.Created), AbandonAt: int64(si.Expires),
	}
	if s.Settings.Passkeys {
		out.SupportedIdentifiers = append(out.SupportedIdentifiers, string(account.PasskeyProof))
	}
	switch {
	case status == account.NeedsFirstFactor && si.Identifier == "":
		out.SupportedFirstFactors = []Factor{{Strategy: string(account.PasskeyProof)}}
	case status == account.NeedsFirstFactor:
		out.SupportedFirstFactors = newFactors(factors.First(u, &s.Settings))
	case status == account.NeedsSecondFactor && u != nil:
		out.SupportedFirstFactors = []Factor{}
		out.SupportedSecondFactors = newSecondFactors(factors.SecondAfter(si.First.Strategy, u, &s.Settings), s)
		out.UserData = &UserData{FirstName: Nullable(u.FirstName), LastName: Nullable(u.LastName)}
		out.Recovery = newRecoveryOffer(u, &s.Settings)
	}
	return out
}

// NewReverification returns a step-up.
func NewReverification(r *mfa.ReverificationResult) Reverification {
	session := NewSession(r.Session, r.User, r.Snapshot)
	session.User = nil
	return Reverification{
		Object: "session_reverification", Level: string(r.Reverification.Level), Status: string(r.Reverification.Status()),
		SupportedFirstFactors: newFactors(r.FirstFactors), SupportedSecondFactors: newSecondFactors(r.SecondFactors, r.Snapshot),
		FirstFactorVerification:  newAttempt(r.Reverification.First, r.Snapshot),
		SecondFactorVerification: newAttempt(r.Reverification.Second, r.Snapshot), Session: session,
	}
}
