package lincheck_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/test/lincheck"
)

// Each test here shows that the histories find a kind of bug. A store between the domain and the
// real store has the bug; the product does not know of it.

// notices fails the test unless a history of the scenario finds an error within 300 seeds.
func notices(t *testing.T, scenario string, wrap func(store.Store) store.Store) {
	t.Helper()
	const seeds = 300
	memory := lincheck.Memory(t)
	for _, s := range lincheck.Scenarios() {
		if s.Name != scenario {
			continue
		}
		for seed := range uint64(seeds) {
			c := lincheck.Config{Faulty: 50 * int(seed%2), Patience: 20 * time.Second}
			err := lincheck.Run(t.Context(), wrap(memory(t)), s, seed+1, c)
			if err != nil && strings.HasPrefix(err.Error(), "begin") {
				t.Fatalf("the breakage is so coarse that no history begins: %v", err)
			}
			if err != nil {
				what, _, _ := strings.Cut(err.Error(), "\n")
				t.Logf("noticed with seed %d: %s", seed+1, what)
				return
			}
		}
		t.Errorf("%d histories of %q did not notice", seeds, scenario)
		return
	}
	t.Fatalf("there is no scenario %q", scenario)
}

// noticesIn calls notices for several scenarios.
func noticesIn(t *testing.T, wrap func(store.Store) store.Store, scenarios ...string) {
	for _, s := range scenarios {
		t.Run(s, func(t *testing.T) { notices(t, s, wrap) })
	}
}

// unversionedStore ignores versions, so concurrent changes of a record lose updates.
type unversionedStore struct {
	store.Store
	mu *sync.Mutex
}

func (c unversionedStore) Commit(ctx context.Context, writes []store.Write, increments ...store.Increment) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	writes = slices.Clone(writes)
	for i := range writes {
		records, err := c.Get(ctx, writes[i].Key)
		if err != nil {
			return err
		}
		writes[i].Version = records[0].Version
	}
	return c.Store.Commit(ctx, writes, increments...)
}

func TestReadThenPutIsNoticed(t *testing.T) {
	noticesIn(t, func(s store.Store) store.Store { return unversionedStore{s, &sync.Mutex{}} },
		"text message", "authenticator app", "backup codes", "ticket", "default factor", "owner of a number", "records and counters")
}

// object is a record as JSON.
type object = map[string]any

// editingStore changes records when they are read or written.
type editingStore struct {
	store.Store
	// written changes a record that will replace before, which is nil for a new record.
	written func(kind store.Kind, before, after object)
	// seen changes a record that was read.
	seen func(kind store.Kind, o object)
}

func decode(data []byte) object {
	if len(data) == 0 {
		return nil
	}
	var o object
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&o); err != nil {
		return nil
	}
	return o
}

func encode(o object) []byte {
	data, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return data
}

func (f editingStore) Get(ctx context.Context, keys ...store.Key) ([]store.Record, error) {
	records, err := f.Store.Get(ctx, keys...)
	if err != nil || f.seen == nil {
		return records, err
	}
	for i := range records {
		if o := decode(records[i].Data); o != nil {
			f.seen(records[i].Key.Kind, o)
			records[i].Data = encode(o)
		}
	}
	return records, nil
}

func (f editingStore) Commit(ctx context.Context, writes []store.Write, increments ...store.Increment) error {
	if f.written == nil {
		return f.Store.Commit(ctx, writes, increments...)
	}
	writes = slices.Clone(writes)
	for i := range writes {
		records, err := f.Store.Get(ctx, writes[i].Key)
		if err != nil {
			return err
		}
		if o := decode(writes[i].Data); o != nil {
			f.written(writes[i].Key.Kind, decode(records[0].Data), o)
			writes[i].Data = encode(o)
		}
	}
	return f.Store.Commit(ctx, writes, increments...)
}

// at returns the object at a path, or nil.
func at(o object, path ...string) object {
	for _, name := range path {
		o, _ = o[name].(object)
	}
	return o
}

func TestACounterClearedByAResendIsNoticed(t *testing.T) {
	notices(t, "text message", func(s store.Store) store.Store {
		return editingStore{Store: s, written: func(_ store.Kind, before, after object) {
			if old, code := at(before, "si", "f2", "c"), at(after, "si", "f2", "c"); old != nil && code != nil && old["t"] != code["t"] {
				delete(code, "a")
				delete(at(after, "si", "f2"), "w")
			}
		}}
	})
}

func TestTriesThatAreNotStoredAreNoticed(t *testing.T) {
	notices(t, "text message", func(s store.Store) store.Store {
		return editingStore{Store: s, written: func(_ store.Kind, _, after object) {
			delete(at(after, "si", "f2", "c"), "a")
			delete(at(after, "si", "f2"), "w")
		}}
	})
}

func TestFailuresThatAreNotStoredAreNoticed(t *testing.T) {
	noticesIn(t, func(s store.Store) store.Store {
		return editingStore{Store: s, written: func(_ store.Kind, _, after object) { delete(after, "b2") }}
	}, "text message", "authenticator app", "backup codes")
}

func TestAStepThatIsNotStoredIsNoticed(t *testing.T) {
	notices(t, "authenticator app", func(s store.Store) store.Store {
		return editingStore{Store: s, written: func(_ store.Kind, _, after object) { delete(at(after, "to"), "l") }}
	})
}

func TestAnExpiryThatIsNotInTheConditionIsNoticed(t *testing.T) {
	const never = json.Number("99999999999999")
	t.Run("of a text message", func(t *testing.T) {
		notices(t, "text message", func(s store.Store) store.Store {
			return editingStore{Store: s, seen: func(_ store.Kind, o object) {
				if code := at(o, "si", "f2", "c"); code != nil {
					code["e"] = never
				}
			}}
		})
	})
	t.Run("of a ticket", func(t *testing.T) {
		notices(t, "ticket", func(s store.Store) store.Store {
			return editingStore{Store: s, seen: func(kind store.Kind, o object) {
				if kind == store.KindTicket {
					o["e"] = never
				}
			}}
		})
	})
}

func TestATicketThatIsNotUsedUpIsNoticed(t *testing.T) {
	notices(t, "ticket", func(s store.Store) store.Store {
		return editingStore{Store: s, written: func(kind store.Kind, _, after object) {
			if kind == store.KindTicket {
				delete(after, "ud")
			}
		}}
	})
}

func TestABackupCodeThatIsNotRemovedIsNoticed(t *testing.T) {
	notices(t, "backup codes", func(s store.Store) store.Store {
		return editingStore{Store: s, written: func(_ store.Kind, before, after object) {
			if old, set := at(before, "bc"), at(after, "bc"); old != nil && set != nil && old["i"] == set["i"] {
				set["t"] = old["t"]
				delete(set, "d")
			}
		}}
	})
}

func TestAClaimThatIsNotStoredIsNoticed(t *testing.T) {
	notices(t, "owner of a number", func(s store.Store) store.Store {
		return editingStore{Store: s, seen: func(kind store.Kind, o object) {
			if kind == store.KindClaim {
				o["u"] = ""
			}
		}}
	})
}

// every says whether a commit goes wrong: every third one after the first four, which create the
// user and the sign-in.
func every(commits int) bool { return commits >= 5 && commits%3 == 2 }

// earlyAnswerStore answers every third commit before it applies it, at the next call.
type earlyAnswerStore struct {
	store.Store
	state *earlyAnswerState
}

type earlyAnswerState struct {
	mu      sync.Mutex
	commits int
	late    []func() error
	lost    bool // a confirmed commit is never made
}

func (h earlyAnswerStore) Get(ctx context.Context, keys ...store.Key) ([]store.Record, error) {
	records, err := h.Store.Get(ctx, keys...)
	h.state.mu.Lock()
	defer h.state.mu.Unlock()
	for _, commit := range h.state.late {
		_ = commit()
	}
	h.state.late = nil
	return records, err
}

func (h earlyAnswerStore) Commit(ctx context.Context, writes []store.Write, increments ...store.Increment) error {
	h.state.mu.Lock()
	defer h.state.mu.Unlock()
	h.state.commits++
	if !every(h.state.commits) {
		return h.Store.Commit(ctx, writes, increments...)
	}
	if !h.state.lost {
		h.state.late = append(h.state.late, func() error { return h.Store.Commit(ctx, writes, increments...) })
	}
	return nil
}

func TestAnAnswerBeforeTheCommitIsNoticed(t *testing.T) {
	noticesIn(t, func(s store.Store) store.Store { return earlyAnswerStore{s, &earlyAnswerState{}} }, "text message", "authenticator app", "backup codes", "ticket", "records and counters")
}

func TestACommitThatIsNeverMadeIsNoticed(t *testing.T) {
	noticesIn(t, func(s store.Store) store.Store { return earlyAnswerStore{s, &earlyAnswerState{lost: true}} }, "text message", "authenticator app", "backup codes", "ticket", "records and counters")
}

// retryAsNewStore repeats every third commit as a new one, as after a lost answer. It then reports
// the conflict with its own write.
type retryAsNewStore struct {
	store.Store
	mu      *sync.Mutex
	commits *int
}

func (d retryAsNewStore) Commit(ctx context.Context, writes []store.Write, increments ...store.Increment) error {
	err := d.Store.Commit(ctx, writes, increments...)
	d.mu.Lock()
	defer d.mu.Unlock()
	if *d.commits++; err == nil && every(*d.commits) {
		return d.Store.Commit(ctx, writes, increments...)
	}
	return err
}

func TestALostAnswerTriedAgainAsNewIsNoticed(t *testing.T) {
	noticesIn(t, func(s store.Store) store.Store { return retryAsNewStore{s, &sync.Mutex{}, new(int)} },
		"text message", "authenticator app", "backup codes", "ticket", "owner of a number", "records and counters")
}

// partialCommitStore commits records one by one and, every third time, only the first.
type partialCommitStore struct {
	store.Store
	mu      *sync.Mutex
	commits *int
}

func (c partialCommitStore) Commit(ctx context.Context, writes []store.Write, increments ...store.Increment) error {
	c.mu.Lock()
	*c.commits++
	half := every(*c.commits) && len(writes)+len(increments) > 1
	c.mu.Unlock()
	if half {
		if len(writes) == 0 {
			increments = increments[:1]
		} else {
			writes, increments = writes[:1], nil
		}
	}
	return c.Store.Commit(ctx, writes, increments...)
}

func TestHalfACommitIsNoticed(t *testing.T) {
	noticesIn(t, func(s store.Store) store.Store { return partialCommitStore{s, &sync.Mutex{}, new(int)} }, "text message", "owner of a number", "records and counters")
}

// errorAsAnswerStore hides errors: a failed read finds no record, and a failed commit reports
// success.
type errorAsAnswerStore struct {
	store.Store
	mu    *sync.Mutex
	calls *int
}

func (c errorAsAnswerStore) fails() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	*c.calls++
	return *c.calls >= 20 && *c.calls%5 == 0
}

func (c errorAsAnswerStore) Get(ctx context.Context, keys ...store.Key) ([]store.Record, error) {
	records, err := c.Store.Get(ctx, keys...)
	if c.fails() {
		err = errors.New("throttled")
	}
	if err != nil {
		records = make([]store.Record, len(keys))
		for i, k := range keys {
			records[i].Key = k
		}
	}
	return records, nil
}

func (c errorAsAnswerStore) Commit(ctx context.Context, writes []store.Write, increments ...store.Increment) error {
	if c.fails() {
		return nil
	}
	return c.Store.Commit(ctx, writes, increments...)
}

func TestErrorsTakenForAnswersAreNoticed(t *testing.T) {
	noticesIn(t, func(s store.Store) store.Store { return errorAsAnswerStore{s, &sync.Mutex{}, new(int)} }, "text message", "authenticator app", "backup codes", "ticket")
}

// uncountedStore drops increments.
type uncountedStore struct{ store.Store }

func (g uncountedStore) Commit(ctx context.Context, writes []store.Write, _ ...store.Increment) error {
	return g.Store.Commit(ctx, writes)
}

func TestATakeThatIsNotCountedIsNoticed(t *testing.T) {
	notices(t, "records and counters", func(s store.Store) store.Store { return uncountedStore{s} })
}
