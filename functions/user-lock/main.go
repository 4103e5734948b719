// Command user-lock is a Lambda function: it serves POST /v1/users/{user_id}/lock.
package main

import (
	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
)

func main() {
	lambdahost.Serve(lambdahost.Links{}, api.UserLock())
}
