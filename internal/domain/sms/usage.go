package sms

import (
	"context"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/ratelimit"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// Service shows the usage and the decisions of the SMS guard. It is safe for concurrent use.
type Service struct {
	*tx.Engine
}

// Usage is what was used of the SMS guard's limits in this UTC day and clock hour.
type Usage struct {
	Settings         account.Settings
	Spent            smsprice.Micros
	Unverified       int64 // in the whole instance; below 0 when verified codes took off more
	UnverifiedLimit  int64 // with what it grew by
	DayEnds, HourEnd account.Instant
	Countries        []CountryUsage // those allowed, by name
}

// CountryUsage is the usage of a country that messages may go to.
type CountryUsage struct {
	Country        string
	Price, Spent   smsprice.Micros
	Sent, Verified int64
	Unverified     int64
	// UnverifiedLimit is the limit of the hour, with what it grew by.
	UnverifiedLimit int64
}

// Limit is a limit of the SMS guard.
type Limit struct {
	Scope  string // what each counter is for
	Counts string // what is counted
	Max    int64
	Period time.Duration
}

// Limits returns the limits, in the order in which a message meets them. Those of unverified
// messages may have grown since.
func Limits(set *account.Settings) []Limit {
	var all []Limit
	add := func(per, of string, rules []ratelimit.Rule) {
		for _, r := range rules {
			all = append(all, Limit{per, of, int64(r.Limit), r.Window})
		}
	}
	add("number", "messages", PerNumberRules)
	add("user", "messages", PerUserRules)
	add("user", "new_numbers", NewNumberRules)
	for _, l := range tx.SendLimits {
		all = append(all, Limit{"address", "messages", l.Limit, l.Period})
	}
	for _, l := range NumberLimits {
		all = append(all, Limit{"address", "numbers", l.Limit, l.Period})
	}
	unverified := set.Unverified()
	return append(all,
		Limit{"prefix", "unverified_messages", int64(unverified.Block), time.Hour},
		Limit{"country", "unverified_messages", int64(unverified.Country), time.Hour},
		Limit{"instance", "unverified_messages", int64(unverified.Instance), time.Hour})
}

// Usage returns the usage of this day and hour.
func (s *Service) Usage(ctx context.Context) (*Usage, error) {
	state, now, err := s.State(ctx)
	if err != nil {
		return nil, err
	}
	set := state.Settings
	countries := slices.Compact(slices.Sorted(slices.Values(set.SMSCountries)))
	scopesOf := func(country string) (ofCountry, ofInstance Scope) {
		all := Scopes(s.Engine, &set, "", country)
		return all[1], all[2]
	}
	limit := func(scope Scope, numbers int64) int64 {
		if set.SMSFixedLimits {
			numbers = 0
		}
		return scope.grown(numbers)
	}
	_, instance := scopesOf("")
	counters := []string{SpendCounter(now), instance.Counter(now), instance.verifiedBefore(now)}
	for _, country := range countries {
		scope, _ := scopesOf(country)
		counters = append(counters, countryCounter("usd", country, now), countryCounter("sent", country, now), countryCounter("verified", country, now),
			scope.Counter(now), scope.verifiedBefore(now))
	}
	sums, err := s.QuotaSums(ctx, counters...)
	if err != nil {
		return nil, err
	}
	out := &Usage{
		Settings: set, Spent: smsprice.Micros(sums[0]), Unverified: sums[1], UnverifiedLimit: limit(instance, sums[2]),
		DayEnds: account.At(dayEnd(now)), HourEnd: account.At(hourEnd(now)),
	}
	for i, country := range countries {
		of := sums[3+5*i:]
		scope, _ := scopesOf(country)
		out.Countries = append(out.Countries, CountryUsage{
			Country: country, Price: set.PriceOf(country), Spent: smsprice.Micros(of[0]), Sent: of[1], Verified: of[2], Unverified: of[3],
			UnverifiedLimit: limit(scope, of[4]),
		})
	}
	return out, nil
}
