package mfa

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/ratelimit"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
)

// WallToday is how the wall stands: its settings, and what was used of its limits in this UTC day and clock hour.
type WallToday struct {
	Settings         Settings
	Spent            smsprice.Micros
	Unverified       int64 // of the breaker of the whole instance; below zero when more was verified than it takes
	DayEnds, HourEnd Instant
	Countries        []CountryToday // the allowed ones, in the order of their names
}

// CountryToday is the same for a country that messages may go to.
type CountryToday struct {
	Country        string
	Price, Spent   smsprice.Micros
	Sent, Verified int64
	Unverified     int64
}

// WallLimit is one of the wall's fixed limits.
type WallLimit struct {
	Per    string // what is counted apart
	Of     string // what is counted
	Most   int64
	Period time.Duration
}

// WallLimits are all fixed limits, in the order in which a message meets them.
func WallLimits() []WallLimit {
	var all []WallLimit
	exact := func(per, of string, rules []ratelimit.Rule) {
		for _, r := range rules {
			all = append(all, WallLimit{per, of, int64(r.Limit), r.Window})
		}
	}
	exact("number", "messages", numberRules)
	exact("user", "messages", userRules)
	exact("user", "new_numbers", triedRules)
	for _, l := range sendLimits {
		all = append(all, WallLimit{"address", "messages", l.limit, l.period})
	}
	for _, l := range numberLimits {
		all = append(all, WallLimit{"address", "numbers", l.limit, l.period})
	}
	return append(all,
		WallLimit{"prefix", "unverified_messages", unverifiedPrefix, time.Hour},
		WallLimit{"country", "unverified_messages", unverifiedCountry, time.Hour},
		WallLimit{"instance", "unverified_messages", unverifiedInstance, time.Hour})
}

// WallToday reads how the wall stands.
func (s *Service) WallToday(ctx context.Context) (*WallToday, error) {
	state, now, err := s.state(ctx)
	if err != nil {
		return nil, err
	}
	set := state.settings
	countries := slices.Compact(slices.Sorted(slices.Values(set.SMSCountries)))
	breakers := s.weighings("", "", now)
	budgets := []string{MoneyBudget(now), breakers[len(breakers)-1].Budget}
	for _, country := range countries {
		budgets = append(budgets, countryBudget("usd", country, now), countryBudget("sent", country, now), countryBudget("verified", country, now),
			s.weighings("", country, now)[1].Budget)
	}
	sums, err := s.store.Sums(ctx, budgets...)
	if err != nil {
		return nil, fmt.Errorf("read counters: %w", err)
	}
	out := &WallToday{Settings: set, Spent: smsprice.Micros(sums[0]), Unverified: sums[1], DayEnds: At(dayEnd(now)), HourEnd: At(breakers[0].Expires)}
	for i, country := range countries {
		of := sums[2+4*i:]
		out.Countries = append(out.Countries, CountryToday{
			Country: country, Price: set.PriceOf(country), Spent: smsprice.Micros(of[0]), Sent: of[1], Verified: of[2], Unverified: of[3],
		})
	}
	return out, nil
}
