// Command keys-rotate is a Lambda function. A deployment and a schedule run it to make and rotate
// keys.
package main

import "github.com/countersign-mfa/countersign/internal/aws/lambdahost/rotation"

func main() { rotation.Serve() }
