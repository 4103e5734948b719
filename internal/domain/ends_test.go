package domain_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/sessiontoken"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/domain/webhook"
	"github.com/countersign-mfa/countersign/internal/store"
)

const day = 24 * time.Hour

// everyKind are the kinds of records. The value says whether the domain ends such a record as a
// whole.
var everyKind = map[store.Kind]bool{
	store.KindUser: false, store.KindSigningKey: false, store.KindSettings: false, store.KindDelivery: false, store.KindAudit: false,
	store.KindClient: true, store.KindTicket: true, store.KindNonce: true, store.KindNumber: true, store.KindSMS: true, store.KindEvent: true,
	store.KindStatistics: true, store.KindFeed: false, store.KindAttempts: true,
	store.KindClaim: true, // a claim without a user
}

// inMemory puts the world's service on a store in memory that can delete records at their end.
func (w *world) inMemory() *store.Memory {
	w.Helper()
	m := store.NewMemory()
	w.memory, w.counts = m, store.NewCounting(m)
	w.Config.Store = w.counts
	w.Restart()
	_, err := w.Settings.Change(w.Context(), func(s *account.Settings) { s.IPLimits = false })
	w.Must(err)
	return m
}

// oneOfEach leaves a record of every kind: a user with a session, a sign-in and a pending SMS code,
// and a rotated signing key.
func (w *world) oneOfEach() *person {
	w.Helper()
	ctx := w.Context()
	url, events := "https://hooks.example.com/", []eventtype.Name{eventtype.UserCreated}
	_, err := w.Webhooks.CreateEndpoint(ctx, webhook.EndpointChange{URL: &url, Events: &events})
	w.Must(err)
	p := w.fullUser(2)
	_, err = w.MFA.CreateTicket(ctx, p.id, 0)
	w.Must(err)
	r, err := w.MFA.AddPhone(ctx, p.browser, mfa.PhoneInput{Number: anotherNumber})
	w.Must(err)
	_, err = w.MFA.PreparePhone(ctx, p.browser, r.Phone.ID, account.PhoneCode)
	w.Must(err)
	_, err = w.Tokens.KeepHandshake(ctx, secret.New("payload"))
	w.Must(err)
	_, err = w.MFA.CreateSignIn(ctx, tx.Caller{}, mfa.SignInInput{Identifier: "nobody@example.com", Password: secret.New("wrong horse")})
	if err == nil {
		w.Fatal("nobody signed in")
	}
	for i := range 40 { // more acts than a user's record holds
		name := fmt.Sprint("Maxine", i)
		_, err = w.Admin.UpdateUser(ctx, p.id, admin.UserChange{FirstName: &name})
		w.Must(err)
	}
	w.Must(w.Tokens.RotateSigningKey(ctx, 0))
	w.Must(w.Admin.CountJournal(ctx, w.memory))
	w.tryOneWebhook()
	return p
}

// tryOneWebhook leaves a log of deliveries. All deliveries still wait.
func (w *world) tryOneWebhook() {
	w.Helper()
	lost := &webhook.Dispatcher{Service: w.Webhooks, Endpoints: &recordingSender{down: true}, Describe: func(account.Event, *account.User, account.Instant) ([]byte, error) { return nil, nil }}
	_, err := lost.Run(w.Context(), 100)
	w.Must(err)
}

func (w *world) all(kind store.Kind) []store.Record {
	w.Helper()
	found, _, err := w.counts.List(w.Context(), kind, "", 10_000)
	w.Must(err)
	return found
}

// TestOnlyWhatIsDeadAsAWholeEnds: a store may delete a record at its Ends. So only records that the
// cleanup deletes as a whole have one. A client's Ends is its own end, not that of its first part.
func TestOnlyWhatIsDeadAsAWholeEnds(t *testing.T) {
	w := newWorld(t)
	w.inMemory()
	w.oneOfEach()
	for kind, ends := range everyKind {
		records := w.all(kind)
		if len(records) == 0 {
			t.Errorf("no %s was made", kind)
		}
		for _, r := range records {
			want := r.Expires
			switch {
			case !ends, kind == store.KindClaim && bytes.Contains(r.Data, []byte(`"u":`)):
				want = time.Time{}
			case kind == store.KindClient:
				want = w.Now().Add(364 * day) // made today
			}
			if diff := r.Ends.Sub(want); kind == store.KindClient && diff > 0 && diff < 2*day {
				continue
			}
			if !r.Ends.Equal(want) {
				t.Errorf("a %s that expires at %v may be deleted at %v, want %v", kind, r.Expires, r.Ends, want)
			}
		}
	}
}

// TestAStoreThatForgetsLosesNothing: the cleanup does not run for a year, and the store deletes
// each record at its end. The user still signs in with every factor, and tokens of published keys
// still verify.
func TestAStoreThatForgetsLosesNothing(t *testing.T) {
	w := newWorld(t)
	m := w.inMemory()
	p := w.oneOfEach()
	gone := map[store.Kind]int{}
	for range 12 {
		for range 3 {
			w.Advance(10 * day)
			for _, k := range m.Forget(w.Now()) {
				gone[k.Kind]++
			}
		}
		p.browser = tx.Caller{}
		if p.signInWithTicket().SignIn.Status() != account.NeedsSecondFactor {
			t.Fatal("the user has no second factor any more")
		}
		w.Must(p.secondFactor(account.TOTPCode, p.totpCode()))
		token, err := w.Sessions.SessionToken(t.Context(), p.browser, p.browser.Session)
		w.Must(err)
		_, err = sessiontoken.Verify(token.Reveal(), w.keys(), "https://clerk.example.com", w.Now())
		w.Must(err)
		w.Must(w.Tokens.RotateSigningKey(t.Context(), 0))
	}
	w.Advance(400 * day)
	for _, k := range m.Forget(w.Now()) {
		gone[k.Kind]++
	}
	for kind, ends := range everyKind {
		if (gone[kind] > 0) != ends {
			t.Errorf("%d records of the kind %s were forgotten", gone[kind], kind)
		}
	}
}

// TestCleanupAfterRotation: after a rotation, three hours and a cleanup a day later, the key that
// signs stays, its tokens verify, and the replaced key is gone.
func TestCleanupAfterRotation(t *testing.T) {
	w := newWorld(t)
	p := w.newcomer()
	p.signInWithTicket()
	sign := func() string {
		v, err := w.Sessions.SessionToken(t.Context(), p.browser, p.browser.Session)
		w.Must(err)
		return v.Reveal()
	}
	w.Must(w.Tokens.RotateSigningKey(t.Context(), 0))
	old := len(w.all(store.KindSigningKey)[0].Data)
	w.Advance(3*time.Hour + day + time.Minute)
	before := sign()
	_, err := w.Service.Admin.Cleanup(t.Context(), 1000)
	w.Must(err)
	w.Restart() // another process, which remembers no keys
	if kid(sign()) != kid(before) {
		t.Error("another key signs after the cleanup")
	}
	if _, err := sessiontoken.Verify(before, w.keys(), "https://clerk.example.com", w.Now()); err != nil {
		t.Errorf("a token from before the cleanup: %v", err)
	}
	if now := len(w.all(store.KindSigningKey)[0].Data); now > old*2/3 {
		t.Errorf("the signing keys take %d bytes, were two and %d bytes: the old one is still stored", now, old)
	}
	if r, err := w.Service.Admin.Cleanup(t.Context(), 1000); err != nil || r.Found != 0 {
		t.Errorf("another cleanup at once: %+v, %v", r, err)
	}
}

// asStoredBefore gives every record the end that earlier releases gave it: the time at which the
// first thing in it expires.
func (w *world) asStoredBefore(m *store.Memory) {
	w.Helper()
	for kind := range everyKind {
		for _, r := range w.all(kind) {
			r.Ends = r.Expires
			w.Must(m.Commit(w.Context(), []store.Write{{Record: r}}))
		}
	}
}

// inDanger returns the records that a store would delete although a part of them is valid.
func (w *world) inDanger() (keys []store.Key) {
	w.Helper()
	for kind, ends := range everyKind {
		for _, r := range w.all(kind) {
			alive := !ends || kind == store.KindClaim && bytes.Contains(r.Data, []byte(`"u":`)) || kind == store.KindClient && r.Ends.Before(w.Now().Add(300*day))
			if alive && !r.Ends.IsZero() {
				keys = append(keys, r.Key)
			}
		}
	}
	return keys
}

// TestARecordOfBeforeIsMendedByItsNextWrite: any write of a record with a wrong end removes that
// end.
func TestARecordOfBeforeIsMendedByItsNextWrite(t *testing.T) {
	w := newWorld(t)
	m := w.inMemory()
	p := w.oneOfEach()
	w.asStoredBefore(m)
	if len(w.inDanger()) < 3 {
		t.Fatalf("only %v have a wrong end: the test shows nothing", w.inDanger())
	}
	p.browser = tx.Caller{}
	p.signInWithTicket()
	w.Must(p.secondFactor(account.TOTPCode, p.totpCode()))
	w.Advance(2 * time.Hour)
	w.Must(w.Tokens.RotateSigningKey(t.Context(), 0))
	for _, k := range w.inDanger() {
		// No write has reached the browsers of earlier releases.
		if k.Kind != store.KindClient && k.Kind != store.KindDelivery {
			t.Errorf("a %s still has a wrong end", k.Kind)
		}
	}
}

// TestTheCleanupMendsRecordsOfBefore: the table deletes a record 30 days after its end. Long
// before, small runs of the cleanup reach every record with a wrong end, although many more tickets
// than users wait and one user's record cannot be read.
func TestTheCleanupMendsRecordsOfBefore(t *testing.T) {
	const users, tickets, limit, runs = 30, 600, 36, 12
	w := newWorld(t)
	m := w.inMemory()
	p := w.oneOfEach()
	for range users {
		w.newcomer().signInWithTicket()
	}
	for range tickets {
		_, err := w.MFA.CreateTicket(t.Context(), p.id, 0)
		w.Must(err)
	}
	broken := w.all(store.KindUser)[3]
	whole := slices.Clone(broken.Data)
	broken.Data = []byte(`{"ph":"no list"}`)
	w.Must(m.Commit(t.Context(), []store.Write{{Record: broken}}))
	w.asStoredBefore(m)
	w.Advance(9 * day)
	unreadable := 0
	for range runs {
		r, err := w.Service.Admin.Cleanup(t.Context(), limit)
		w.Must(err)
		if r.Found > limit {
			t.Fatalf("a run of at most %d found %d", limit, r.Found)
		}
		unreadable += r.Unreadable
	}
	for _, k := range w.inDanger() {
		if k.Kind != store.KindDelivery { // the worker's, see below
			t.Errorf("after %d runs a %s has a wrong end", runs, k.Kind)
		}
	}
	if len(w.all(store.KindTicket)) == 0 {
		t.Error("no ticket waits any more: the test shows nothing about shares")
	}
	if unreadable != 1 {
		t.Errorf("%d records could not be read, want 1", unreadable)
	}
	w.Advance(23 * day)
	m.Forget(w.Now().Add(-30 * day))
	if n := len(w.all(store.KindUser)); n != users+1 {
		t.Fatalf("%d users are left, want %d", n, users+1)
	}
	now, err := m.Get(t.Context(), broken.Key)
	w.Must(err)
	if !bytes.Equal(now[0].Data, broken.Data) {
		t.Error("the record that cannot be read is another than before")
	}
	now[0].Data = whole
	w.Must(m.Commit(t.Context(), []store.Write{{Record: now[0]}}))
	p.browser = tx.Caller{}
	p.signInWithTicket()
	w.Must(p.secondFactor(account.TOTPCode, p.totpCode()))
}

// TestTheCleanupStopsWhenTheStoreIsAway: a failing store stops the cleanup, and its error is not
// that of an unreadable record.
func TestTheCleanupStopsWhenTheStoreIsAway(t *testing.T) {
	w := newWorld(t)
	w.newcomer().signInWithTicket()
	w.Advance(9 * day)
	w.faults.Inject(store.FailGet(1))
	if r, err := w.Service.Admin.Cleanup(t.Context(), 100); !errors.Is(err, store.ErrUnavailable) || r.Unreadable != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestNoKindWaitsForAnother: one run cleans up some records of every kind, whatever the number of
// other kinds.
func TestNoKindWaitsForAnother(t *testing.T) {
	w := newWorld(t)
	w.inMemory()
	for range 60 {
		w.newcomer().signInWithTicket()
	}
	_, err := w.Tokens.KeepHandshake(t.Context(), secret.New("payload"))
	w.Must(err)
	w.Advance(9 * day)
	tickets := len(w.all(store.KindTicket))
	_, err = w.Service.Admin.Cleanup(t.Context(), 36)
	w.Must(err)
	if len(w.all(store.KindNonce)) > 0 || len(w.all(store.KindTicket)) >= tickets {
		t.Errorf("%d nonces and %d of %d tickets wait behind users", len(w.all(store.KindNonce)), len(w.all(store.KindTicket)), tickets)
	}
}

// TestTheCleanupSetsAsideOnlyTheRecordItself: unreadable settings do not set aside another record.
func TestTheCleanupSetsAsideOnlyTheRecordItself(t *testing.T) {
	w := newWorld(t)
	m := w.inMemory()
	w.newcomer().signInWithTicket()
	settings := w.all(store.KindSettings)[0]
	settings.Data = []byte(`[]`)
	w.Must(m.Commit(t.Context(), []store.Write{{Record: settings}}))
	w.Advance(9 * day)
	before := w.all(store.KindUser)
	w.Restart()
	if r, err := w.Service.Admin.Cleanup(t.Context(), 100); err == nil || r.Unreadable != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if after := w.all(store.KindUser); after[0].Version != before[0].Version {
		t.Error("a user's record was written")
	}
}
