// Command webhook-endpoints-list is a Lambda function: it serves GET /v1/webhook_endpoints.
package main

import (
	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
)

func main() {
	lambdahost.Serve(lambdahost.Links{}, api.WebhookEndpointsList())
}
