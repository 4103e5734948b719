// Command statistics-count is a Lambda function: the table's stream calls it to count what
// happened.
package main

import "github.com/countersign-mfa/countersign/internal/aws/lambdahost"

func main() { lambdahost.ServeCount() }
