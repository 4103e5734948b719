// Command sign-in-token-create is a Lambda function: it serves POST /v1/sign_in_tokens.
package main

import (
	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
)

func main() {
	lambdahost.Serve(lambdahost.Links{}, api.SignInTokenCreate())
}
