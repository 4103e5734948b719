package directory_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/directory"
	"github.com/countersign-mfa/countersign/internal/store"
)

// oldWorld returns a world whose store is from before the lists, with users.
func oldWorld(t testing.TB, users int) *world {
	t.Helper()
	w := newWorld(t)
	_, err := w.Tokens.JWKS(t.Context())
	w.Must(err)
	r := rand.New(rand.NewPCG(5, 6))
	for range users {
		w.create(someone(r))
	}
	return worldOf(t, w.asBefore(t))
}

// whole lets a migration run to its end.
func whole(directory.Progress) bool { return true }

// wantsComplete checks that the lists are complete and right.
func (w *world) wantsComplete() {
	w.Helper()
	all := w.stored()
	for _, u := range all {
		if u.Listed != account.ListingForm {
			w.Errorf("%s is in no list", u.ID)
		}
	}
	w.hasRightEntries()
	page, err := w.Directory.Users(w.Context(), directory.Query{Limit: 500})
	n, err2 := w.Directory.Count(w.Context(), directory.Filter{})
	if err := errors.Join(err, err2); err != nil || len(page) != len(all) || n != len(all) {
		w.Errorf("%d users are listed and %d counted, want %d: %v", len(page), n, len(all), err)
	}
}

// TestListsAreRefusedUntilTheyAreComplete: before the migration has ended, lists, searches and
// counts answer 503 with a time to wait, and look-ups by identifier work.
func TestListsAreRefusedUntilTheyAreComplete(t *testing.T) {
	w := oldWorld(t, 450)
	all := w.stored()
	u := all[slices.IndexFunc(all, func(u *account.User) bool { return u.Username != "" })]
	refused := func(says string) {
		t.Helper()
		for _, f := range []directory.Filter{{}, query("jane")} {
			_, err := w.Directory.Users(t.Context(), directory.Query{Filter: f, Limit: 1})
			_, err2 := w.Directory.Count(t.Context(), f)
			for _, err := range []error{err, err2} {
				if e := apierr.From(err); e.Code() != apierr.ServiceUnavailable || e.RetryAfter() == 0 || !strings.Contains(e.LongMessage(), says) {
					t.Errorf("%v: %v, want %q", f, e.LongMessage(), says)
				}
			}
		}
		for _, f := range []directory.Filter{{IDs: []string{u.WireID()}}, {Usernames: []string{u.Username}}} {
			found, err := w.Directory.Users(t.Context(), directory.Query{Filter: f, Limit: 1})
			if err != nil || len(found) != 1 {
				t.Errorf("%d users, want 1: %v", len(found), err)
			}
		}
	}
	refused("next run of the cleanup")
	p, err := w.Migrator().Migrate(t.Context(), func(p directory.Progress) bool { return p.Seen < 200 })
	if err != nil || p.Seen != 200 || p.Moved != 200 || p.Complete {
		t.Errorf("%+v %v", p, err)
	}
	refused("200 users are done")
	p, err = w.Migrator().Migrate(t.Context(), whole)
	if err != nil || p.Moved != 250 || !p.Complete {
		t.Errorf("%+v %v", p, err)
	}
	w.wantsComplete()
}

// TestANewStoreIsComplete: lists of a new store answer at once, before and after its first user,
// and the migration reads no user.
func TestANewStoreIsComplete(t *testing.T) {
	for name, first := range map[string]func(w *world){
		"a user": func(w *world) { w.create(admin.UserInput{Username: "jane"}) },
		"a key": func(w *world) {
			_, err := w.Tokens.JWKS(t.Context())
			w.Must(err)
			w.create(admin.UserInput{Username: "jane"})
		},
		"the migration": func(w *world) {
			_, err := w.Migrator().Migrate(t.Context(), whole)
			w.Must(err)
			w.create(admin.UserInput{Username: "jane"})
		},
	} {
		w := newWorld(t)
		if n, err := w.Directory.Count(t.Context(), directory.Filter{}); err != nil || n != 0 {
			t.Errorf("%s: %d %v", name, n, err)
		}
		first(w)
		w.wantsComplete()
		if p, err := w.Migrator().Migrate(t.Context(), whole); err != nil || p.Seen != 0 || p.Moved != 0 || !p.Complete || !p.Done {
			t.Errorf("%s: %+v %v", name, p, err)
		}
		w.wantsComplete()
	}
}

// TestAMigrationGoesOnWhereItStopped: a migration whose calls fail in turn, before or after they
// are applied, is carried on by the next run. Each user is counted once.
func TestAMigrationGoesOnWhereItStopped(t *testing.T) {
	for _, fault := range []func(int) store.Fault{store.FailGet, store.FailCommit, store.LoseCommit, store.ConflictCommit} {
		w := oldWorld(t, 260)
		for n := 1; ; n += 23 {
			w.faults.Inject(fault(n))
			w.Restart()
			p, err := w.Migrator().Migrate(t.Context(), whole)
			if err == nil && p.Complete {
				break
			}
			if n > 20_000 {
				t.Fatal("the migration does not end")
			}
		}
		w.faults.Clear() // the last one may have been left over
		w.wantsComplete()
	}
}

// TestAMigrationRunsBesideTheService: users who are made, changed and deleted while several
// migrations run are in the lists once.
func TestAMigrationRunsBesideTheService(t *testing.T) {
	w := oldWorld(t, 400)
	var all sync.WaitGroup
	for range 3 {
		other, err := domain.New(w.Config)
		w.Must(err)
		all.Go(func() {
			if _, err := other.Migrator().Migrate(context.Background(), whole); err != nil {
				t.Error(err)
			}
		})
	}
	old := w.stored()
	for i := range 3 {
		all.Go(func() {
			for j := range 30 {
				name, u := fmt.Sprintf("new-%d-%d", i, j), old[100*i+j]
				_, err := w.Admin.CreateUser(t.Context(), admin.UserInput{Username: name})
				_, err2 := w.Admin.UpdateUser(t.Context(), u.WireID(), admin.UserChange{FirstName: &name})
				var err3 error
				if j%3 == 0 {
					err3 = w.Admin.DeleteUser(t.Context(), u.WireID())
				}
				if err := errors.Join(err, err2, err3); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	w.wantsComplete()
}

// TestUsersOfAFormerProcessAreFoundLater: a process of the former version may make users while the
// first pass ends. A second pass finds them.
func TestUsersOfAFormerProcessAreFoundLater(t *testing.T) {
	w := oldWorld(t, 5)
	_, err := w.Migrator().Migrate(t.Context(), whole)
	w.Must(err)
	former := oldWorld(t, 0)
	former.create(admin.UserInput{Username: "late"})
	records, _, err := former.asBefore(t).List(t.Context(), store.KindUser, "", 10)
	w.Must(err)
	records[0].Version = 0
	w.Must(w.memory.Commit(t.Context(), []store.Write{{Record: records[0]}}))
	w.Advance(time.Minute)
	if p, err := w.Migrator().Migrate(t.Context(), whole); err != nil || p.Done || p.Moved != 0 {
		t.Errorf("%+v %v", p, err)
	}
	w.Advance(time.Hour)
	if p, err := w.Migrator().Migrate(t.Context(), whole); err != nil || !p.Done || p.Moved != 1 {
		t.Errorf("%+v %v", p, err)
	}
	w.wantsComplete()
	w.counts.Reset()
	if p, err := w.Migrator().Migrate(t.Context(), whole); err != nil || !p.Done || w.counts.Counts().Scans != 0 {
		t.Errorf("%+v %v", p, err)
	}
}

// former is the store as a process of the former version uses it: without lists.
type former struct{ store.Store }

func (f former) Commit(ctx context.Context, writes []store.Write, increments ...store.Increment) error {
	for i := range writes {
		writes[i].Add, writes[i].Remove = nil, nil
	}
	return f.Store.Commit(ctx, writes, increments...)
}

// TestAChangeByAFormerProcessIsFoundLater: a process of the former version renames and bans a user
// who is listed. After the second pass the user is found under the new name alone, and in the list
// of banned users.
func TestAChangeByAFormerProcessIsFoundLater(t *testing.T) {
	w := oldWorld(t, 3)
	_, err := w.Migrator().Migrate(t.Context(), whole)
	w.Must(err)
	u := w.create(admin.UserInput{Username: "before"})
	w.Advance(time.Minute)
	c, lists := w.Config, w.Config.Store
	c.Store = former{lists}
	w.Config = c
	w.Restart()
	after := "later"
	_, err = w.Admin.UpdateUser(t.Context(), u.WireID(), admin.UserChange{Username: &after})
	w.Must(err)
	_, err = w.Admin.Ban(t.Context(), u.WireID())
	w.Must(err)
	c.Store = lists
	w.Config = c
	w.Restart()
	w.Advance(time.Hour)
	if p, err := w.Migrator().Migrate(t.Context(), whole); err != nil || !p.Done {
		t.Fatalf("%+v %v", p, err)
	}
	yes, no := true, false
	for _, tc := range []struct {
		f    directory.Filter
		want bool
	}{{query("later"), true}, {query("before"), false}, {directory.Filter{Banned: &yes}, true}, {directory.Filter{Banned: &no}, false}, {directory.Filter{}, true}} {
		found, err := w.Directory.Users(t.Context(), directory.Query{Filter: tc.f, Limit: 10})
		w.Must(err)
		if is := slices.ContainsFunc(found, func(f *account.User) bool { return f.ID == u.ID }); is != tc.want {
			t.Errorf("%+v finds the user: %v, want %v", tc.f, is, tc.want)
		}
	}
}
