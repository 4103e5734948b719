package tx

import (
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Claim makes an identifier the user's own, or says that it is another's.
func (t *Tx) Claim(kind, value string, u *account.User, param string) error {
	k := t.S.ClaimKey(kind, value)
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

// Release gives an identifier up.
func (t *Tx) Release(kind, value string, u *account.User) error {
	return t.ReleaseKey(t.S.ClaimKey(kind, value), u)
}

func (t *Tx) ReleaseKey(k store.Key, u *account.User) error {
	c, err := Load[*account.Claim](t, k)
	if err != nil || c == nil || c.User != u.ID {
		return err
	}
	t.Delete(c)
	return nil
}
