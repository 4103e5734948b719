// Command sign-in-get is a Lambda function: it serves GET /v1/client/sign_ins/{sign_in_id}.
package main

import (
	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
)

func main() {
	lambdahost.Serve(lambdahost.Links{}, api.SignInGet())
}
