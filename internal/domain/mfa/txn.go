package mfa

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/language"
)

// commitTries bounds how often a change is computed again because its records changed underneath. Whoever loses a race
// usually finds after one re-read that nothing is left to commit.
const commitTries = 24

// A txn is one attempt to carry out an operation: what it read, what it means to write, and what is to happen after the
// commit. Reads are cached, so that every later look is at the same state.
type txn struct {
	s          *Service
	ctx        context.Context
	now        Instant
	seen       map[Key]entity
	order      []Key
	dirty      map[Key]bool // true: delete
	increments []Increment
	after      []func() error
	events     []Event
	// logged is the record of the event log that the commit adds, if any.
	logged *eventRecord
	state  *settingsState
	// byBackend says that the team's own servers ask.
	byBackend bool
	// unknownFields has, as they were stored, the records with fields of a newer version.
	unknownFields map[Key][]byte
	// onLimit answers a commit that found a counter at its limit: nil lets the commit be tried again, as
	// it now stands; a [refusal] is committed in its place; another error ends the operation.
	onLimit func(counter string) error
	// caller is the session that acts, once [txn.requireSession] found it.
	caller *signedIn
	// bySystem says that Countersign acts by itself.
	bySystem bool
	compared *comparisons
	began    uint64 // the moment of [comparing] before anything was read
	device   string // "known" for a guess on a client that passed the user's second factor before
	address  netip.Addr
	language language.Tag
}

// refusal carries an answer that denies and yet commits: the cost of a wrong guess.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// refuse makes the operation commit what it staged and then answer err.
func (t *txn) refuse(err error) error { return refusal{err} }

// update runs one operation: it reads keys in one round trip, runs do on them, and commits what do staged. do may run several
// times and must only stage effects.
func (s *Service) update(ctx context.Context, keys []Key, do func(*txn) error) error {
	var compared comparisons
	defer compared.end()
	for try := 0; ; try++ {
		t := &txn{s: s, ctx: ctx, now: At(s.now()), seen: map[Key]entity{}, dirty: map[Key]bool{}, compared: &compared, began: s.comparing.position()}
		if err := t.begin(keys); err != nil {
			return err
		}
		verdict, err := t.attempt(do)
		switch {
		case errors.Is(err, errAgain):
			try--
			continue
		case errors.Is(err, ErrConflict) && try+1 < commitTries:
			if err := s.backOff(ctx, try); err != nil {
				return err
			}
			continue
		case errors.Is(err, ErrConflict):
			return apierr.New(apierr.ResourceLocked)
		case err != nil:
			return err
		}
		for _, e := range t.events {
			s.notify(e)
		}
		for _, f := range t.after {
			if err := f(); err != nil {
				return err
			}
		}
		if r := (refusal{}); errors.As(verdict, &r) {
			return r.error
		}
		return nil
	}
}

// attempt runs an operation and commits. The verdict is a refusal that was committed, the error why nothing was.
func (t *txn) attempt(do func(*txn) error) (verdict, err error) {
	verdict = do(t)
	if verdict != nil && !errors.As(verdict, new(refusal)) {
		return nil, verdict
	}
	err = t.commit()
	if errors.As(err, new(refusal)) {
		return err, nil
	}
	return verdict, err
}

// backOff waits a random moment that grows with every try.
func (s *Service) backOff(ctx context.Context, try int) error {
	var b [2]byte
	if _, err := s.rand.Read(b[:]); err != nil {
		return fmt.Errorf("read random bytes: %w", err)
	}
	limit := time.Millisecond << min(try, 5)
	wait := limit * time.Duration(new(big.Int).SetBytes(b[:]).Int64()) / (1 << 16)
	return s.pause(ctx, wait)
}

// begin reads the operation's records, and with them the settings when this process has not seen them lately.
func (t *txn) begin(keys []Key) error {
	t.state = t.s.cache.fresh(t.now)
	if t.state == nil {
		keys = append(append([]Key(nil), keys...), settingsKey, signingKeysKey)
	}
	if err := t.read(keys...); err != nil {
		return err
	}
	if t.state == nil {
		t.state = &settingsState{
			settings: *t.seen[settingsKey].(*Settings),
			keys:     t.seen[signingKeysKey].(*signingKeys),
			until:    t.now.Add(settingsCached),
		}
		if t.state.settings.version == 0 {
			t.state.settings = defaultSettings()
		}
		t.s.cache.put(t.state)
	}
	for _, e := range t.seen {
		t.setPolicy(e)
	}
	return nil
}

// setPolicy tells a user's record the policy that its budgets are to be shown by.
func (t *txn) setPolicy(e entity) {
	if u, ok := e.(*User); ok && t.state != nil {
		u.policy = t.policy()
	}
}

// read fetches the records that were not yet read, in one round trip.
func (t *txn) read(keys ...Key) error {
	var missing []Key
	for _, k := range keys {
		if _, ok := t.seen[k]; !ok && k.ID != "" {
			t.seen[k] = nil
			missing = append(missing, k)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	records, err := t.s.store.Get(t.ctx, missing...)
	if err != nil {
		for _, k := range missing {
			delete(t.seen, k)
		}
		return fmt.Errorf("read records: %w", err)
	}
	for i, r := range records {
		e, foreign, err := t.s.decode(r)
		if err != nil {
			return err
		}
		if foreign != nil {
			t.keepForeign(missing[i], foreign)
		}
		if epoch := At(t.s.restoredAt); !t.s.restoredAt.IsZero() && r.Version != 0 {
			invalidateBefore(e, epoch)
		}
		if u, ok := e.(*User); ok && r.Version != 0 {
			u.readFactors, u.readSecond = u.factorSet(), u.TwoFactorEnabled()
		}
		t.setPolicy(e)
		t.seen[missing[i]] = e
	}
	return nil
}

func (t *txn) keepForeign(k Key, data []byte) {
	if t.unknownFields == nil {
		t.unknownFields = map[Key][]byte{}
	}
	t.unknownFields[k] = data
}

// load returns a record, or nil when it does not exist.
func load[E entity](t *txn, k Key) (E, error) {
	var none E
	if k.ID == "" {
		return none, nil
	}
	if err := t.read(k); err != nil {
		return none, err
	}
	e, ok := t.seen[k].(E)
	if _, staged := t.dirty[k]; !ok || t.dirty[k] || (e.storedVersion() == 0 && !staged) {
		return none, nil
	}
	return e, nil
}

func (t *txn) client(id string) (*Client, error) { return load[*Client](t, Key{KindClient, id}) }

// user returns a user, or nil when there is none or its deletion has begun.
func (t *txn) user(id string) (*User, error) {
	u, err := load[*User](t, Key{KindUser, id})
	if err != nil || u == nil || u.Erasing != nil {
		return nil, err
	}
	return u, nil
}

// put stages a record to be written.
func (t *txn) put(e entity) { t.stage(e, false) }

// delete stages a record to be removed.
func (t *txn) delete(e entity) { t.stage(e, true) }

func (t *txn) stage(e entity, remove bool) {
	k := e.key()
	if _, ok := t.dirty[k]; !ok {
		t.order = append(t.order, k)
	}
	t.seen[k], t.dirty[k] = e, remove
}

// commit stores what was staged. When a limit of the SMS guard is reached it may store something else instead and return a [refusal].
func (t *txn) commit() error {
	for _, prepare := range t.s.beforeCommit {
		if err := prepare(t); err != nil {
			return err
		}
	}
	var verdict error
	for {
		err := t.write()
		counter, ok := asLimitReached(err)
		switch {
		case err == nil:
			return verdict
		case !ok:
			return err
		case t.onLimit == nil:
			return t.rememberLimit(counter)
		}
		if again := t.onLimit(counter); again != nil {
			if !errors.As(again, new(refusal)) {
				return again
			}
			verdict = again
		}
	}
}

func (t *txn) write() error {
	writes := make([]Write, 0, len(t.order))
	for _, k := range t.order {
		e := t.seen[k]
		w := Write{Record: Record{Key: k, Version: e.storedVersion()}, Delete: t.dirty[k]}
		if w.Delete && w.Version == 0 {
			continue
		}
		if !w.Delete {
			data, err := t.s.encode(e, t.unknownFields[k])
			if err != nil {
				return err
			}
			w.Data, w.Expires, w.Ends = data, e.expires(), e.ends()
		}
		writes = append(writes, w)
	}
	if len(writes) == 0 && len(t.increments) == 0 {
		return nil
	}
	if err := t.s.store.Commit(t.ctx, writes, t.increments...); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// rememberLimit is exhausted for a limit that a commit has found so.
func (t *txn) rememberLimit(counter string) error {
	if inc := t.staged(counter); inc != nil {
		t.s.comparing.rememberLimit(counter, inc.Expires, t.now.Time())
	}
	return t.limitReached(counter)
}

// limitReached says when the period of a reached limit ends.
func (t *txn) limitReached(counter string) error {
	var wait time.Duration
	for _, inc := range t.increments {
		if inc.Counter == counter {
			wait = inc.Expires.Sub(t.now.Time())
		}
	}
	return apierr.New(apierr.TooManyRequests).Retry(wait)
}
