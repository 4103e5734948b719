// Package mfatest wires the service for tests and simulations.
package mfatest

import (
	"cmp"
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/clock"
	"github.com/countersign-mfa/countersign/internal/crypto/password"
	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/numberplan"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/test/sessionkeys"
)

// Began is the first time that a simulated clock shows.
var Began = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// Config returns c with a value in each field that a service needs: a store in memory, an outbox,
// real randomness, a clock that stands at [Began], cheap password hashes, the same master key in
// all services, and shared signing keys.
func Config(c domain.Config) domain.Config {
	c.Store = cmp.Or[store.Store](c.Store, store.NewMemory())
	c.Sender = cmp.Or[tx.Sender](c.Sender, &Outbox{})
	c.Rand = cmp.Or(c.Rand, crand.Reader)
	c.Ring = cmp.Or(c.Ring, Ring(c.Rand, seal.Key{1, 2, 3}))
	c.Passwords = cmp.Or[tx.Passwords](c.Passwords, password.New(password.Params{Memory: 8, Time: 1, Threads: 1}, c.Rand))
	if c.Numbers == nil {
		c.Numbers = numberplan.ParseIn
	}
	if c.Now == nil {
		c.Now = func() time.Time { return Began }
	}
	if c.Pause == nil {
		c.Pause = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	}
	if c.Key == nil {
		c.Key = sessionkeys.Keys()
	}
	c.Issuer = cmp.Or(c.Issuer, "https://clerk.example.com")
	c.AppName = cmp.Or(c.AppName, "Example")
	c.SMSHost = cmp.Or(c.SMSHost, "example.com")
	return c
}

// Ring returns a ring with one master key.
func Ring(random io.Reader, key seal.Key) *seal.Ring {
	ring, err := seal.NewRing(1, map[uint32]seal.Key{1: key}, random)
	if err != nil {
		panic(err)
	}
	return ring
}

// Random returns randomness that a seed repeats.
func Random(seed uint64) *rand.ChaCha8 {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	return rand.NewChaCha8(key)
}

// Mobile parses each number as an American mobile number, for tests that are not about numbering
// plans.
func Mobile(text, _ string) (phone.Number, error) { return phone.New(text, "US", phone.Mobile) }

// NewClock returns a clock that stands at [Began] until a test moves it.
func NewClock() *clock.Clock { return clock.Movable(func() time.Time { return Began }) }

// TB is a test with assertions.
type TB struct{ testing.TB }

// Must fails the test if there is an error.
func (t TB) Must(err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// World is a service under test, with a clock that a test moves and an outbox.
type World struct {
	TB
	*domain.Service
	*clock.Clock
	Outbox
	// Config is the configuration of Service, from which a test makes further services.
	Config domain.Config
}

// New returns a world whose service has the configuration c, completed by [Config]. Without a
// Sender or Now in c, the service has the world's outbox and clock.
func New(t testing.TB, c domain.Config) *World {
	t.Helper()
	w := &World{TB: TB{t}, Clock: NewClock()}
	c.Sender = cmp.Or[tx.Sender](c.Sender, &w.Outbox)
	if c.Now == nil {
		c.Now = w.Now
	}
	w.Config = Config(c)
	w.Restart()
	return w
}

// Restart replaces the service by a new one of the same configuration, as another process has it.
func (w *World) Restart() {
	w.Helper()
	var err error
	w.Service, err = domain.New(w.Config)
	w.Must(err)
}

// Outbox keeps the messages that a service sends. It is safe for concurrent use.
type Outbox struct {
	mu   sync.Mutex
	sent []tx.Message
	err  error
}

// Send implements [tx.Sender].
func (o *Outbox) Send(_ context.Context, m tx.Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.sent = append(o.sent, m)
	}
	return o.err
}

// Fail makes each later Send keep nothing and return err. A nil err ends that.
func (o *Outbox) Fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err = err
}

// Sent returns the messages in the order of their sending.
func (o *Outbox) Sent() []tx.Message {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.sent)
}

// Clear removes all messages.
func (o *Outbox) Clear() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sent = nil
}

// Code returns the code of the last message, or "" if there is none.
func (o *Outbox) Code() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.sent) == 0 {
		return ""
	}
	return CodeIn(o.sent[len(o.sent)-1])
}

var codeLine = regexp.MustCompile(`#(\d{6})$`)

// CodeIn returns the code in the last line of a message, or "" if the message has no code.
func CodeIn(m tx.Message) string {
	if found := codeLine.FindStringSubmatch(m.Body.Reveal()); found != nil {
		return found[1]
	}
	return ""
}
