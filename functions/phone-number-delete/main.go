// Command phone-number-delete is a Lambda function: it serves DELETE /v1/phone_numbers/{phone_number_id}.
package main

import (
	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
)

func main() {
	lambdahost.Serve(lambdahost.Links{}, api.PhoneNumberDelete())
}
