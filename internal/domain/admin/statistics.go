package admin

import (
	"context"
	"fmt"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/domain/statistics"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Statistics are events by day (UTC). They were counted after they happened, so they lag behind by
// up to a minute; see [Service.CountNotes].
type Statistics struct {
	Begin    statistics.Day // the first day
	Days     int
	Verified map[account.Strategy][]int // second factors verified, by method
	Failed   map[eventtype.Name][]int   // failures, by event
	SMS      map[string]*SMSStatistics  // messages, by country
}

// SMSStatistics are the messages to one country, by day. Test messages are not counted.
type SMSStatistics struct {
	Sent, Refused []int
	Spent         []smsprice.Micros
}

// StatisticsDays is the longest period of a request: as many records as one read can ask for.
const StatisticsDays = 90

// Statistics returns the counts of a number of days up to the day of a time, in one read.
func (s *Service) Statistics(ctx context.Context, days int, until time.Time) (*Statistics, error) {
	out := &Statistics{
		Begin: statistics.DayOf(until) - statistics.Day(days) + 1, Days: days,
		Verified: map[account.Strategy][]int{}, Failed: map[eventtype.Name][]int{}, SMS: map[string]*SMSStatistics{},
	}
	keys := make([]store.Key, days)
	for i := range keys {
		keys[i] = statistics.DayKey(out.Begin + statistics.Day(i))
	}
	records, err := s.Store.Get(ctx, keys...)
	if err != nil {
		return nil, fmt.Errorf("read statistics: %w", err)
	}
	for i, r := range records {
		if r.Version == 0 {
			continue
		}
		e, _, err := s.Decode(r)
		if err != nil {
			return nil, err
		}
		out.day(i, e.(*statistics.DayStatistics).Counts)
	}
	return out, nil
}

// day sets the counts of the i-th day.
func (s *Statistics) day(i int, c statistics.Counts) {
	for by, n := range c.Verified {
		series(s.Verified, by, s.Days)[i] = n
	}
	for name, n := range c.Failed {
		series(s.Failed, name, s.Days)[i] = n
	}
	for country, n := range c.SMS {
		of := s.SMS[country]
		if of == nil {
			of = &SMSStatistics{make([]int, s.Days), make([]int, s.Days), make([]smsprice.Micros, s.Days)}
			s.SMS[country] = of
		}
		of.Sent[i], of.Refused[i], of.Spent[i] = n.Sent, n.Refused, n.Spent
	}
}

// series returns the days of a key. It makes them when there are none.
func series[K comparable](of map[K][]int, key K, days int) []int {
	if of[key] == nil {
		of[key] = make([]int, days)
	}
	return of[key]
}
