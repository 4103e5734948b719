package tx

import (
	"math"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/listing"
	"github.com/countersign-mfa/countersign/internal/store"
)

// keepListing remembers in which lists a user stands, if the record that was just read is a user's.
// Only a change of them is written, so checking a code writes the user's record alone.
func (t *Tx) keepListing(e account.Entity) {
	u, ok := e.(*account.User)
	if !ok || u.Version == 0 {
		return
	}
	if t.listings == nil {
		t.listings = map[store.Key]*account.Listing{}
	}
	t.listings[u.Key()] = u.Listing()
}

// Relist stages a user whose lists may be out of date, because a process of an earlier version
// changed the record without them. The commit puts the user into all lists of the record. Outdated
// words stay in lists; a search reads the records and leaves the user out.
func (t *Tx) Relist(u *account.User) {
	t.listings[u.Key()] = &account.Listing{CreatedAt: u.CreatedAt, Banned: !u.Banned}
	t.Put(u)
}

// list adds to the write of a user the changes of lists, and returns the increment of the number of
// users when it changes. A new user is in the lists from the start. A user from before the lists
// comes into them by directory.Service.Migrate alone.
func (t *Tx) list(u *account.User, w *store.Write) []store.Increment {
	if u.Version == 0 {
		u.Listed = account.ListingForm
	}
	before, after := t.listings[u.Key()], u.Listing()
	if w.Delete {
		after = nil
	}
	if before.Equal(after) {
		return nil
	}
	w.Add, w.Remove = listing.Change(u.ID, before, after, t.Engine.Digest)
	count := store.Increment{Counter: listing.Counter(u.ID), Max: math.MaxInt64, Expires: listing.Forever}
	switch {
	case before == nil:
		count.By = 1
	case after == nil:
		count.By = -1
	default:
		return nil
	}
	return []store.Increment{count}
}
