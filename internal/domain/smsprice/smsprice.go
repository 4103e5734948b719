// Package smsprice holds what a text message costs by country, so that money can be reserved before a message is sent.
//
// The figures are estimates, not a price list. They were put together in November 2026 by rounding up what large providers, Amazon's among
// them, list for one-time codes without a number of one's own, carrier fees included, to the next cent or more: a daily budget that is spent a
// little early is the harmless mistake. Providers change prices without notice, and negotiated ones differ. A team that minds puts its own
// provider's prices into the settings (sms_prices), which come first.
package smsprice

// Micros is an amount of money in millionths of a US dollar.
type Micros int64

// Dollar is one US dollar.
const Dollar Micros = 1_000_000

const cent = Dollar / 100

// Compiled is the month of the figures.
const Compiled = "2026-11"

// Highest is the price of a country that is not in the table: more than any that is, so that what is unknown is never cheap.
const Highest = 50 * cent

// estimates are prices of one segment by ISO 3166-1 alpha-2.
var estimates = map[string]Micros{
	// North America
	"US": 2 * cent, "CA": 2 * cent, "PR": 5 * cent, "MX": 7 * cent,
	// Europe
	"AT": 12 * cent, "BE": 13 * cent, "CH": 9 * cent, "CZ": 8 * cent, "DE": 14 * cent, "DK": 7 * cent, "ES": 10 * cent,
	"FI": 11 * cent, "FR": 10 * cent, "GB": 6 * cent, "GR": 10 * cent, "HU": 12 * cent, "IE": 12 * cent, "IT": 11 * cent,
	"LU": 12 * cent, "NL": 14 * cent, "NO": 10 * cent, "PL": 6 * cent, "PT": 8 * cent, "RO": 10 * cent, "SE": 9 * cent,
	// Asia and the Pacific
	"AU": 7 * cent, "HK": 9 * cent, "IL": 30 * cent, "IN": 10 * cent, "JP": 11 * cent, "KR": 6 * cent, "NZ": 13 * cent,
	"SG": 8 * cent, "TW": 10 * cent,
	// South America and Africa
	"AR": 12 * cent, "BR": 8 * cent, "CL": 9 * cent, "CO": 8 * cent, "ZA": 14 * cent,
}

// Of returns the estimate of one segment to a country, and [Highest] where there is none.
func Of(country string) Micros {
	if price, ok := estimates[country]; ok {
		return price
	}
	return Highest
}

// Dollars is the amount in US dollars, for showing it.
func (m Micros) Dollars() float64 { return float64(m) / float64(Dollar) }
