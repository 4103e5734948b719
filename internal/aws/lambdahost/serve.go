package lambdahost

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// initLimit bounds the requests of the init phase, which Lambda ends after ten seconds.
const initLimit = 8 * time.Second

// Run is the main function of a Lambda function. It builds the handler from the environment in the
// init phase, and never returns. A function that cannot read its environment or open its keys ends
// at once, because it must not answer.
func Run(handler func(context.Context, Environment) (any, error)) {
	e, err := ReadEnvironment(os.Getenv)
	if err == nil {
		ctx, done := context.WithTimeout(context.Background(), initLimit)
		var h any
		h, err = handler(ctx, e)
		done()
		if err == nil {
			lambda.Start(h)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// Serve is the main function of a Lambda function that serves operations of the API.
func Serve(deps Deps, operations ...operation.Operation) {
	Run(func(ctx context.Context, e Environment) (any, error) {
		h, err := Connect(e).Handler(ctx, deps, operations...)
		return Handle(h), err
	})
}

// Handler returns the handler of the operations in this deployment.
func (d *Deployment) Handler(ctx context.Context, deps Deps, operations ...operation.Operation) (http.Handler, error) {
	service, err := d.Service(ctx, deps)
	if err != nil {
		return nil, err
	}
	if _, _, err := service.State(ctx); err != nil {
		d.Log.Warn("could not read ahead", "error", err.Error())
	}
	served, err := api.New(api.Config{
		Instance: operation.Instance{Service: service, PublicURL: d.URL, Origins: d.Origins, PublishableKey: d.PublishableKey, AppName: d.AppName, NumberingPlans: d.NumberingPlans},
		Accepts:  d.Keys.Accepts, Address: Address, Log: d.Log, Observe: d.observe,
	}, operations...)
	if err != nil {
		return nil, err
	}
	h := Edge{Mode: d.Edge, Accepts: d.Keys.AcceptsEdge, Log: d.Log}.Handler(served)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if Address(r) == tx.UnknownAddress {
			d.Log.Warn("the gateway reports no readable address of the caller: all such callers share the limits of one address")
		}
		if err := d.Keys.Refresh(r.Context()); err != nil {
			d.Log.Error("keys not refreshed", "error", err.Error())
		}
		h.ServeHTTP(w, r)
	}), nil
}

// Metrics that a deployment emits.
const (
	MetricVerified = "CodesVerified" // right codes
	MetricRefused  = "CodesRefused"  // wrong codes
	MetricTexts    = "SMSSent"
	MetricFailed   = "SMSFailed"
	// MetricUndelivered counts messages that SNS accepted and did not deliver, by reason.
	MetricUndelivered = "SMSUndelivered"
	// MetricDropped counts those of them whose cause is a setting or a limit of the account.
	MetricDropped = "SMSDropped"
	MetricBreaker = "SMSBreakerTripped" // refusals because too many messages are unverified
	MetricStopped = "SMSRefused"        // refusals by the SMS guard, for any reason
	MetricSpent   = "SMSSpentPercent"   // of the daily SMS budget: 50, 80 or 100
	MetricLocked  = "UsersLocked"
	MetricKeyAge  = "KeyAgeDays"
	MetricBehind  = "CleanupBehindSeconds" // of the oldest record that a run left
	// Of runs of events-deliver that found something: failed tries, targets given up after all tries,
	// and 1 for a run that left due deliveries or 0 for one that left none.
	MetricHooksFailed  = "WebhooksFailed"
	MetricHooksGivenUp = "WebhooksGivenUp"
	MetricHooksLeft    = "WebhooksLeft"
)

// observe adds what the alarms and the dashboard count to the log line of a request. A checked code
// adds 0 to the other metric of codes, so that both have data in the same periods: an alarm on both
// may have no value where one has none.
func (d *Deployment) observe(o api.Outcome) []slog.Attr {
	switch {
	case o.Operation.Permissions.Has(operation.SendsSMS) && o.Status == http.StatusOK:
		return d.Meter.Attrs(Value{MetricTexts, 1})
	case o.Code == apierr.FormCodeIncorrect:
		return d.Meter.Attrs(Value{MetricRefused, 1}, Value{MetricVerified, 0})
	case o.Operation.Checks() && o.Status == http.StatusOK:
		return d.Meter.Attrs(Value{MetricVerified, 1}, Value{MetricRefused, 0})
	}
	return nil
}
