package admin

import (
	"context"
	"fmt"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Statistics are events by day (UTC). They are counted on request from audit logs and SMS records,
// so verifying a code costs nothing more. Deleted users are not in them.
type Statistics struct {
	Begin account.Instant // of the first day
	Days  int
	Users int // whose audit logs were read
	// Partial says that more was stored than was read.
	Partial  bool
	Verified map[account.Strategy][]int  // second factors verified, by method
	Failed   map[account.EventName][]int // failures, by event
	// SMS are the messages by country. They reach back as far as SMS records are kept.
	SMS map[string]*SMSStatistics
}

// SMSStatistics are the messages to one country, by day. Test messages are not counted.
type SMSStatistics struct {
	Sent, Refused []int
	Spent         []smsprice.Micros
}

// The most that one request reads. With more, the answer is partial.
const (
	statisticsUsers = 2000
	statisticsPages = 2000
	statisticsSMS   = 5000
	statisticsBatch = 200
)

// StatisticsDays is the longest period of a request.
const StatisticsDays = 90

// failures are the events that statistics count as failures.
var failures = map[account.EventName]bool{
	account.EventCodeWrong: true, account.EventPasswordWrong: true, account.EventReplay: true, account.EventSendFailed: true, account.EventUserLocked: true, account.EventFactorDisabled: true,
}

// Statistics counts the last days, with today.
func (s *Service) Statistics(ctx context.Context, days int) (*Statistics, error) {
	today := s.Now().UTC().Truncate(24 * time.Hour)
	c := &counter{s: s, pages: statisticsPages, Statistics: Statistics{
		Begin: account.At(today.AddDate(0, 0, 1-days)), Days: days, Verified: map[account.Strategy][]int{}, Failed: map[account.EventName][]int{}, SMS: map[string]*SMSStatistics{},
	}}
	if err := c.countAllSMS(ctx); err != nil {
		return nil, err
	}
	for after := store.Position(""); ; {
		records, next, err := s.Store.List(ctx, store.KindUser, after, statisticsBatch)
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
		if after = next; after == "" || c.Users == statisticsUsers && c.Partial {
			return &c.Statistics, nil
		}
	}
}

// counter counts the entries of many audit logs.
type counter struct {
	Statistics
	s     *Service
	pages int // may still be read
}

// countAllSMS counts the SMS records, the newest first.
func (c *counter) countAllSMS(ctx context.Context) error {
	before := c.s.Now().Add(2 * account.SMSKept)
	for read := 0; read < statisticsSMS; {
		records, err := c.s.Store.Latest(ctx, store.KindSMS, before, statisticsBatch)
		if err != nil {
			return fmt.Errorf("read SMS records: %w", err)
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
	case day >= c.Days: // recorded after the request began
	case text.Decision == account.Refused:
		of.Refused[day]++
	default:
		of.Sent[day]++
		of.Spent[day] += text.Price
	}
}

// cursor is the next older page of a user's audit log.
type cursor struct {
	owner store.Key
	page  int
}

// count counts the audit logs of users: the entries in their records, then page by page. It reads
// one page of all of them in a round trip, until each is before the first day.
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

// nextPage counts one page of each audit log and returns those that have more.
func (c *counter) nextPage(ctx context.Context, of []cursor) ([]cursor, error) {
	keys := make([]store.Key, len(of))
	for i, b := range of {
		keys[i] = account.PageKey(b.owner, b.page)
	}
	records, err := c.s.Store.Get(ctx, keys...)
	if err != nil {
		return nil, fmt.Errorf("read audit log pages: %w", err)
	}
	var on []cursor
	for i, r := range records {
		if r.Version == 0 {
			continue // the user was deleted in between
		}
		e, _, err := c.s.Decode(r)
		if err != nil {
			return nil, err
		}
		page := e.(*account.AuditPage)
		if page.First != of[i].page*account.PageEntries || len(page.Entries) == 0 {
			continue // another page was written in its place in between
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

// add counts an entry. A repeated entry has its first and last time only; all repetitions count on
// the last day.
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

// series returns the days of a key. It makes them when there are none.
func series[K comparable](of map[K][]int, key K, days int) []int {
	if of[key] == nil {
		of[key] = make([]int, days)
	}
	return of[key]
}
