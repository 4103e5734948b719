package dynamo_test

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/internal/store/dynamo"
	"github.com/countersign-mfa/countersign/internal/store/storetest"
	"github.com/countersign-mfa/countersign/test/mfatest"
	"github.com/countersign-mfa/countersign/test/needs"
)

// newClient returns a client of the server at DYNAMODB_ENDPOINT; scripts/with-dynamodb.sh starts
// one.
func newClient(t *testing.T, options ...func(*dynamodb.Options)) *dynamodb.Client {
	t.Helper()
	endpoint := needs.Or(t, os.Getenv("DYNAMODB_ENDPOINT"), needs.DynamoDB, "DYNAMODB_ENDPOINT names no server; scripts/with-dynamodb.sh starts one")
	return dynamodb.New(dynamodb.Options{
		BaseEndpoint: &endpoint, Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}, options...)
}

// TestConformance runs the suite that every store passes.
func TestConformance(t *testing.T) {
	client := newClient(t)
	storetest.Test(t, func(t *testing.T) store.Store { return newStore(t, client) })
}

// newStore returns a store with a table of its own.
func newStore(t *testing.T, client *dynamodb.Client) store.Store {
	t.Helper()
	table := "t" + strings.ToLower(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, t.Name()))
	table = table[max(0, len(table)-100):] + "-" + time.Now().Format("150405.000000000")
	if _, err := client.CreateTable(t.Context(), dynamo.Schema(table)); err != nil {
		t.Fatal(err)
	}
	return dynamo.New(client, table, time.Now)
}

// lossy loses the answers to the next requests after the server acted on them.
type lossy struct {
	next http.RoundTripper
	lose atomic.Int32
}

func (l *lossy) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := l.next.RoundTrip(r)
	if err == nil && l.lose.Add(-1) >= 0 {
		_ = res.Body.Close()
		return nil, errors.New("connection reset after the request")
	}
	return res, err
}

// TestALostAnswerIsRecognised: the SDK repeats a write whose answer was lost, and the store
// recognises its own write.
func TestALostAnswerIsRecognised(t *testing.T) {
	wire := &lossy{next: http.DefaultTransport}
	client := newClient(t, func(o *dynamodb.Options) { o.HTTPClient = &http.Client{Transport: wire} })
	table := "lost-" + time.Now().Format("150405.000000000")
	if _, err := client.CreateTable(t.Context(), dynamo.Schema(table)); err != nil {
		t.Fatal(err)
	}
	s := dynamo.New(client, table, time.Now)
	a, b := store.Key{Kind: "user", ID: "a"}, store.Key{Kind: "user", ID: "b"}
	write := func(k store.Key, version uint64) store.Write {
		return store.Write{Record: store.Record{Key: k, Version: version, Data: []byte(`{}`)}}
	}
	for name, commit := range map[string]func() error{
		"one record": func() error { return s.Commit(t.Context(), []store.Write{write(a, 0)}) },
		"a transaction": func() error {
			return s.Commit(t.Context(), []store.Write{write(b, 0)}, store.Increment{Counter: "x", By: 1, Max: 1, Expires: time.Now()})
		},
	} {
		wire.lose.Store(1)
		if err := commit(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := commit(); !errors.Is(err, store.ErrConflict) {
			t.Errorf("%s, another writer's: %v, want a conflict", name, err)
		}
	}
	wire.lose.Store(100)
	if err := s.Commit(t.Context(), []store.Write{write(store.Key{Kind: "user", ID: "c"}, 0)}); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("every answer lost: %v, want unavailable", err)
	}
}

// TestAnExternalIDIsUniqueAtOnce: servers over one table give an external id to exactly one user.
func TestAnExternalIDIsUniqueAtOnce(t *testing.T) {
	mfatest.RaceForExternalID(t, newStore(t, newClient(t)))
}

// TestAPasskeyOpensOnce: two servers over one table answer one challenge at once.
func TestAPasskeyOpensOnce(t *testing.T) {
	mfatest.RaceForPasskey(t, newStore(t, newClient(t)))
}
