// Command admin-session-token-create is a Lambda function: it serves POST /v1/sessions/{session_id}/tokens.
package main

import (
	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
)

func main() {
	lambdahost.Serve(lambdahost.Links{}, api.AdminSessionTokenCreate())
}
