// Package smslogging has SNS log the messages that it accepts and does not deliver, and subscribes
// the function sms-reports to that log. Both are settings of an account and region, which other
// teams may use too. So the package adds what is missing and changes nothing that it finds.
package smslogging

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"

	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
)

// SMSSettings are the calls of SNS that a [Setter] makes.
type SMSSettings interface {
	GetSMSAttributes(context.Context, *sns.GetSMSAttributesInput, ...func(*sns.Options)) (*sns.GetSMSAttributesOutput, error)
	SetSMSAttributes(context.Context, *sns.SetSMSAttributesInput, ...func(*sns.Options)) (*sns.SetSMSAttributesOutput, error)
}

// Logs are the calls of CloudWatch Logs that a [Setter] makes.
type Logs interface {
	CreateLogGroup(context.Context, *cloudwatchlogs.CreateLogGroupInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.CreateLogGroupOutput, error)
	PutRetentionPolicy(context.Context, *cloudwatchlogs.PutRetentionPolicyInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutRetentionPolicyOutput, error)
	PutSubscriptionFilter(context.Context, *cloudwatchlogs.PutSubscriptionFilterInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutSubscriptionFilterOutput, error)
	DeleteSubscriptionFilter(context.Context, *cloudwatchlogs.DeleteSubscriptionFilterInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DeleteSubscriptionFilterOutput, error)
}

// Setter switches delivery status logging on.
type Setter struct {
	SMS  SMSSettings
	Logs Logs
}

// Serve is the main function of sms-logging.
func Serve() {
	lambdahost.Run(func(_ context.Context, e lambdahost.Environment) (any, error) {
		config := e.AWS()
		return cfn.LambdaWrap((&Setter{sns.NewFromConfig(config), cloudwatchlogs.NewFromConfig(config)}).Deploy), nil
	})
}

// Names of SNS's settings of an account
// (https://docs.aws.amazon.com/sns/latest/api/API_SetSMSAttributes.html).
const (
	roleSetting = "DeliveryStatusIAMRole"
	rateSetting = "DeliveryStatusSuccessSamplingRate"
)

// retention, in days, is that of a log group which this package makes. A line has a whole phone
// number, so the log is kept no longer than a person needs to look into a failure.
const retention = 7

// State is the result that CloudFormation shows.
const State = "State"

// Deploy answers CloudFormation. Nothing that SNS or CloudWatch Logs refuse fails a deployment,
// which sends messages as well without their log: the result is then a sentence. The deletion of
// the stack removes the subscription only, because the role of another team may be in use.
func (s *Setter) Deploy(ctx context.Context, e cfn.Event) (id string, data map[string]any, err error) {
	group, filter := property(e, "LogGroup"), property(e, "Filter")
	id = filter
	if id == "" {
		return "none", nil, errors.New("the properties have no Filter")
	}
	if e.RequestType == cfn.RequestDelete {
		_, err := s.Logs.DeleteSubscriptionFilter(ctx, &cloudwatchlogs.DeleteSubscriptionFilterInput{LogGroupName: &group, FilterName: &filter})
		var none *types.ResourceNotFoundException
		if err != nil && !errors.As(err, &none) {
			return id, nil, refused("remove the subscription", err)
		}
		return id, nil, nil
	}
	var said []string
	for _, step := range []func() (string, error){
		func() (string, error) { return s.logging(ctx, property(e, "Role")) },
		func() (string, error) { return "", s.group(ctx, group) },
		func() (string, error) { return "", s.subscribe(ctx, group, filter, property(e, "Function")) },
	} {
		text, err := step()
		if err != nil {
			text = "not on: " + err.Error()
		}
		if text != "" {
			said = append(said, text)
		}
	}
	if len(said) == 0 {
		said = []string{"on"}
	}
	return id, map[string]any{State: strings.Join(said, "; ")}, nil
}

func property(e cfn.Event, name string) string {
	text, _ := e.ResourceProperties[name].(string)
	return text
}

// logging sets the role with which SNS writes its log, unless the account has one.
func (s *Setter) logging(ctx context.Context, role string) (string, error) {
	found, err := s.SMS.GetSMSAttributes(ctx, &sns.GetSMSAttributesInput{Attributes: []string{roleSetting, rateSetting}})
	if err != nil {
		return "", refused("read the SMS settings of the account", err)
	}
	switch held := found.Attributes[roleSetting]; held {
	case role:
		return "", nil
	case "":
	default:
		return "on, with the account's own role " + held, nil
	}
	set := map[string]string{roleSetting: role}
	if found.Attributes[rateSetting] == "" {
		set[rateSetting] = "0" // percent: the log of delivered messages has whole numbers too
	}
	if _, err := s.SMS.SetSMSAttributes(ctx, &sns.SetSMSAttributesInput{Attributes: set}); err != nil {
		return "", refused("change the SMS settings of the account", err)
	}
	return "", nil
}

// group makes the log group, which SNS makes at the first failure only, with a retention.
func (s *Setter) group(ctx context.Context, name string) error {
	_, err := s.Logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &name})
	var exists *types.ResourceAlreadyExistsException
	switch {
	case errors.As(err, &exists):
		return nil
	case err != nil:
		return refused("make the log group "+name, err)
	}
	if _, err := s.Logs.PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: &name, RetentionInDays: aws.Int32(retention)}); err != nil {
		return refused("set the retention of "+name, err)
	}
	return nil
}

// subscribe has CloudWatch Logs call the function. A log group has two subscription filters at
// most.
func (s *Setter) subscribe(ctx context.Context, group, filter, function string) error {
	_, err := s.Logs.PutSubscriptionFilter(ctx, &cloudwatchlogs.PutSubscriptionFilterInput{
		LogGroupName: &group, FilterName: &filter, FilterPattern: aws.String(""), DestinationArn: &function,
	})
	if err != nil {
		return refused("subscribe to "+group+", which may have two subscriptions", err)
	}
	return nil
}

// refused keeps the service's code: a stack's output is no place for a whole answer.
func refused(what string, err error) error {
	code := "no answer"
	var known smithy.APIError
	if errors.As(err, &known) {
		code = known.ErrorCode()
	}
	return fmt.Errorf("cannot %s (%s)", what, code)
}
