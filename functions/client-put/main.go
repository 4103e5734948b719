// Command client-put is a Lambda function: it serves PUT /v1/client.
package main

import (
	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
)

func main() {
	lambdahost.Serve(lambdahost.Links{}, api.ClientPut())
}
