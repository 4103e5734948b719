package account

import (
	"slices"
)

// Reason says why the SMS guard refused a message.
type Reason string

// The reasons of the SMS guard, with the texts of the log.
const (
	ReasonCountry           Reason = "country_not_allowed"
	ReasonLine              Reason = "line_not_allowed"
	ReasonNumber            Reason = "number_limit"
	ReasonUser              Reason = "user_limit"
	ReasonAddress           Reason = "address_limit"
	ReasonAddressNumbers    Reason = "address_numbers"
	ReasonPrefixUnverified  Reason = "prefix_unverified"
	ReasonCountryUnverified Reason = "country_unverified"
	ReasonUnverified        Reason = "instance_unverified"
	ReasonCountryCap        Reason = "country_cap"
	ReasonDailyCap          Reason = "daily_cap"
)

// IsEstimate reports whether the reason is an estimate of abuse, which record-only mode lets pass.
// Limits per number, user and address, and limits of money, always hold.
func (r Reason) IsEstimate() bool {
	return slices.Contains([]Reason{ReasonAddressNumbers, ReasonPrefixUnverified, ReasonCountryUnverified, ReasonUnverified}, r)
}
