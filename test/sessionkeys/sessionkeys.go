// Package sessionkeys provides signing keys for tests. Making an RSA key takes longer than most
// tests.
package sessionkeys

import (
	"crypto/rand"
	"io"
	"sync"

	"github.com/countersign-mfa/countersign/internal/crypto/sessiontoken"
)

var pool struct {
	sync.Mutex
	keys  [8]*sessiontoken.Key
	begin int
}

// Keys returns a replacement for [sessiontoken.GenerateKey] that returns the same eight keys in
// turn. Each replacement begins at another key, so that the services of one test have different
// keys.
func Keys() func(io.Reader) (*sessiontoken.Key, error) {
	pool.Lock()
	defer pool.Unlock()
	next := pool.begin
	pool.begin += 3 // and still different after a rotation or two
	return func(io.Reader) (key *sessiontoken.Key, err error) {
		pool.Lock()
		defer pool.Unlock()
		at := next % len(pool.keys)
		next++
		if pool.keys[at] == nil {
			pool.keys[at], err = sessiontoken.GenerateKey(rand.Reader)
		}
		return pool.keys[at], err
	}
}
