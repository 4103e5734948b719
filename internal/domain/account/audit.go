package account

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Limits of an audit log. The audit log of a user, and of the settings, is a chain: the hash of an
// entry covers the entry before it. Its end stands in the owner's own record and is committed with
// the change that it records, so it costs no request. Older entries move to pages. A page's key
// follows from the number of entries, so a page is written without a read.
const (
	// PageEntries keeps a page under a kilobyte, the unit by which DynamoDB bills writes.
	PageEntries = 6
	// PagesKept limits the pages of one owner, and so the work of a user's deletion. The oldest
	// page is overwritten.
	PagesKept = 60
	// repeatsWithin is the time in which a repeated act only raises the count of its entry, if a
	// caller can repeat it at will.
	repeatsWithin = 24 * time.Hour
)

// AuditEntry is one act as it is stored and hashed. It holds ids only.
type AuditEntry struct {
	Name    eventtype.Name `json:"k"`
	At      Instant        `json:"t"`
	Method  Strategy       `json:"m,omitempty"` // if Ref does not imply it
	Ref     string         `json:"r,omitempty"` // the subject: a letter and what the owner's id lacks
	Backend bool           `json:"b,omitempty"` // by the Backend API
	Repeats int            `json:"c,omitempty"` // repetitions until Last
	Last    Instant        `json:"l,omitempty"`
	Fields  []string       `json:"f,omitempty"` // of the settings
	Operator
	Values []json.RawMessage `json:"v,omitempty"` // of each of Fields, before the change and after it
}

// Operator is the person who acts through the Backend API, and why, as the caller states both. Each
// may be "".
type Operator struct {
	OperatorName string `json:"o,omitempty"`
	Reason       string `json:"w,omitempty"`
}

// Digest returns the entry's hash, which covers the hash before it.
func (e AuditEntry) Digest(before []byte) []byte {
	data, err := json.Marshal(e)
	if err != nil {
		panic("account: an audit entry has only texts and numbers: " + err.Error())
	}
	sum := sha256.Sum256(append(slices.Clone(before), data...))
	return sum[:]
}

// Trail is the end of an owner's audit log.
type Trail struct {
	Paged   int          `json:"n,omitempty"` // entries that moved to pages
	Before  []byte       `json:"p,omitempty"` // hash of the last of them
	Entries []AuditEntry `json:"e"`
	// Kept counts the entries that were kept from overwritten pages.
	Kept int `json:"k,omitempty"`
	// Tag is a keyed hash of the whole chain. Without the key, an attacker who can write to the
	// store cannot make a chain that verifies.
	Tag []byte `json:"h"`

	Changed bool `json:"-"`
	// Added are the acts since the trail was read, with repetitions. Statistics count them.
	Added []AuditEntry `json:"-"`
}

// Total returns the number of entries ever made.
func (tr *Trail) Total() int { return tr.Paged + len(tr.Entries) }

// Pages returns the number of pages ever written.
func (tr *Trail) Pages() int { return tr.Paged / PageEntries }

// Keys returns the keys of the newest pages, oldest first.
func (tr *Trail) Keys(owner store.Key, most int) []store.Key {
	var keys []store.Key
	for n := max(0, tr.Pages()-most); n < tr.Pages(); n++ {
		keys = append(keys, PageKey(owner, n))
	}
	return keys
}

// Last returns the hash of the newest entry.
func (tr *Trail) Last() []byte {
	link := tr.Before
	for _, e := range tr.Entries {
		link = e.Digest(link)
	}
	return link
}

// AuditPage is a part of an audit log that moved out of its owner's record.
type AuditPage struct {
	Base
	First   int         `json:"n"` // how many entries there were before
	Before  []byte      `json:"p,omitempty"`
	Entries []PageEntry `json:"e"`
	Tag     []byte      `json:"g,omitempty"` // of a page of kept entries, which is in no chain
}

// PageEntry is an entry on a page.
type PageEntry struct {
	AuditEntry
	Hash     []byte `json:"h"`
	Sequence int    `json:"n,omitempty"` // of a kept entry
}

// PageKey returns the key of the n-th page; page n overwrites page n-PagesKept.
func PageKey(owner store.Key, n int) store.Key {
	return store.Key{Kind: store.KindAudit, ID: fmt.Sprintf("%s.%02d", owner.ID, n%PagesKept)}
}

// Audited is a record with an audit log.
type Audited interface {
	Entity
	TrailOf() **Trail // nil until the first act
}

// TrailOf implements [Audited].
func (u *User) TrailOf() **Trail { return &u.Trail }

// TrailOf implements [Audited].
func (s *Settings) TrailOf() **Trail { return &s.Trail }

// Subject is the factor, number, ticket or session of an act.
type Subject struct {
	Method Strategy
	Ref    string
	Began  Instant // of a session
}

// Subject names the phone in an audit entry.
func (p *Phone) Subject() Subject { return Subject{Method: PhoneCode, Ref: "p" + p.Tail} }

// Subject names the authenticator app in an audit entry.
func (t *TOTP) Subject() Subject { return Subject{Method: TOTPCode, Ref: "t" + t.ID} }

// Subject names the set in an audit entry.
func (b *BackupSet) Subject() Subject { return Subject{Method: BackupCode, Ref: "b" + b.ID} }

// Subject names the ticket in an audit entry.
func (t *Ticket) Subject() Subject { return Subject{Method: TicketCode, Ref: "k" + t.ID.ID} }

// Subject names the session in an audit entry.
func (n SessionName) Subject(began Instant) Subject {
	return Subject{Ref: "s" + n.Client + n.Nonce, Began: began}
}

// Read returns the method and the whole id of the entry's subject.
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
	case 'w':
		return PasskeyProof, PrefixPasskey + rest
	case 'k':
		return TicketCode, PrefixTicket + rest
	case 'd':
		return "", prefixDevice + rest
	}
	half := min(IDLen, len(rest))
	return "", prefixSession + rest[:half] + owner + rest[half:]
}

// RepeatedBy reports whether next is the same act within [repeatsWithin].
func (e *AuditEntry) RepeatedBy(next AuditEntry) bool {
	return e.Name == next.Name && e.Method == next.Method && (e.Ref == next.Ref || e.Name.RepeatsForAnySubject()) && e.Backend == next.Backend && e.Operator == next.Operator && next.At.Sub(e.At) < repeatsWithin
}

// MovePage takes the oldest entries out as a page. The newest entry stays, because it may still
// count up.
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

// Limits of kept entries. When an old page is overwritten, its entries are kept on pages of their
// own, unless a caller can repeat their act at will ([eventtype.Kind]): no number of sign-ins
// erases a change of factors. A kept entry brings its place in the chain and its hash along. Its
// page has a keyed hash, and the owner's record, whose tag covers it, says how many entries were
// ever kept, so a page that is changed, missing or older is detected.
const (
	KeptEntries = 10
	KeptPages   = 40
)

// KeptKey returns the key of the n-th page of kept entries.
func KeptKey(owner store.Key, n int) store.Key {
	return store.Key{Kind: store.KindAudit, ID: fmt.Sprintf("%s.k%02d", owner.ID, n%KeptPages)}
}

// KeptKeys returns the keys of the pages of kept entries, oldest first.
func (tr *Trail) KeptKeys(owner store.Key) []store.Key {
	pages := (tr.Kept + KeptEntries - 1) / KeptEntries
	var keys []store.Key
	for n := max(0, pages-KeptPages); n < pages; n++ {
		keys = append(keys, KeptKey(owner, n))
	}
	return keys
}
