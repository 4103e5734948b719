// Command sign-in-second-factor-prepare is a Lambda function: it serves POST /v1/client/sign_ins/{sign_in_id}/prepare_second_factor.
package main

import (
	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost/texts"
)

func main() {
	lambdahost.Serve(lambdahost.Links{Sender: texts.Sender}, api.SignInSecondFactorPrepare())
}
