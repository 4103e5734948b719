// Command session-reverification-first-factor-prepare is a Lambda function: it serves POST /v1/client/sessions/{session_id}/verify/prepare_first_factor.
package main

import (
	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost/texts"
)

func main() {
	lambdahost.Serve(lambdahost.Links{Sender: texts.Sender}, api.SessionReverificationFirstFactorPrepare())
}
