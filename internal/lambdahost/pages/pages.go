// Package pages runs the pages as a function. They need no store and no key.
package pages

import (
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/countersign-mfa/countersign/internal/lambdahost"
	"github.com/countersign-mfa/countersign/internal/reference"
)

// Serve is the main of the function. It never returns.
func Serve() {
	h, err := reference.New()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lambda.Start(lambdahost.Handle(h))
}
