// Command sms-reports is a Lambda function: the log of SNS calls it for each message that SNS
// accepted and did not deliver.
package main

import "github.com/countersign-mfa/countersign/internal/aws/lambdahost/smsreports"

func main() { smsreports.Serve() }
