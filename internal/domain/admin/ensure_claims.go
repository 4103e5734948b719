package admin

import (
	"context"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// TakenIdentifier is an identifier in a user's record that another user holds.
type TakenIdentifier struct {
	// Param is the parameter of the API that sets the identifier, such as "external_id".
	Param string
	// Holder is the id of the other user, as clients see it.
	Holder string
}

// EnsureClaims claims the identifiers of a user whose record an earlier release wrote: external ids
// had no claim then, and other identifiers may have one under a former form only. The first user
// that is ensured holds an identifier. EnsureClaims reports an identifier that another user holds,
// and changes neither user. The claims of former forms stay, so that an earlier release works after
// a rollback. A second call changes nothing.
//
// The error is [apierr.ResourceNotFound] for a user that does not exist or is being deleted.
func (s *Service) EnsureClaims(ctx context.Context, id string) ([]TakenIdentifier, error) {
	var taken []TakenIdentifier
	err := s.Admin(ctx, id, func(t *tx.Tx, u *account.User) error {
		taken = nil
		if err := t.Read(claimsOf(t, u)...); err != nil {
			return err
		}
		for _, h := range identifiersOf(u) {
			if h.unclaimed {
				continue
			}
			holder, err := ensureClaim(t, u, h)
			if err != nil {
				return err
			}
			if holder != "" {
				taken = append(taken, TakenIdentifier{Param: h.param, Holder: account.PrefixUser + holder})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return taken, nil
}

// CountTaken is [Service.EnsureClaims] for a caller that counts the identifiers that others hold.
func (s *Service) CountTaken(ctx context.Context, id string) (int, error) {
	taken, err := s.EnsureClaims(ctx, id)
	return len(taken), err
}

// ensureClaim claims an identifier, unless the user holds it in its normal form. It returns the id
// of another user that holds it. The user's record is written with the claim, so that the claim
// does not outlive a change or a deletion that happens at the same time.
func ensureClaim(t *tx.Tx, u *account.User, h held) (other string, err error) {
	for _, k := range t.Engine.ClaimKeys(h.kind, h.text) {
		holder, err := t.ClaimUser(k)
		if err != nil {
			return "", err
		}
		if holder != nil && holder.ID != u.ID {
			return holder.ID, nil
		}
	}
	c, err := tx.Load[*account.Claim](t, t.Engine.ClaimKey(h.kind, h.text))
	if err != nil || c != nil && c.User == u.ID {
		return "", err
	}
	t.Put(u)
	return "", t.Claim(h.kind, h.text, u, h.param)
}
