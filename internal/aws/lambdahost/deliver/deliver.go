// Package deliver is the function that delivers webhooks and notifies users of changes. It is a
// package of its own, so that no other function links the HTTP client for webhooks.
package deliver

import (
	"context"
	"encoding/json"
	"time"

	awseventbridge "github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/aws/eventbridge"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost/smssender"
	"github.com/countersign-mfa/countersign/internal/domain/webhook"
	"github.com/countersign-mfa/countersign/internal/standardwebhook"
)

const (
	// batch bounds one pass, so that it ends within the lease of its deliveries.
	batch = 50
	// spare is the part of a function's time that stays unused: a pass takes long when endpoints do
	// not answer.
	spare = 2 // one half
)

// Serve is the main function of events-deliver.
func Serve() {
	lambdahost.Run(func(ctx context.Context, e lambdahost.Environment) (any, error) {
		d := lambdahost.Connect(e)
		service, err := d.Service(ctx, lambdahost.Deps{Sender: smssender.New})
		if err != nil {
			return nil, err
		}
		worker := &webhook.Dispatcher{Service: service.Webhooks, Endpoints: standardwebhook.New(standardwebhook.PublicOnly), Describe: wire.EventBody,
			Report: func(f webhook.Failure) { d.Log.Warn("webhook failed", f.Attrs()...) }}
		if e.EventBus != "" {
			worker.Bus = eventbridge.New(awseventbridge.NewFromConfig(d.Config), e.EventBus)
		}
		return Handler(d, worker.Run, time.Now), nil
	})
}

// Handler returns the handler of events-deliver. It delivers everything that is due, as far as the
// time allows. A run may stop, fail or overlap with another at any point. The next run takes its
// unsent deliveries when their lease ends.
func Handler(d *lambdahost.Deployment, run func(context.Context, int) (webhook.DeliveryResult, error), now func() time.Time) func(context.Context, json.RawMessage) (webhook.DeliveryResult, error) {
	return func(ctx context.Context, event json.RawMessage) (webhook.DeliveryResult, error) {
		var sum webhook.DeliveryResult
		if !lambdahost.Scheduled(event) {
			return sum, lambdahost.ErrEvent
		}
		var until time.Time
		if deadline, ok := ctx.Deadline(); ok {
			until = deadline.Add(-deadline.Sub(now()) / spare)
		}
		for {
			r, err := run(ctx, batch)
			sum.Found, sum.Delivered, sum.Failed, sum.GivenUp, sum.More = sum.Found+r.Found, sum.Delivered+r.Delivered, sum.Failed+r.Failed, sum.GivenUp+r.GivenUp, r.More
			if err != nil {
				report(d, sum)
				return sum, err
			}
			if !r.More || !until.IsZero() && !now().Before(until) {
				report(d, sum)
				return sum, nil
			}
		}
	}
}

// report logs what a run did, and counts it for the alarms, if there was anything to do.
func report(d *lambdahost.Deployment, sum webhook.DeliveryResult) {
	if sum.Found == 0 {
		return
	}
	d.Log.Info("webhooks", "delivered", sum.Delivered, "failed", sum.Failed, "given_up", sum.GivenUp, "more", sum.More)
	left := 0.0
	if sum.More {
		left = 1
	}
	d.Meter.Add(
		lambdahost.Value{Metric: lambdahost.MetricHooksFailed, Number: float64(sum.Failed)},
		lambdahost.Value{Metric: lambdahost.MetricHooksGivenUp, Number: float64(sum.GivenUp)},
		lambdahost.Value{Metric: lambdahost.MetricHooksLeft, Number: left})
}
