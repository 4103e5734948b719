package mfa

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Entries of a page that gives way are kept on pages of their own, unless their act can be
// repeated at will ([EventKind].AtWill). Those pages take turns too, so only such acts push out
// such acts. An entry brings its place in the chain and its hash along. Its page has a keyed
// hash, and the owner's record, whose tag covers it, says how many entries were ever kept: a page
// that is changed, missing or older is noticed.
const (
	keptEntries = 10
	keptPages   = 40
)

func keptKey(owner Key, n int) Key {
	return Key{KindAudit, fmt.Sprintf("%s.k%02d", owner.ID, n%keptPages)}
}

// keptKeys name the pages of kept entries that are left, oldest first.
func (tr *trail) keptKeys(owner Key) []Key {
	pages := (tr.Kept + keptEntries - 1) / keptEntries
	var keys []Key
	for n := max(0, pages-keptPages); n < pages; n++ {
		keys = append(keys, keptKey(owner, n))
	}
	return keys
}

// replacePage reads the page in a place that another one is to take, and keeps of it what must not be
// lost.
func (t *txn) replacePage(owner Key, tr *trail, place Key) error {
	n := tr.Kept / keptEntries
	if err := t.read(place, keptKey(owner, n), keptKey(owner, n+1)); err != nil {
		return err
	}
	old, ok := t.seen[place].(*auditPage)
	if !ok || old.version == 0 {
		return nil
	}
	for i, e := range old.Entries {
		if e.Name.Kind().AtWill {
			continue
		}
		e.Sequence = old.First + i + 1
		if err := t.keepEntry(owner, tr, e); err != nil {
			return err
		}
	}
	return nil
}

// keepEntry adds an entry to the newest page of kept ones.
func (t *txn) keepEntry(owner Key, tr *trail, e pageEntry) error {
	first := tr.Kept / keptEntries * keptEntries
	k := keptKey(owner, tr.Kept/keptEntries)
	page, ok := t.seen[k].(*auditPage)
	if !ok {
		return fmt.Errorf("mfa: %s was not read", k.Kind)
	}
	if tr.Kept == first || page.First != first { // it takes the place of an old one, or of nothing
		page = &auditPage{base: base{id: k, version: page.version}, First: first}
	}
	page.Entries = append(page.Entries, e)
	tr.Kept++
	parts, err := keptParts(owner, page)
	if err != nil {
		return err
	}
	page.Tag = t.s.ring.MAC(parts...)
	t.put(page)
	return nil
}

// keptParts are what the tag of a page is over.
func keptParts(owner Key, p *auditPage) ([]string, error) {
	data, err := json.Marshal(p.Entries)
	if err != nil {
		return nil, fmt.Errorf("encode kept entries: %w", err)
	}
	return []string{"audit-kept", string(owner.Kind), owner.ID, strconv.Itoa(p.First), string(data)}, nil
}

// keptEvents reads the entries that outlived their pages, newest first, as far as they are from before
// a place in the chain. broken is the first that is not as it was written, or 0.
func (t *txn) keptEvents(owner Key, id string, tr *trail, before int) (events []AuditEvent, broken int, err error) {
	keys := tr.keptKeys(owner)
	if err := t.read(keys...); err != nil {
		return nil, 0, err
	}
	var oldest []AuditEvent
	for i, k := range keys {
		first := (max(0, (tr.Kept+keptEntries-1)/keptEntries-keptPages) + i) * keptEntries
		page, ok := t.seen[k].(*auditPage)
		if !ok || page.First != first || len(page.Entries) != min(keptEntries, tr.Kept-first) {
			return nil, 1, nil
		}
		parts, err := keptParts(owner, page)
		if err != nil {
			return nil, 0, err
		}
		if !t.s.ring.CheckMAC(page.Tag, parts...) {
			broken = max(1, page.Entries[0].Sequence)
		}
		for _, e := range page.Entries {
			if e.Sequence < before {
				oldest = append(oldest, e.auditEntry.event(id, e.Sequence, e.Hash))
			}
		}
	}
	for i := range oldest {
		events = append(events, oldest[len(oldest)-1-i])
	}
	return events, broken, nil
}
