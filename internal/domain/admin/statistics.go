package admin

import (
	"context"
	"fmt"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Statistics are what happened day by day (UTC). They are counted when somebody asks, out of the trails and decisions that are written anyway, so that no
// Check of a code pays for them. They are of users that are still there.
type Statistics struct {
	Begin account.Instant // of the first day
	Days  int
	Users int // whose trails were read
	// Partial says that there is more than was read.
	Partial  bool
	Verified map[account.Strategy][]int  // currentSecond factors proved, by method
	Failed   map[account.EventName][]int // what went wrong
	// SMS are by country, and reach as far back as decisions on messages are kept.
	SMS map[string]*SMSStatistics
}

// SMSStatistics are the messages to one country, day by day. Tests are not counted.
type SMSStatistics struct {
	Sent, Refused []int
	Spent         []smsprice.Micros
}

// The most that one question reads. With more, the answer says that it is partial.
const (
	statisticsUsers = 2000
	statisticsPages = 2000
	statisticsSMS   = 5000
	statisticsBatch = 200
)

// StatisticsDays is the longest time that can be asked about.
const StatisticsDays = 90

// failures are the acts that statistics count as gone wrong.
var failures = map[account.EventName]bool{
	account.EventCodeWrong: true, account.EventPasswordWrong: true, account.EventReplay: true, account.EventSendFailed: true, account.EventUserLocked: true, account.EventFactorDisabled: true,
}

// Statistics counts the last days, today included.
func (s *Service) Statistics(ctx context.Context, days int) (*Statistics, error) {
	today := s.Clock().UTC().Truncate(24 * time.Hour)
	c := &counter{s: s, pages: statisticsPages, Statistics: Statistics{
		Begin: account.At(today.AddDate(0, 0, 1-days)), Days: days, Verified: map[account.Strategy][]int{}, Failed: map[account.EventName][]int{}, SMS: map[string]*SMSStatistics{},
	}}
	if err := c.countAllSMS(ctx); err != nil {
		return nil, err
	}
	for after := ""; ; {
		records, err := s.Store.List(ctx, store.KindUser, after, statisticsBatch)
		if err != nil {
			return nil, fmt.Errorf("list users: %w", err)
		}
		if c.Users+len(records) > statisticsUsers {
			c.Partial = true
			records = records[:statisticsUsers-c.Users]
		}
		if err := c.count(ctx, records); err != nil {
			return nil, err
		}
		c.Users += len(records)
		if len(records) < statisticsBatch || c.Users == statisticsUsers && c.Partial {
			return &c.Statistics, nil
		}
		after = records[len(records)-1].Key.ID
	}
}

// counter counts entries of many trails.
type counter struct {
	Statistics
	s     *Service
	pages int // that may still be read
}

// countAllSMS counts the decisions on messages, the newest first.
func (c *counter) countAllSMS(ctx context.Context) error {
	before := c.s.Clock().Add(2 * account.SMSKept)
	for read := 0; read < statisticsSMS; {
		records, err := c.s.Store.Latest(ctx, store.KindSMS, before, statisticsBatch)
		if err != nil {
			return fmt.Errorf("read decisions: %w", err)
		}
		for _, r := range records {
			e, _, err := c.s.Decode(r)
			if err != nil {
				return err
			}
			text := e.(*account.SMSRecord)
			if text.At < c.Begin {
				return nil
			}
			c.countSMS(text)
		}
		if len(records) < statisticsBatch {
			return nil
		}
		read += len(records)
		before = records[len(records)-1].Expires
	}
	c.Partial = true
	return nil
}

func (c *counter) countSMS(text *account.SMSRecord) {
	if text.Test {
		return
	}
	of := c.SMS[text.Country]
	if of == nil {
		of = &SMSStatistics{make([]int, c.Days), make([]int, c.Days), make([]smsprice.Micros, c.Days)}
		c.SMS[text.Country] = of
	}
	day := int(text.At.Sub(c.Begin) / (24 * time.Hour))
	switch {
	case day >= c.Days: // it came in after the question
	case text.Decision == account.Refused:
		of.Refused[day]++
	default:
		of.Sent[day]++
		of.Spent[day] += text.Price
	}
}

// cursor is a trail that goes on before what was counted of it.
type cursor struct {
	owner store.Key
	page  int // the number of the page that comes next
}

// Count counts the trails of users: what is in their records, and then page by page, a round trip for all of them together, until each is before the first day.
func (c *counter) count(ctx context.Context, users []store.Record) error {
	var rest []cursor
	for _, r := range users {
		e, _, err := c.s.Decode(r)
		if err != nil {
			return err
		}
		u := e.(*account.User)
		if u.Trail == nil {
			continue
		}
		for _, e := range u.Trail.Entries {
			c.add(e)
		}
		next := cursor{r.Key, u.Trail.Pages() - 1}
		if next.page >= 0 && (len(u.Trail.Entries) == 0 || u.Trail.Entries[0].At >= c.Begin) {
			rest = append(rest, next)
		}
	}
	for len(rest) > 0 {
		if len(rest) > c.pages {
			c.Partial = true
			rest = rest[:c.pages]
		}
		if len(rest) == 0 {
			return nil
		}
		c.pages -= len(rest)
		var err error
		if rest, err = c.nextPage(ctx, rest); err != nil {
			return err
		}
	}
	return nil
}

// nextPage counts one page of each trail and returns those that go on.
func (c *counter) nextPage(ctx context.Context, of []cursor) ([]cursor, error) {
	keys := make([]store.Key, len(of))
	for i, b := range of {
		keys[i] = account.PageKey(b.owner, b.page)
	}
	records, err := c.s.Store.Get(ctx, keys...)
	if err != nil {
		return nil, fmt.Errorf("read pages of trails: %w", err)
	}
	var on []cursor
	for i, r := range records {
		if r.Version == 0 {
			continue // its user was deleted in between
		}
		e, _, err := c.s.Decode(r)
		if err != nil {
			return nil, err
		}
		page := e.(*account.AuditPage)
		if page.First != of[i].page*account.PageEntries || len(page.Entries) == 0 {
			continue // another page took the place in between
		}
		for _, e := range page.Entries {
			c.add(e.AuditEntry)
		}
		if b := of[i]; b.page > 0 && page.Entries[0].At >= c.Begin {
			on = append(on, cursor{b.owner, b.page - 1})
		}
	}
	return on, nil
}

// Add counts an entry. One that counted up tells its first and its last time only: what lies between is of the last day.
func (c *counter) add(e account.AuditEntry) {
	var at []int
	switch {
	case e.Name == account.EventFactorUsed || e.Name == account.EventBackupUsed:
		by, _ := e.Read("")
		at = series(c.Verified, by, c.Days)
	case failures[e.Name]:
		at = series(c.Failed, e.Name, c.Days)
	default:
		return
	}
	c.addTo(at, e.At, 1)
	c.addTo(at, max(e.At, e.Last), e.Repeats)
}

func (c *counter) addTo(days []int, at account.Instant, n int) {
	if day := int(at.Sub(c.Begin) / (24 * time.Hour)); at >= c.Begin && day < len(days) {
		days[day] += n
	}
}

// series returns a row of days, a new one when there is none.
func series[K comparable](of map[K][]int, key K, days int) []int {
	if of[key] == nil {
		of[key] = make([]int, days)
	}
	return of[key]
}
