package mfa

import (
	"context"
	"fmt"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// nonceLife is how long an app's server may take to fetch the answer of a handshake.
const nonceLife = time.Minute

// KeepHandshake stores the answer of a handshake, sealed, and returns the nonce that fetches it
// once.
func (s *Service) KeepHandshake(ctx context.Context, payload secret.Value) (secret.Value, error) {
	return s.KeepAnonymousHandshake(ctx, Caller{}, payload)
}

// KeepAnonymousHandshake is KeepHandshake for a browser on which nobody is signed in, within the
// limits of its address.
func (s *Service) KeepAnonymousHandshake(ctx context.Context, from Caller, payload secret.Value) (secret.Value, error) {
	var nonce string
	err := s.update(ctx, nil, func(t *txn) error {
		t.countAddress(from, handshakeLimits)
		random, err := randomText(s.rand, tokenSecret)
		if err != nil {
			return err
		}
		nonce = random
		k := s.nonceKey(random)
		sealed, err := s.ring.Seal("nonce/"+k.ID, payload)
		if err != nil {
			return fmt.Errorf("seal handshake: %w", err)
		}
		t.put(&Nonce{base: base{id: k}, Sealed: sealed, Expires: t.now.Add(nonceLife)})
		return nil
	})
	return secret.New(nonce), err
}

func (s *Service) nonceKey(nonce string) Key { return Key{KindNonce, s.digest("nonce", nonce)} }

// TakeHandshake returns what [Service.KeepHandshake] kept, once.
func (s *Service) TakeHandshake(ctx context.Context, nonce secret.Value) (secret.Value, error) {
	var payload secret.Value
	k := s.nonceKey(nonce.Reveal())
	err := s.update(ctx, []Key{k}, func(t *txn) error {
		n, err := load[*Nonce](t, k)
		if err != nil {
			return err
		}
		if n == nil || n.Expires <= t.now {
			return apierr.New(apierr.ResourceNotFound)
		}
		if payload, err = s.ring.Open("nonce/"+k.ID, n.Sealed); err != nil {
			return fmt.Errorf("open handshake: %w", err)
		}
		t.delete(n)
		return nil
	})
	return payload, err
}

// SignClaims signs any claims with the key of session tokens.
func (s *Service) SignClaims(ctx context.Context, claims any) (secret.Value, error) {
	state, now, err := s.state(ctx)
	if err != nil {
		return secret.Value{}, err
	}
	key, err := s.signer(ctx, state, now)
	if err != nil {
		return secret.Value{}, err
	}
	signed, err := key.Sign(claims)
	if err != nil {
		return secret.Value{}, fmt.Errorf("sign claims: %w", err)
	}
	return signed, nil
}

// Ping reads one record, to learn whether the store answers.
func (s *Service) Ping(ctx context.Context) error {
	if _, err := s.store.Get(ctx, settingsKey); err != nil {
		return fmt.Errorf("ping store: %w", err)
	}
	return nil
}
