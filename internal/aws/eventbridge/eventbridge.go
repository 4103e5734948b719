// Package eventbridge puts events on an Amazon EventBridge bus. It implements
// [webhook.EventSender].
package eventbridge

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"

	"github.com/countersign-mfa/countersign/internal/domain/webhook"
)

// Source is the source of every event, for the rules of the bus. The detail-type is the type of the
// event.
const Source = "countersign"

// ErrRefused is returned, alone or wrapped, when the bus did not accept an event or did not answer.
var ErrRefused = errors.New("eventbridge: the bus did not accept the event")

// Client is the part of the SDK's client that [Bus] uses.
type Client interface {
	PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
}

// Bus is an event bus. It is safe for concurrent use.
type Bus struct {
	client Client
	name   string
}

// New returns the bus with the given name, in the account and region of the client.
func New(client Client, name string) *Bus { return &Bus{client, name} }

// Deliver puts one event on the bus. The service answers 200 even when it refuses an event, and
// says so in the body. The error has the service's code, but not its text, which may repeat the
// event.
func (b *Bus) Deliver(ctx context.Context, d webhook.Delivery) (webhook.Answer, error) {
	out, err := b.client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{
		EventBusName: &b.name, Source: aws.String(Source), DetailType: aws.String(string(d.Type)), Detail: aws.String(string(d.Body)), Time: &d.At,
	}}})
	var refused smithy.APIError
	switch {
	case errors.As(err, &refused):
		return webhook.Answer{}, fmt.Errorf("%w: %s", ErrRefused, refused.ErrorCode())
	case err != nil:
		return webhook.Answer{}, ErrRefused
	}
	for _, entry := range out.Entries {
		if entry.ErrorCode != nil {
			return webhook.Answer{}, fmt.Errorf("%w: %s", ErrRefused, *entry.ErrorCode)
		}
	}
	if out.FailedEntryCount > 0 || len(out.Entries) != 1 {
		return webhook.Answer{}, ErrRefused
	}
	return webhook.Answer{}, nil
}
