// Command pages is a Lambda function: it serves the pages and the API's reference.
package main

import "github.com/countersign-mfa/countersign/internal/aws/lambdahost/pages"

func main() { pages.Serve() }
