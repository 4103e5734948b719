// Command me-totp-attempt is a Lambda function: it serves POST /v1/me/totp/attempt_verification.
package main

import (
	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
)

func main() {
	lambdahost.Serve(lambdahost.Links{}, api.MeTOTPAttempt())
}
