// Command sms-usage-get is a Lambda function: it serves GET /v1/sms_usage.
package main

import (
	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
)

func main() {
	lambdahost.Serve(lambdahost.Links{}, api.SMSUsageGet())
}
