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

// TestHistories runs concurrent clients and failing requests against the table. Every answer must
// have an explanation.
func TestHistories(t *testing.T) {
	histories(t, newClient(t))
}

// TestHistoriesOnALossyWire also loses one answer in fifteen after the server acted, so that the
// SDK repeats the request.
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
			t.Fatal(err) // in use: the answer to its creation was lost
		}
		return dynamo.New(client, table, time.Now)
	}, seeds, lincheck.Concurrent)
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
