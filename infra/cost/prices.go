// Package cost computes what a deployment costs in a month: measured use, times AWS's list prices.
package cost

import "github.com/countersign-mfa/countersign/internal/domain/smsprice"

// Price is a list price of AWS.
type Price struct {
	What    string  // as the table of docs/operate/cost.md names it
	Dollars float64 // for Per units
	Per     float64
	Unit    string
	Page    string // the page of AWS that lists it, below aws.amazon.com
}

// Each returns the price of one unit, in dollars.
func (p Price) Each() float64 { return p.Dollars / p.Per }

// The prices are those of Region on Date. They leave out the free tier, which other programs of an
// account may use up.
const (
	Region = "us-east-1"
	Date   = "28 November 2026"
)

// The prices that a deployment pays. Everything that names a price reads it here.
var (
	Request      = Price{"HTTP API", 1.00, 1e6, "requests", "api-gateway/pricing"}
	Invocation   = Price{"Lambda, invocations", 0.20, 1e6, "invocations", "lambda/pricing"}
	Duration     = Price{"Lambda, duration on arm64", 13.3334, 1e6, "GB-seconds", "lambda/pricing"}
	Read         = Price{"DynamoDB, reads", 0.125, 1e6, "read request units", "dynamodb/pricing/on-demand"}
	Write        = Price{"DynamoDB, writes", 0.625, 1e6, "write request units", "dynamodb/pricing/on-demand"}
	Stream       = Price{"DynamoDB, stream read by Lambda", 0, 1, "reads", "dynamodb/pricing/on-demand"}
	Storage      = Price{"DynamoDB, storage", 0.25, 1, "GB-months", "dynamodb/pricing/on-demand"}
	Recovery     = Price{"DynamoDB, point-in-time recovery", 0.20, 1, "GB-months", "dynamodb/pricing/on-demand"}
	Key          = Price{"KMS, keys", 1.00, 1, "keys", "kms/pricing"}
	KeyRequest   = Price{"KMS, requests", 0.03, 10_000, "requests", "kms/pricing"}
	Secret       = Price{"Secrets Manager", 0.40, 1, "secrets", "secrets-manager/pricing"}
	AlarmMetric  = Price{"CloudWatch, alarms", 0.10, 1, "metrics of alarms", "cloudwatch/pricing"}
	Metric       = Price{"CloudWatch, own metrics", 0.30, 1, "metrics", "cloudwatch/pricing"}
	Log          = Price{"CloudWatch, logs taken in", 0.50, 1, "GB", "cloudwatch/pricing"}
	LogStorage   = Price{"CloudWatch, logs kept", 0.03, 1, "GB-months", "cloudwatch/pricing"}
	Transfer     = Price{"Data transfer out", 0.09, 1, "GB", "ec2/pricing/on-demand"}
	Schedule     = Price{"EventBridge Scheduler", 1.00, 1e6, "invocations", "eventbridge/pricing"}
	QueueRequest = Price{"SQS", 0.40, 1e6, "requests", "sqs/pricing"}
	Trace        = Price{"X-Ray, if on", 5.00, 1e6, "traces", "xray/pricing"}
	Text         = Price{"SNS, a message to the United States", smsprice.Of("US").Dollars(), 1, "messages", "sns/sms-pricing"}
)

// Prices returns all prices, in the order of a bill.
func Prices() []Price {
	return []Price{
		Request, Invocation, Duration, Read, Write, Stream, Storage, Recovery, Key, KeyRequest, Secret, AlarmMetric, Metric, Log, LogStorage, Transfer, Schedule,
		QueueRequest, Text, Trace,
	}
}
