// Command me-session-revoke is a Lambda function: it serves POST /v1/me/sessions/{session_id}/revoke.
package main

import (
	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
)

func main() {
	lambdahost.Serve(lambdahost.Links{}, api.MeSessionRevoke())
}
