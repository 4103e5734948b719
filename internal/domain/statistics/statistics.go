// Package statistics counts what happens to all users in a day: second factors and passkeys
// verified, failures and messages.
package statistics

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Counts are what statistics count: second factors and passkeys verified, by method;
// failures by event; messages by country. A passkey counts as a first factor too.
type Counts struct {
	Verified map[account.Strategy]int `json:"v,omitempty"`
	Failed   map[eventtype.Name]int   `json:"f,omitempty"`
	SMS      map[string]SMSCounts     `json:"s,omitempty"`
}

// SMSCounts are the messages to one country. Test messages are not counted.
type SMSCounts struct {
	Sent    int             `json:"s,omitempty"`
	Refused int             `json:"r,omitempty"`
	Spent   smsprice.Micros `json:"m,omitempty"`
}

// failures are the events that statistics count as failures.
var failures = map[eventtype.Name]bool{
	eventtype.CodeWrong: true, eventtype.PasswordWrong: true, eventtype.Replay: true, eventtype.SendFailed: true, eventtype.UserLocked: true, eventtype.FactorDisabled: true,
}

// Entry counts an audit entry.
func (c *Counts) Entry(e account.AuditEntry) {
	switch {
	case e.Name == eventtype.FactorUsed || e.Name == eventtype.BackupUsed:
		by, _ := e.Read("")
		add(&c.Verified, by, 1)
	case failures[e.Name]:
		add(&c.Failed, e.Name, 1)
	}
}

// Message counts the decision on a message.
func (c *Counts) Message(m *account.SMSRecord) {
	switch {
	case m.Test:
	case m.Decision == account.Refused:
		c.message(m.Country, SMSCounts{Refused: 1})
	default:
		c.message(m.Country, SMSCounts{Sent: 1, Spent: m.Price})
	}
}

func (c *Counts) message(country string, more SMSCounts) {
	if c.SMS == nil {
		c.SMS = map[string]SMSCounts{}
	}
	sum := c.SMS[country]
	c.SMS[country] = SMSCounts{sum.Sent + more.Sent, sum.Refused + more.Refused, sum.Spent + more.Spent}
}

// Add adds other counts.
func (c *Counts) Add(more Counts) {
	for by, n := range more.Verified {
		add(&c.Verified, by, n)
	}
	for name, n := range more.Failed {
		add(&c.Failed, name, n)
	}
	for country, n := range more.SMS {
		c.message(country, n)
	}
}

func add[K comparable](to *map[K]int, key K, n int) {
	if *to == nil {
		*to = map[K]int{}
	}
	(*to)[key] += n
}

// The parts of a note, after the day, are a letter with what is counted and, unless it is 1, a
// number.
const (
	noteVerified = 'v' // and a method
	noteFailed   = 'f' // and an event
	noteSent     = 's' // and a country
	noteRefused  = 'r' // and a country
	noteSpent    = 'm' // and a country; the number is in millionths of a dollar
)

// Note returns the counts of a commit as the text that the feed passes on: "g1d vtotp". It is
// short, because it is stored with the user whose code was checked. Without counts it is empty.
func (c *Counts) Note(at account.Instant) string {
	var b strings.Builder
	part := func(kind byte, name string, n int) {
		if n == 0 {
			return
		}
		b.WriteString(" " + string(kind) + name)
		if n != 1 {
			b.WriteString("*" + strconv.Itoa(n))
		}
	}
	for _, by := range slices.Sorted(maps.Keys(c.Verified)) {
		part(noteVerified, string(by), c.Verified[by])
	}
	for _, name := range slices.Sorted(maps.Keys(c.Failed)) {
		part(noteFailed, string(name), c.Failed[name])
	}
	for _, country := range slices.Sorted(maps.Keys(c.SMS)) {
		n := c.SMS[country]
		part(noteSent, country, n.Sent)
		part(noteRefused, country, n.Refused)
		part(noteSpent, country, int(n.Spent))
	}
	if b.Len() == 0 {
		return ""
	}
	return DayOf(at.Time()).note() + b.String()
}

// ParseNote reads a note. It leaves out parts that it does not know: a newer release wrote them.
func ParseNote(text string) (day Day, c Counts, ok bool) {
	first, rest, _ := strings.Cut(text, " ")
	number, err := strconv.ParseInt(first, dayBase, 32)
	if err != nil || number < 0 || number > lastDay {
		return 0, c, false
	}
	for _, part := range strings.Fields(rest) {
		name, times, many := strings.Cut(part[1:], "*")
		n := 1
		if many {
			if n, err = strconv.Atoi(times); err != nil {
				continue
			}
		}
		switch part[0] {
		case noteVerified:
			add(&c.Verified, account.Strategy(name), n)
		case noteFailed:
			add(&c.Failed, eventtype.Name(name), n)
		case noteSent:
			c.message(name, SMSCounts{Sent: n})
		case noteRefused:
			c.message(name, SMSCounts{Refused: n})
		case noteSpent:
			c.message(name, SMSCounts{Spent: smsprice.Micros(n)})
		}
	}
	return Day(number), c, true
}

// Day is a UTC day, in days since 1970.
type Day int

// lastDay is in the year 2149. A later day is no day of a note.
const lastDay = 1<<16 - 1

// dayBase makes the day of a note three characters long.
const dayBase = 36

// DayOf returns the day of a time.
func DayOf(t time.Time) Day { return Day(t.Unix() / (24 * 60 * 60)) }

// Begin returns the first instant of the day.
func (d Day) Begin() time.Time { return time.Unix(int64(d)*24*60*60, 0).UTC() }

// String returns the day as in 2026-11-28.
func (d Day) String() string { return d.Begin().Format(time.DateOnly) }

func (d Day) note() string { return strconv.FormatInt(int64(d), dayBase) }

// DayStatistics are the counts of one day, over all users.
type DayStatistics struct {
	account.Base
	Counts
}

// DaysKept is how many days statistics are kept.
const DaysKept = 400

// DayKey returns the key of a day's statistics.
func DayKey(d Day) store.Key { return store.Key{Kind: store.KindStatistics, ID: d.String()} }

// NextExpiry implements [account.Entity].
func (s *DayStatistics) NextExpiry() time.Time { return s.EndsAt() }

// EndsAt implements [account.Entity].
func (s *DayStatistics) EndsAt() time.Time {
	begin, err := time.Parse(time.DateOnly, s.ID.ID)
	if err != nil {
		return time.Time{}
	}
	return begin.AddDate(0, 0, DaysKept)
}

// FeedPosition is how far the notes of a journal, or of a shard of a stream, are counted. It is
// committed with the counts, so that each note counts once however often it is delivered.
type FeedPosition struct {
	account.Base
	// Sequence is that of the last counted note.
	Sequence string `json:"q"`
	// Until is when the shard has no more notes; 0 for a journal.
	Until account.Instant `json:"e,omitempty"`
}

// FeedKey returns the key of the position in a journal or shard.
func FeedKey(source string) store.Key { return store.Key{Kind: store.KindFeed, ID: source} }

// NextExpiry implements [account.Entity].
func (p *FeedPosition) NextExpiry() time.Time { return p.EndsAt() }

// EndsAt implements [account.Entity].
func (p *FeedPosition) EndsAt() time.Time { return p.Until.Time() }

// Pass moves the position to a note's sequence. It reports false, and stays, if the note was
// counted before.
func (p *FeedPosition) Pass(sequence string) bool {
	a, b := strings.TrimLeft(p.Sequence, "0"), strings.TrimLeft(sequence, "0")
	if len(b) < len(a) || len(b) == len(a) && b <= a {
		return false
	}
	p.Sequence = sequence
	return true
}
