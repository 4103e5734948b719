package directory_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/listing"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/test/mfatest"
)

// tracking is a store that knows which entries each record has.
type tracking struct {
	store.Store
	mu      sync.Mutex
	entries map[store.Key]map[store.Entry]bool
}

func (s *tracking) Commit(ctx context.Context, writes []store.Write, increments ...store.Increment) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.Store.Commit(ctx, writes, increments...); err != nil {
		return err
	}
	for _, w := range writes {
		if s.entries[w.Key] == nil {
			s.entries[w.Key] = map[store.Entry]bool{}
		}
		for _, e := range w.Add {
			s.entries[w.Key][e] = true
		}
		for _, e := range w.Remove {
			delete(s.entries[w.Key], e)
		}
	}
	return nil
}

// all returns every entry with its record, sorted.
func (s *tracking) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for k, entries := range s.entries {
		for e := range entries {
			all = append(all, fmt.Sprintf("%s %q", k.ID, e))
		}
	}
	slices.Sort(all)
	return all
}

type world struct {
	*mfatest.World
	memory *store.Memory
	track  *tracking
	faults *store.Faulty
	counts *store.Counting
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return worldOf(t, store.NewMemory())
}

// worldOf returns a world with the records of a store.
func worldOf(t testing.TB, memory *store.Memory) *world {
	t.Helper()
	w := &world{memory: memory, track: &tracking{Store: memory, entries: map[store.Key]map[store.Entry]bool{}}}
	w.faults = store.NewFaulty(w.track)
	w.counts = store.NewCounting(w.faults)
	w.World = mfatest.New(t, domain.Config{Store: w.counts})
	return w
}

// create makes a user a second later.
func (w *world) create(in admin.UserInput) *account.User {
	w.Helper()
	w.Advance(time.Second)
	u, err := w.Admin.CreateUser(w.Context(), in)
	w.Must(err)
	return u
}

// stored returns all users who are not being erased, the oldest first.
func (w *world) stored() []*account.User {
	w.Helper()
	var all []*account.User
	for at := store.Position(""); ; {
		records, next, err := w.memory.List(w.Context(), store.KindUser, at, 1000)
		w.Must(err)
		for _, r := range records {
			e, _, err := w.Decode(r)
			w.Must(err)
			if u := e.(*account.User); u.Erasing == nil {
				all = append(all, u)
			}
		}
		if at = next; at == "" {
			break
		}
	}
	slices.SortFunc(all, func(a, b *account.User) int {
		return strings.Compare(listing.Time(a.CreatedAt)+a.ID, listing.Time(b.CreatedAt)+b.ID)
	})
	return all
}

// hasRightEntries checks that the lists have exactly the entries of all users, and the counters
// their number.
func (w *world) hasRightEntries() {
	w.Helper()
	var want []string
	users := w.stored()
	for _, u := range users {
		for _, e := range listing.Entries(u.ID, u.Listing(), w.Digest) {
			want = append(want, fmt.Sprintf("%s %q", u.ID, e))
		}
	}
	slices.Sort(want)
	if got := w.track.all(); !slices.Equal(got, want) {
		w.Errorf("the lists have\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	w.hasCount(len(users))
}

func (w *world) hasCount(want int) {
	w.Helper()
	sums, err := w.memory.Sums(w.Context(), listing.Counters()...)
	w.Must(err)
	total := 0
	for _, n := range sums {
		total += int(n)
	}
	if total != want {
		w.Errorf("the counters say %d users, want %d", total, want)
	}
}

// step changes a random user in a random way.
func (w *world) step(r *rand.Rand) {
	w.Helper()
	ctx := w.Context()
	users := w.stored()
	if len(users) == 0 || r.IntN(3) == 0 {
		w.create(someone(r))
		return
	}
	u := users[r.IntN(len(users))]
	id := u.WireID()
	var err error
	switch r.IntN(12) {
	case 0:
		_, err = w.Admin.Ban(ctx, id)
	case 1:
		_, err = w.Admin.Unban(ctx, id)
	case 2:
		err = w.Admin.DeleteUser(ctx, id)
	case 3:
		name := firstNames[r.IntN(len(firstNames))]
		_, err = w.Admin.UpdateUser(ctx, id, admin.UserChange{FirstName: &name})
	case 4:
		empty := ""
		_, err = w.Admin.UpdateUser(ctx, id, admin.UserChange{Username: &empty})
	case 5:
		key := secret.New("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
		_, err = w.Admin.UpdateUser(ctx, id, admin.UserChange{TOTPSecret: &key})
	case 6:
		verified := r.IntN(2) == 0
		_, err = w.Admin.AddUserEmail(ctx, id, fmt.Sprintf("added%d@%s", r.IntN(1<<30), hosts[r.IntN(len(hosts))]), admin.EmailChange{Verified: &verified})
	case 7:
		if len(u.Emails) > 0 {
			err = w.Admin.DeleteUserEmail(ctx, u.Emails[0].ID)
		}
	case 8:
		if len(u.Emails) > 0 {
			verified := r.IntN(2) == 0
			_, err = w.Admin.ChangeUserEmail(ctx, u.Emails[0].ID, admin.EmailChange{Verified: &verified})
		}
	case 9, 10:
		_, err = w.Admin.UpdateUser(ctx, id, admin.UserChange{Required: admin.MFARequirement{Required: new(r.IntN(3) > 0)}})
	default:
		_, err = w.Admin.RemoveMFA(ctx, id)
	}
	if !errors.Is(err, apierr.New(apierr.ResourceNotFound)) { // there was nothing to remove
		w.Must(err)
	}
}

var (
	firstNames = []string{"Jane", "JÖRG", "ann-marie", "Ann", "Бо́рис", "", "Jan"}
	lastNames  = []string{"Doe", "O'Brien", "van der Berg", "", "Ünal", "Doerr"}
	hosts      = []string{"example.com", "mail.example.org", "acme.co.uk"}
)

// someone returns a random new user, whose identifiers are free.
func someone(r *rand.Rand) admin.UserInput {
	n := r.IntN(1 << 30)
	in := admin.UserInput{FirstName: firstNames[r.IntN(len(firstNames))], LastName: lastNames[r.IntN(len(lastNames))], Banned: r.IntN(5) == 0}
	if r.IntN(2) == 0 {
		in.Username = fmt.Sprintf("jan_%d.x", n)
	}
	for i := range r.IntN(3) {
		in.Emails = append(in.Emails, fmt.Sprintf("jane.d%d%d@%s", n, i, hosts[r.IntN(len(hosts))]))
	}
	if r.IntN(3) == 0 {
		in.ReservedPhones = []string{fmt.Sprintf("+1201555%04d", n%10000)}
	}
	if r.IntN(4) == 0 {
		in.TOTPSecret = secret.New("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
	}
	return in
}

// names returns the ids of users.
func names(users []*account.User) []string {
	var ids []string
	for _, u := range users {
		ids = append(ids, u.WireID())
	}
	return ids
}

// asBefore returns a store with the records of a world as the release before the lists wrote them:
// without entries, counters and the mark in users.
func (w *world) asBefore(t testing.TB) *store.Memory {
	t.Helper()
	before := store.NewMemory()
	for kind := range maps.Keys(map[store.Kind]bool{store.KindUser: true, store.KindClaim: true, store.KindSettings: true, store.KindSigningKey: true, store.KindAudit: true}) {
		for at := store.Position(""); ; {
			records, next, err := w.memory.List(t.Context(), kind, at, 1000)
			w.Must(err)
			for _, r := range records {
				r.Version, r.Data = 0, []byte(strings.Replace(string(r.Data), fmt.Sprintf(`"x":%d,`, account.ListingForm), "", 1))
				w.Must(before.Commit(t.Context(), []store.Write{{Record: r}}))
			}
			if at = next; at == "" {
				break
			}
		}
	}
	return before
}
