package directory_test

import (
	"fmt"
	"testing"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/directory"
	"github.com/countersign-mfa/countersign/internal/domain/listing"
	"github.com/countersign-mfa/countersign/internal/store"
)

// manyUsers is how many users TestCostDoesNotGrow has.
const manyUsers = 20_000

// TestCostDoesNotGrow: with 20,000 users each operation of administration makes few requests, and
// reads what it returns. No operation reads the table.
func TestCostDoesNotGrow(t *testing.T) {
	if testing.Short() {
		t.Skip("makes 20,000 users")
	}
	w := newWorld(t)
	var last *account.User
	for i := range manyUsers {
		in := admin.UserInput{Username: fmt.Sprintf("user-%05d", i), Emails: []string{fmt.Sprintf("jane%d@example.com", i)}, Banned: i%1000 == 0}
		if i%2000 == 0 {
			in.FirstName, in.TOTPSecret = "Rare", secret.New("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
		}
		if i%4000 == 1 {
			in.Required.Required = new(true)
		}
		last = w.create(in)
	}
	yes := true
	set, err := w.Engine.Settings(t.Context())
	w.Must(err)
	without := set.Without([]account.Strategy{account.TOTPCode}, nil)
	var hundred []string
	for i := range 100 {
		hundred = append(hundred, fmt.Sprintf("jane%d@example.com", i))
	}
	_, err = w.Directory.Count(t.Context(), directory.Filter{}) // a warm process
	w.Must(err)
	type cost struct{ gets, keys, listings, entries int }
	// A refused count stops once the parts together pass MostWalked. Up to 16 lists are read at once,
	// so 15 further parts of 641 entries may be under way, and each of 17 lists may end with a short
	// part.
	tooMany := cost{0, 0, 16 + 15 + 17, directory.MostWalked + 16*641}
	for name, tc := range map[string]struct {
		q            directory.Query
		want         int
		of, count    cost // at most
		refusesCount bool
	}{
		"the newest":           {q: directory.Query{Order: store.Descending, Limit: 10}, want: 10, of: cost{1, 10, 17, 17 * 16}, count: cost{1, 16, 0, 0}},
		"locked, of all":       {q: directory.Query{Filter: directory.Filter{Locked: &yes, Created: listing.Period{After: last.CreatedAt - 1_000_000}}, Limit: 10}, want: 0, of: cost{12, 1000, 300, 2500}, count: cost{12, 1000, 300, 2500}},
		"a large page":         {q: directory.Query{Limit: 500}, want: 500, of: cost{1, 500, 40, 2000}, count: cost{1, 16, 0, 0}},
		"the largest offset":   {q: directory.Query{Limit: 500, Offset: directory.MostWalked}, want: 500, of: cost{1, 500, 120, 12_000}, count: cost{1, 16, 0, 0}},
		"after a user":         {q: directory.Query{After: last.WireID(), Order: store.Descending, Limit: 10}, want: 10, of: cost{2, 11, 17, 17 * 16}, count: cost{1, 16, 0, 0}},
		"banned":               {q: directory.Query{Filter: directory.Filter{Banned: &yes}, Limit: 500}, want: 20, of: cost{1, 20, 1, 20}, count: cost{0, 0, 1, 20}},
		"made just now":        {q: directory.Query{Filter: directory.Filter{Created: listing.Period{After: last.CreatedAt - 10_000}}, Limit: 500}, want: 10, of: cost{1, 10, 17, 10}, count: cost{0, 0, 17, 10}},
		"made long ago":        {q: directory.Query{Filter: directory.Filter{Created: listing.Period{Before: last.CreatedAt}}, Limit: 1}, want: 1, of: cost{1, 1, 17, 17 * 16}, count: tooMany, refusesCount: true},
		"a hundred addresses":  {q: directory.Query{Filter: directory.Filter{Emails: hundred}, Limit: 500}, want: 100, of: cost{2, 202, 0, 0}, count: cost{2, 202, 0, 0}},
		"an id":                {q: directory.Query{Filter: directory.Filter{IDs: []string{last.WireID()}}, Limit: 500}, want: 1, of: cost{2, 4, 0, 0}, count: cost{2, 4, 0, 0}},
		"a rare word":          {q: directory.Query{Filter: query("rare"), Limit: 500}, want: 10, of: cost{1, 10, 3, 10}, count: cost{0, 0, 3, 10}},
		"a beginning":          {q: directory.Query{Filter: query("user-012"), Limit: 10}, want: 10, of: cost{1, 10, 3, 1000}, count: cost{0, 0, 3, 1000}},
		"and a common word":    {q: directory.Query{Filter: query("rare example"), Limit: 10}, want: 10, of: cost{2, 20, 6, 1100}, count: cost{1, 10, 6, 1100}},
		"MFA due":              {q: directory.Query{Filter: directory.Filter{MFADue: &yes}, Limit: 10}, want: 5, of: cost{1, 5, 1, 5}, count: cost{0, 0, 1, 5}},
		"stranded by a change": {q: directory.Query{Filter: directory.Filter{Without: &without}, Limit: 10}, want: 10, of: cost{1, 10, 3, 20}, count: cost{0, 0, 3, 20}},
	} {
		t.Run(name, func(t *testing.T) {
			within := func(what string, most cost) {
				t.Helper()
				got := w.counts.Reset()
				if got.Scans > 0 || got.Commits > 0 || got.Gets > most.gets || got.KeysRead > most.keys || got.Listings > most.listings || got.Entries > most.entries {
					t.Errorf("%s costs %+v, want at most %+v", what, got, most)
				}
			}
			w.counts.Reset()
			found, err := w.Directory.Users(t.Context(), tc.q)
			if err != nil || len(found) != tc.want {
				t.Errorf("%d users, want %d: %v", len(found), tc.want, err)
			}
			within("the page", tc.of)
			if _, err := w.Directory.Count(t.Context(), tc.q.Filter); (err != nil) != tc.refusesCount {
				t.Error(err)
			}
			within("the count", tc.count)
		})
	}
}
