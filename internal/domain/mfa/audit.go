package mfa

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// The audit trail of a user, and of the settings, is a chain: the hash of an entry covers the entry before it. Its end is in the owner's own
// refusalCounter, so it is read and committed with the change that it tells of and costs no request. What no longer fits there moves to a page of
// its own. A page's name follows from the number of entries, so it is written without having been read. Of a page that gives way, what no caller can
// repeat at will is kept apart (audit_kept.go), so no number of sign-ins pushes out a change of factors.
const (
	// pageEntries keeps a page under a kilobyte, the unit by which writes are billed.
	pageEntries = 6
	// pagesKept bounds what one owner can fill, and what the deletion of a user has to remove. The oldest page gives way.
	pagesKept = 60
	// repeatsWithin is how long the same act only counts up, of those that a caller can repeat at will.
	repeatsWithin = 24 * time.Hour
)

// auditEntry is one act as it is stored and hashed. It holds ids only.
type auditEntry struct {
	Name    EventName `json:"k"`
	At      Instant   `json:"t"`
	Method  Strategy  `json:"m,omitempty"` // where Ref does not say it
	Ref     string    `json:"r,omitempty"` // what it was done to: a letter and the part of the id that the owner's does not say
	Backend bool      `json:"b,omitempty"` // by the team's servers
	Repeats int       `json:"c,omitempty"` // how often it was done again until Last
	Last    Instant   `json:"l,omitempty"`
	Fields  []string  `json:"f,omitempty"` // of the settings
}

// hash is the entry's link of the chain.
func (e auditEntry) hash(before []byte) []byte {
	data, err := json.Marshal(e)
	if err != nil {
		panic("mfa: an audit entry has only texts and numbers: " + err.Error())
	}
	sum := sha256.Sum256(append(slices.Clone(before), data...))
	return sum[:]
}

// trail is the end of an owner's chain.
type trail struct {
	Paged   int          `json:"n,omitempty"` // entries that moved to pages
	Before  []byte       `json:"p,omitempty"` // hash of the last of them
	Entries []auditEntry `json:"e"`
	// Kept is how many entries of pages that gave way are kept: see audit_kept.go.
	Kept int `json:"k,omitempty"`
	// Tag is a keyed hash of the whole chain: who can write to the store and has no key cannot make up a chain that verifies.
	Tag []byte `json:"h"`

	changed bool
}

func (tr *trail) total() int { return tr.Paged + len(tr.Entries) }
func (tr *trail) pages() int { return tr.Paged / pageEntries }

// keys name the newest pages, oldest first.
func (tr *trail) keys(owner Key, most int) []Key {
	var keys []Key
	for n := max(0, tr.pages()-most); n < tr.pages(); n++ {
		keys = append(keys, pageKey(owner, n))
	}
	return keys
}

// last is the hash of the newest entry.
func (tr *trail) last() []byte {
	link := tr.Before
	for _, e := range tr.Entries {
		link = e.hash(link)
	}
	return link
}

// auditPage is part of a chain that left its owner's record.
type auditPage struct {
	base
	First   int         `json:"n"` // how many entries there were before
	Before  []byte      `json:"p,omitempty"`
	Entries []pageEntry `json:"e"`
	Tag     []byte      `json:"g,omitempty"` // of a page of kept entries, which is in no chain
}

type pageEntry struct {
	auditEntry
	Hash     []byte `json:"h"`
	Sequence int    `json:"n,omitempty"` // of a kept entry
}

// pageKey names the place of the n-th page; pages take turns.
func pageKey(owner Key, n int) Key {
	return Key{KindAudit, fmt.Sprintf("%s.%02d", owner.ID, n%pagesKept)}
}

// audited is a record with a trail.
type audited interface {
	entity
	trailOf() **trail // nil until the first act
}

func (u *User) trailOf() **trail     { return &u.Trail }
func (s *Settings) trailOf() **trail { return &s.Trail }

// subject is what an act was done to.
type subject struct {
	method Strategy
	ref    string
	began  Instant // of a session
}

func (p *Phone) subject() subject     { return subject{method: PhoneCode, ref: "p" + p.Tail} }
func (t *TOTP) subject() subject      { return subject{method: TOTPCode, ref: "t" + t.ID} }
func (b *BackupSet) subject() subject { return subject{method: BackupCode, ref: "b" + b.ID} }
func (t *Ticket) subject() subject    { return subject{method: TicketCode, ref: "k" + t.id.ID} }

func (n sessionName) subject(began Instant) subject {
	return subject{ref: "s" + n.client + n.nonce, began: began}
}

// read is the opposite of the subjects above: the method and the whole id.
func (e auditEntry) read(owner string) (by Strategy, id string) {
	if e.Ref == "" {
		return e.Method, ""
	}
	rest := e.Ref[1:]
	switch e.Ref[0] {
	case 'p':
		return PhoneCode, prefixID + owner + rest
	case 't':
		return TOTPCode, prefixTOTP + rest
	case 'b':
		return BackupCode, prefixBackup + rest
	case 'k':
		return TicketCode, prefixTicket + rest
	}
	half := min(idLen, len(rest))
	return "", prefixSession + rest[:half] + owner + rest[half:]
}

// record appends an act to its user's trail, in the commit of the act itself.
func (t *txn) record(u *User, name EventName, s subject) {
	e := auditEntry{Name: name, At: t.now, Ref: s.ref, Backend: t.byBackend}
	if s.ref == "" {
		e.Method = s.method
	}
	again := t.appendEntry(u, e)
	if !name.routine() && (name != EventReplay || !again) { // replaying costs whoever does it nothing
		by, id := e.read(u.ID)
		t.publish(Event{Name: name, User: u.WireID(), Subject: id, Method: by, Began: s.began})
	}
}

// appendEntry appends an entry, or counts it up where the same act is still in the owner's record.
func (t *txn) appendEntry(owner audited, e auditEntry) (again bool) {
	if *owner.trailOf() == nil {
		*owner.trailOf() = &trail{}
	}
	tr := *owner.trailOf()
	tr.changed = true
	t.put(owner)
	for i := len(tr.Entries) - 1; i >= 0 && e.Name.repeats(); i-- {
		if before := &tr.Entries[i]; before.repeatedBy(e) {
			before.Repeats, before.Last, before.Ref = before.Repeats+1, e.At, e.Ref
			return true
		}
	}
	tr.Entries = append(tr.Entries, e)
	return false
}

// repeatedBy says whether e is the same act a little later.
func (e *auditEntry) repeatedBy(next auditEntry) bool {
	return e.Name == next.Name && e.Method == next.Method && (e.Ref == next.Ref || e.Name.repeatsForAnySubject()) && e.Backend == next.Backend && next.At.Sub(e.At) < repeatsWithin
}

// sealTrails closes the trails that the operation added to: it moves full pages out and tags the chains. A page that takes the place of an old one
// is the only one that must be read before: once in six acts, of somebody who has hundreds behind them.
func (t *txn) sealTrails() error {
	for _, k := range slices.Clone(t.order) {
		owner, ok := t.seen[k].(audited)
		if !ok || t.dirty[k] {
			continue
		}
		tr := *owner.trailOf()
		if tr == nil || !tr.changed {
			continue
		}
		for len(tr.Entries) > pageEntries {
			place := base{id: pageKey(k, tr.pages())}
			if tr.pages() >= pagesKept {
				if err := t.replacePage(k, tr, place.id); err != nil {
					return err
				}
				place.version = t.seen[place.id].storedVersion()
			}
			t.put(tr.movePage(place))
		}
		tr.Tag, tr.changed = t.s.ring.MAC(tagParts(k, tr)...), false
	}
	return nil
}

// tagParts are what the tag of a chain is over.
func tagParts(owner Key, tr *trail) []string {
	parts := []string{"audit", string(owner.Kind), owner.ID, strconv.Itoa(tr.total()), string(tr.last())}
	if tr.Kept > 0 { // trails from before have none
		parts = append(parts, strconv.Itoa(tr.Kept))
	}
	return parts
}

// movePage takes the oldest entries out as a page. The newest stays, because it may still count up.
func (tr *trail) movePage(place base) *auditPage {
	p := &auditPage{base: place, First: tr.Paged, Before: tr.Before}
	for _, e := range tr.Entries[:pageEntries] {
		tr.Before = e.hash(tr.Before)
		p.Entries = append(p.Entries, pageEntry{auditEntry: e, Hash: tr.Before})
	}
	tr.Paged += pageEntries
	tr.Entries = slices.Clone(tr.Entries[pageEntries:])
	return p
}
