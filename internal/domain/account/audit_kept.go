package account

import (
	"fmt"

	"github.com/countersign-mfa/countersign/internal/store"
)

// Entries of a page that gives way are kept on pages of their own, unless their act can be
// repeated at will ([EventKind].AtWill). Those pages take turns too, so only such acts push out
// such acts. An entry brings its place in the chain and its hash along. Its page has a keyed
// Digest, and the owner's record, whose tag covers it, says how many entries were ever kept: a page
// that is changed, missing or older is noticed.
const (
	KeptEntries = 10
	KeptPages   = 40
)

func KeptKey(owner store.Key, n int) store.Key {
	return store.Key{Kind: store.KindAudit, ID: fmt.Sprintf("%s.k%02d", owner.ID, n%KeptPages)}
}

// KeptKeys name the pages of kept entries that are left, oldest first.
func (tr *Trail) KeptKeys(owner store.Key) []store.Key {
	pages := (tr.Kept + KeptEntries - 1) / KeptEntries
	var keys []store.Key
	for n := max(0, pages-KeptPages); n < pages; n++ {
		keys = append(keys, KeptKey(owner, n))
	}
	return keys
}
