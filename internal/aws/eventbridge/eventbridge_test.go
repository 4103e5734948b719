package eventbridge_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awseventbridge "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/aws/eventbridge"
	"github.com/countersign-mfa/countersign/internal/domain/webhook"
)

// service stands in for EventBridge and records every request in its real wire form.
func service(t *testing.T, status int, answer string) (*awseventbridge.Client, *[]map[string]any) {
	t.Helper()
	var requests []map[string]any
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in map[string]any
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		in["target"] = r.Header.Get("X-Amz-Target")
		requests = append(requests, in)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	return awseventbridge.New(awseventbridge.Options{
		BaseEndpoint: &server.URL, Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""), Retryer: aws.NopRetryer{},
	}), &requests
}

var parcel = webhook.Delivery{ID: "evt_1", Type: "user.locked", At: time.Unix(1772600767, 0), Body: []byte(`{"type":"user.locked","data":{"id":"user_1"}}`)}

func TestTheWireForm(t *testing.T) {
	client, requests := service(t, 200, `{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}`)
	if _, err := eventbridge.New(client, "team").Deliver(t.Context(), parcel); err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{{"target": "AWSEvents.PutEvents", "Entries": []any{map[string]any{
		"EventBusName": "team", "Source": "countersign", "DetailType": "user.locked", "Detail": string(parcel.Body), "Time": float64(1772600767),
	}}}}
	if diff := cmp.Diff(want, *requests); diff != "" {
		t.Error(diff)
	}
}

// TestRefusals: every answer but a clear success is tried again later, and the error repeats
// nothing of the event.
func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		answer string
		says   string
	}{
		"an entry that was refused":     {200, `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"ThrottlingException","ErrorMessage":"user_1"}]}`, "ThrottlingException"},
		"a count without an entry":      {200, `{"FailedEntryCount":1,"Entries":[]}`, ""},
		"a count beside an entry":       {200, `{"FailedEntryCount":1,"Entries":[{"EventId":"1"}]}`, ""},
		"nothing about the event":       {200, `{"FailedEntryCount":0,"Entries":[]}`, ""},
		"a request that is not allowed": {400, `{"__type":"AccessDeniedException","message":"user_1"}`, "AccessDeniedException"},
		"no service":                    {503, `user_1`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			client, _ := service(t, c.status, c.answer)
			_, err := eventbridge.New(client, "team").Deliver(t.Context(), parcel)
			if !errors.Is(err, eventbridge.ErrRefused) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "user_1") {
				t.Errorf("%v", err)
			}
		})
	}
}
