package sms

import (
	"slices"

	"github.com/countersign-mfa/countersign/internal/domain/account"
)

// The reasons of the SMS guard, with the texts of the log.
const (
	ReasonCountry           account.Reason = "country_not_allowed"
	ReasonLine              account.Reason = "line_not_allowed"
	ReasonNumber            account.Reason = "number_limit"
	ReasonUser              account.Reason = "user_limit"
	ReasonAddress           account.Reason = "address_limit"
	ReasonAddressNumbers    account.Reason = "address_numbers"
	ReasonPrefixUnverified  account.Reason = "prefix_unverified"
	ReasonCountryUnverified account.Reason = "country_unverified"
	ReasonUnverified        account.Reason = "instance_unverified"
	ReasonCountryCap        account.Reason = "country_cap"
	ReasonDailyCap          account.Reason = "daily_cap"
)

// isEstimate reports whether the reason is an estimate of abuse, which record-only mode lets pass.
// Limits per number, user and address, and limits of money, always hold.
func isEstimate(r account.Reason) bool {
	return slices.Contains([]account.Reason{ReasonAddressNumbers, ReasonPrefixUnverified, ReasonCountryUnverified, ReasonUnverified}, r)
}

// The reasons of undelivered messages. The first six are those of a setting or of the provider's
// account, which an operator can mend; the others are those of a phone or its carrier.
const (
	UndeliveredPrice       account.Undelivered = "max_price"
	UndeliveredBudget      account.Undelivered = "spending_limit"
	UndeliveredOrigination account.Undelivered = "no_origination"
	UndeliveredSandbox     account.Undelivered = "sandbox"
	UndeliveredReview      account.Undelivered = "account_review"
	UndeliveredBody        account.Undelivered = "invalid_message"
	UndeliveredOptedOut    account.Undelivered = "opted_out"
	UndeliveredNumber      account.Undelivered = "invalid_number"
	UndeliveredBlocked     account.Undelivered = "blocked"
	UndeliveredUnreachable account.Undelivered = "unreachable"
	UndeliveredUnknown     account.Undelivered = "unknown"
)

// IsSetting reports whether an operator can mend the cause of an undelivered message.
func IsSetting(u account.Undelivered) bool {
	return slices.Contains([]account.Undelivered{UndeliveredPrice, UndeliveredBudget, UndeliveredOrigination, UndeliveredSandbox, UndeliveredReview, UndeliveredBody}, u)
}
