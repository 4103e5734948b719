// Command events-deliver is a Lambda function: a schedule runs it to deliver webhooks.
package main

import "github.com/countersign-mfa/countersign/internal/aws/lambdahost/deliver"

func main() { deliver.Serve() }
