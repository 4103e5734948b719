package smslogging_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/countersign-mfa/countersign/internal/aws/lambdahost/smslogging"
	"github.com/countersign-mfa/countersign/test/awsstub"
)

const (
	role     = "arn:aws:iam::111122223333:role/countersign-sms-log"
	function = "arn:aws:lambda:eu-central-1:111122223333:function:countersign-sms-reports"
)

var group = awsstub.FailureGroup("eu-central-1", "111122223333")

func setter(t *testing.T) (*awsstub.Server, *smslogging.Setter) {
	t.Helper()
	stub, err := awsstub.New("http://localhost:1")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(stub)
	t.Cleanup(server.Close)
	config := aws.Config{BaseEndpoint: &server.URL, Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")}
	return stub, &smslogging.Setter{SMS: sns.NewFromConfig(config), Logs: cloudwatchlogs.NewFromConfig(config)}
}

func run(t *testing.T, s *smslogging.Setter, kind cfn.RequestType, filter string) string {
	t.Helper()
	id, data, err := s.Deploy(t.Context(), cfn.Event{RequestType: kind, ResourceProperties: map[string]any{"Role": role, "LogGroup": group, "Filter": filter, "Function": function}})
	if err != nil || id != filter {
		t.Fatalf("%s: %q, %v", kind, id, err)
	}
	state, _ := data[smslogging.State].(string)
	return state
}

// TestLoggingIsSwitchedOn, and a second deployment changes nothing. The end of the stack removes
// the subscription and leaves the settings of the account.
func TestLoggingIsSwitchedOn(t *testing.T) {
	stub, s := setter(t)
	for _, kind := range []cfn.RequestType{cfn.RequestCreate, cfn.RequestUpdate} {
		if state := run(t, s, kind, "countersign"); state != "on" {
			t.Errorf("%s: %s", kind, state)
		}
		if a := stub.SMSAccount(); a.Role != role || a.Rate != "0" || a.Subscriptions["countersign"] != function {
			t.Errorf("%s: the account has %+v", kind, a)
		}
	}
	for range 2 { // also without the subscription
		run(t, s, cfn.RequestDelete, "countersign")
	}
	if a := stub.SMSAccount(); len(a.Subscriptions) != 0 || a.Role != role {
		t.Errorf("at the end the account has %+v", a)
	}
}

// TestWhatAnotherTeamSetStays: its role and rate are kept, and the log is read all the same.
// Without room for a subscription the deployment goes on and says so.
func TestWhatAnotherTeamSetStays(t *testing.T) {
	const theirs = "arn:aws:iam::111122223333:role/theirs"
	stub, s := setter(t)
	stub.SetSMSAccount(func(a *awsstub.SMSAccount) { a.Role, a.Rate = theirs, "100" })
	if state := run(t, s, cfn.RequestCreate, "countersign"); state != "on, with the account's own role "+theirs {
		t.Error(state)
	}
	if a := stub.SMSAccount(); a.Role != theirs || a.Rate != "100" || a.Subscriptions["countersign"] != function {
		t.Errorf("the account has %+v", a)
	}
	run(t, s, cfn.RequestCreate, "canary")
	if state := run(t, s, cfn.RequestCreate, "third"); !strings.Contains(state, "not on: cannot subscribe to "+group) || !strings.Contains(state, "LimitExceededException") {
		t.Error(state)
	}
}

// TestARateAlone: a team that set a rate for later gets the role, and keeps its rate.
func TestARateAlone(t *testing.T) {
	stub, s := setter(t)
	stub.SetSMSAccount(func(a *awsstub.SMSAccount) { a.Rate = "50" })
	run(t, s, cfn.RequestCreate, "countersign")
	if a := stub.SMSAccount(); a.Role != role || a.Rate != "50" {
		t.Errorf("the account has %+v", a)
	}
}
