package audit

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// replacePage reads the page that is about to be overwritten, and keeps those of its entries that
// must not be lost.
func replacePage(t *tx.Tx, owner store.Key, tr *account.Trail, place store.Key) error {
	n := tr.Kept / account.KeptEntries
	if err := t.Read(place, account.KeptKey(owner, n), account.KeptKey(owner, n+1)); err != nil {
		return err
	}
	old, ok := t.Seen[place].(*account.AuditPage)
	if !ok || old.Version == 0 {
		return nil
	}
	for i, e := range old.Entries {
		if e.Name.Kind().AtWill {
			continue
		}
		e.Sequence = old.First + i + 1
		if err := keepEntry(t, owner, tr, e); err != nil {
			return err
		}
	}
	return nil
}

// keepEntry adds an entry to the newest page of kept entries.
func keepEntry(t *tx.Tx, owner store.Key, tr *account.Trail, e account.PageEntry) error {
	first := tr.Kept / account.KeptEntries * account.KeptEntries
	k := account.KeptKey(owner, tr.Kept/account.KeptEntries)
	page, ok := t.Seen[k].(*account.AuditPage)
	if !ok {
		return fmt.Errorf("audit: %s was not read", k.Kind)
	}
	if tr.Kept == first || page.First != first { // overwrite an old page, or begin the first
		page = &account.AuditPage{Base: account.Base{ID: k, Version: page.Version}, First: first}
	}
	page.Entries = append(page.Entries, e)
	tr.Kept++
	parts, err := keptParts(owner, page)
	if err != nil {
		return err
	}
	page.Tag = t.Engine.Ring.MAC(parts...)
	t.Put(page)
	return nil
}

// keptParts returns the input of a page's tag.
func keptParts(owner store.Key, p *account.AuditPage) ([]string, error) {
	data, err := json.Marshal(p.Entries)
	if err != nil {
		return nil, fmt.Errorf("encode kept entries: %w", err)
	}
	return []string{"audit-kept", string(owner.Kind), owner.ID, strconv.Itoa(p.First), string(data)}, nil
}

// keptEvents reads the kept entries before a place in the chain, newest first. broken is the
// sequence of the first entry that was changed, or 0.
func keptEvents(t *tx.Tx, owner store.Key, id string, tr *account.Trail, before int) (events []Event, broken int, err error) {
	keys := tr.KeptKeys(owner)
	if err := t.Read(keys...); err != nil {
		return nil, 0, err
	}
	var oldest []Event
	for i, k := range keys {
		first := (max(0, (tr.Kept+account.KeptEntries-1)/account.KeptEntries-account.KeptPages) + i) * account.KeptEntries
		page, ok := t.Seen[k].(*account.AuditPage)
		if !ok || page.First != first || len(page.Entries) != min(account.KeptEntries, tr.Kept-first) {
			return nil, 1, nil
		}
		parts, err := keptParts(owner, page)
		if err != nil {
			return nil, 0, err
		}
		if !t.Engine.Ring.CheckMAC(page.Tag, parts...) {
			broken = max(1, page.Entries[0].Sequence)
		}
		for _, e := range page.Entries {
			if e.Sequence < before {
				oldest = append(oldest, event(e.AuditEntry, id, e.Sequence, e.Hash))
			}
		}
	}
	for i := range oldest {
		events = append(events, oldest[len(oldest)-1-i])
	}
	return events, broken, nil
}
