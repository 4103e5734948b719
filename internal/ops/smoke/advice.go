package smoke

import (
	"fmt"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
)

// meanings say what the reason of an undelivered message means to an operator.
var meanings = map[account.Undelivered]string{
	sms.UndeliveredPrice:       "The message costs more than the deployment setting sms.max_price: raise it.",
	sms.UndeliveredBudget:      "The account's monthly spending limit for SMS is reached: AWS Support raises it.",
	sms.UndeliveredOrigination: "The country requires an origination number or a sender id: register one, and set sms.number or sms.sender_id.",
	sms.UndeliveredSandbox:     "The account is in the SMS sandbox: verify the number there, or ask AWS Support for production access.",
	sms.UndeliveredReview:      "AWS reviews or has stopped the account's SMS: ask AWS Support for production access.",
	sms.UndeliveredBody:        "SNS or a carrier finds the message invalid: see app_name and the sender's registration.",
	sms.UndeliveredOptedOut:    "The number has opted out of messages from this account: opt it in again in AWS, or try another number.",
	sms.UndeliveredNumber:      "The number is invalid or receives no SMS, such as a landline: try another number.",
	sms.UndeliveredBlocked:     "The carrier or the phone blocks the message: see the registration of the number or sender id.",
	sms.UndeliveredUnreachable: "The phone or its carrier cannot be reached: switch the phone on, or try another number.",
	sms.UndeliveredUnknown:     "The carrier gives no cause: try a number of another carrier.",
}

// unreported are the usual causes of a lost message that SNS accepted and has not reported on.
var unreported = []string{
	"Sandbox: a new account reaches only numbers that are verified in AWS (AWS End User Messaging, SMS).",
	"Spending limit: SNS drops messages over the account's monthly limit, $1 at first.",
	"Origination number: the USA and Canada require a registered number, many countries a sender id (sms.number, sms.sender_id).",
	"Country list: see sms_countries in GET /v1/instance, and the countries that AWS blocks in the account.",
	"A report of SNS can take minutes: ask GET /v1/sms_messages again. Runbook (docs/operate/runbook.md): sms-dropped.",
}

// advice returns what an operator should look at when a message did not arrive, one sentence an
// element. m is nil if the log has no message to the number.
func advice(m *message) []string {
	if m == nil {
		return []string{"The log has no message to the number. Country list: see sms_countries in GET /v1/instance. Then see sms_code there, which switches SMS on."}
	}
	said := fmt.Sprintf("GET /v1/sms_messages: the status of the message is %q", m.Status)
	switch m.Status {
	case "undelivered":
		meaning, known := meanings[account.Undelivered(m.Undelivered)]
		if !known {
			meaning = meanings[sms.UndeliveredUnknown]
		}
		return []string{fmt.Sprintf("%s, because of %q.", said, m.Undelivered), meaning, "Runbook (docs/operate/runbook.md): sms-dropped."}
	case "refused":
		return []string{fmt.Sprintf("%s, because of %q.", said, m.Reason), refusal(account.Reason(m.Reason))}
	case "failed":
		return []string{said + ": SNS did not accept it.", "See the event line sms.failed in the log of the functions. Runbook (docs/operate/runbook.md): sms-failing."}
	}
	if m.Test {
		return []string{"This is a test number, and the instance is in test mode: no message is sent."}
	}
	return append([]string{said + ": SNS accepted it, and no report says that it was lost."}, unreported...)
}

// refusal says what to look at when the SMS guard refused a message.
func refusal(r account.Reason) string {
	switch r {
	case sms.ReasonCountry:
		return "Country list: add the country to sms_countries (PATCH /v1/instance, and the settings file)."
	case sms.ReasonCountryCap, sms.ReasonDailyCap:
		return "The day's money is reserved: see sms_daily_cap_usd and sms_country_caps. Runbook (docs/operate/runbook.md): sms-day."
	case sms.ReasonPrefixUnverified, sms.ReasonCountryUnverified, sms.ReasonUnverified, sms.ReasonAddressNumbers:
		return "Too few codes were used in this hour. Runbook (docs/operate/runbook.md): sms-breaker."
	case sms.ReasonLine:
		return "The number is of a kind that gets no SMS, such as a landline: try a mobile number."
	}
	return "A limit per number, user or address is reached: GET /v1/sms_usage shows the limits. Wait, or try another number."
}
