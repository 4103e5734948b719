package lambdalocal

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost/smslogging"
	"github.com/countersign-mfa/countersign/test/awsstub"
)

const snsAccount = "111122223333"

// SMSLog runs sms-logging, as the custom resource of the stack does when it is made ("Create") or
// removed ("Delete"). It returns what the stack's output says.
func (d *Deployment) SMSLog(ctx context.Context, kind string) (string, error) {
	data, err := d.custom(ctx, plan.Logging, kind, "Custom::SMSLogging", map[string]any{
		"Role": "arn:aws:iam::" + snsAccount + ":role/sms-log", "LogGroup": awsstub.FailureGroup(region, snsAccount), "Filter": "countersign", "Function": string(plan.Reports),
	})
	state, _ := data[smslogging.State].(string)
	return state, err
}

// PassReports stands in for the subscription filter: it passes the lines of SNS's log of failed
// deliveries to its destinations, twice, because CloudWatch Logs may deliver a batch again. The
// event has the documented form: JSON, compressed by gzip, in base 64
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html). It returns
// the answers.
func (d *Deployment) PassReports(ctx context.Context) (answers []string, err error) {
	batch := events.CloudwatchLogsData{Owner: snsAccount, LogGroup: awsstub.FailureGroup(region, snsAccount), LogStream: "1", MessageType: "DATA_MESSAGE"}
	for i, line := range d.Stub.FailedDeliveries() {
		batch.LogEvents = append(batch.LogEvents, events.CloudwatchLogsLogEvent{ID: fmt.Sprint(i), Message: line})
	}
	text, err := json.Marshal(batch)
	if err != nil {
		return nil, fmt.Errorf("batch of the log: %w", err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(text); err != nil {
		return nil, fmt.Errorf("batch of the log: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("batch of the log: %w", err)
	}
	event, err := json.Marshal(map[string]any{"awslogs": map[string][]byte{"data": packed.Bytes()}})
	if err != nil {
		return nil, fmt.Errorf("event of the log: %w", err)
	}
	for _, function := range d.Stub.SMSAccount().Subscriptions {
		for range 2 {
			out, err := d.Invoke(ctx, function, event)
			if err != nil {
				return answers, err
			}
			answers = append(answers, string(out))
		}
	}
	return answers, nil
}
