// Package sns sends text messages through Amazon SNS.
package sns

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"

	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// Config says how messages are sent.
type Config struct {
	// SenderID is shown as the sender where a country allows it. It has at most 11 letters and digits
	// and may be empty.
	SenderID string
	// OriginationNumber is the sender's number, E.164. May be empty.
	OriginationNumber string
	// MaxPrice is the largest price of one message in US dollars; 0 means the account's limit.
	MaxPrice float64
}

// Publisher is the part of the SDK's client that a [Sender] uses.
type Publisher interface {
	Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
}

// Sender is a [tx.Sender]. It is safe for concurrent use.
type Sender struct {
	client Publisher
	config Config
}

// New returns a sender.
func New(client Publisher, c Config) *Sender { return &Sender{client, c} }

// Reasons why a message was not sent, as far as they call for different actions.
var (
	ErrOptedOut = errors.New("sns: the number has opted out of messages")
	ErrInvalid  = errors.New("sns: the number or a setting is not accepted")
	ErrLimit    = errors.New("sns: throttled, or over the account's spending limit")
	ErrSend     = errors.New("sns: not sent")
)

// sendLimit bounds a send. A function has ten seconds, and reads and writes the store besides.
const sendLimit = 6 * time.Second

// Send publishes one message. It never repeats a request that may have arrived, because a request
// whose answer was lost may have been charged. If no connection could be opened, nothing arrived:
// Send tries once more. It sends no messages to test numbers. The error contains neither number nor
// text.
func (s *Sender) Send(ctx context.Context, m tx.Message) error {
	if m.Test {
		return nil
	}
	ctx, done := context.WithTimeout(ctx, sendLimit)
	defer done()
	_, err := s.client.Publish(ctx, s.input(m), func(o *sns.Options) { o.Retryer = onceIfUnsent() })
	return classify(err)
}

func (s *Sender) input(m tx.Message) *sns.PublishInput {
	attributes := map[string]types.MessageAttributeValue{}
	set := func(name, kind, value string) {
		if value != "" {
			attributes["AWS.SNS.SMS."+name] = types.MessageAttributeValue{DataType: aws.String(kind), StringValue: aws.String(value)}
		}
	}
	set("SMSType", "String", "Transactional")
	set("SenderID", "String", s.config.SenderID)
	if s.config.MaxPrice > 0 {
		set("MaxPrice", "Number", strconv.FormatFloat(s.config.MaxPrice, 'f', -1, 64))
	}
	if s.config.OriginationNumber != "" {
		attributes["AWS.MM.SMS.OriginationNumber"] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(s.config.OriginationNumber)}
	}
	return &sns.PublishInput{PhoneNumber: aws.String(m.To.E164()), Message: aws.String(m.Body.Reveal()), MessageAttributes: attributes}
}

// classify keeps the service's code and drops its text, which repeats the number.
func classify(err error) error {
	if err == nil {
		return nil
	}
	var known smithy.APIError
	if !errors.As(err, &known) {
		return ErrSend
	}
	reason := ErrSend
	switch known.ErrorCode() {
	case "OptedOut", "OptedOutException":
		reason = ErrOptedOut
	case "InvalidParameter", "InvalidParameterException", "InvalidParameterValue", "ParameterValueInvalid", "ValidationException":
		reason = ErrInvalid
	case "Throttling", "ThrottlingException", "Throttled", "KMSThrottling":
		reason = ErrLimit
	}
	return fmt.Errorf("%w (%s)", reason, known.ErrorCode())
}
