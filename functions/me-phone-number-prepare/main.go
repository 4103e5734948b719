// Command me-phone-number-prepare is a Lambda function: it serves POST /v1/me/phone_numbers/{phone_number_id}/prepare_verification.
package main

import (
	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost/texts"
)

func main() {
	lambdahost.Serve(lambdahost.Links{Sender: texts.Sender}, api.MePhoneNumberPrepare())
}
