// Command webhook-endpoint-replay is a Lambda function: it serves POST /v1/webhook_endpoints/{endpoint_id}/replay.
package main

import (
	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
)

func main() {
	lambdahost.Serve(lambdahost.Links{}, api.WebhookEndpointReplay())
}
