package sessiontoken

import (
	"crypto/rand"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// countedKey returns a key and the number of its signatures.
func countedKey(t *testing.T) (*Key, *atomic.Int64) {
	t.Helper()
	k, err := GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var n atomic.Int64
	sign := k.sign
	k.sign = func(payload []byte) (string, error) {
		n.Add(1)
		return sign(payload)
	}
	return k, &n
}

var some = Claims{Issuer: "https://clerk.example.com", Subject: "user_a", SessionID: "sess_b", IssuedAt: time.Date(2026, 1, 2, 3, 4, 5, 999e6, time.UTC), Ages: [2]int{0, 0}, Status: "active", ID: "j"}

// TestATokenIsSignedOnce: each row is a second request for a token, after one with the claims some.
func TestATokenIsSignedOnce(t *testing.T) {
	first, counts := countedKey(t)
	other, otherCounts := countedKey(t)
	for _, tc := range []struct {
		what   string
		key    *Key
		change func(*Claims)
		state  string
		again  bool
	}{
		{"at once", first, func(*Claims) {}, "s", false},
		{"with another id of its own", first, func(c *Claims) { c.ID = "k" }, "s", false},
		{"nine seconds later", first, func(c *Claims) { c.IssuedAt = c.IssuedAt.Add(9 * time.Second) }, "s", false},
		{"ten seconds later", first, func(c *Claims) { c.IssuedAt = c.IssuedAt.Add(10 * time.Second) }, "s", true},
		{"by a clock that was set back", first, func(c *Claims) { c.IssuedAt = c.IssuedAt.Add(-time.Second) }, "s", true},
		{"for another session", first, func(c *Claims) { c.SessionID = "sess_c" }, "s", true},
		{"for another user", first, func(c *Claims) { c.Subject = "user_b" }, "s", true},
		{"for another origin", first, func(c *Claims) { c.AuthorizedParty = "https://b.example.com" }, "s", true},
		{"a minute after the proof", first, func(c *Claims) { c.Ages[0]++ }, "s", true},
		{"pending", first, func(c *Claims) { c.Status = "pending" }, "s", true},
		{"with another claim of the application", first, func(c *Claims) { c.Custom = []byte(`{"role":"admin"}`) }, "s", true},
		{"in another state", first, func(c *Claims) { c.ID = "k" }, "t", true},
		{"of another key", other, func(*Claims) {}, "s", true},
	} {
		var cache Cache
		one, err := cache.Mint(first, some, "s")
		if err != nil {
			t.Fatal(err)
		}
		before := counts.Load() + otherCounts.Load()
		claims := some
		tc.change(&claims)
		two, err := cache.Mint(tc.key, claims, tc.state)
		if err != nil {
			t.Fatal(err)
		}
		signed := counts.Load() + otherCounts.Load() - before
		if again := signed == 1; again != tc.again || one.Equal(two) == tc.again {
			t.Errorf("%s: %d signatures, the same token: %t", tc.what, signed, one.Equal(two))
		}
		read, err := Verify(two.Reveal(), []*Key{first, other}, some.Issuer, claims.IssuedAt.Add(49*time.Second))
		if err != nil || read.SessionID != claims.SessionID {
			t.Errorf("%s: %+v, %v", tc.what, read, err)
		}
	}
}

// TestAReusedTokenLivesFor50Seconds: also for a verifier without tolerance.
func TestAReusedTokenLivesFor50Seconds(t *testing.T) {
	k, _ := countedKey(t)
	var cache Cache
	for after := time.Duration(0); after < 30*time.Second; after += 250 * time.Millisecond {
		claims := some
		claims.IssuedAt = some.IssuedAt.Add(after)
		token, err := cache.Mint(k, claims, "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Verify(token.Reveal(), []*Key{k}, some.Issuer, claims.IssuedAt.Add(50*time.Second-skew)); err != nil {
			t.Errorf("%v after the first: %v", after, err)
		}
		read, err := Verify(token.Reveal(), []*Key{k}, some.Issuer, claims.IssuedAt)
		if err != nil || read.IssuedAt.Add(Life).Sub(claims.IssuedAt) < 50*time.Second {
			t.Errorf("%v after the first: issued at %v, %v", after, read.IssuedAt, err)
		}
	}
}

// TestTheCacheIsBounded: it forgets old tokens, whatever sessions ask.
func TestTheCacheIsBounded(t *testing.T) {
	k, _ := countedKey(t)
	var cache Cache
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			for i := range 2 * tokensKept {
				name, err := nameOf(k, some, fmt.Sprint(worker, i))
				if err != nil {
					t.Error(err)
				}
				cache.find(name, some.IssuedAt)
				cache.keep(name, kept{issued: some.IssuedAt})
			}
		})
	}
	all.Wait()
	if n := len(cache.newer) + len(cache.older); n > 2*tokensKept {
		t.Errorf("%d tokens are kept, at most %d", n, 2*tokensKept)
	}
	cache.keep([32]byte{1}, kept{issued: some.IssuedAt.Add(time.Minute)})
	if len(cache.newer) != 1 {
		t.Errorf("%d tokens are kept as new after a minute", len(cache.newer))
	}
}
