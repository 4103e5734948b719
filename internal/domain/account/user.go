// Package account holds the records of the domain and their rules: users and factors, clients and
// sessions, settings, codes, audit and event logs. It does no I/O.
package account

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/language"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/ratelimit"
	"github.com/countersign-mfa/countersign/internal/store"
)

// User is one account: its profile, its factors and its failure counters.
type User struct {
	ID      string `json:"-"`
	Version uint64 `json:"-"`
	Policy  Policy `json:"-"` // set when the record is read
	// DeleteSelf says that the user may delete the account. It is set as Policy is.
	DeleteSelf bool `json:"-"`
	// SwitchedFrom is [Settings.RequiredFrom] of the user. It is set as Policy is.
	SwitchedFrom Instant `json:"-"`
	// RPID is the RP id whose passkeys count, "" without passkeys. It is set as Policy is.
	RPID string `json:"-"`

	Username   string          `json:"un,omitempty"`
	FirstName  string          `json:"fn,omitempty"`
	LastName   string          `json:"ln,omitempty"`
	ExternalID string          `json:"xi,omitempty"`
	Emails     []Email         `json:"em,omitempty"`
	Public     json.RawMessage `json:"mp,omitempty"`
	Private    json.RawMessage `json:"mr,omitempty"`
	Unsafe     json.RawMessage `json:"mu,omitempty"`

	Password   string  `json:"pw,omitempty"` // digest, see package password
	PasswordAt Instant `json:"pa,omitempty"`

	Phones []Phone    `json:"ph,omitempty"`
	TOTP   *TOTP      `json:"to,omitempty"`
	Backup *BackupSet `json:"bc,omitempty"`

	Passkeys []Passkey `json:"pk,omitempty"`

	FirstFailures  FailureCounters `json:"b1,omitzero"` // passwords and first-factor codes
	SecondFailures FailureCounters `json:"b2,omitzero"` // second factors and number verification
	FailureLog     FailureLog      `json:"lg,omitempty"`
	// SMSLog and NewNumberLog limit the SMS of a user: when they were sent, and to which new
	// numbers.
	SMSLog       ratelimit.Log `json:"sd,omitempty"`
	NewNumberLog ratelimit.Log `json:"tr,omitempty"`

	// Notices limits SMS about changes, and RecoveryNotices those about a recovery.
	Notices         ratelimit.Log `json:"nt,omitempty"`
	RecoveryNotices ratelimit.Log `json:"rn,omitempty"`
	// Language is that of the last proof of a second factor. A person with the first factor alone does
	// not choose the language of the messages of a recovery.
	Language language.Tag `json:"la,omitempty"`

	Banned      bool    `json:"bn,omitempty"`
	LockedUntil Instant `json:"lu,omitempty"` // by an administrator
	// RequiredFrom marks a user who has to have a second factor from a date on; 0: no mark.
	RequiredFrom Instant `json:"rf,omitempty"`

	// SessionsEndedAt is when all sessions were last ended together. It decides nothing: a session
	// that Sessions does not list has ended.
	SessionsEndedAt Instant      `json:"se,omitempty"`
	Sessions        []SessionRef `json:"ss,omitempty"`

	Remembered []RememberedDevice `json:"rd,omitempty"` // oldest first
	// Recovery is a request to remove the second factors, and RecoveryLog counts the requests.
	Recovery    *Recovery     `json:"rc,omitempty"`
	RecoveryLog ratelimit.Log `json:"rl,omitempty"`

	// StrandedAt is when a sign-in last reported that no second factor can be proved.
	StrandedAt Instant `json:"sa,omitempty"`

	// Generation and the generations after it tell which proofs still count. See
	// [authority.Account].
	Generation  uint32 `json:"g,omitempty"`
	FirstSince  uint32 `json:"gf,omitempty"`
	SecondSince uint32 `json:"gs,omitempty"`
	BackupSince uint32 `json:"gb,omitempty"`
	// PasskeySince is the generation from which proofs by passkey count.
	PasskeySince uint32 `json:"gk,omitempty"`
	// ReadFactors and ReadSecond are the factors when the record was read, or last settled.
	ReadFactors FactorSet `json:"-"`
	ReadSecond  bool      `json:"-"`

	Trail   *Trail   `json:"at,omitempty"`
	Erasing *Erasure `json:"er,omitempty"` // see [Erasure]

	// Listed is the form of the user's entries in the sorted lists; 0 for a record without entries.
	// See [User.Listing].
	Listed uint8 `json:"x,omitempty"`

	LastSignInAt  Instant `json:"si,omitempty"`
	MFAEnabledAt  Instant `json:"me,omitempty"`
	MFADisabledAt Instant `json:"md,omitempty"`
	CreatedAt     Instant `json:"c"`
	UpdatedAt     Instant `json:"u"`
}

// Phone is a number of a user. By has the start of the nonce of the session that verified it.
type Phone struct {
	ID       string     `json:"-"` // prefix, user and Tail
	Tail     string     `json:"i"`
	Number   string     `json:"-"` // E.164; at rest it is Sealed
	Sealed   SealedText `json:"s,omitzero"`
	Plain    string     `json:"n,omitempty"`  // the number in a record from before Sealed
	Name     string     `json:"nm,omitempty"` // the user's name for it
	Used     Instant    `json:"lu,omitempty"` // when a code to it was last accepted as a factor
	Country  string     `json:"y,omitempty"`  // ISO 3166-1 alpha-2, as of when the number was added
	Line     phone.Line `json:"k,omitempty"`
	Verified Instant    `json:"v,omitempty"`
	By       string     `json:"vb,omitempty"` // the verifying session, or [ByBackendCode]
	Reserved bool       `json:"r,omitempty"`  // for the second factor
	Default  bool       `json:"d,omitempty"`
	Failures int        `json:"f,omitempty"` // consecutive, as a second factor
	Pending  *Code      `json:"p,omitempty"` // a verification of the number in progress
	Backend  *Code      `json:"b,omitempty"` // a verification by the Backend API, open or accepted
	Primary  bool       `json:"m,omitempty"`
	// Lost says that a recovery removed the number as a second factor. A finder may hold the phone, so
	// the number is no first factor until it is verified or made a second factor again.
	Lost      bool    `json:"l,omitempty"`
	For       string  `json:"fo,omitempty"` // nonce of the session that enrols it
	Wrong     int     `json:"w,omitempty"`  // wrong codes during the enrolment
	CreatedAt Instant `json:"c"`
	UpdatedAt Instant `json:"u"`
}

// ByBackendCode is [Phone.By] of a number whose code the Backend API gave. No nonce begins with it.
const ByBackendCode = "backend_"

// TOTP is a user's authenticator app.
type TOTP struct {
	ID        string  `json:"i"`
	Sealed    []byte  `json:"s"`
	Name      string  `json:"n,omitempty"` // the user's name for it
	Used      Instant `json:"u,omitempty"` // when a code was last accepted, after the enrolment
	Verified  Instant `json:"v,omitempty"`
	LastStep  int64   `json:"l,omitempty"` // the last accepted time step, RFC 6238 section 5.2
	Failures  int     `json:"f,omitempty"` // consecutive
	By        string  `json:"b,omitempty"` // nonce of the session that enrols it
	Wrong     int     `json:"w,omitempty"` // wrong codes during the enrolment
	CreatedAt Instant `json:"c"`
}

// WireID returns the id that clients see.
func (t *TOTP) WireID() string { return PrefixTOTP + t.ID }

// UpdatedAt returns when the app was last changed.
func (t *TOTP) UpdatedAt() Instant { return max(t.CreatedAt, t.Verified) }

// SessionRef is an entry of a user's list of sessions: it names the session and its client.
type SessionRef struct {
	Client string  `json:"c"`
	Nonce  string  `json:"n"`
	Ends   Instant `json:"e"`
	// Generation is the user's when the session last proved or changed something. It stands here
	// and not in the session, so that a change of factors writes no second record. See
	// [authority.Session].
	Generation uint32 `json:"g,omitempty"`
}

// sessionsPerUser limits the list. The commit that begins one more session ends the oldest.
const sessionsPerUser = 100

// Key implements [Entity].
func (u *User) Key() store.Key { return store.Key{Kind: store.KindUser, ID: u.ID} }

// StoredVersion implements [Entity].
func (u *User) StoredVersion() uint64 { return u.Version }

// Touch sets the time of the last change.
func (u *User) Touch(now Instant) { u.UpdatedAt = u.UpdatedAt.After(now) }

// Phone returns the phone with an id, or nil.
func (u *User) Phone(id string) *Phone { return u.FindPhone(func(p *Phone) bool { return p.ID == id }) }

// PhoneBy returns the phone with a number in E.164, or nil.
func (u *User) PhoneBy(n string) *Phone {
	return u.FindPhone(func(p *Phone) bool { return p.Number == n })
}

func (u *User) defaultPhone() *Phone { return u.FindPhone(func(p *Phone) bool { return p.Default }) }

// IsSecondFactor reports whether the number is verified and used as a second factor.
func (p *Phone) IsSecondFactor() bool { return p.Reserved && p.Verified != 0 }

// IsFirstFactor reports whether the number is verified, not a second factor, and not perhaps lost.
func (p *Phone) IsFirstFactor() bool { return !p.Reserved && p.Verified != 0 && !p.Lost }

// Touch sets the time of the last change.
func (p *Phone) Touch(now Instant) { p.UpdatedAt = p.UpdatedAt.After(now) }

// Usable reports whether the app is verified and not disabled by failures.
func (t *TOTP) Usable() bool { return t != nil && t.Verified != 0 && t.Failures < FailuresPerFactor }

// NextExpiry implements [Entity].
func (u *User) NextExpiry() time.Time { return u.earliest().Time() }

// SetKey implements [Entity].
func (u *User) SetKey(k store.Key, v uint64) {
	u.ID, u.Version = k.ID, v
	u.nameEmails()
	for i := range u.Phones {
		p := &u.Phones[i]
		p.ID = PrefixID + u.ID + p.Tail
		if p.Plain != "" {
			p.Number, p.Plain = p.Plain, ""
		}
	}
}

// VisitSealed implements [Sealer] for the phone numbers.
func (u *User) VisitSealed(do sealing) error {
	for i := range u.Phones {
		p := &u.Phones[i]
		if err := do("user/"+u.ID+"/phone/"+p.Tail, &p.Number, &p.Sealed); err != nil {
			return fmt.Errorf("number: %w", err)
		}
	}
	return nil
}

// WireID returns the id that clients see.
func (u *User) WireID() string { return PrefixUser + u.ID }

// LastLockEnd returns when the last of the user's locks ends, for known or unknown devices. It may
// have ended.
func (u *User) LastLockEnd(now Instant) Instant {
	return max(u.LockedUntil, u.SecondFailures.lockEnd(), u.FailureLog.FullUntil(now, u.Policy.UnknownDeviceFailures, u.Policy.FailureWindow))
}

// LockEnd returns when the present lock ends, or 0. A lock by failures may leave known devices in:
// see [FailureCounters] and [Policy].
func (u *User) LockEnd(now Instant) Instant {
	if end := u.LastLockEnd(now); end > now {
		return end
	}
	return 0
}

// AttemptsLeft returns the number of wrong second factors left before unknown devices are locked
// out.
func (u *User) AttemptsLeft(now Instant) int {
	p := u.Policy
	inARow := p.LockFailures - max(u.SecondFailures.Failures, u.SecondFailures.KnownDevices.Failures)
	return max(0, min(inARow, p.UnknownDeviceFailures-len(u.FailureLog.since(now, p.FailureWindow))))
}

// TOTPEnabled reports whether the user has a verified authenticator app, even one that failures
// disabled.
func (u *User) TOTPEnabled() bool { return u.TOTP != nil && u.TOTP.Verified != 0 }

// TwoFactorEnabled reports whether the user has a second factor: a verified reserved number or a
// verified authenticator app. Backup codes alone are none.
func (u *User) TwoFactorEnabled() bool {
	return u.TOTPEnabled() || u.FindPhone((*Phone).IsSecondFactor) != nil
}

// FindPhone returns the first phone that matches, or nil.
func (u *User) FindPhone(match func(*Phone) bool) *Phone {
	for i := range u.Phones {
		if match(&u.Phones[i]) {
			return &u.Phones[i]
		}
	}
	return nil
}

// earliest returns when the first part of the record expires.
func (u *User) earliest() Instant {
	if u.Erasing != nil { // the cleanup finishes what was interrupted
		return u.Erasing.Since
	}
	var first Instant
	see := func(at Instant) {
		if at != 0 && (first == 0 || at < first) {
			first = at
		}
	}
	for _, p := range u.Phones {
		if p.Pending != nil {
			see(p.Pending.Expires)
		}
		if p.Backend != nil {
			see(p.Backend.Expires.Add(CleanupKept))
		}
		if p.For != "" {
			see(p.CreatedAt.Add(authority.PendingFor))
		}
	}
	if u.TOTP != nil && u.TOTP.Verified == 0 {
		see(u.TOTP.CreatedAt.Add(authority.PendingFor))
	}
	if u.Backup != nil {
		see(u.Backup.RecentTo)
	}
	for i := range u.Passkeys {
		if p := &u.Passkeys[i]; p.Verified == 0 {
			see(p.CreatedAt.Add(authority.PendingFor))
		}
	}
	for _, s := range u.Sessions {
		see(s.Ends)
	}
	if u.Recovery != nil {
		see(u.Recovery.NextStep().Add(-CleanupKept)) // the cleanup comes [CleanupKept] late
	}
	for _, d := range u.Remembered {
		see(d.Ends)
	}
	return first
}

// RemoveExpired removes expired codes, enrolments, sessions; codes of the Backend API a day later.
func (u *User) RemoveExpired(now Instant) {
	for i := range u.Phones {
		p := &u.Phones[i]
		if p.Pending != nil && p.Pending.Expires <= now {
			p.Pending = nil
		}
		if p.Backend != nil && p.Backend.Expires.Add(CleanupKept) <= now {
			p.Backend = nil
		}
		if p.For != "" && p.CreatedAt.Add(authority.PendingFor) <= now {
			p.Reserved, p.For = p.Verified != 0 && p.Reserved, ""
		}
	}
	if u.TOTP != nil && u.TOTP.Verified == 0 && u.TOTP.CreatedAt.Add(authority.PendingFor) <= now {
		u.TOTP = nil
	}
	u.dropPendingPasskeys(func(p *Passkey) bool { return p.CreatedAt.Add(authority.PendingFor) <= now })
	if u.Backup != nil && u.Backup.RecentTo <= now {
		u.Backup.Recent, u.Backup.RecentTo = nil, 0
	}
	u.Sessions = withoutEnded(u.Sessions, now)
	u.Remembered = slices.DeleteFunc(slices.Clone(u.Remembered), func(d RememberedDevice) bool { return d.Ends <= now })
}

// withoutEnded returns the sessions that end after a time.
func withoutEnded(refs []SessionRef, now Instant) []SessionRef {
	return slices.DeleteFunc(slices.Clone(refs), func(s SessionRef) bool { return s.Ends <= now })
}

// SettleFactors restores what follows from the user's factors after a change: exactly one default
// among the reserved numbers, no backup codes without another factor, and the times at which MFA
// was last switched on or off.
func (u *User) SettleFactors(now Instant) {
	var first *Phone
	for i := range u.Phones {
		p := &u.Phones[i]
		p.Default = p.Default && p.IsSecondFactor()
		p.Lost = p.Lost && !p.IsSecondFactor()
		if first == nil && p.IsSecondFactor() {
			first = p
		}
	}
	if first != nil && u.defaultPhone() == nil {
		first.Default = true
	}
	switch on, was := u.TwoFactorEnabled(), u.MFAEnabledAt > u.MFADisabledAt; {
	case on && !was:
		u.MFAEnabledAt = max(now, u.MFADisabledAt+1)
	case !on && was:
		u.MFADisabledAt = max(now, u.MFAEnabledAt+1)
	}
	if !u.TwoFactorEnabled() {
		u.Backup = nil
	}
	u.Touch(now)
}

// EndsAt implements [Entity]: never, because only a deletion removes a user.
func (u *User) EndsAt() time.Time { return time.Time{} }

// AddSession lists a new session. Above [sessionsPerUser] it ends the oldest. Expired sessions are
// removed a day late, because another function's clock may be behind.
func (u *User) AddSession(ref SessionRef, now Instant) {
	listed := u.Sessions
	u.RemoveExpired(now)
	u.Sessions = append(withoutEnded(listed, now.Add(-CleanupKept)), ref)
	if over := len(u.Sessions) - sessionsPerUser; over > 0 {
		u.Sessions = u.Sessions[over:]
	}
}

// Erasure marks a user whose deletion has begun. Operations do not find such a user; only the next
// step of the deletion does.
type Erasure struct {
	Since Instant `json:"t"`
	Pages int     `json:"p,omitempty"` // of the trail, still to be removed
	Kept  int     `json:"k,omitempty"` // pages of kept entries, too
}
