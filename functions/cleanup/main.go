// Command cleanup is a Lambda function: a schedule runs it to remove what ran out.
package main

import "github.com/countersign-mfa/countersign/internal/aws/lambdahost"

func main() { lambdahost.ServeCleanup() }
