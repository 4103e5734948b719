// Command sms-logging is a Lambda function. A deployment runs it to have SNS log the messages that
// it does not deliver.
package main

import "github.com/countersign-mfa/countersign/internal/aws/lambdahost/smslogging"

func main() { smslogging.Serve() }
