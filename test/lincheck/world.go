package lincheck

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/test/mfatest"
)

// A World is a service over a store under test, with a simulated clock, seeded randomness and an
// outbox.
type World struct {
	*domain.Service
	// Store is the store under test, without the injected faults.
	Store store.Store
	Ring  *seal.Ring

	above  store.Store // the store that the service calls, with faults and turns
	faults *store.Faulty
	clock  testClock
	chance source
	config domain.Config

	mu   sync.Mutex
	sent []string // the sent codes in order
	// network, unless nil, says whether a message arrives and which error its sender gets.
	network func() (arrives bool, err error)
	// step, unless nil, is called before each call of the store.
	step func()
}

// Issuer is the public URL of every world's service.
const Issuer = "https://clerk.example.com"

var began = mfatest.Began

// numbers makes phone numbers unique within a store.
var numbers atomic.Int64

func newWorld(ctx context.Context, s store.Store, seed uint64) (*World, error) {
	w := &World{Store: s, chance: source{good: -1, from: mfatest.Random(seed)}}
	w.clock.set(began)
	w.faults = store.NewFaulty(s)
	w.above = turnStore{steppingStore{w.faults, w}}
	w.config = mfatest.Config(domain.Config{
		Store: w.above, Sender: w, Numbers: mfatest.Mobile, Now: w.clock.now, Rand: &w.chance, Issuer: Issuer,
		Pause: func(ctx context.Context, _ time.Duration) error { yield(ctx); return ctx.Err() },
	})
	w.Ring = w.config.Ring
	var err error
	if w.Service, err = domain.New(w.config); err != nil {
		return nil, fmt.Errorf("service: %w", err)
	}
	if _, err := w.Tokens.PublishedKeys(ctx); err != nil { // creates the first key
		return nil, fmt.Errorf("signing key: %w", err)
	}
	return w, nil
}

// number returns an unused phone number, in another block than the last one: what the histories of
// one store reserve twice, because an answer is lost, must not fill a block.
func (w *World) number() string {
	n := numbers.Add(1)
	return fmt.Sprintf("+1212%03d%04d", 200+n%800, n/800)
}

type sentKey struct{}

// Send implements [tx.Sender]. It keeps the code of a message, also for the operation that caused
// it.
func (w *World) Send(ctx context.Context, m tx.Message) error {
	code := mfatest.CodeIn(m)
	if code == "" {
		return errors.New("a message without a code")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.network != nil {
		if arrives, err := w.network(); !arrives || err != nil {
			if arrives {
				w.sent = append(w.sent, code)
			}
			return err
		}
	}
	w.sent = append(w.sent, code)
	if mine, ok := ctx.Value(sentKey{}).(*string); ok {
		*mine = code
	}
	return nil
}

// codes returns the codes that were sent so far.
func (w *World) codes() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.sent...)
}

// steppingStore calls its world's step before each call.
type steppingStore struct {
	store.Store
	w *World
}

func (s steppingStore) Get(ctx context.Context, keys ...store.Key) ([]store.Record, error) {
	if s.w.step != nil {
		s.w.step()
	}
	return s.Store.Get(ctx, keys...)
}

func (s steppingStore) Commit(ctx context.Context, writes []store.Write, increments ...store.Increment) error {
	if s.w.step != nil {
		s.w.step()
	}
	return s.Store.Commit(ctx, writes, increments...)
}

func (s steppingStore) Reserve(ctx context.Context, increments ...store.Increment) error {
	if s.w.step != nil {
		s.w.step()
	}
	return s.Store.Reserve(ctx, increments...)
}

// testClock is a simulated clock that records its changes. Stamps order the changes, the calls and
// the answers.
type testClock struct {
	mu      sync.Mutex
	stamp   int64
	changes []clockChange
}

type clockChange struct {
	stamp int64
	at    time.Time
}

func (c *testClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changes[len(c.changes)-1].at
}

func (c *testClock) set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stamp++
	c.changes = append(c.changes, clockChange{c.stamp, at})
}

func (c *testClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stamp++
	c.changes = append(c.changes, clockChange{c.stamp, c.changes[len(c.changes)-1].at.Add(d)})
}

func (c *testClock) nextStamp() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stamp++
	return c.stamp
}

// during returns the times that the clock showed between two stamps.
func (c *testClock) during(from, to int64) []time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	var shown []time.Time
	for _, m := range c.changes {
		switch {
		case m.stamp > to:
		case m.stamp < from:
			shown = []time.Time{m.at}
		default:
			shown = append(shown, m.at)
		}
	}
	return shown
}

// source is seeded randomness that several clients read.
type source struct {
	mu   sync.Mutex
	from *rand.ChaCha8
	// good is how many reads succeed before one fails; negative means all.
	good int
}

var errNoRandomness = errors.New("no randomness")

func (s *source) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.good == 0 {
		s.good = -1
		return 0, errNoRandomness
	}
	s.good--
	return s.from.Read(p)
}
