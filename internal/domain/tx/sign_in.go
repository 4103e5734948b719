package tx

import (
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/store"
)

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

// ClaimUserUniform is claimed for whoever must not learn whether there is an account: where nobody holds the identifier it reads a record that does not
// exist, because a store's round trip takes long enough to be measured from outside.
func (t *Tx) ClaimUserUniform(k store.Key) (*account.User, error) {
	if k.ID == "" {
		return nil, nil
	}
	c, err := Load[*account.Claim](t, k)
	if err != nil {
		return nil, err
	}
	id := t.S.Digest("nobody", k.ID)
	if c != nil && c.User != "" {
		id = c.User
	}
	return t.User(id)
}
