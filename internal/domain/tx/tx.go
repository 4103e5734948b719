// Package tx carries out one operation as one transaction: it reads records, runs the operation,
// and commits what the operation staged. A commit is conditional on the versions that were read.
package tx

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/language"
	"github.com/countersign-mfa/countersign/internal/store"
)

// commitTries limits how often an operation runs again because its records changed meanwhile. An
// operation that lost a race usually finds, after one more read, that nothing is left to commit.
const commitTries = 24

// Tx is one attempt to carry out an operation: what it read, what it will write, and what happens
// after the commit. Reads are cached, so that all of an operation sees one state.
type Tx struct {
	Engine     *Engine
	Ctx        context.Context
	Now        account.Instant
	Seen       map[store.Key]account.Entity
	Order      []store.Key
	Dirty      map[store.Key]bool // true: delete
	Increments []store.Increment
	// Quotas are reserved before the commit. Those in Later are added after it, without a limit; they
	// give back, or are only displayed.
	Quotas, Later []Quota
	After         []func() error
	Events        []account.Event
	// Logged is the record of the event log that the commit adds, if any.
	Logged *account.EventRecord
	State  *SettingsState
	// ByBackend is set for requests of the Backend API.
	ByBackend bool
	// Operator is the person behind a request of the Backend API.
	Operator account.Operator
	// listings has the users' places in lists as of the records that were read.
	listings map[store.Key]*account.Listing
	// UnknownFields holds stored records with fields of a newer version, as they were read.
	UnknownFields map[store.Key][]byte
	// OnLimit changes what is staged when the commit found a counter at its limit, and the commit is
	// tried again. An error ends the operation, unless it is the one given to [Tx.Refuse].
	OnLimit func(counter string) error
	// Caller is the session that acts, once sessions.RequireSession found it.
	Caller *SignedIn
	// Browser is the calling client; nil if it has no valid token.
	Browser *account.Client
	// BySystem is set for work that Countersign starts itself.
	BySystem bool
	refusal  error // the answer of an operation that commits although it failed
	compared *comparisons
	began    uint64         // the position of [comparing] before the first read
	Device   account.Device // of the caller, for a guess at a second factor
	Address  netip.Addr
	Language language.Tag
}

// Refuse records err as the answer of the operation and returns it. A refused operation commits
// what it staged: the cost of a wrong code, the record of a refused message. Any other error
// commits nothing.
func (t *Tx) Refuse(err error) error {
	t.refusal = err
	return err
}

// Refused reports whether the operation was refused and commits all the same.
func (t *Tx) Refused() bool { return t.refusal != nil }

// Update runs one operation: it reads keys in one round trip, runs do, and commits what do staged.
// do may run several times, so it must only stage effects.
func (s *Engine) Update(ctx context.Context, keys []store.Key, do func(*Tx) error) error {
	var compared comparisons
	defer compared.end()
	for try := 0; ; try++ {
		t := &Tx{Engine: s, Ctx: ctx, Now: account.At(s.clock()), Seen: map[store.Key]account.Entity{}, Dirty: map[store.Key]bool{}, Operator: operatorOf(ctx), compared: &compared, began: s.comparing.position()}
		if err := t.begin(keys); err != nil {
			return err
		}
		err := t.attempt(do)
		switch {
		case errors.Is(err, errAgain):
			try--
			continue
		case errors.Is(err, store.ErrConflict) && try+1 < commitTries:
			if err := s.backOff(ctx, try); err != nil {
				return err
			}
			continue
		case errors.Is(err, store.ErrConflict):
			return apierr.New(apierr.ResourceLocked)
		case err != nil:
			return err
		}
		t.settle()
		for _, e := range t.Events {
			s.Notify(e)
		}
		for _, f := range t.After {
			if err := f(); err != nil {
				return err
			}
		}
		return t.refusal
	}
}

// attempt runs an operation once and commits what it staged, if it succeeded or was refused.
func (t *Tx) attempt(do func(*Tx) error) error {
	if err := do(t); err != nil && !errors.Is(err, t.refusal) {
		return err
	}
	return t.commit()
}

// backOff waits for a random time whose limit doubles with every try, up to 32 ms.
func (s *Engine) backOff(ctx context.Context, try int) error {
	var b [2]byte
	if _, err := s.Rand.Read(b[:]); err != nil {
		return fmt.Errorf("read random bytes: %w", err)
	}
	limit := time.Millisecond << min(try, 5)
	wait := limit * time.Duration(new(big.Int).SetBytes(b[:]).Int64()) / (1 << 16)
	return s.pause(ctx, wait)
}

// begin reads the operation's records, and the settings if this process has not read them lately.
func (t *Tx) begin(keys []store.Key) error {
	t.State = t.Engine.Cache.fresh(t.Now)
	if t.State == nil {
		keys = append(append([]store.Key(nil), keys...), account.SettingsKey, account.SigningKeysKey)
	}
	if err := t.Read(keys...); err != nil {
		return err
	}
	if t.State == nil {
		t.State = &SettingsState{
			Settings: *t.Seen[account.SettingsKey].(*account.Settings),
			Keys:     t.Seen[account.SigningKeysKey].(*account.SigningKeys),
			until:    t.Now.Add(settingsCached),
		}
		if t.State.Settings.Version == 0 {
			t.State.Settings = account.DefaultSettings()
		}
		t.Engine.Cache.Put(t.State)
	}
	for _, e := range t.Seen {
		t.setPolicy(e)
	}
	return nil
}

// setPolicy attaches to a user what the settings say.
func (t *Tx) setPolicy(e account.Entity) {
	if u, ok := e.(*account.User); ok && t.State != nil {
		t.Attach(u)
	}
}

// Attach attaches to a user what the settings say: the guess policy, so that users can report
// remaining attempts, whether they may delete the account, from when on they need a second factor,
// and which passkeys count.
func (t *Tx) Attach(u *account.User) {
	set := &t.State.Settings
	u.Policy, u.DeleteSelf, u.SwitchedFrom, u.RPID = t.Policy(), set.DeleteSelf, set.RequiredFrom(u), t.Engine.RPID(set)
}

// Read fetches the records that were not read yet, in one round trip.
func (t *Tx) Read(keys ...store.Key) error {
	var missing []store.Key
	for _, k := range keys {
		if _, ok := t.Seen[k]; !ok && k.ID != "" {
			t.Seen[k] = nil
			missing = append(missing, k)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	records, err := t.Engine.Store.Get(t.Ctx, missing...)
	if err != nil {
		for _, k := range missing {
			delete(t.Seen, k)
		}
		return fmt.Errorf("read records: %w", err)
	}
	for i, r := range records {
		e, foreign, err := t.Engine.Decode(r)
		if err != nil {
			return err
		}
		if foreign != nil {
			t.keepForeign(missing[i], foreign)
		}
		t.keepListing(e)
		if epoch := account.At(t.Engine.RestoredAt); !t.Engine.RestoredAt.IsZero() && r.Version != 0 {
			InvalidateBefore(e, epoch)
		}
		if u, ok := e.(*account.User); ok && r.Version != 0 {
			u.ReadFactors, u.ReadSecond = u.FactorSet(), u.TwoFactorEnabled()
		}
		t.setPolicy(e)
		t.Seen[missing[i]] = e
	}
	return nil
}

func (t *Tx) keepForeign(k store.Key, data []byte) {
	if t.UnknownFields == nil {
		t.UnknownFields = map[store.Key][]byte{}
	}
	t.UnknownFields[k] = data
}

// Load returns a record, or nil if it does not exist or was deleted in this transaction.
func Load[E account.Entity](t *Tx, k store.Key) (E, error) {
	var none E
	if k.ID == "" {
		return none, nil
	}
	if err := t.Read(k); err != nil {
		return none, err
	}
	e, ok := t.Seen[k].(E)
	if _, staged := t.Dirty[k]; !ok || t.Dirty[k] || (e.StoredVersion() == 0 && !staged) {
		return none, nil
	}
	return e, nil
}

// Client returns a client, or nil if there is none.
func (t *Tx) Client(id string) (*account.Client, error) {
	return Load[*account.Client](t, store.Key{Kind: store.KindClient, ID: id})
}

// User returns a user, or nil if there is none or its deletion has begun.
func (t *Tx) User(id string) (*account.User, error) {
	u, err := Load[*account.User](t, store.Key{Kind: store.KindUser, ID: id})
	if err != nil || u == nil || u.Erasing != nil {
		return nil, err
	}
	return u, nil
}

// Discard forgets what was staged: records, deletions, increments and quotas.
func (t *Tx) Discard() {
	t.Order, t.Dirty, t.Increments = nil, map[store.Key]bool{}, nil
	t.Quotas, t.Later = nil, nil
}

// Put stages a record to be written.
func (t *Tx) Put(e account.Entity) { t.stage(e, false) }

// Delete stages a record to be removed.
func (t *Tx) Delete(e account.Entity) { t.stage(e, true) }

func (t *Tx) stage(e account.Entity, remove bool) {
	k := e.Key()
	if _, ok := t.Dirty[k]; !ok {
		t.Order = append(t.Order, k)
	}
	t.Seen[k], t.Dirty[k] = e, remove
}

// commit stores what was staged. A reached limit of the SMS guard may change what that is.
func (t *Tx) commit() error {
	for _, prepare := range t.Engine.beforeCommit {
		if err := prepare(t); err != nil {
			return err
		}
	}
	for {
		err := t.reserveAndWrite()
		counter, ok := asLimitReached(err)
		switch {
		case !ok:
			return err
		case t.OnLimit == nil:
			return t.rememberLimit(counter)
		}
		if err := t.OnLimit(counter); err != nil && !errors.Is(err, t.refusal) {
			return err
		}
	}
}

// reserveAndWrite stores what was staged. Quotas stay reserved when the outcome is unknown.
func (t *Tx) reserveAndWrite() error {
	held, err := t.reserve()
	if err != nil {
		return err
	}
	if err = t.write(); err != nil && notStored(err) {
		t.giveBack(held)
	}
	return err
}

func (t *Tx) write() error {
	writes, increments := make([]store.Write, 0, len(t.Order)), t.Increments
	for _, k := range t.Order {
		e := t.Seen[k]
		w := store.Write{Record: store.Record{Key: k, Version: e.StoredVersion()}, Delete: t.Dirty[k]}
		if w.Delete && w.Version == 0 {
			continue
		}
		if u, ok := e.(*account.User); ok {
			increments = append(increments[:len(increments):len(increments)], t.list(u, &w)...)
		}
		if !w.Delete {
			data, err := t.Engine.Encode(e, t.UnknownFields[k])
			if err != nil {
				return err
			}
			w.Data, w.Expires, w.Ends = data, e.NextExpiry(), e.EndsAt()
		}
		writes = append(writes, w)
	}
	if len(writes) == 0 && len(increments) == 0 {
		return nil
	}
	t.note(writes)
	if err := t.Engine.Store.Commit(t.Ctx, writes, increments...); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// rememberLimit notes a reached limit for the process and returns the error for it.
func (t *Tx) rememberLimit(counter string) error {
	if inc := t.Staged(counter); inc != nil {
		t.Engine.comparing.rememberLimit(counter, inc.Expires, t.Now.Time())
	}
	return t.LimitReached(counter)
}

// LimitReached returns the error for a reached limit, with the time until its period ends.
func (t *Tx) LimitReached(counter string) error {
	var wait time.Duration
	if inc := t.Staged(counter); inc != nil {
		wait = inc.Expires.Sub(t.Now.Time())
	}
	return apierr.New(apierr.TooManyRequests).Retry(wait)
}

// Policy returns the guess policy that the settings select.
func (t *Tx) Policy() account.Policy { return t.State.Settings.Policy() }
