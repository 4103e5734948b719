// Command user-update is a Lambda function: it serves PATCH /v1/users/{user_id}.
package main

import (
	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
)

func main() {
	lambdahost.Serve(lambdahost.Links{}, api.UserUpdate())
}
