package account

import (
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/authority"
)

// Passkey is a WebAuthn credential of a user, or the enrolment of one.
type Passkey struct {
	ID         string  `json:"i"`
	Name       string  `json:"n,omitempty"`
	Credential []byte  `json:"c,omitempty"` // the credential id; nil during the enrolment
	Key        []byte  `json:"k,omitempty"` // the public key, as package passkeys packs it
	RPID       string  `json:"r"`           // the RP id that it was made for
	Transports string  `json:"t,omitempty"` // hints, as package passkeys packs them
	Counter    uint32  `json:"s,omitempty"` // of the last accepted signature
	Eligible   bool    `json:"e,omitempty"` // may be synchronized between devices
	BackedUp   bool    `json:"u,omitempty"` // is synchronized
	Verified   Instant `json:"v,omitempty"`
	Used       Instant `json:"l,omitempty"`
	// Copied is when the counter went back. The passkey proves nothing from then on.
	Copied    Instant    `json:"x,omitempty"`
	By        string     `json:"b,omitempty"` // nonce of the session that enrols it
	Challenge *Challenge `json:"h,omitempty"` // of the enrolment
	CreatedAt Instant    `json:"a"`
	ChangedAt Instant    `json:"d,omitempty"` // when it was renamed or blocked
}

// Challenge is what an authenticator must sign, once.
type Challenge struct {
	Text    string  `json:"t"` // 32 random bytes in base64url
	Expires Instant `json:"e"`
}

// ChallengeLife is the life of a challenge: the longest timeout that W3C Web Authentication Level 3
// section 15.1 recommends.
const ChallengeLife = 10 * time.Minute

// PasskeysPerUser limits the passkeys of a user, as Clerk does.
const PasskeysPerUser = 10

// WireID returns the id that clients see.
func (p *Passkey) WireID() string { return PrefixPasskey + p.ID }

// UpdatedAt returns when the passkey was last changed. A use is no change.
func (p *Passkey) UpdatedAt() Instant { return max(p.CreatedAt, p.Verified, p.ChangedAt) }

// Subject names the passkey in an audit entry.
func (p *Passkey) Subject() Subject { return Subject{Method: PasskeyProof, Ref: "w" + p.ID} }

// Pending reports whether a session may still complete the enrolment of the passkey.
func (p *Passkey) Pending(session string, now Instant) bool {
	pending := authority.PendingFactor{Owner: p.By, Began: p.CreatedAt.Time()}
	return p.Verified == 0 && pending.Live(session, now.Time())
}

// Usable reports whether the passkey can prove its user for an RP id. "" is no RP id.
func (p *Passkey) Usable(rpID string) bool {
	return p.Verified != 0 && p.Copied == 0 && rpID != "" && p.RPID == rpID
}

// Passkey returns the passkey with an id that clients see, or nil.
func (u *User) Passkey(id string) *Passkey {
	return u.findPasskey(func(p *Passkey) bool { return p.WireID() == id })
}

// PasskeyBy returns the usable passkey with a credential id, or nil.
func (u *User) PasskeyBy(credential []byte) *Passkey {
	return u.findPasskey(func(p *Passkey) bool { return p.Usable(u.RPID) && slices.Equal(p.Credential, credential) })
}

func (u *User) findPasskey(match func(*Passkey) bool) *Passkey {
	if i := slices.IndexFunc(u.Passkeys, func(p Passkey) bool { return match(&p) }); i >= 0 {
		return &u.Passkeys[i]
	}
	return nil
}

// UsablePasskeys returns the passkeys that can prove the user under the settings.
func (u *User) UsablePasskeys() []Passkey {
	return slices.DeleteFunc(slices.Clone(u.Passkeys), func(p Passkey) bool { return !p.Usable(u.RPID) })
}

// SecondPasskeys returns the passkeys that may prove the second factor after a first one. A passkey
// proves both factors only where the settings say so.
func (u *User) SecondPasskeys(set *Settings, first Strategy) []Passkey {
	if !set.PasskeySecondFactor || !u.TwoFactorEnabled() || first == PasskeyProof && !set.PasskeySatisfies {
		return nil
	}
	return u.UsablePasskeys()
}

// dropPendingPasskeys ends the enrolments of passkeys that are over.
func (u *User) dropPendingPasskeys(over func(*Passkey) bool) {
	u.Passkeys = slices.DeleteFunc(slices.Clone(u.Passkeys), func(p Passkey) bool { return p.Verified == 0 && over(&p) })
}
