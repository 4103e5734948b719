// Command sign-in-second-factor-attempt is a Lambda function: it serves POST /v1/client/sign_ins/{sign_in_id}/attempt_second_factor.
package main

import (
	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
)

func main() {
	lambdahost.Serve(lambdahost.Links{}, api.SignInSecondFactorAttempt())
}
