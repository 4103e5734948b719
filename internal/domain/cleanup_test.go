package domain_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/test/mfatest"
)

// distant is a store whose requests take 5 ms on the clock of the test. It counts those under way.
type distant struct {
	store.Store

	mu          sync.Mutex
	busy, most  int
	deletions   map[store.Kind]int
	indexShards int
}

// request waits for the time of n requests that follow each other.
func (d *distant) request(n int) {
	d.mu.Lock()
	d.busy++
	d.most = max(d.most, d.busy)
	d.mu.Unlock()
	<-time.After(time.Duration(n) * 5 * time.Millisecond)
	d.mu.Lock()
	d.busy--
	d.mu.Unlock()
}

func (d *distant) Get(ctx context.Context, keys ...store.Key) ([]store.Record, error) {
	d.request(1)
	return d.Store.Get(ctx, keys...)
}

func (d *distant) Commit(ctx context.Context, writes []store.Write, increments ...store.Increment) error {
	d.request(1)
	d.mu.Lock()
	for _, w := range writes {
		if w.Delete {
			d.deletions[w.Key.Kind]++
		}
	}
	d.mu.Unlock()
	return d.Store.Commit(ctx, writes, increments...)
}

func (d *distant) Expired(ctx context.Context, kind store.Kind, before time.Time, limit int) ([]store.Key, error) {
	d.request(d.indexShards)
	return d.Store.Expired(ctx, kind, before, limit)
}

// litter stores records of several kinds that expired, one after the other, until a day ago.
func litter(w *mfatest.World, counts map[store.Kind]int) {
	w.Helper()
	now := time.Now()
	for kind, n := range counts {
		for i := range n {
			at := account.At(now.Add(-account.CleanupKept - time.Duration(i+1)*time.Second))
			key := store.Key{Kind: kind, ID: fmt.Sprintf("%026d", i)}
			var e account.Entity
			switch kind {
			case store.KindTicket:
				e = &account.Ticket{User: "u", Expires: at.Add(-24 * time.Hour)}
			case store.KindNonce:
				e = &account.Nonce{Sealed: []byte("s"), Expires: at}
			case store.KindSMS:
				e = &account.SMSRecord{User: "u", At: at.Add(-account.SMSKept)}
			case store.KindClient:
				e = &account.Client{Expires: at}
			}
			e.SetKey(key, 0)
			data, err := w.Engine.Encode(e, nil)
			w.Must(err)
			w.Must(w.Config.Store.Commit(w.Context(), []store.Write{{Record: store.Record{Key: key, Data: data, Expires: e.NextExpiry(), Ends: e.EndsAt()}}}))
		}
	}
}

func newDistant(t *testing.T, counts map[store.Kind]int) (*mfatest.World, *distant) {
	memory := store.NewMemory()
	w := mfatest.New(t, domain.Config{Store: memory, Now: time.Now})
	litter(w, counts)
	d := &distant{Store: memory, deletions: map[store.Kind]int{}, indexShards: 16}
	w.Config.Store = d
	w.Restart()
	return w, d
}

// TestTheCleanupIsFast: with a store whose requests take 5 ms, the cleanup removes a thousand
// records a second, sixteen at once, of one kind as well as of several.
func TestTheCleanupIsFast(t *testing.T) {
	for name, counts := range map[string]map[store.Kind]int{
		"one kind":      {store.KindTicket: 6000},
		"several kinds": {store.KindTicket: 3000, store.KindNonce: 1500, store.KindSMS: 1000, store.KindClient: 500},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, d := newDistant(t, counts)
				began, deleted := time.Now(), 0
				for {
					r, err := w.Admin.Cleanup(t.Context(), 5000)
					w.Must(err)
					deleted += r.Deleted
					if !r.More {
						break
					}
				}
				took := time.Since(began)
				if deleted != 6000 || took > 6*time.Second {
					t.Errorf("%d records were removed in %v, want all 6000 within 6 s", deleted, took)
				}
				if d.most > 16 {
					t.Errorf("%d requests were under way at once", d.most)
				}
			})
		})
	}
}

// TestKindsShareTheCleanup: a cleanup that ends early, at its limit or by its deadline, has removed
// about as many records of each kind. It tells how far behind it is.
func TestKindsShareTheCleanup(t *testing.T) {
	counts := map[store.Kind]int{store.KindTicket: 2000, store.KindNonce: 2000, store.KindSMS: 2000, store.KindClient: 2000}
	synctest.Test(t, func(t *testing.T) {
		w, d := newDistant(t, counts)
		r, err := w.Admin.Cleanup(t.Context(), 400)
		w.Must(err)
		if !r.More || r.Behind.Round(time.Second) != 2000*time.Second {
			t.Errorf("after a part of it there is more: %v, and it is %v behind, want 2000 s", r.More, r.Behind)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
		defer cancel()
		if _, err := w.Admin.Cleanup(ctx, 4000); err == nil {
			t.Error("the deadline did not end it")
		}
		least, most := 2000, 0
		for kind := range counts {
			least, most = min(least, d.deletions[kind]), max(most, d.deletions[kind])
		}
		if least < 100 || most-least > 16 {
			t.Errorf("removed of each kind: %v", d.deletions)
		}
		for r.More {
			r, err = w.Admin.Cleanup(t.Context(), 5000)
			w.Must(err)
		}
		if r.Behind != 0 {
			t.Errorf("at the end it is %v behind", r.Behind)
		}
	})
}
