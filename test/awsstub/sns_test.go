package awsstub_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"

	"github.com/countersign-mfa/countersign/test/awsstub"
)

const american, german = "+12064450142", "+4915112345678"

func client(t *testing.T) (*awsstub.Server, *sns.Client) {
	t.Helper()
	stub, err := awsstub.New("http://localhost:1")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(stub)
	t.Cleanup(server.Close)
	return stub, sns.New(sns.Options{
		BaseEndpoint: &server.URL, Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""), Retryer: aws.NopRetryer{},
	})
}

func code(err error) string {
	var known smithy.APIError
	if errors.As(err, &known) {
		return known.ErrorCode()
	}
	return ""
}

// TestPublish holds the rules of sns.go: which messages SNS refuses, accepts and drops, or
// delivers.
func TestPublish(t *testing.T) {
	attribute := func(kind, value string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: &kind, StringValue: &value}
	}
	for name, tc := range map[string]struct {
		account    awsstub.SMSAccount
		number     string
		text       string
		attributes map[string]types.MessageAttributeValue
		refused    string // the error's code
		dropped    string // the log's words
	}{
		"a message":                     {number: american, text: "hello"},
		"no E.164":                      {number: "2064450142", text: "hello", refused: "InvalidParameter"},
		"16 digits":                     {number: "+1206445014212345", text: "hello", refused: "InvalidParameter"},
		"1,600 bytes":                   {number: american, text: strings.Repeat("a", 1600)},
		"1,601 bytes":                   {number: american, text: strings.Repeat("a", 1601), refused: "InvalidParameter"},
		"a sender id":                   {number: german, text: "hello", attributes: map[string]types.MessageAttributeValue{"AWS.SNS.SMS.SenderID": attribute("String", "Example1")}},
		"a sender id of digits":         {number: german, text: "hello", attributes: map[string]types.MessageAttributeValue{"AWS.SNS.SMS.SenderID": attribute("String", "12345")}, refused: "InvalidParameter"},
		"a sender id with a hyphen":     {number: german, text: "hello", attributes: map[string]types.MessageAttributeValue{"AWS.SNS.SMS.SenderID": attribute("String", "EX-AMPLE")}, refused: "InvalidParameter"},
		"a sender id of 12 letters":     {number: german, text: "hello", attributes: map[string]types.MessageAttributeValue{"AWS.SNS.SMS.SenderID": attribute("String", "ABCDEFGHIJKL")}, refused: "InvalidParameter"},
		"an unknown attribute":          {number: german, text: "hello", attributes: map[string]types.MessageAttributeValue{"AWS.SNS.SMS.Sender": attribute("String", "A")}, refused: "InvalidParameter"},
		"a price that is a text":        {number: german, text: "hello", attributes: map[string]types.MessageAttributeValue{"AWS.SNS.SMS.MaxPrice": attribute("String", "0.1")}, refused: "InvalidParameter"},
		"an unknown type":               {number: german, text: "hello", attributes: map[string]types.MessageAttributeValue{"AWS.SNS.SMS.SMSType": attribute("String", "Urgent")}, refused: "InvalidParameter"},
		"over the price":                {number: german, text: "hello", attributes: map[string]types.MessageAttributeValue{"AWS.SNS.SMS.MaxPrice": attribute("Number", "0.1")}, dropped: "This delivery would exceed max price"},
		"at the price":                  {number: german, text: "hello", attributes: map[string]types.MessageAttributeValue{"AWS.SNS.SMS.MaxPrice": attribute("Number", "0.14")}},
		"over the month's limit":        {account: awsstub.SMSAccount{SpendLimit: 0.01}, number: american, text: "hello", dropped: "No quota left for account"},
		"in the sandbox":                {account: awsstub.SMSAccount{Sandbox: true}, number: american, text: "hello", dropped: "sandbox"},
		"verified in the sandbox":       {account: awsstub.SMSAccount{Sandbox: true, Verified: []string{american}}, number: american, text: "hello"},
		"without an own number":         {account: awsstub.SMSAccount{NoOrigination: true}, number: american, text: "hello", dropped: "No origination entities available to send"},
		"with an own number":            {account: awsstub.SMSAccount{NoOrigination: true}, number: american, text: "hello", attributes: map[string]types.MessageAttributeValue{"AWS.MM.SMS.OriginationNumber": attribute("String", "+12065550100")}},
		"to a number that opted out":    {account: awsstub.SMSAccount{OptedOut: []string{american}}, number: american, text: "hello", dropped: "opted out"},
		"the first of none in a second": {account: awsstub.SMSAccount{Second: -1}, number: american, text: "hello", refused: "Throttled"},
	} {
		t.Run(name, func(t *testing.T) {
			stub, c := client(t)
			tc.account.Role = "arn:aws:iam::111122223333:role/log"
			stub.SetSMSAccount(func(a *awsstub.SMSAccount) { *a = tc.account })
			out, err := c.Publish(t.Context(), &sns.PublishInput{PhoneNumber: &tc.number, Message: &tc.text, MessageAttributes: tc.attributes})
			if code(err) != tc.refused || tc.refused == "" && (err != nil || aws.ToString(out.MessageId) == "") {
				t.Fatalf("%v, want %q", err, tc.refused)
			}
			lines, delivered := stub.FailedDeliveries(), len(stub.SMS())
			if (delivered == 1) != (tc.refused == "" && tc.dropped == "") || (len(lines) == 1) != (tc.dropped != "") {
				t.Fatalf("%d delivered, logged %q", delivered, lines)
			}
			if tc.dropped != "" && !(strings.Contains(lines[0], tc.dropped) && strings.Contains(lines[0], *out.MessageId)) {
				t.Errorf("logged %s, want %q", lines[0], tc.dropped)
			}
		})
	}
}

// TestWithoutARoleNothingIsLogged: SNS writes its log only with a role.
func TestWithoutARoleNothingIsLogged(t *testing.T) {
	stub, c := client(t)
	stub.SetSMSAccount(func(a *awsstub.SMSAccount) { a.SpendLimit = 0.01 })
	if _, err := c.Publish(t.Context(), &sns.PublishInput{PhoneNumber: aws.String(american), Message: aws.String("hello")}); err != nil {
		t.Fatal(err)
	}
	if lines := stub.FailedDeliveries(); len(lines) != 0 || len(stub.SMS()) != 0 {
		t.Errorf("logged %q, %d delivered", lines, len(stub.SMS()))
	}
}
