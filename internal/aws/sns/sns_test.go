package sns_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/aws/sns"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/numberplan"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

const (
	number = "+12125550123"
	text   = "123456 is your code"
)

// gateway stands in for the service and records every request in its real wire form.
func gateway(t *testing.T, status int, answer string) (*awssns.Client, *[]url.Values) {
	t.Helper()
	var requests []url.Values
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, err := url.ParseQuery(string(body))
		if err != nil {
			t.Error(err)
		}
		requests = append(requests, form)
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	return awssns.New(awssns.Options{
		BaseEndpoint: &server.URL, Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}), &requests
}

const good = `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>`

func message(t *testing.T, test bool) tx.Message {
	t.Helper()
	to, err := numberplan.Parse(number)
	if err != nil {
		t.Fatal(err)
	}
	return tx.Message{To: to, Body: secret.New(text), Test: test}
}

func TestTheWireForm(t *testing.T) {
	client, requests := gateway(t, 200, good)
	s := sns.New(client, sns.Config{SenderID: "Example", OriginationNumber: "+12125550100", MaxPrice: 0.1})
	if err := s.Send(t.Context(), message(t, false)); err != nil {
		t.Fatal(err)
	}
	if len(*requests) != 1 {
		t.Fatalf("%d requests", len(*requests))
	}
	r := (*requests)[0]
	got := map[string]string{"Action": r.Get("Action"), "PhoneNumber": r.Get("PhoneNumber"), "Message": r.Get("Message"), "TopicArn": r.Get("TopicArn")}
	for n := 1; r.Has("MessageAttributes.entry." + string(rune('0'+n)) + ".Name"); n++ {
		at := "MessageAttributes.entry." + string(rune('0'+n))
		got[r.Get(at+".Name")] = r.Get(at+".Value.DataType") + " " + r.Get(at+".Value.StringValue")
	}
	want := map[string]string{
		"Action": "Publish", "PhoneNumber": number, "Message": text, "TopicArn": "", "AWS.SNS.SMS.SMSType": "String Transactional",
		"AWS.SNS.SMS.SenderID": "String Example", "AWS.SNS.SMS.MaxPrice": "Number 0.1", "AWS.MM.SMS.OriginationNumber": "String +12125550100",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestThePriceOfAMessageIsExact: rounded down, the limit would refuse messages; rounded up, it
// would allow dearer ones. Without a limit, the account's applies.
func TestThePriceOfAMessageIsExact(t *testing.T) {
	for price, want := range map[float64]string{0.05: "0.05", 0.00645: "0.00645", 1: "1", 0: ""} {
		client, requests := gateway(t, 200, good)
		if err := sns.New(client, sns.Config{MaxPrice: price}).Send(t.Context(), message(t, false)); err != nil {
			t.Fatal(err)
		}
		got, r := "", (*requests)[0]
		for n := 1; r.Has(fmt.Sprintf("MessageAttributes.entry.%d.Name", n)); n++ {
			if r.Get(fmt.Sprintf("MessageAttributes.entry.%d.Name", n)) == "AWS.SNS.SMS.MaxPrice" {
				got = r.Get(fmt.Sprintf("MessageAttributes.entry.%d.Value.StringValue", n))
			}
		}
		if got != want {
			t.Errorf("%v is sent as %q, want %q", price, got, want)
		}
	}
}

func TestTestMessagesAreNotSent(t *testing.T) {
	client, requests := gateway(t, 200, good)
	if err := sns.New(client, sns.Config{}).Send(t.Context(), message(t, true)); err != nil || len(*requests) != 0 {
		t.Errorf("%d requests, %v", len(*requests), err)
	}
}

// TestFailures: one request each, whatever happens, and an error that gives the reason and nothing
// of the message.
func TestFailures(t *testing.T) {
	type failure struct {
		status int
		code   string
		want   error
	}
	cases := map[string]failure{
		"the number opted out":      {400, "OptedOut", sns.ErrOptedOut},
		"the number is not a phone": {400, "InvalidParameter", sns.ErrInvalid},
		"throttled":                 {429, "Throttling", sns.ErrLimit},
		"the service is broken":     {500, "InternalError", sns.ErrSend},
		"no permission":             {403, "AuthorizationError", sns.ErrSend},
	}
	for want, codes := range map[error][]string{ // each spelling that the services use
		sns.ErrOptedOut: {"OptedOut", "OptedOutException"},
		sns.ErrInvalid:  {"InvalidParameter", "InvalidParameterException", "InvalidParameterValue", "ParameterValueInvalid", "ValidationException"},
		sns.ErrLimit:    {"Throttling", "ThrottlingException", "Throttled", "KMSThrottling"},
	} {
		for _, code := range codes {
			cases[code] = failure{400, code, want}
		}
	}
	for name, tc := range cases {
		client, requests := gateway(t, tc.status, `<ErrorResponse><Error><Type>Sender</Type><Code>`+tc.code+`</Code><Message>`+number+" "+text+`</Message></Error></ErrorResponse>`)
		err := sns.New(client, sns.Config{}).Send(t.Context(), message(t, false))
		if !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
		if len(*requests) != 1 {
			t.Errorf("%s: %d requests, want one", name, len(*requests))
		}
		if strings.Contains(err.Error(), number) || strings.Contains(err.Error(), text) {
			t.Errorf("%s: the error holds the message: %v", name, err)
		}
	}
}

func TestALostConnectionIsNotTriedAgain(t *testing.T) {
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		requests++
		panic(http.ErrAbortHandler) // the message may have been sent, but its answer is lost
	}))
	t.Cleanup(server.Close)
	client := awssns.New(awssns.Options{
		BaseEndpoint: &server.URL, Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	if err := sns.New(client, sns.Config{}).Send(t.Context(), message(t, false)); !errors.Is(err, sns.ErrSend) || requests != 1 {
		t.Errorf("%v after %d requests, want one", err, requests)
	}
}
