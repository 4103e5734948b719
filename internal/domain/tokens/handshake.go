package tokens

import (
	"context"
	"fmt"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// KeepHandshake stores the answer of a handshake, sealed, and returns the nonce that fetches it
// once.
func (s *Service) KeepHandshake(ctx context.Context, payload secret.Value) (secret.Value, error) {
	return s.KeepAnonymousHandshake(ctx, tx.Caller{}, payload)
}

// KeepAnonymousHandshake is [Service.KeepHandshake] for a browser without a session, within the
// limits of its address.
func (s *Service) KeepAnonymousHandshake(ctx context.Context, from tx.Caller, payload secret.Value) (secret.Value, error) {
	var nonce string
	err := s.Update(ctx, nil, func(t *tx.Tx) error {
		t.CountAddress(from, tx.HandshakeLimits)
		random, err := account.RandomText(s.Rand, tx.TokenSecret)
		if err != nil {
			return err
		}
		nonce = random
		k := s.nonceKey(random)
		sealed, err := s.Ring.Seal("nonce/"+k.ID, payload)
		if err != nil {
			return fmt.Errorf("seal handshake: %w", err)
		}
		t.Put(&account.Nonce{Base: account.Base{ID: k}, Sealed: sealed, Expires: t.Now.Add(account.NonceLife)})
		return nil
	})
	return secret.New(nonce), err
}

func (s *Service) nonceKey(nonce string) store.Key {
	return store.Key{Kind: store.KindNonce, ID: s.Digest("nonce", nonce)}
}

// TakeHandshake returns the stored answer of a handshake and deletes it.
func (s *Service) TakeHandshake(ctx context.Context, nonce secret.Value) (secret.Value, error) {
	var payload secret.Value
	k := s.nonceKey(nonce.Reveal())
	err := s.Update(ctx, []store.Key{k}, func(t *tx.Tx) error {
		n, err := tx.Load[*account.Nonce](t, k)
		if err != nil {
			return err
		}
		if n == nil || n.Expires <= t.Now {
			return apierr.New(apierr.ResourceNotFound)
		}
		if payload, err = s.Ring.Open("nonce/"+k.ID, n.Sealed); err != nil {
			return fmt.Errorf("open handshake: %w", err)
		}
		t.Delete(n)
		return nil
	})
	return payload, err
}
