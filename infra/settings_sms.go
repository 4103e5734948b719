package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/countersign-mfa/countersign/internal/domain/numberplan"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
)

// checkDelivery returns why messages to the settings' countries would not arrive. SNS accepts such
// messages, answers with a message id, and drops them. A country in sms.unchecked is left out.
func (s Settings) checkDelivery() error {
	var wrong []error
	rule := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf("  "+format, args...))
		}
	}
	rule(twice(s.SMS.Unchecked) == "", "sms.unchecked: %q stands twice", twice(s.SMS.Unchecked))
	for _, c := range s.SMS.Unchecked {
		rule(slices.Contains(s.Countries, c), "sms.unchecked: %q is not one of countries", c)
	}
	for _, c := range s.Countries {
		if slices.Contains(s.SMS.Unchecked, c) || !smsprice.IsCountry(c) {
			continue
		}
		price := smsprice.Of(c).Dollars()
		switch {
		case smsprice.Estimated(c):
			rule(price <= s.SMS.MaxPrice, "sms.max_price: a message to %s costs about %.2f US dollars and may cost %v, so SNS would drop it; allow %.2f, or put %s into sms.unchecked", c, price, s.SMS.MaxPrice, price, c)
		default:
			rule(price <= s.SMS.MaxPrice, "sms.max_price: the price of a message to %s is not known; look it up, then put %s into sms.unchecked", c, c)
		}
		switch smsprice.Origin(c) {
		case smsprice.Number:
			rule(s.SMS.Number != "", "sms.number: %s needs a registered number, without which SNS drops messages; set it, or put %s into sms.unchecked", c, c)
		case smsprice.SenderID:
			rule(s.SMS.SenderID != "" || s.SMS.Number != "", "sms.sender_id: %s needs a registered sender id, without which SNS drops messages; set it, or put %s into sms.unchecked", c, c)
		}
	}
	return errors.Join(wrong...)
}

// isSenderID reports whether a text is a sender id: 1 to 11 letters and digits with at least one
// letter (https://docs.aws.amazon.com/sns/latest/dg/sms_publish-to-phone.html).
func isSenderID(text string) bool {
	return senderForm.MatchString(text) && strings.ContainsFunc(text, func(r rune) bool { return r > '9' })
}

// plan returns the plan of the setting's ranges alone. Its error names the first wrong line.
func (s SMS) plan() (*numberplan.Plan, error) {
	return numberplan.New(strings.Join(s.NumberRanges, "\n"))
}

// plansAge returns the age of the deployment's numbering plans, for checked settings.
func (s SMS) plansAge() string {
	added, err := s.plan()
	if err != nil {
		return ""
	}
	return numberplan.BuiltIn().With(added).String()
}

// addedRanges returns the value of lambdahost.EnvNumberRanges for checked settings.
func (s SMS) addedRanges() string {
	added, err := s.plan()
	if err != nil {
		return ""
	}
	return strings.Join(added.Ranges(), ",")
}
