package migration

import (
	"slices"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/passkeys"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// ExportedPasskey is a passkey. Its public key is no secret.
type ExportedPasskey struct {
	ID           string          `json:"id"`
	Name         string          `json:"name,omitempty"`
	CredentialID []byte          `json:"credential_id"`
	PublicKey    []byte          `json:"public_key"` // a COSE_Key
	RPID         string          `json:"rp_id"`
	Transports   []string        `json:"transports,omitempty"`
	Counter      uint32          `json:"counter,omitempty"`
	Eligible     bool            `json:"backup_eligible,omitempty"`
	BackedUp     bool            `json:"backed_up,omitempty"`
	VerifiedAt   account.Instant `json:"verified_at"`
	LastUsedAt   account.Instant `json:"last_used_at,omitempty"`
	BlockedAt    account.Instant `json:"blocked_at,omitempty"` // since its counter went back
	CreatedAt    account.Instant `json:"created_at"`
	ChangedAt    account.Instant `json:"changed_at,omitempty"`
}

// exportPasskeys returns the user's passkeys without enrolments.
func exportPasskeys(u *account.User) []ExportedPasskey {
	var all []ExportedPasskey
	for _, p := range u.Passkeys {
		if p.Verified == 0 {
			continue
		}
		all = append(all, ExportedPasskey{
			ID: p.WireID(), Name: p.Name, CredentialID: p.Credential, PublicKey: passkeys.OpenKey(p.Key), RPID: p.RPID, Transports: passkeys.OpenTransports(p.Transports), Counter: p.Counter, Eligible: p.Eligible, BackedUp: p.BackedUp,
			VerifiedAt: p.Verified, LastUsedAt: p.Used, BlockedAt: p.Copied, CreatedAt: p.CreatedAt, ChangedAt: p.ChangedAt,
		})
	}
	return all
}

// addPasskeys gives the user the exported passkeys.
func (p Export) addPasskeys(u *account.User) error {
	for _, k := range p.Passkeys {
		id := account.BareID(account.PrefixPasskey, k.ID)
		twice := slices.ContainsFunc(u.Passkeys, func(other account.Passkey) bool {
			return other.ID == id || slices.Equal(other.Credential, k.CredentialID)
		})
		added := account.Passkey{
			ID: id, Name: k.Name, Credential: k.CredentialID, Key: k.PublicKey, RPID: k.RPID, Transports: passkeys.PackTransports(k.Transports), Counter: k.Counter, Eligible: k.Eligible, BackedUp: k.BackedUp,
			Verified: k.VerifiedAt, Used: k.LastUsedAt, Copied: k.BlockedAt, CreatedAt: k.CreatedAt, ChangedAt: k.ChangedAt,
		}
		known := len(passkeys.OpenTransports(added.Transports)) == len(k.Transports)
		if id == "" || twice || !known || len(u.Passkeys) == account.PasskeysPerUser || !passkeys.Importable(&added) {
			return malformed("passkeys")
		}
		added.Key = passkeys.PackKey(added.Key) // after the check: a packed key is always a point
		u.Passkeys = append(u.Passkeys, added)
	}
	return nil
}

// checkRPID refuses a user whose passkeys are of another RP id: no browser would use them here, and
// the user would lose them unseen.
func checkRPID(t *tx.Tx, u *account.User) error {
	here := t.Engine.PasskeyDomain(&t.State.Settings)
	if slices.ContainsFunc(u.Passkeys, func(p account.Passkey) bool { return p.RPID != here }) {
		return malformed("passkeys").Explain("The passkeys are of another RP id than the setting passkey_rp_id.")
	}
	return nil
}
