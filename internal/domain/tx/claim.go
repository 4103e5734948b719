package tx

import (
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Claim gives an identifier to the user, or returns an error if another user holds it. param names
// the parameter at fault.
func (t *Tx) Claim(kind, value string, u *account.User, param string) error {
	k := t.Engine.ClaimKey(kind, value)
	holder, err := t.ClaimUser(k)
	if err != nil {
		return err
	}
	if holder != nil && holder.ID != u.ID {
		return apierr.New(apierr.FormIdentifierExists).Param(param)
	}
	c := t.Seen[k].(*account.Claim)
	c.User, c.Failures, c.Expires = u.ID, account.FailureCounter{}, 0
	t.Put(c)
	return nil
}

// Release gives up an identifier of the user.
func (t *Tx) Release(kind, value string, u *account.User) error {
	return t.ReleaseKey(t.Engine.ClaimKey(kind, value), u)
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

// ClaimKey returns the key of an identifier's claim, a keyed hash; the zero key for "".
func (s *Engine) ClaimKey(kind, value string) store.Key {
	if value == "" {
		return store.Key{}
	}
	return store.Key{Kind: store.KindClaim, ID: s.Digest("claim", kind, value)}
}

// ClaimUser returns the user that holds an identifier, or nil.
func (t *Tx) ClaimUser(k store.Key) (*account.User, error) {
	c, err := Load[*account.Claim](t, k)
	if err != nil || c == nil || c.User == "" {
		return nil, err
	}
	return t.User(c.User)
}

// ClaimUserUniform is [Tx.ClaimUser] for callers that must not learn whether an account exists.
// Without a holder it reads a record that does not exist: the time of a missing round trip could be
// measured from outside.
func (t *Tx) ClaimUserUniform(k store.Key) (*account.User, error) {
	if k.ID == "" {
		return nil, nil
	}
	c, err := Load[*account.Claim](t, k)
	if err != nil {
		return nil, err
	}
	id := t.Engine.Digest("nobody", k.ID)
	if c != nil && c.User != "" {
		id = c.User
	}
	return t.User(id)
}
