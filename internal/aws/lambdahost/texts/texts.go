// Package texts gives a function that sends text messages what sends them. Only such functions import it.
package texts

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/aws/sns"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
)

// Sender is a link of [lambdahost.Links].
func Sender(e lambdahost.Environment, c aws.Config) mfa.Sender {
	return sns.New(awssns.NewFromConfig(c), sns.Config{SenderID: e.SenderID, OriginationNumber: e.Number, MaxPrice: e.MaxPrice})
}
