// Package smsreports records the messages that SNS accepted and did not deliver. SNS answers with a
// message id also over a limit, in the sandbox, or without a sender; only its delivery status log
// says what became of the message:
// https://docs.aws.amazon.com/sns/latest/dg/sms_stats_cloudwatch.html
package smsreports

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
)

// Serve is the main function of sms-reports.
func Serve() {
	lambdahost.Run(func(ctx context.Context, e lambdahost.Environment) (any, error) {
		d := lambdahost.Connect(e)
		service, err := d.Service(ctx, lambdahost.Deps{})
		if err != nil {
			return nil, err
		}
		return (&Reader{d, service.SMS.MarkUndelivered}).Handle, nil
	})
}

// Reader reads the lines of the log.
type Reader struct {
	*lambdahost.Deployment
	// Mark records a report with its message. It reports whether the message was found and not marked
	// before.
	Mark func(context.Context, sms.Report) (bool, error)
}

// Result counts the lines of an event.
type Result struct {
	Marked int `json:"marked"`
	// Others are of messages that were marked before, are too old, or are of another application: the
	// log is that of the whole account.
	Others int `json:"others"`
	// Unread have another form than the documented one.
	Unread int `json:"unread"`
}

// Handle reads an event of a subscription filter: a batch of log lines, compressed by gzip, in
// base 64 (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html).
// CloudWatch Logs may deliver a batch again, and Lambda does after an error. A message is marked
// once.
func (r *Reader) Handle(ctx context.Context, event json.RawMessage) (Result, error) {
	var e events.CloudwatchLogsEvent
	if err := json.Unmarshal(event, &e); err != nil {
		return Result{}, lambdahost.ErrEvent
	}
	batch, err := e.AWSLogs.Parse()
	if err != nil {
		return Result{}, lambdahost.ErrEvent
	}
	var sum Result
	if batch.MessageType != "DATA_MESSAGE" { // CloudWatch Logs checks the destination
		return sum, nil
	}
	if err := r.Keys.Refresh(ctx); err != nil {
		r.Log.Error("keys not refreshed", "error", err.Error())
	}
	var failed []error
	for _, line := range batch.LogEvents {
		report, err := Parse(line.Message)
		if err != nil {
			sum.Unread++
			continue
		}
		marked, err := r.Mark(ctx, report)
		switch {
		case err != nil:
			failed = append(failed, err)
		case marked:
			sum.Marked++
			r.count(report.Reason)
		default:
			sum.Others++
		}
	}
	r.Log.Info("reports", "marked", sum.Marked, "others", sum.Others, "unread", sum.Unread, "failed", len(failed))
	return sum, errors.Join(failed...)
}

func (r *Reader) count(reason account.Undelivered) {
	r.Meter.CountBy(lambdahost.MetricUndelivered, 1, string(reason))
	if sms.IsSetting(reason) {
		r.Meter.Count(lambdahost.MetricDropped, 1)
	}
}

// line is a line of the delivery status log. Its destination is the whole number.
type line struct {
	Notification struct {
		Timestamp string `json:"timestamp"`
	} `json:"notification"`
	Delivery struct {
		Destination string `json:"destination"`
		Response    string `json:"providerResponse"`
	} `json:"delivery"`
	Status string `json:"status"`
}

// errLine contains nothing of the line, which has a phone number.
var errLine = errors.New("smsreports: the line is no failed delivery")

// acceptedAt is the form of a line's timestamp: the time, in UTC, at which SNS accepted the
// message. The line itself may be written days later.
const acceptedAt = "2006-01-02 15:04:05"

// Parse reads a line of the log of failed deliveries.
func Parse(text string) (sms.Report, error) {
	var l line
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		return sms.Report{}, errLine
	}
	at, err := time.ParseInLocation(acceptedAt, l.Notification.Timestamp, time.UTC)
	if err != nil || l.Status != "FAILURE" || !strings.HasPrefix(l.Delivery.Destination, "+") {
		return sms.Report{}, errLine
	}
	return sms.Report{Number: l.Delivery.Destination, At: at, Reason: Reason(l.Delivery.Response)}, nil
}

// reasons are beginnings of SNS's texts. Those of the first group are under "SMS delivery failure
// reasons" on the page of the package comment. Those of the second are in no list of AWS; users of
// SNS reported them.
var reasons = []struct {
	text string
	is   account.Undelivered
}{
	{"This delivery would exceed max price", sms.UndeliveredPrice},
	{"Message body is invalid", sms.UndeliveredBody},
	{"Phone number is opted out", sms.UndeliveredOptedOut},
	{"Invalid phone number", sms.UndeliveredNumber},
	{"Blocked as spam by phone carrier", sms.UndeliveredBlocked},
	{"Destination is on a blocked list", sms.UndeliveredBlocked},
	{"Phone carrier has blocked this message", sms.UndeliveredBlocked},
	{"Phone has blocked SMS", sms.UndeliveredBlocked},
	{"Phone is on a blocked list", sms.UndeliveredBlocked},
	{"Phone carrier is currently unreachable/unavailable", sms.UndeliveredUnreachable},
	{"Phone is currently unreachable/unavailable", sms.UndeliveredUnreachable},

	{"No quota left for account", sms.UndeliveredBudget},
	{"No origination entities available to send", sms.UndeliveredOrigination},
	{"Your account requires additional review", sms.UndeliveredReview},
}

// Reason returns the reason of SNS's text. A text that is in no list is [sms.UndeliveredUnknown],
// unless it names the sandbox or that the number opted out.
func Reason(text string) account.Undelivered {
	for _, r := range reasons {
		if strings.HasPrefix(text, r.text) {
			return r.is
		}
	}
	switch {
	case strings.Contains(strings.ToLower(text), "sandbox"):
		return sms.UndeliveredSandbox
	case strings.Contains(text, "opted out"):
		return sms.UndeliveredOptedOut
	}
	return sms.UndeliveredUnknown
}
