package dynamo_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/internal/store/dynamo"
)

// heard records the requests and gives each an empty answer.
type heard struct{ bodies []map[string]any }

func (h *heard) Do(r *http.Request) (*http.Response, error) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var body map[string]any
	if err := json.Unmarshal(data, &body); err != nil {
		return nil, err
	}
	h.bodies = append(h.bodies, body)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"Responses":{},"Items":[]}`)), Request: r}, nil
}

// TestEveryReadIsConsistent: a stale read would let two guesses see the same counter. Only
// the cleanup's index is eventually consistent, and it decides nothing.
func TestEveryReadIsConsistent(t *testing.T) {
	wire := &heard{}
	endpoint := "http://stub.invalid"
	client := dynamodb.New(dynamodb.Options{BaseEndpoint: &endpoint, Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""), HTTPClient: wire})
	s := dynamo.New(client, "table", time.Now)
	a, b := store.Key{Kind: store.KindUser, ID: "a"}, store.Key{Kind: store.KindUser, ID: "b"}
	if _, err := s.Get(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), a, b); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.List(t.Context(), store.KindUser, "", 10); err != nil {
		t.Fatal(err)
	}
	if len(wire.bodies) < 3 {
		t.Fatalf("%d requests", len(wire.bodies))
	}
	for _, body := range wire.bodies {
		asks := body
		if tables, ok := body["RequestItems"].(map[string]any); ok {
			asks = tables["table"].(map[string]any)
		}
		if asks["ConsistentRead"] != true {
			t.Errorf("a read that may be stale: %v", body)
		}
	}
}
