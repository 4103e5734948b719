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
	DayEnds, HourEnd account.Instant
	Countries        []CountryUsage // those allowed, by name
}

// CountryUsage is the usage of a country that messages may go to.
type CountryUsage struct {
	Country        string
	Price, Spent   smsprice.Micros
	Sent, Verified int64
	Unverified     int64
}

// Limit is a fixed limit of the SMS guard.
type Limit struct {
	Scope  string // what each counter is for
	Counts string // what is counted
	Max    int64
	Period time.Duration
}

// Limits returns the fixed limits, in the order in which a message meets them.
func Limits() []Limit {
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
	return append(all,
		Limit{"prefix", "unverified_messages", UnverifiedPrefix, time.Hour},
		Limit{"country", "unverified_messages", UnverifiedCountry, time.Hour},
		Limit{"instance", "unverified_messages", UnverifiedInstance, time.Hour})
}

// Usage returns the usage of this day and hour.
func (s *Service) Usage(ctx context.Context) (*Usage, error) {
	state, now, err := s.State(ctx)
	if err != nil {
		return nil, err
	}
	set := state.Settings
	countries := slices.Compact(slices.Sorted(slices.Values(set.SMSCountries)))
	breakers := UnverifiedQuotas(s.Engine, "", "", "", now)
	counters := []string{SpendCounter(now), breakers[len(breakers)-1].Counter}
	for _, country := range countries {
		counters = append(counters, countryCounter("usd", country, now), countryCounter("sent", country, now), countryCounter("verified", country, now),
			UnverifiedQuotas(s.Engine, "", country, "", now)[1].Counter)
	}
	sums, err := s.QuotaSums(ctx, counters...)
	if err != nil {
		return nil, err
	}
	out := &Usage{Settings: set, Spent: smsprice.Micros(sums[0]), Unverified: sums[1], DayEnds: account.At(dayEnd(now)), HourEnd: account.At(breakers[0].Expires)}
	for i, country := range countries {
		of := sums[2+4*i:]
		out.Countries = append(out.Countries, CountryUsage{
			Country: country, Price: set.PriceOf(country), Spent: smsprice.Micros(of[0]), Sent: of[1], Verified: of[2], Unverified: of[3],
		})
	}
	return out, nil
}
