package tx

import (
	"cmp"
	"slices"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/identifier"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Claim gives an identifier to the user, or returns an error if another user holds it, in this or
// in a former form. param names the parameter at fault. The text may be in any spelling: see
// [identifier.Normal].
func (t *Tx) Claim(kind identifier.Kind, text string, u *account.User, param string) error {
	keys := t.Engine.ClaimKeys(kind, text)
	if err := t.Read(keys...); err != nil {
		return err
	}
	for _, k := range keys {
		holder, err := t.ClaimUser(k)
		if err != nil {
			return err
		}
		if holder != nil && holder.ID != u.ID {
			return apierr.New(apierr.FormIdentifierExists).Param(param)
		}
	}
	c := t.Seen[keys[0]].(*account.Claim)
	c.User, c.Failures, c.Expires = u.ID, account.FailureCounter{}, 0
	t.Put(c)
	return nil
}

// Release gives up an identifier of the user, in every form.
func (t *Tx) Release(kind identifier.Kind, text string, u *account.User) error {
	keys := t.Engine.ClaimKeys(kind, text)
	if err := t.Read(keys...); err != nil {
		return err
	}
	for _, k := range keys {
		if err := t.ReleaseKey(k, u); err != nil {
			return err
		}
	}
	return nil
}

// ReleaseKey gives up the identifier with a claim's key, if the user holds it.
func (t *Tx) ReleaseKey(k store.Key, u *account.User) error {
	c, err := Load[*account.Claim](t, k)
	if err != nil || c == nil || c.User != u.ID {
		return err
	}
	t.Delete(c)
	return nil
}

// ClaimKey returns the key under which an identifier is claimed; the zero key for the text "".
func (s *Engine) ClaimKey(kind identifier.Kind, text string) store.Key {
	if text == "" {
		return store.Key{}
	}
	return s.claimKey(kind, identifier.Normal(kind, text))
}

func (s *Engine) claimKey(kind identifier.Kind, form string) store.Key {
	return store.Key{Kind: store.KindClaim, ID: s.Digest("claim", string(kind), form)}
}

// ClaimKeys returns the keys of an identifier's claim, keyed hashes; nil for the text "". The first
// is that of the normal form, under which the identifier is claimed. The others are those under
// which an earlier release may have claimed it.
func (s *Engine) ClaimKeys(kind identifier.Kind, text string) []store.Key {
	if text == "" {
		return nil
	}
	keys := []store.Key{s.ClaimKey(kind, text)}
	for _, form := range identifier.Former(kind, text) {
		keys = append(keys, s.claimKey(kind, form))
	}
	return keys
}

// ClaimUser returns the user that holds an identifier, or nil. The keys are those of
// [Engine.ClaimKeys].
func (t *Tx) ClaimUser(keys ...store.Key) (*account.User, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	id, err := t.claimHolder(keys)
	if err != nil || id == "" {
		return nil, err
	}
	return t.User(id)
}

// claimHolder returns the id of the user that holds one of an identifier's claims, or "". A former
// form comes first: two users of an earlier release may hold two forms of one identifier, and each
// keeps its own until an administrator decides.
func (t *Tx) claimHolder(keys []store.Key) (string, error) {
	if err := t.Read(keys...); err != nil {
		return "", err
	}
	for _, k := range slices.Concat(keys[1:], keys[:1]) {
		c, err := Load[*account.Claim](t, k)
		if err != nil {
			return "", err
		}
		if c != nil && c.User != "" {
			return c.User, nil
		}
	}
	return "", nil
}

// ClaimUserUniform is [Tx.ClaimUser] for callers that must not learn whether an account exists.
// Without a holder it reads a record that does not exist: the time of a missing round trip could be
// measured from outside.
func (t *Tx) ClaimUserUniform(keys ...store.Key) (*account.User, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	id, err := t.claimHolder(keys)
	if err != nil {
		return nil, err
	}
	return t.User(cmp.Or(id, t.Engine.Digest("nobody", keys[0].ID)))
}
