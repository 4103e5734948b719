package sessiontoken

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

const (
	// reused is how old a token may be when it is given out again. Its times are in whole seconds, so
	// at least 50 of its 60 seconds are left. Clerk's JavaScript SDK takes a token as new when it
	// arrives, and renews it 15 seconds before its end; so it never uses an expired one.
	reused = 9 * time.Second
	// tokensKept limits each half of a [Cache]. A token takes about 1 KB.
	tokensKept = 2048
)

// Cache keeps the tokens that a process signed lately. A signature costs more than all the rest of
// an answer, and one page of an application asks for the same token several times within seconds.
// The zero Cache is empty and ready for use. It is safe for concurrent use.
type Cache struct {
	mu sync.Mutex
	// Tokens are added to newer, until it is full or too old. Then it replaces older.
	newer, older map[[sha256.Size]byte]kept
	since        time.Time
}

type kept struct {
	token  secret.Value
	issued time.Time
}

// Mint returns a token with the claims: a kept one that was issued in the last nine seconds, or a
// new one of the key. Kept tokens are told apart by the key, by all claims but ID and the times,
// and by state. A caller puts into state what a token stands for beside its claims, so that a
// change of that makes a new token.
func (c *Cache) Mint(k *Key, claims Claims, state string) (secret.Value, error) {
	name, err := nameOf(k, claims, state)
	if err != nil {
		return secret.Value{}, err
	}
	if token, ok := c.find(name, claims.IssuedAt); ok {
		return token, nil
	}
	token, err := k.Mint(claims)
	if err != nil {
		return secret.Value{}, err
	}
	c.keep(name, kept{token, claims.IssuedAt})
	return token, nil
}

// nameOf returns the hash under which a token is kept.
func nameOf(k *Key, claims Claims, state string) ([sha256.Size]byte, error) {
	claims.IssuedAt, claims.ID = time.Time{}, ""
	lasting, err := json.Marshal(claims)
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("session: encode claims: %w", err)
	}
	return sha256.Sum256(fmt.Appendf(lasting, "\x00%s\x00%s", k.id, state)), nil
}

func (c *Cache) find(name [sha256.Size]byte, now time.Time) (secret.Value, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, tokens := range []map[[sha256.Size]byte]kept{c.newer, c.older} {
		if found, ok := tokens[name]; ok && !now.Before(found.issued) && now.Sub(found.issued) <= reused {
			return found.token, true
		}
	}
	return secret.Value{}, false
}

func (c *Cache) keep(name [sha256.Size]byte, of kept) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.newer == nil || len(c.newer) >= tokensKept || of.issued.Sub(c.since).Abs() > reused {
		c.newer, c.older, c.since = map[[sha256.Size]byte]kept{}, c.newer, of.issued
	}
	c.newer[name] = of
}
