package mfa

import (
	"context"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// AgeSession makes the proofs of a session older, for development: nobody wants to wait ten minutes to see a reverification.
func (s *Service) AgeSession(ctx context.Context, id string, by time.Duration) error {
	if by < 0 {
		return apierr.New(apierr.FormParamValueInvalid).Param("minutes")
	}
	n, _ := parseSession(id)
	return s.update(ctx, []Key{{KindClient, n.client}}, func(t *txn) error {
		c, err := t.client(n.client)
		if err != nil {
			return err
		}
		if c == nil || c.session(id) == nil {
			return apierr.New(apierr.ResourceNotFound)
		}
		session := c.session(id)
		session.ageProofs(by)
		c.touch(t.now)
		t.put(c)
		return nil
	})
}
