package mfa

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/sessiontoken"
)

// Rotation: a new key is published first, so that every verifier that caches the key set for an hour knows it
// before it signs; the old one stays published until the last token it signed is long dead.
const (
	publishAhead = time.Hour
	keyKept      = 2 * time.Hour
	// SigningKeyLife is the age at which a signing key is replaced (SP 800-57 part 1, section 5.3.6: a private signature key lives one to
	// three years; a quarter also keeps the practice alive).
	SigningKeyLife = 90 * 24 * time.Hour
)

// signingKeys is the record of all keys that sign session tokens, oldest first.
type signingKeys struct {
	base
	Keys []signingKey `json:"k"`
}

// keyMemo keeps unsealed signing keys for the life of the process.
type keyMemo struct {
	mu     sync.Mutex
	opened map[string]*sessiontoken.Key
}

type signingKey struct {
	ID       string  `json:"i"` // RFC 7638 thumbprint
	Sealed   []byte  `json:"s"`
	SignFrom Instant `json:"f"`
	// Until is when the key leaves the key set; 0 while no successor exists.
	Until Instant `json:"u,omitempty"`
}

func (k *signingKeys) expires() time.Time {
	for _, key := range k.Keys {
		if key.Until != 0 {
			return key.Until.Time()
		}
	}
	return time.Time{}
}

// current is the key that signs now, or nil when there is none at all. By a clock that went back, every key may be of the future: then the oldest
// signs, which everybody knows, and no other is made for the time before it.
func (k *signingKeys) current(now Instant) *signingKey {
	var found *signingKey
	for i := range k.Keys {
		if i == 0 || k.Keys[i].SignFrom <= now {
			found = &k.Keys[i]
		}
	}
	return found
}

func (s *Service) newSigningKey(from Instant) (signingKey, error) {
	key, err := s.key(s.rand)
	if err != nil {
		return signingKey{}, fmt.Errorf("generate signing key: %w", err)
	}
	text, err := key.Marshal()
	if err != nil {
		return signingKey{}, fmt.Errorf("marshal signing key: %w", err)
	}
	sealed, err := s.ring.Seal(signingKeyOwner, text)
	if err != nil {
		return signingKey{}, fmt.Errorf("seal signing key: %w", err)
	}
	return signingKey{ID: key.ID(), Sealed: sealed, SignFrom: from}, nil
}

const signingKeyOwner = "instance/signing-key"

// openKey unseals a key, once per process.
func (s *Service) openKey(key *signingKey) (*sessiontoken.Key, error) {
	k := &s.keys
	k.mu.Lock()
	defer k.mu.Unlock()
	if opened := k.opened[key.ID]; opened != nil {
		return opened, nil
	}
	text, err := s.ring.Open(signingKeyOwner, key.Sealed)
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

// signer returns the key that signs now.
func (s *Service) signer(ctx context.Context, state *settingsState, now Instant) (*sessiontoken.Key, error) {
	keys, err := s.signingSet(ctx, state, now)
	if err != nil {
		return nil, err
	}
	return s.openKey(keys.current(now))
}

// signingSet returns all keys, making the first one when there is none.
func (s *Service) signingSet(ctx context.Context, state *settingsState, now Instant) (*signingKeys, error) {
	if state.keys.current(now) != nil {
		return state.keys, nil
	}
	return s.firstSigningKey(ctx)
}

func (s *Service) firstSigningKey(ctx context.Context) (*signingKeys, error) {
	var keys *signingKeys
	err := s.update(ctx, []Key{signingKeysKey}, func(t *txn) error {
		keys = t.seen[signingKeysKey].(*signingKeys)
		if keys.current(t.now) != nil {
			return nil
		}
		key, err := s.newSigningKey(t.now.Add(-time.Minute)) // the request that needs it began a little earlier
		if err != nil {
			return err
		}
		keys.Keys = append(keys.Keys, key)
		t.put(keys)
		return nil
	})
	s.cache.put(nil)
	return keys, err
}

// RotateSigningKey adds a key that signs in an hour's time, and retires the others after that, if the newest is at least so old. Calling
// it again while a rotation is under way changes nothing.
func (s *Service) RotateSigningKey(ctx context.Context, age time.Duration) error {
	err := s.update(ctx, []Key{signingKeysKey}, func(t *txn) error {
		keys := t.seen[signingKeysKey].(*signingKeys)
		if n := len(keys.Keys); n > 0 && keys.Keys[n-1].SignFrom.Add(age) > t.now {
			return nil
		}
		start := t.now // the first key signs at once
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
		t.put(keys)
		return nil
	})
	s.cache.put(nil)
	return err
}

// RevokeSigningKeys replaces all signing keys by a new one at once, after a leak. Tokens that the old ones signed end for every verifier that reads the
// key set again; sessions go on, and their next token is of the new key. Other processes follow within [settingsCached].
func (s *Service) RevokeSigningKeys(ctx context.Context) error {
	err := s.update(ctx, []Key{signingKeysKey}, func(t *txn) error {
		key, err := s.newSigningKey(t.now)
		if err != nil {
			return err
		}
		keys := t.seen[signingKeysKey].(*signingKeys)
		keys.Keys = []signingKey{key}
		t.put(keys)
		return nil
	})
	s.cache.put(nil)
	return err
}

func (k *signingKeys) removeExpired(now Instant) {
	k.Keys = slices.DeleteFunc(k.Keys, func(key signingKey) bool { return key.Until != 0 && key.Until <= now })
}

// JWKS is the JSON Web Key Set (RFC 7517) of every key that may have signed a token that is alive.
func (s *Service) JWKS(ctx context.Context) ([]byte, error) {
	keys, err := s.PublishedKeys(ctx)
	if err != nil {
		return nil, err
	}
	return sessiontoken.JWKS(keys...)
}

// PublishedKeys are the keys of the key set, oldest first.
func (s *Service) PublishedKeys(ctx context.Context) ([]*sessiontoken.Key, error) {
	state, now, err := s.state(ctx)
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

func (s *Service) mint(key *sessiontoken.Key, of *Session, snap *Snapshot, origin string) (secret.Value, error) {
	id, err := s.randomID()
	if err != nil {
		return secret.Value{}, err
	}
	name, _ := parseSession(of.ID)
	token, err := key.Mint(sessiontoken.Claims{
		Issuer: s.issuer, Subject: prefixUser + name.user, SessionID: of.ID, AuthorizedParty: origin,
		IssuedAt: snap.Now.Time(), Ages: snap.Ages(of), Status: string(snap.Status(of)), ID: id,
	})
	if err != nil {
		return secret.Value{}, fmt.Errorf("mint session token: %w", err)
	}
	return token, nil
}
