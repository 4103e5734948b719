package backend

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/domain/statistics"
)

// StatisticsGet is GET /v1/statistics.
func StatisticsGet() operation.Operation {
	return row("statistics-get", "GET /v1/statistics",
		"What happened day by day, counted within a minute", 0, getStatistics,
		[]apierr.Code{apierr.FormParamValueInvalid})
}

// Statistics are daily counts (UTC) for charts.
type Statistics struct {
	Object        string            `json:"object"`
	Days          []string          `json:"days"`          // as in 2026-11-25, the oldest first
	Verifications []Series          `json:"verifications"` // second factors and passkeys, by method
	Failures      []Series          `json:"failures"`      // by the type of an audit event
	TextMessages  []CountryMessages `json:"text_messages"` // without tests
}

// CountryMessages are the text messages to one country, one number a day.
type CountryMessages struct {
	Country string    `json:"country"`
	Sent    []int     `json:"sent"`
	Refused []int     `json:"refused"`
	Spent   []float64 `json:"spent_usd"`
	Total   float64   `json:"total_usd"`
}

// countryMessages returns the countries by cost, the most expensive first.
func countryMessages(of map[string]*admin.SMSStatistics) []CountryMessages {
	out := []CountryMessages{}
	for _, country := range slices.Sorted(maps.Keys(of)) {
		shown := CountryMessages{Country: country, Sent: of[country].Sent, Refused: of[country].Refused}
		var total smsprice.Micros
		for _, spent := range of[country].Spent {
			shown.Spent = append(shown.Spent, spent.Dollars())
			total += spent
		}
		shown.Total = total.Dollars()
		out = append(out, shown)
	}
	slices.SortStableFunc(out, func(a, b CountryMessages) int { return cmp.Compare(b.Total, a.Total) })
	return out
}

// Series is a named row of numbers, one a day.
type Series struct {
	Name   string `json:"name"`
	Counts []int  `json:"counts"`
	Total  int    `json:"total"`
}

// allSeries returns the series by total, the largest first.
func allSeries[K ~string](of map[K][]int) []Series {
	out := []Series{}
	for _, name := range slices.Sorted(maps.Keys(of)) {
		s := Series{Name: string(name), Counts: of[name]}
		for _, n := range s.Counts {
			s.Total += n
		}
		if s.Total > 0 {
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b Series) int { return cmp.Compare(b.Total, a.Total) })
	return out
}

type statisticsInput struct {
	Days  int  `query:"days" rules:"min=1 max=90 default=30"`
	Until *int `query:"until" rules:"min=0 max=253402300799999" doc:"a time of the last day, in milliseconds since 1970; now, if it is missing"`
}

func getStatistics(c *operation.Call, in statisticsInput) (Statistics, error) {
	until := c.Service.Now()
	if in.Until != nil {
		until = time.UnixMilli(int64(*in.Until))
	}
	s, err := c.Service.Admin.Statistics(c, in.Days, until)
	if err != nil {
		return Statistics{}, err
	}
	out := Statistics{Object: "statistics", Verifications: allSeries(s.Verified), Failures: allSeries(s.Failed), TextMessages: countryMessages(s.SMS)}
	for i := range s.Days {
		out.Days = append(out.Days, (s.Begin + statistics.Day(i)).String())
	}
	return out, nil
}
