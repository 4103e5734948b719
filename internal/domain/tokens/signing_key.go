package tokens

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/sessiontoken"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

const (
	// publishAhead is how long a new key is in the key set before it signs, so that verifiers that
	// cache the set for an hour know the key.
	publishAhead = time.Hour
	// keyKept is how long a replaced key stays in the key set, far beyond its last token.
	keyKept = 2 * time.Hour
)

// keyMemo keeps unsealed signing keys for the life of the process.
type keyMemo struct {
	mu     sync.Mutex
	opened map[string]*sessiontoken.Key
}

func (s *Service) newSigningKey(from account.Instant) (account.SigningKey, error) {
	generate := s.Key
	if generate == nil {
		generate = sessiontoken.GenerateKey
	}
	key, err := generate(s.Rand)
	if err != nil {
		return account.SigningKey{}, fmt.Errorf("generate signing key: %w", err)
	}
	text, err := key.Marshal()
	if err != nil {
		return account.SigningKey{}, fmt.Errorf("marshal signing key: %w", err)
	}
	sealed, err := s.Ring.Seal(signingKeyOwner, text)
	if err != nil {
		return account.SigningKey{}, fmt.Errorf("seal signing key: %w", err)
	}
	return account.SigningKey{ID: key.ID(), Sealed: sealed, SignFrom: from}, nil
}

const signingKeyOwner = "instance/signing-key"

// openKey unseals a key once per process.
func (s *Service) openKey(key *account.SigningKey) (*sessiontoken.Key, error) {
	k := &s.keys
	k.mu.Lock()
	defer k.mu.Unlock()
	if opened := k.opened[key.ID]; opened != nil {
		return opened, nil
	}
	text, err := s.Ring.Open(signingKeyOwner, key.Sealed)
	if err != nil {
		return nil, fmt.Errorf("open signing key: %w", err)
	}
	opened, err := sessiontoken.ParseKey(text)
	if err != nil {
		return nil, fmt.Errorf("parse signing key: %w", err)
	}
	if k.opened == nil {
		k.opened = map[string]*sessiontoken.Key{}
	}
	k.opened[key.ID] = opened
	return opened, nil
}

// Signer returns the key that signs now, and makes the first key if there is none.
func (s *Service) Signer(ctx context.Context, state *tx.SettingsState, now account.Instant) (*sessiontoken.Key, error) {
	keys, err := s.signingSet(ctx, state, now)
	if err != nil {
		return nil, err
	}
	return s.openKey(keys.Current(now))
}

// signingSet returns all keys, and makes the first one if there is none.
func (s *Service) signingSet(ctx context.Context, state *tx.SettingsState, now account.Instant) (*account.SigningKeys, error) {
	if state.Keys.Current(now) != nil {
		return state.Keys, nil
	}
	return s.firstSigningKey(ctx)
}

func (s *Service) firstSigningKey(ctx context.Context) (*account.SigningKeys, error) {
	var keys *account.SigningKeys
	err := s.Update(ctx, []store.Key{account.SigningKeysKey}, func(t *tx.Tx) error {
		keys = t.Seen[account.SigningKeysKey].(*account.SigningKeys)
		if keys.Current(t.Now) != nil {
			return nil
		}
		key, err := s.newSigningKey(t.Now.Add(-time.Minute)) // the first request began earlier
		if err != nil {
			return err
		}
		keys.Keys = append(keys.Keys, key)
		t.Put(keys)
		return nil
	})
	s.Cache.Put(nil)
	return keys, err
}

// RotateSigningKey adds a key that signs in an hour, and retires the others after that, if the
// newest key has reached the age. A call during a rotation changes nothing.
func (s *Service) RotateSigningKey(ctx context.Context, age time.Duration) error {
	err := s.Update(ctx, []store.Key{account.SigningKeysKey}, func(t *tx.Tx) error {
		keys := t.Seen[account.SigningKeysKey].(*account.SigningKeys)
		if n := len(keys.Keys); n > 0 && keys.Keys[n-1].SignFrom.Add(age) > t.Now {
			return nil
		}
		start := t.Now // the first key signs at once
		if len(keys.Keys) > 0 {
			start = start.Add(publishAhead)
		}
		key, err := s.newSigningKey(start)
		if err != nil {
			return err
		}
		for i := range keys.Keys {
			if keys.Keys[i].Until == 0 {
				keys.Keys[i].Until = start.Add(keyKept)
			}
		}
		keys.Keys = append(keys.Keys, key)
		t.Put(keys)
		return nil
	})
	s.Cache.Put(nil)
	return err
}

// RevokeSigningKeys replaces all signing keys at once, after a leak. A verifier rejects the old
// tokens when it reads the key set again. Sessions go on with tokens of the new key. Other
// processes follow when their settings cache ends, within seconds.
func (s *Service) RevokeSigningKeys(ctx context.Context) error {
	err := s.Update(ctx, []store.Key{account.SigningKeysKey}, func(t *tx.Tx) error {
		key, err := s.newSigningKey(t.Now)
		if err != nil {
			return err
		}
		keys := t.Seen[account.SigningKeysKey].(*account.SigningKeys)
		keys.Keys = []account.SigningKey{key}
		t.Put(keys)
		return nil
	})
	s.Cache.Put(nil)
	return err
}

// JWKS returns the JSON Web Key Set (RFC 7517) of the keys whose tokens may still be valid.
func (s *Service) JWKS(ctx context.Context) ([]byte, error) {
	keys, err := s.PublishedKeys(ctx)
	if err != nil {
		return nil, err
	}
	return sessiontoken.JWKS(keys...)
}

// PublishedKeys returns the keys of the key set, oldest first.
func (s *Service) PublishedKeys(ctx context.Context) ([]*sessiontoken.Key, error) {
	state, now, err := s.State(ctx)
	if err != nil {
		return nil, err
	}
	set, err := s.signingSet(ctx, state, now)
	if err != nil {
		return nil, err
	}
	var opened []*sessiontoken.Key
	for i := range set.Keys {
		if u := set.Keys[i].Until; u != 0 && u <= now {
			continue
		}
		key, err := s.openKey(&set.Keys[i])
		if err != nil {
			return nil, err
		}
		opened = append(opened, key)
	}
	return opened, nil
}

// SignClaims signs claims with the key of session tokens.
func (s *Service) SignClaims(ctx context.Context, claims any) (secret.Value, error) {
	state, now, err := s.State(ctx)
	if err != nil {
		return secret.Value{}, err
	}
	key, err := s.Signer(ctx, state, now)
	if err != nil {
		return secret.Value{}, err
	}
	signed, err := key.Sign(claims)
	if err != nil {
		return secret.Value{}, fmt.Errorf("sign claims: %w", err)
	}
	return signed, nil
}
