package audit

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Event is an act in an audit log.
type Event struct {
	Sequence int // counts from 1
	Name     eventtype.Name
	Method   account.Strategy
	Subject  string // the id of the subject, or ""
	Backend  bool   // by the Backend API
	Times    int
	At, Last account.Instant
	Hash     []byte
	Fields   []string          // of the settings
	Values   []json.RawMessage // before and after, of each of Fields
	account.Operator
}

// Trail is what is left of an audit log, newest first. Kept entries come last, with gaps in their
// sequence.
type Trail struct {
	Events []Event
	Total  int // overwritten entries too
	// Broken is the sequence of the first entry that does not follow from the one before, or 0.
	Broken int
}

// UserTrail reads a user's audit log and verifies it.
func (s *Service) UserTrail(ctx context.Context, user string) (*Trail, error) {
	var out *Trail
	err := s.Admin(ctx, user, func(t *tx.Tx, u *account.User) error {
		var err error
		out, err = ReadTrail(t, u, u.ID, account.PagesKept)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// SettingsTrail reads the audit log of the settings and verifies it.
func (s *Service) SettingsTrail(ctx context.Context) (*Trail, error) {
	var out *Trail
	err := s.Update(ctx, []store.Key{account.SettingsKey}, func(t *tx.Tx) error {
		var err error
		out, err = ReadTrail(t, t.Seen[account.SettingsKey].(*account.Settings), "", account.PagesKept)
		return err
	})
	return out, err
}

// ReadTrail reads the end of an owner's audit log and up to most pages, and verifies them as one
// chain.
func ReadTrail(t *tx.Tx, owner account.Audited, id string, most int) (*Trail, error) {
	tr := *owner.TrailOf()
	if tr == nil {
		return &Trail{}, nil
	}
	keys := tr.Keys(owner.Key(), most)
	if err := t.Read(keys...); err != nil {
		return nil, err
	}
	c := chain{owner: id, at: tr.Paged - len(keys)*account.PageEntries}
	for _, k := range keys {
		page, _ := t.Seen[k].(*account.AuditPage)
		c.page(page)
	}
	if len(keys) > 0 && !bytes.Equal(c.link, tr.Before) {
		c.breaks(tr.Paged + 1)
	}
	c.link = tr.Before
	for _, e := range tr.Entries {
		c.link = e.Digest(c.link)
		c.add(e, c.link)
	}
	if !t.Engine.Ring.CheckMAC(tr.Tag, tagParts(owner.Key(), tr)...) {
		c.breaks(max(1, tr.Total()))
	}
	out := &Trail{Events: c.newestFirst(), Total: tr.Total(), Broken: c.broken}
	if most < account.PagesKept || tr.Kept == 0 {
		return out, nil
	}
	kept, broken, err := keptEvents(t, owner.Key(), id, tr, c.first)
	if err != nil {
		return nil, err
	}
	out.Events = append(out.Events, kept...)
	if broken != 0 && (out.Broken == 0 || broken < out.Broken) {
		out.Broken = broken
	}
	return out, nil
}

// chain follows an audit log from its oldest entry that is left.
type chain struct {
	owner  string
	at     int // entries so far
	link   []byte
	begun  bool
	first  int // the sequence of the oldest entry
	events []Event
	broken int
}

func (c *chain) breaks(at int) {
	if c.broken == 0 || at < c.broken {
		c.broken = at
	}
}

// page adds the next page. The page before the first may be gone, so the first page itself says
// what it follows. It may also have been overwritten after its owner was read.
func (c *chain) page(p *account.AuditPage) {
	if !c.begun && p.First == c.at+account.PagesKept*account.PageEntries {
		c.at += account.PageEntries
		return
	}
	first := !c.begun
	c.begun = true
	if p.First != c.at || len(p.Entries) != account.PageEntries { // missing or another's
		c.breaks(c.at + 1)
		c.at, c.link = c.at+account.PageEntries, nil
		return
	}
	if !bytes.Equal(p.Before, c.link) && (!first || c.at == 0) {
		c.breaks(c.at + 1)
	}
	c.link = p.Before
	for _, e := range p.Entries {
		c.link = e.Digest(c.link)
		if !bytes.Equal(c.link, e.Hash) {
			c.breaks(c.at + 1)
		}
		c.add(e.AuditEntry, e.Hash)
	}
}

func (c *chain) add(e account.AuditEntry, hash []byte) {
	c.at++
	if c.first == 0 {
		c.first = c.at
	}
	c.events = append(c.events, event(e, c.owner, c.at, hash))
}

// event returns an entry as it is shown.
func event(e account.AuditEntry, owner string, sequence int, hash []byte) Event {
	by, id := e.Read(owner)
	return Event{
		Sequence: sequence, Name: e.Name, Method: by, Subject: id, Backend: e.Backend,
		Times: e.Repeats + 1, At: e.At, Last: max(e.At, e.Last), Hash: hash, Fields: e.Fields, Values: e.Values,
		Operator: e.Operator,
	}
}

func (c *chain) newestFirst() []Event {
	out := make([]Event, len(c.events))
	for i, e := range c.events {
		out[len(out)-1-i] = e
	}
	return out
}
