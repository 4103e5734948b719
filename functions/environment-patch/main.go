// Command environment-patch is a Lambda function: it serves PATCH /v1/environment.
package main

import (
	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
)

func main() {
	lambdahost.Serve(lambdahost.Links{}, api.EnvironmentPatch())
}
