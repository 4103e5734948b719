// Command user-delete is a Lambda function: it serves DELETE /v1/users/{user_id}.
package main

import (
	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
)

func main() {
	lambdahost.Serve(lambdahost.Links{}, api.UserDelete())
}
