// Command me-phone-number-attempt is a Lambda function: it serves POST /v1/me/phone_numbers/{phone_number_id}/attempt_verification.
package main

import (
	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
)

func main() {
	lambdahost.Serve(lambdahost.Links{}, api.MePhoneNumberAttempt())
}
