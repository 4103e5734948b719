// Command webhook-endpoint-update is a Lambda function: it serves PATCH /v1/webhook_endpoints/{endpoint_id}.
package main

import (
	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
)

func main() {
	lambdahost.Serve(lambdahost.Links{}, api.WebhookEndpointUpdate())
}
