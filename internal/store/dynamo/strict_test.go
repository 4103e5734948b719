package dynamo_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/countersign-mfa/countersign/internal/clock"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/internal/store/dynamo"
	"github.com/countersign-mfa/countersign/internal/store/storetest"
	"github.com/countersign-mfa/countersign/test/lincheck"
	"github.com/countersign-mfa/countersign/test/mfatest"
	"github.com/countersign-mfa/countersign/test/strictdynamo"
)

// strict returns a client of a stand-in that keeps the table's rules, in front of the server at
// DYNAMODB_ENDPOINT. The client repeats requests without a pause.
func strict(t *testing.T, c strictdynamo.Config) (*strictdynamo.Server, *dynamodb.Client) {
	t.Helper()
	newClient(t) // asks for the server
	c.Endpoint, c.TimeToLive = os.Getenv("DYNAMODB_ENDPOINT"), theTTL
	if c.Now == nil {
		c.Now = time.Now
	}
	rules := strictdynamo.New(c)
	server := httptest.NewServer(rules)
	t.Cleanup(server.Close)
	return rules, newClient(t, func(o *dynamodb.Options) {
		o.BaseEndpoint = &server.URL
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
			o.RateLimiter, o.MaxAttempts = ratelimit.None, 12
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		})
	})
}

// quick returns the store of a new table that does not wait between the tries of a transaction.
func quick(t *testing.T, client *dynamodb.Client) *dynamo.Store {
	t.Helper()
	s := newStore(t, client).(*dynamo.Store)
	s.SetPause(func(ctx context.Context, _ time.Duration) error { return ctx.Err() })
	return s
}

// TestConformanceUnderTheRules: the store breaks no rule of a table, also when one request in
// thirty is throttled.
func TestConformanceUnderTheRules(t *testing.T) {
	if testing.Short() {
		t.Skip("it repeats the whole suite")
	}
	rules, client := strict(t, strictdynamo.Config{Throttled: 30, Chance: rand.New(rand.NewPCG(1, 2))})
	storetest.Test(t, func(t *testing.T) store.Store { return quick(t, client) })
	if n := rules.Counts(); n.Throttled == 0 || n.Conflicts == 0 {
		t.Errorf("too little happened: %+v", n)
	}
}

// TestHistoriesUnderTheRules runs concurrent clients against a table whose transactions conflict,
// whose requests are throttled and whose indexes are behind. Every answer must have an explanation.
func TestHistoriesUnderTheRules(t *testing.T) {
	rules, client := strict(t, strictdynamo.Config{
		Throttled: 20, Behind: true, Chance: rand.New(rand.NewPCG(3, 4)), Now: func() time.Time { return mfatest.Began },
	})
	seeds := 6
	if testing.Short() {
		seeds = 2
	}
	n := 0
	lincheck.Check(t, func(t *testing.T) store.Store {
		n++
		table := fmt.Sprint("rules-", n, time.Now().Format("-150405.000000000"))
		if _, err := client.CreateTable(t.Context(), dynamo.Schema(table)); err != nil && !strings.Contains(err.Error(), "ResourceInUseException") {
			t.Fatal(err)
		}
		s := dynamo.New(client, table, time.Now)
		s.SetPause(func(ctx context.Context, _ time.Duration) error { return ctx.Err() })
		return s
	}, seeds, lincheck.Contended)
	if n := rules.Counts(); n.Conflicts == 0 || n.Throttled == 0 {
		t.Errorf("too little happened: %+v", n)
	}
}

// TestAnIndexThatFollowsLater: a cleanup whose index names what is gone, and not yet what is new,
// does no harm, and the next one removes the rest.
func TestAnIndexThatFollowsLater(t *testing.T) {
	rules, client := strict(t, strictdynamo.Config{Behind: true, Chance: rand.New(rand.NewPCG(5, 6))})
	s, now := quick(t, client), time.Now()
	service := mfatest.New(t, domain.Config{Store: s, Now: func() time.Time { return now }, Pause: clock.Pause})
	busy(service, func(d time.Duration) { now = now.Add(d) })
	now = now.AddDate(2, 0, 0)
	clean := func() int {
		r, err := service.Admin.Cleanup(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		return r.Found
	}
	for range 8 {
		clean()
	}
	if rules.Counts().Behind == 0 {
		t.Error("no index was behind")
	}
	if err := rules.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	clean()
	if err := rules.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := clean(); n != 0 {
		t.Errorf("%d records are left", n)
	}
	if err := lincheck.Invariants(t.Context(), s, service.Config.Ring); err != nil {
		t.Error(err)
	}
}
