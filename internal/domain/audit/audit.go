// Package audit writes and reads the audit logs of users and settings, and the event log of the
// instance.
package audit

import (
	"slices"
	"strconv"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Record appends an act to its user's audit log and publishes its event, in the commit of the act
// itself.
func Record(t *tx.Tx, u *account.User, name eventtype.Name, s account.Subject) {
	e := account.AuditEntry{Name: name, At: t.Now, Ref: s.Ref, Backend: t.ByBackend}
	if t.ByBackend {
		e.Operator = t.Operator
	}
	if s.Ref == "" {
		e.Method = s.Method
	}
	again := AppendEntry(t, u, e)
	if !name.Routine() && (name != eventtype.Replay || !again) { // a replay is free
		by, id := e.Read(u.ID)
		Publish(t, account.Event{Name: name, User: u.WireID(), Subject: id, Method: by, Began: s.Began})
	}
}

// AppendEntry appends an entry, or raises the count of the same act if it still stands in the
// owner's record.
func AppendEntry(t *tx.Tx, owner account.Audited, e account.AuditEntry) (again bool) {
	if *owner.TrailOf() == nil {
		*owner.TrailOf() = &account.Trail{}
	}
	tr := *owner.TrailOf()
	tr.Changed, tr.Added = true, append(tr.Added, e)
	t.Put(owner)
	for i := len(tr.Entries) - 1; i >= 0 && e.Name.Repeats(); i-- {
		if before := &tr.Entries[i]; before.RepeatedBy(e) {
			before.Repeats, before.Last, before.Ref = before.Repeats+1, e.At, e.Ref
			return true
		}
	}
	tr.Entries = append(tr.Entries, e)
	return false
}

// SealTrails closes the audit logs that the operation added to: it moves full pages out and tags
// the chains. A page is read only before it is overwritten, which needs hundreds of entries.
func SealTrails(t *tx.Tx) error {
	for _, k := range slices.Clone(t.Order) {
		owner, ok := t.Seen[k].(account.Audited)
		if !ok || t.Dirty[k] {
			continue
		}
		tr := *owner.TrailOf()
		if tr == nil || !tr.Changed {
			continue
		}
		for len(tr.Entries) > account.PageEntries {
			place := account.Base{ID: account.PageKey(k, tr.Pages())}
			if tr.Pages() >= account.PagesKept {
				if err := replacePage(t, k, tr, place.ID); err != nil {
					return err
				}
				place.Version = t.Seen[place.ID].StoredVersion()
			}
			t.Put(tr.MovePage(place))
		}
		tr.Tag, tr.Changed = t.Engine.Ring.MAC(tagParts(k, tr)...), false
	}
	return nil
}

// tagParts returns the input of a chain's tag.
func tagParts(owner store.Key, tr *account.Trail) []string {
	parts := []string{"audit", string(owner.Kind), owner.ID, strconv.Itoa(tr.Total()), string(tr.Last())}
	if tr.Kept > 0 { // older chains kept none
		parts = append(parts, strconv.Itoa(tr.Kept))
	}
	return parts
}

// Service reads the audit logs and the event log. It is safe for concurrent use.
type Service struct {
	*tx.Engine
}
