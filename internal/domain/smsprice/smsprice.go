// Package smsprice has estimated prices of an SMS by country, so that money can be reserved before
// a message is sent.
//
// The figures are estimates of November 2026, not a price list. They are the prices that large
// providers, Amazon among them, list for one-time codes without an own number, with carrier fees,
// rounded up by a cent or more. Too high an estimate does little harm: the daily budget ends a
// little early. Prices change without notice and may be negotiated, so a team can set its own
// (sms_prices), which come first.
package smsprice

// Micros is an amount of money in millionths of a US dollar.
type Micros int64

// Dollar is one US dollar.
const Dollar Micros = 1_000_000

const cent = Dollar / 100

// Compiled is the month of the estimates.
const Compiled = "2026-11"

// Highest is the price of a country without an estimate. It is above every estimate, so an unknown
// country is never cheap.
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

// Of returns the estimate of one segment to a country, or [Highest] when there is none.
func Of(country string) Micros {
	if price, ok := estimates[country]; ok {
		return price
	}
	return Highest
}

// Estimated reports whether there is an estimate for a country.
func Estimated(country string) bool { return estimates[country] != 0 }

// Sender is what a country asks of the sender of a message.
type Sender string

// The kinds of sender that a country may require.
const (
	AnySender Sender = ""
	Number    Sender = "number"
	SenderID  Sender = "sender id"
)

// Origin returns what a country requires, or [AnySender] where messages arrive without. The source
// is "Supported countries and regions for SMS messaging" of AWS End User Messaging: the United
// States with Puerto Rico, and Canada, take registered numbers only; India and Singapore take
// registered sender ids.
func Origin(country string) Sender {
	switch country {
	case "US", "PR", "CA":
		return Number
	case "IN", "SG":
		return SenderID
	}
	return AnySender
}

// Dollars returns the amount in US dollars, for display.
func (m Micros) Dollars() float64 { return float64(m) / float64(Dollar) }
