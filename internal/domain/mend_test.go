package domain_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// ofBefore returns a world with records of an earlier release, and the store under it. A quarter of
// an hour ago the cleanup of this release began.
func ofBefore(t *testing.T, users int) (*world, *store.Memory, *person) {
	t.Helper()
	w := newWorld(t)
	m := w.inMemory()
	p := w.oneOfEach()
	for range users {
		w.newcomer().signInWithTicket()
	}
	w.asStoredBefore(m)
	if p, err := w.Service.Admin.MendEnds(t.Context(), always); err != nil || p.Seen != 0 || p.Done {
		t.Fatalf("processes of the earlier release may still write: %+v, %v", p, err)
	}
	w.Advance(15 * time.Minute)
	if len(w.inDanger()) < users {
		t.Fatalf("only %d records have a wrong end: the test shows nothing", len(w.inDanger()))
	}
	return w, m, p
}

func always(admin.EndsProgress) bool { return true }

// TestRecordsOfBeforeAreMendedOnce: one pass takes the wrong ends from all records of an earlier
// release, also from one that cannot be read, and changes nothing else. Then the store may delete
// what it likes. Further runs read no record.
func TestRecordsOfBeforeAreMendedOnce(t *testing.T) {
	w, m, p := ofBefore(t, 5)
	broken := w.all(store.KindUser)[2]
	whole := broken.Data
	broken.Data = []byte(`{"ph":"no list"}`)
	w.Must(m.Commit(t.Context(), []store.Write{{Record: broken}}))
	before := w.inDanger()
	done, err := w.Service.Admin.MendEnds(t.Context(), always)
	if err != nil || !done.Done || done.Mended != len(before) || done.Seen < done.Mended {
		t.Errorf("%+v, %v: want %d mended", done, err, len(before))
	}
	if left := w.inDanger(); len(left) > 0 {
		t.Errorf("%v still have a wrong end", left)
	}
	users := len(w.all(store.KindUser))
	w.Advance(60 * day)
	m.Forget(w.Now())
	if n := len(w.all(store.KindUser)); n != users {
		t.Errorf("%d users are left, want %d", n, users)
	}
	now, err := m.Get(t.Context(), broken.Key)
	w.Must(err)
	if string(now[0].Data) != string(broken.Data) {
		t.Error("the record that cannot be read is another than before")
	}
	now[0].Data = whole
	w.Must(m.Commit(t.Context(), []store.Write{{Record: now[0]}}))
	p.browser = tx.Caller{}
	p.signInWithTicket()
	w.Must(p.secondFactor(account.TOTPCode, p.totpCode()))
	counts := store.NewCounting(m)
	w.Config.Store = counts
	w.Restart()
	if again, err := w.Service.Admin.MendEnds(t.Context(), always); err != nil || !again.Done || again.Mended != 0 || counts.Counts().Scans != 0 {
		t.Errorf("again: %+v, %v, %d scans", again, err, counts.Counts().Scans)
	}
}

// TestMendingGoesOnWhereItStopped: runs that stop after each batch, or whose calls of the store
// fail in turn, mend every record in the end and count each once.
func TestMendingGoesOnWhereItStopped(t *testing.T) {
	for name, fault := range map[string]func(int) store.Fault{
		"it stops": nil, "a read fails": store.FailGet, "a commit fails": store.FailCommit, "an answer is lost": store.LoseCommit,
	} {
		t.Run(name, func(t *testing.T) {
			w, m, _ := ofBefore(t, 4)
			all := 0
			for _, kind := range []store.Kind{store.KindSigningKey, store.KindUser, store.KindClient, store.KindClaim, store.KindDelivery} {
				all += len(w.all(kind))
			}
			faults := store.NewFaulty(m)
			w.Config.Store = faults
			w.Restart()
			for n := 1; ; n++ {
				if n > 200 {
					t.Fatal("it does not end")
				}
				if fault != nil {
					faults.Inject(fault(n%9 + 1))
				}
				batches := 0
				p, err := w.Service.Admin.MendEnds(t.Context(), func(admin.EndsProgress) bool { batches++; return batches <= 1 })
				if err == nil && p.Done {
					if p.Seen != all {
						t.Errorf("%d records were seen, want %d", p.Seen, all)
					}
					break
				}
				if err != nil && !errors.Is(err, store.ErrUnavailable) {
					t.Fatal(err)
				}
			}
			w.Config.Store = m
			w.Restart()
			if left := w.inDanger(); len(left) > 0 {
				t.Errorf("%v still have a wrong end", left)
			}
		})
	}
}

// TestMendingRunsBesideTheService: while several runs mend, users sign in. Nothing is lost.
func TestMendingRunsBesideTheService(t *testing.T) {
	w, _, p := ofBefore(t, 40)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if _, err := w.Service.Admin.MendEnds(context.Background(), always); err != nil {
				t.Error(err)
			}
		})
	}
	p.browser = tx.Caller{}
	p.signInWithTicket()
	w.Must(p.secondFactor(account.TOTPCode, p.totpCode()))
	all.Wait()
	if left := w.inDanger(); len(left) > 0 {
		t.Errorf("%v still have a wrong end", left)
	}
}
