package mfa

import "github.com/countersign-mfa/countersign/internal/domain/apierr"

// claim makes an identifier the user's own, or says that it is another's.
func (t *txn) claim(kind, value string, u *User, param string) error {
	k := t.s.claimKey(kind, value)
	holder, err := t.claimUser(k)
	if err != nil {
		return err
	}
	if holder != nil && holder.ID != u.ID {
		return apierr.New(apierr.FormIdentifierExists).Param(param)
	}
	c := t.seen[k].(*Claim)
	c.User, c.Failures, c.Expires = u.ID, FailureCounter{}, 0
	t.put(c)
	return nil
}

// release gives an identifier up.
func (t *txn) release(kind, value string, u *User) error {
	return t.releaseKey(t.s.claimKey(kind, value), u)
}

func (t *txn) releaseKey(k Key, u *User) error {
	c, err := load[*Claim](t, k)
	if err != nil || c == nil || c.User != u.ID {
		return err
	}
	t.delete(c)
	return nil
}
