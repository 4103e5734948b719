package account

import (
	"math"
	"slices"
)

// The SMS guard decides on every text message, whoever asks for it: [AuthorizeSMS] is the only entry point. Money is reserved and the decision recorded in the
// commit before the message leaves, so what the SMS guard allows is never exceeded, however many ask at once. All its counters are increments without a read.
//
// The breakers count what was sent and not verified. A message raises a counter of its clock hour by one, and the code that was in it, once
// it is used, lowers the same counter by five, or by one when the same number has made room before on that day (sms_credit.go). So in any clock hour at
// most limit + 4 × numbers that verified + messages that were verified leave, which is to stop when of what is over the limit fewer than a fifth of the
// numbers verified. An attacker who reads no codes, or those of one SIM, gets no further than the limit; real users never meet it.
const (
	verifiedWeight     = 5
	UnverifiedInstance = 50
	UnverifiedCountry  = 50
	UnverifiedPrefix   = 20
	// PrefixDigits are enough to tell a block of numbers that was rented for fraud, and leave four digits of a number out.
	PrefixDigits, PrefixLeaves = 7, 4
	// RefusalsKept bounds the records of refusals, by minute and country: a flood must not become one of storage.
	RefusalsKept = 10
	NoLimit      = math.MaxInt64
)

// Reason says what the SMS guard refused a message for.
type Reason string

// The reasons.
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

// IsEstimate says that a reason is the SMS guard's estimate of an abuse, which record-only mode records and lets pass. Limits per number, user and
// Address, and money, are no estimates and always hold.
func (r Reason) IsEstimate() bool {
	return slices.Contains([]Reason{ReasonAddressNumbers, ReasonPrefixUnverified, ReasonCountryUnverified, ReasonUnverified}, r)
}
