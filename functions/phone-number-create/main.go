// Command phone-number-create is a Lambda function: it serves POST /v1/phone_numbers.
package main

import (
	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/lambdahost"
	"github.com/countersign-mfa/countersign/internal/numberplan"
)

func main() {
	lambdahost.Serve(lambdahost.Links{Numbers: numberplan.Parse}, api.PhoneNumberCreate())
}
