package dynamo_test

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/internal/store/dynamo"
	"github.com/countersign-mfa/countersign/test/lincheck"
)

// TestHistories: clients that really run at once, and requests that fail, over the table; every answer has an explanation.
func TestHistories(t *testing.T) {
	histories(t, newClient(t))
}

// TestHistoriesOnALossyWire: beside that, one answer in fifteen is lost after the server acted, and the SDK sends the request again.
func TestHistoriesOnALossyWire(t *testing.T) {
	wire := &leaky{next: http.DefaultTransport, rng: rand.New(rand.NewPCG(1, 2))}
	histories(t, newClient(t, func(o *dynamodb.Options) {
		o.HTTPClient = &http.Client{Transport: wire}
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
			o.RateLimiter, o.MaxAttempts = ratelimit.None, 8
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		})
	}))
	if wire.lost == 0 {
		t.Error("no answer was lost")
	}
}

func histories(t *testing.T, client *dynamodb.Client) {
	seeds := 20
	if testing.Short() {
		seeds = 5
	}
	lincheck.Check(t, func(t *testing.T) store.Store {
		table := "histories-" + time.Now().Format("150405.000000000")
		if _, err := client.CreateTable(t.Context(), dynamo.Schema(table)); err != nil && !strings.Contains(err.Error(), "ResourceInUseException") {
			t.Fatal(err) // in use: the answer of its creation was lost
		}
		return dynamo.New(client, table, time.Now)
	}, seeds, true)
}

// leaky loses answers now and then.
type leaky struct {
	next http.RoundTripper

	mu   sync.Mutex
	rng  *rand.Rand
	lost int
}

func (l *leaky) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := l.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rng.IntN(15) > 0 {
		return res, nil
	}
	l.lost++
	return nil, errors.Join(errors.New("connection reset after the request"), res.Body.Close())
}
