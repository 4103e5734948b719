// Package smssender constructs the SNS sender. Only functions that send SMS import it, so that no
// other function links SNS.
package smssender

import (
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/aws/sns"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// answerLimit is how long SNS may take to answer.
const answerLimit = 5 * time.Second

// New is the Sender of [lambdahost.Deps]. Each message goes over a connection of its own: a send is
// not repeated when it fails on a connection that was lost while the function was frozen.
func New(e lambdahost.Environment, c aws.Config) tx.Sender {
	c.HTTPClient = &http.Client{Transport: sns.Unsent(lambdahost.OneRequest(answerLimit))}
	return sns.New(awssns.NewFromConfig(c), sns.Config{SenderID: e.SenderID, OriginationNumber: e.Number, MaxPrice: e.MaxPrice})
}
