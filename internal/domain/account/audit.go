package account

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/store"
)

// The audit trail of a user, and of the settings, is a chain: the hash of an entry covers the entry before it. Its end is in the owner's own
// refusalCounter, so it is read and committed with the change that it tells of and costs no request. What no longer fits there moves to a page of
// its own. A page's name follows from the number of entries, so it is written without having been read. Of a page that gives way, what no caller can
// repeat at will is kept apart (audit_kept.go), so no number of sign-ins pushes out a change of factors.
const (
	// PageEntries keeps a page under a kilobyte, the unit by which writes are billed.
	PageEntries = 6
	// PagesKept bounds what one owner can fill, and what the deletion of a user has to remove. The oldest page gives way.
	PagesKept = 60
	// repeatsWithin is how long the same act only counts up, of those that a caller can repeat at will.
	repeatsWithin = 24 * time.Hour
)

// AuditEntry is one act as it is stored and hashed. It holds ids only.
type AuditEntry struct {
	Name    EventName `json:"k"`
	At      Instant   `json:"t"`
	Method  Strategy  `json:"m,omitempty"` // where Ref does not say it
	Ref     string    `json:"r,omitempty"` // what it was done to: a letter and the part of the id that the owner's does not say
	Backend bool      `json:"b,omitempty"` // by the team's servers
	Repeats int       `json:"c,omitempty"` // how often it was done again until Last
	Last    Instant   `json:"l,omitempty"`
	Fields  []string  `json:"f,omitempty"` // of the settings
}

// Digest is the entry's link of the chain.
func (e AuditEntry) Digest(before []byte) []byte {
	data, err := json.Marshal(e)
	if err != nil {
		panic("mfa: an audit entry has only texts and numbers: " + err.Error())
	}
	sum := sha256.Sum256(append(slices.Clone(before), data...))
	return sum[:]
}

// Trail is the end of an owner's chain.
type Trail struct {
	Paged   int          `json:"n,omitempty"` // entries that moved to pages
	Before  []byte       `json:"p,omitempty"` // hash of the last of them
	Entries []AuditEntry `json:"e"`
	// Kept is how many entries of pages that gave way are kept: see audit_kept.go.
	Kept int `json:"k,omitempty"`
	// Tag is a keyed hash of the whole chain: who can write to the store and has no key cannot make up a chain that verifies.
	Tag []byte `json:"h"`

	Changed bool `json:"-"`
}

func (tr *Trail) Total() int { return tr.Paged + len(tr.Entries) }

func (tr *Trail) Pages() int { return tr.Paged / PageEntries }

// Keys name the newest pages, oldest first.
func (tr *Trail) Keys(owner store.Key, most int) []store.Key {
	var keys []store.Key
	for n := max(0, tr.Pages()-most); n < tr.Pages(); n++ {
		keys = append(keys, PageKey(owner, n))
	}
	return keys
}

// Last is the hash of the newest entry.
func (tr *Trail) Last() []byte {
	link := tr.Before
	for _, e := range tr.Entries {
		link = e.Digest(link)
	}
	return link
}

// AuditPage is part of a chain that left its owner's record.
type AuditPage struct {
	Base
	First   int         `json:"n"` // how many entries there were before
	Before  []byte      `json:"p,omitempty"`
	Entries []PageEntry `json:"e"`
	Tag     []byte      `json:"g,omitempty"` // of a page of kept entries, which is in no chain
}

type PageEntry struct {
	AuditEntry
	Hash     []byte `json:"h"`
	Sequence int    `json:"n,omitempty"` // of a kept entry
}

// PageKey names the place of the n-th page; pages take turns.
func PageKey(owner store.Key, n int) store.Key {
	return store.Key{Kind: store.KindAudit, ID: fmt.Sprintf("%s.%02d", owner.ID, n%PagesKept)}
}

// Audited is a record with a trail.
type Audited interface {
	Entity
	TrailOf() **Trail // nil until the first act
}

func (u *User) TrailOf() **Trail { return &u.Trail }

func (s *Settings) TrailOf() **Trail { return &s.Trail }

// Subject is what an act was done to.
type Subject struct {
	Method Strategy
	Ref    string
	Began  Instant // of a session
}

func (p *Phone) Subject() Subject { return Subject{Method: PhoneCode, Ref: "p" + p.Tail} }

func (t *TOTP) Subject() Subject { return Subject{Method: TOTPCode, Ref: "t" + t.ID} }

func (b *BackupSet) Subject() Subject { return Subject{Method: BackupCode, Ref: "b" + b.ID} }

func (t *Ticket) Subject() Subject { return Subject{Method: TicketCode, Ref: "k" + t.ID.ID} }

func (n SessionName) Subject(began Instant) Subject {
	return Subject{Ref: "s" + n.Client + n.Nonce, Began: began}
}

// Read is the opposite of the subjects above: the method and the whole id.
func (e AuditEntry) Read(owner string) (by Strategy, id string) {
	if e.Ref == "" {
		return e.Method, ""
	}
	rest := e.Ref[1:]
	switch e.Ref[0] {
	case 'p':
		return PhoneCode, PrefixID + owner + rest
	case 't':
		return TOTPCode, PrefixTOTP + rest
	case 'b':
		return BackupCode, PrefixBackup + rest
	case 'k':
		return TicketCode, PrefixTicket + rest
	}
	half := min(IDLen, len(rest))
	return "", prefixSession + rest[:half] + owner + rest[half:]
}

// RepeatedBy says whether e is the same act a little later.
func (e *AuditEntry) RepeatedBy(next AuditEntry) bool {
	return e.Name == next.Name && e.Method == next.Method && (e.Ref == next.Ref || e.Name.repeatsForAnySubject()) && e.Backend == next.Backend && next.At.Sub(e.At) < repeatsWithin
}

// MovePage takes the oldest entries out as a page. The newest stays, because it may still count up.
func (tr *Trail) MovePage(place Base) *AuditPage {
	p := &AuditPage{Base: place, First: tr.Paged, Before: tr.Before}
	for _, e := range tr.Entries[:PageEntries] {
		tr.Before = e.Digest(tr.Before)
		p.Entries = append(p.Entries, PageEntry{AuditEntry: e, Hash: tr.Before})
	}
	tr.Paged += PageEntries
	tr.Entries = slices.Clone(tr.Entries[PageEntries:])
	return p
}

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
