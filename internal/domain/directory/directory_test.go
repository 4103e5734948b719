package directory_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/directory"
	"github.com/countersign-mfa/countersign/internal/domain/factors"
	"github.com/countersign-mfa/countersign/internal/domain/listing"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

var everywhere = []listing.Field{listing.Email, listing.Username, listing.Name}

// query returns a search for words in all fields.
func query(words string) directory.Filter {
	return directory.Filter{Texts: []directory.Text{{Param: "query", Value: words, Fields: everywhere, Digits: true}}}
}

// TestTheListsFollowEveryChange: after any changes the lists have exactly the entries of the users
// that exist, and the counters their number. No entry is left when all users are deleted.
func TestTheListsFollowEveryChange(t *testing.T) {
	for seed := range uint64(4) {
		w := newWorld(t)
		r := rand.New(rand.NewPCG(seed, 1))
		for range 60 {
			w.step(r)
		}
		w.hasRightEntries()
		for _, u := range w.stored() {
			w.Must(w.Admin.DeleteUser(t.Context(), u.WireID()))
		}
		if left := w.track.all(); len(left) > 0 {
			t.Errorf("entries of deleted users: %q", left)
		}
		w.hasCount(0)
	}
}

// TestAnErasureLeavesTheListsFirst: the first step of a deletion takes the user out of all lists,
// even if no other step follows.
func TestAnErasureLeavesTheListsFirst(t *testing.T) {
	w := newWorld(t)
	in := admin.UserInput{Username: "jane", Banned: true}
	for i := range account.EmailsPerUser {
		in.Emails = append(in.Emails, fmt.Sprintf("jane%d@example.com", i))
	}
	u := w.create(in)
	w.create(admin.UserInput{Username: "john"})
	w.faults.Inject(store.LoseCommit(1))
	if err := w.Admin.DeleteUser(t.Context(), u.WireID()); err == nil {
		t.Fatal("no fault")
	}
	found, err := w.Directory.Users(t.Context(), directory.Query{Limit: 10})
	w.Must(err)
	if len(found) != 1 {
		t.Errorf("%d users are listed, want 1", len(found))
	}
	w.hasCount(1)
	w.hasRightEntries()
}

// TestPagesAreCut: pages by offset and pages after a user are the same users, in both orders, under
// filters of each kind.
func TestPagesAreCut(t *testing.T) {
	w := newWorld(t)
	r := rand.New(rand.NewPCG(1, 2))
	for range 120 {
		w.step(r)
	}
	yes, no := true, false
	for _, u := range w.stored()[:5] {
		_, err := w.Admin.Lock(t.Context(), u.WireID())
		w.Must(err)
	}
	all, now := w.stored(), account.At(w.Now())
	middle := all[len(all)/2].CreatedAt
	settings, err := w.Engine.Settings(t.Context())
	w.Must(err)
	without := settings.Without([]account.Strategy{account.TOTPCode}, nil)
	word := func(words ...string) func(*account.User) bool {
		return func(u *account.User) bool {
			for _, word := range words {
				if !slices.ContainsFunc(listing.Terms(u.Listing()), func(t listing.Term) bool { return strings.HasPrefix(t.Text, word) }) {
					return false
				}
			}
			return true
		}
	}
	due := func(u *account.User) bool { return u.RequiredFrom != 0 && !u.TwoFactorEnabled() }
	for name, tc := range map[string]struct {
		filter  directory.Filter
		matches func(*account.User) bool
	}{
		"all":              {directory.Filter{}, func(*account.User) bool { return true }},
		"banned":           {directory.Filter{Banned: &yes}, func(u *account.User) bool { return u.Banned }},
		"not banned":       {directory.Filter{Banned: &no}, func(u *account.User) bool { return !u.Banned }},
		"created after":    {directory.Filter{Created: listing.Period{After: middle}}, func(u *account.User) bool { return u.CreatedAt > middle }},
		"created before":   {directory.Filter{Created: listing.Period{Before: middle}, Banned: &no}, func(u *account.User) bool { return u.CreatedAt < middle && !u.Banned }},
		"locked":           {directory.Filter{Locked: &yes}, func(u *account.User) bool { return u.LockedUntil > now }},
		"not locked":       {directory.Filter{Locked: &no, Banned: &no}, func(u *account.User) bool { return u.LockedUntil <= now && !u.Banned }},
		"with a factor":    {directory.Filter{SecondFactor: &yes}, (*account.User).TwoFactorEnabled},
		"without a factor": {directory.Filter{SecondFactor: &no, Created: listing.Period{After: middle}}, func(u *account.User) bool { return !u.TwoFactorEnabled() && u.CreatedAt > middle }},
		"a word, a factor": {directory.Filter{Texts: query("jane").Texts, SecondFactor: &yes}, func(u *account.User) bool { return u.TwoFactorEnabled() && word("jane")(u) }},
		"MFA due":          {directory.Filter{MFADue: &yes}, due},
		"MFA due, after":   {directory.Filter{MFADue: &yes, Created: listing.Period{After: middle}}, func(u *account.User) bool { return due(u) && u.CreatedAt > middle }},
		"MFA due, banned":  {directory.Filter{MFADue: &yes, Banned: &yes}, func(u *account.User) bool { return due(u) && u.Banned }},
		"MFA not due":      {directory.Filter{MFADue: &no}, func(u *account.User) bool { return !due(u) }},
		"a word, MFA due":  {directory.Filter{Texts: query("jane").Texts, MFADue: &yes}, func(u *account.User) bool { return due(u) && word("jane")(u) }},
		"due and stranded": {directory.Filter{MFADue: &yes, Stranded: &yes}, func(*account.User) bool { return false }},
		"a word":           {query("jan"), word("jan")},
		"two words":        {query("Jane doe"), word("jane", "doe")},
		"a word, banned":   {directory.Filter{Texts: query("jane").Texts, Banned: &yes}, func(u *account.User) bool { return u.Banned && word("jane")(u) }},
		"a word, before":   {directory.Filter{Texts: query("exa").Texts, Created: listing.Period{Before: middle}}, func(u *account.User) bool { return u.CreatedAt < middle && word("exa")(u) }},
		"without the apps": {directory.Filter{Without: &without}, func(u *account.User) bool { return !factors.Stranded(u, &settings) && factors.Stranded(u, &without) }},
		"stranded":         {directory.Filter{Stranded: &yes}, func(u *account.User) bool { return factors.Stranded(u, &settings) }},
		"ids":              {directory.Filter{IDs: append(names(all[3:9]), "user_x", "x")}, func(u *account.User) bool { return slices.Contains(names(all[3:9]), u.WireID()) }},
	} {
		t.Run(name, func(t *testing.T) {
			var want []string
			for _, u := range all {
				if tc.matches(u) {
					want = append(want, u.WireID())
				}
			}
			n, err := w.Directory.Count(t.Context(), tc.filter)
			if err != nil || n != len(want) {
				t.Errorf("%d users are counted, want %d: %v", n, len(want), err)
			}
			for _, order := range []store.Order{store.Ascending, store.Descending} {
				if order == store.Descending {
					slices.Reverse(want)
				}
				for _, size := range []int{1, 7, 500} {
					w.hasPages(tc.filter, order, size, want)
				}
			}
		})
	}
}

// hasPages checks all pages of a size, by offset and after users.
func (w *world) hasPages(f directory.Filter, order store.Order, size int, want []string) {
	w.Helper()
	var byOffset, byUser []string
	for offset := 0; offset <= len(want); offset += size {
		page, err := w.Directory.Users(w.Context(), directory.Query{Filter: f, Order: order, Offset: offset, Limit: size})
		w.Must(err)
		byOffset = append(byOffset, names(page)...)
	}
	for after := ""; ; {
		page, err := w.Directory.Users(w.Context(), directory.Query{Filter: f, Order: order, After: after, Limit: size})
		w.Must(err)
		byUser = append(byUser, names(page)...)
		if len(page) < size {
			break
		}
		after = byUser[len(byUser)-1]
	}
	if !slices.Equal(byOffset, want) || !slices.Equal(byUser, want) {
		w.Errorf("pages of %d: by offset %d users, after users %d, want %d in order", size, len(byOffset), len(byUser), len(want))
	}
}

// TestWordsAreFoundFromTheirBeginnings: a search compares letters, not spelling, and knows words by
// their beginnings.
func TestWordsAreFoundFromTheirBeginnings(t *testing.T) {
	w := newWorld(t)
	u := w.create(admin.UserInput{
		Username: "Cool_user.7", FirstName: "Anne-Marie Zoë", LastName: "O'Brien❤\ufe0f", Emails: []string{"jane.doe+news@mail.example.co.uk", "a@bücher.example"}, Phones: []string{"+12015550123"},
	})
	for text, found := range map[string]bool{
		"cool": true, "COOL_USER": true, "user.7": true, "7": true, "ool": false, "anne": true, "marie": true, "marie zoë": true, "zoe": false, "brien": true, "o'b": true, "obrien": false,
		"jane": true, "doe+n": true, "news@mail": true, "mail.example": true, "example.co": true, "co.uk": true, "uk": false, "@mail.example.co.uk": true, "jane.doe+news@mail.example.co.uk": true,
		"bücher": true, "BU\u0308CHER.example": true, "a@bü": true, "xn--bcher": true, "a@xn--bcher-kva.example": true, "bucher": false, "example": true,
		"0123": true, "123": false, "5550123": true, "4550123": false, "anne cool": true, "anne nobody": false, "\u200fanne\u202c": true, "--anne": true, "an%": false, "anne 0123": true,
		"ann": true, "a n n": true, "a b n q": false, "o'brien❤\ufe0f": true, "o'brien❤": true, "an\u3164ne": true, "anne \ufe0f": true,
	} {
		users, err := w.Directory.Users(t.Context(), directory.Query{Filter: query(text), Limit: 10})
		w.Must(err)
		n, err := w.Directory.Count(t.Context(), query(text))
		w.Must(err)
		if (len(users) == 1 && users[0].ID == u.ID) != found || n != len(users) {
			t.Errorf("%q finds %d users and counts %d, want %v", text, len(users), n, found)
		}
	}
	for _, signs := range []string{"❤\ufe0f", "\u3164", "\ufe0f"} {
		if _, err := w.Directory.Users(t.Context(), directory.Query{Filter: query(signs), Limit: 10}); apierr.From(err).Code() != apierr.FormParamValueInvalid {
			t.Errorf("the search %q: %v", signs, err)
		}
	}
}

// TestOneUserHasABoundedNumberOfEntries: neither long nor many texts of a user grow the index, and
// the user can still be made, changed and deleted.
func TestOneUserHasABoundedNumberOfEntries(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("w-", 120)
	in := admin.UserInput{Username: strings.Repeat("a.", 30), FirstName: long, LastName: strings.Repeat("語", 250)}
	for i := range 10 {
		in.Emails = append(in.Emails, fmt.Sprintf("a.b.c.d.e.f.g%d@h.i.j.k.example.com", i))
		in.Phones = append(in.Phones, fmt.Sprintf("+1201555%04d", i))
	}
	u := w.create(in)
	entries := listing.Entries(u.ID, u.Listing(), w.Digest)
	if len(entries) > listing.MaxEntries || len(entries) < 25 {
		t.Errorf("%d entries", len(entries))
	}
	for _, e := range entries {
		if len(e.List)+len(e.Rank) > 600 {
			t.Errorf("an entry of %d bytes", len(e.Rank))
		}
		if strings.Contains(e.List+e.Rank, "2015550") || strings.Contains(e.List, "0001") {
			t.Errorf("digits of a number are in %q", e)
		}
	}
	empty, other := "", strings.Repeat("x-", 120)
	_, err := w.Admin.UpdateUser(t.Context(), u.WireID(), admin.UserChange{Username: &empty, FirstName: &other, LastName: &other})
	w.Must(err)
	w.hasRightEntries()
	w.Must(w.Admin.DeleteUser(t.Context(), u.WireID()))
	w.hasRightEntries()
}

// TestBroadSearchesAreRefused: a search that finds more users than are read is refused, unless
// another word limits it.
func TestBroadSearchesAreRefused(t *testing.T) {
	w := newWorld(t)
	for i := range directory.MostFound + 1 {
		w.create(admin.UserInput{Username: fmt.Sprintf("user-%d", i), FirstName: map[bool]string{true: "Rare", false: ""}[i%400 == 0]})
	}
	for words, want := range map[string]int{"user-1": 112, "rare": 3, "rare user": 3, "user rare user-4": 1, "r": 3} {
		found, err := w.Directory.Users(t.Context(), directory.Query{Filter: query(words), Limit: 500})
		w.Must(err)
		n, err := w.Directory.Count(t.Context(), query(words))
		if err != nil || len(found) != want || n != want {
			t.Errorf("%q: %d users, %d counted, want %d: %v", words, len(found), n, want, err)
		}
	}
	for _, words := range []string{"user", "u", "u us"} {
		_, err := w.Directory.Users(t.Context(), directory.Query{Filter: query(words), Limit: 1})
		_, err2 := w.Directory.Count(t.Context(), query(words))
		for _, err := range []error{err, err2} {
			if e := apierr.From(err); e.Code() != apierr.FormParamValueInvalid || e.Meta()["param_name"] != "query" || e.Meta()["reason"] != "too_many_users" || !strings.Contains(e.LongMessage(), "Give more letters") {
				t.Errorf("%q: %v", words, err)
			}
		}
	}
}

// endless is a store whose lists have no end. It counts the entries that are read.
type endless struct {
	store.Store
	read *atomic.Int64
}

func (s endless) Entries(_ context.Context, r store.Range) ([]store.Listed, error) {
	s.read.Add(int64(r.Limit))
	return make([]store.Listed, r.Limit), nil
}

// TestACountStopsOnceItIsTooLarge: a count over the limit reads at most the limit again for the
// lists that are under way.
func TestACountStopsOnceItIsTooLarge(t *testing.T) {
	var read atomic.Int64
	w := newWorld(t)
	w.create(admin.UserInput{Username: "one"})
	w.Config.Store = endless{w.memory, &read}
	w.Restart()
	_, err := w.Directory.Count(t.Context(), directory.Filter{Created: listing.Period{After: 1}})
	if e := apierr.From(err); e.Code() != apierr.FormParamValueInvalid {
		t.Error(err)
	}
	if n := read.Load(); n > 2*directory.MostWalked+1000 {
		t.Errorf("%d entries are read", n)
	}
}

// stale is a store whose lists name users who are gone, and users twice.
type stale struct{ store.Store }

func (s stale) Entries(ctx context.Context, r store.Range) ([]store.Listed, error) {
	listed, err := s.Store.Entries(ctx, r)
	var out []store.Listed
	for _, l := range listed {
		gone := l
		gone.Key.ID = "gone" + l.Key.ID[4:]
		out = append(out, gone, l)
	}
	return out[:min(len(out), r.Limit)], err
}

// TestAnEntryOfAUserWhoIsGone: an entry without a user takes no place on a page.
func TestAnEntryOfAUserWhoIsGone(t *testing.T) {
	w := newWorld(t)
	for i := range 40 {
		w.create(admin.UserInput{Username: fmt.Sprintf("jane-%d", i)})
	}
	c := w.Config
	c.Store = stale{w.memory}
	w.Config = c
	w.Restart()
	for _, f := range []directory.Filter{{}, query("jane")} {
		page, err := w.Directory.Users(t.Context(), directory.Query{Filter: f, Limit: 10})
		if err != nil || len(page) != 10 {
			t.Errorf("%d users, want 10: %v", len(page), err)
		}
	}
}

// TestACheckChangesNoList: checking a code writes the user's record and nothing else. The wrong
// code that disables the app changes what the user can prove, and so the list of factors.
func TestACheckChangesNoList(t *testing.T) {
	w := newWorld(t)
	u := w.create(admin.UserInput{Username: "jane", TOTPSecret: secret.New("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"), ReservedPhones: []string{"+12015550123"}})
	for failures, moves := range map[int]int{0: 0, account.FailuresPerFactor - 1: 2} {
		w.Must(w.Update(t.Context(), []store.Key{u.Key()}, func(t *tx.Tx) error {
			u, err := t.User(u.ID)
			u.TOTP.Failures, u.SecondFailures, u.FailureLog = failures, account.FailureCounters{}, nil
			t.Put(u)
			return err
		}))
		w.counts.Reset()
		if _, err := w.Admin.VerifyTOTP(t.Context(), u.WireID(), secret.New("000000")); err == nil {
			t.Fatal("the code is right")
		}
		if got := w.counts.Reset(); got.Commits != 1 || got.Moves != moves || got.Increments != 0 {
			t.Errorf("after %d failures: %+v", failures, got)
		}
		w.hasRightEntries()
	}
}

// TestSignaturesAgreeWithUsers: a factor signature says the same of its user's second factors as
// the user's record, under any settings.
func TestSignaturesAgreeWithUsers(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 3000 {
		u := &account.User{Listed: account.ListingForm}
		if r.IntN(2) == 0 {
			u.TOTP = &account.TOTP{Verified: account.Instant(r.IntN(2)), Failures: r.IntN(2) * account.FailuresPerFactor}
		}
		for i := range r.IntN(4) {
			u.Phones = append(u.Phones, account.Phone{
				Number: fmt.Sprint(i), Country: []string{"US", "FR", "DE"}[r.IntN(3)], Verified: account.Instant(r.IntN(2)), Reserved: r.IntN(2) == 0, Failures: r.IntN(2) * account.FailuresPerFactor,
				Line: []account.Phone{{}, {Line: 1}, {Line: 2}}[r.IntN(3)].Line,
			})
		}
		set := account.Settings{SMSCode: r.IntN(2) == 0, AuthenticatorApp: r.IntN(2) == 0, SMSCountries: []string{"US", "FR", "DE"}[:r.IntN(4)]}
		if l := u.Listing(); account.StrandedWith(l.Factors, &set) != factors.Stranded(u, &set) {
			t.Fatalf("%q: stranded %v, want %v: %+v %+v", l.Factors, !factors.Stranded(u, &set), factors.Stranded(u, &set), u, set)
		}
	}
}

// TestDueByTheSettings: while the settings require a second factor of all users, all without one
// are due, marked or not. Users of one search are found among any number.
func TestDueByTheSettings(t *testing.T) {
	w := newWorld(t)
	w.create(admin.UserInput{Username: "with", TOTPSecret: secret.New("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"), Required: admin.MFARequirement{Required: new(true)}})
	w.create(admin.UserInput{Username: "marked", Required: admin.MFARequirement{Required: new(true)}})
	w.create(admin.UserInput{Username: "without"})
	yes := true
	for _, step := range []struct {
		required bool
		want     int
	}{{false, 1}, {true, 2}, {false, 1}} {
		_, err := w.Settings.Change(t.Context(), func(s *account.Settings) {
			s.MFARequired, s.MFARequiredFrom = step.required, account.At(w.Now().Add(time.Hour))
		})
		w.Must(err)
		f := directory.Filter{MFADue: &yes}
		found, err := w.Directory.Users(t.Context(), directory.Query{Filter: f, Limit: 10})
		w.Must(err)
		n, err := w.Directory.Count(t.Context(), f)
		w.Must(err)
		if len(found) != step.want || n != step.want {
			t.Errorf("required of all: %t: %d users are found and %d counted, want %d", step.required, len(found), n, step.want)
		}
	}
}
