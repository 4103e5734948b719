package admin

import (
	"context"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// AgeSession makes the proofs of a session older, for development: nobody wants to wait ten minutes to see a reverification.
func (s *Service) AgeSession(ctx context.Context, id string, by time.Duration) error {
	if by < 0 {
		return apierr.New(apierr.FormParamValueInvalid).Param("minutes")
	}
	n, _ := account.ParseSession(id)
	return s.Update(ctx, []store.Key{{Kind: store.KindClient, ID: n.Client}}, func(t *tx.Tx) error {
		c, err := t.Client(n.Client)
		if err != nil {
			return err
		}
		if c == nil || c.Session(id) == nil {
			return apierr.New(apierr.ResourceNotFound)
		}
		session := c.Session(id)
		session.AgeProofs(by)
		c.Touch(t.Now)
		t.Put(c)
		return nil
	})
}
