// Command sign-in-token-revoke is a Lambda function: it serves POST /v1/sign_in_tokens/{sign_in_token_id}/revoke.
package main

import (
	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
)

func main() {
	lambdahost.Serve(lambdahost.Links{}, api.SignInTokenRevoke())
}
