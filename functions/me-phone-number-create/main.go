// Command me-phone-number-create is a Lambda function: it serves POST /v1/me/phone_numbers.
package main

import (
	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/domain/numberplan"
)

func main() {
	lambdahost.Serve(lambdahost.Links{Numbers: numberplan.Parse}, api.MePhoneNumberCreate())
}
