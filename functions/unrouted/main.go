// Command unrouted is a Lambda function: it answers requests that no route takes, and preflights.
package main

import "github.com/countersign-mfa/countersign/internal/aws/lambdahost/unrouted"

func main() { unrouted.Serve() }
