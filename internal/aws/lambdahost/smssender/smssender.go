// Package smssender constructs the SNS sender. Only functions that send SMS import it, so that no
// other function links SNS.
package smssender

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/aws/sns"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// New is the Sender of [lambdahost.Deps].
func New(e lambdahost.Environment, c aws.Config) tx.Sender {
	return sns.New(awssns.NewFromConfig(c), sns.Config{SenderID: e.SenderID, OriginationNumber: e.Number, MaxPrice: e.MaxPrice})
}
