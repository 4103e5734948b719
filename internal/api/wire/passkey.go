package wire

import (
	"strings"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/factors"
	"github.com/countersign-mfa/countersign/internal/domain/passkeys"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
)

// Passkey is a passkey of a user.
type Passkey struct {
	Object       string        `json:"object"`
	ID           string        `json:"id"`
	Name         string        `json:"name"`
	LastUsedAt   *int64        `json:"last_used_at"`
	Verification *Verification `json:"verification"`
	CreatedAt    int64         `json:"created_at"`
	UpdatedAt    int64         `json:"updated_at"`
}

// NewPasskey returns a passkey of a result, with the options for the browser if its enrolment just
// began.
func NewPasskey(r *passkeys.Result) Passkey {
	out := newPasskey(r.Passkey)
	if p := r.Passkey; p.Verified == 0 && p.Challenge != nil {
		out.Verification = newChallenge(p.Challenge, r.Options, r.Snapshot.Now)
	}
	return out
}

// newPasskey returns a verified passkey. One that is blocked has a failed verification.
func newPasskey(p *account.Passkey) Passkey {
	out := Passkey{
		Object: "passkey", ID: p.WireID(), Name: p.Name, LastUsedAt: Milliseconds(p.Used), CreatedAt: int64(p.CreatedAt), UpdatedAt: int64(p.UpdatedAt()),
		Verification: verified(account.PasskeyProof),
	}
	if p.Copied != 0 {
		out.Verification.Status = "failed"
	}
	return out
}

// newChallenge returns the verification that waits for the answer to a challenge.
func newChallenge(c *account.Challenge, options string, now account.Instant) *Verification {
	out := &Verification{Object: objects[account.PasskeyProof], Status: "unverified", Strategy: string(account.PasskeyProof), ExpireAt: Milliseconds(c.Expires), Nonce: options}
	if c.Expires <= now {
		out.Status = "expired"
	}
	return out
}

// passkeyVersion is the first version of Clerk's protocol whose clients know a passkey as a second
// factor. @clerk/ui 1.36 cannot draw such a factor, and shows nothing then.
const passkeyVersion = "2026-08-20"

// newSecondFactors returns second factors without those that the caller's client does not know.
func newSecondFactors(offered []factors.Factor, s *sessions.Snapshot) []Factor {
	var known []factors.Factor
	for _, f := range offered {
		if f.Strategy != account.PasskeyProof || s.APIVersion >= passkeyVersion {
			known = append(known, f)
		}
	}
	return newFactors(known)
}

// PasskeyName returns the name of a new passkey: the browser and the system that made it, which a
// User-Agent names.
func PasskeyName(agent string) string {
	device := deviceOf(agent)
	if device.BrowserName == "" {
		return "Passkey"
	}
	if strings.HasSuffix(device.BrowserName, " app") {
		return device.BrowserName
	}
	return device.BrowserName + " on " + device.DeviceType
}
