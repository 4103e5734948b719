package dynamo_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"github.com/countersign-mfa/countersign/internal/store"
)

// TestGivingBackIsNotRepeated: a request that gives back is sent once, because its answer may be
// lost after it was carried out. A request that adds is repeated.
func TestGivingBackIsNotRepeated(t *testing.T) {
	for by, want := range map[int64]int{-1: 1, 1: 3} {
		var mu sync.Mutex
		requests := 0
		s := toldBy(retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond }), func(string, map[string]any) (int, string) {
			mu.Lock()
			defer mu.Unlock()
			requests++
			return 500, `{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError"}`
		})
		err := s.Reserve(t.Context(), store.Increment{Counter: "q", By: by, Max: math.MaxInt64, Expires: time.Now()})
		if !errors.Is(err, store.ErrUnavailable) || requests != want {
			t.Errorf("adding %d: %d requests, %v; want %d", by, requests, err, want)
		}
	}
}

// TestARefusalTakesBackTheOthers: of three increments one is refused. The others are taken back,
// also where another request fails.
func TestARefusalTakesBackTheOthers(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	s := told(func(action string, body map[string]any) (int, string) {
		mu.Lock()
		defer mu.Unlock()
		name := body["Key"].(map[string]any)["pk"].(map[string]any)["S"].(string)
		by := body["ExpressionAttributeValues"].(map[string]any)[":c"].(map[string]any)["N"].(string)
		seen = append(seen, action+" "+name+" "+by)
		switch {
		case strings.HasSuffix(name, "full"):
			return 400, `{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"}`
		case strings.HasSuffix(name, "broken"):
			return 500, `{}`
		}
		return 200, `{}`
	})
	inc := func(name string) store.Increment {
		return store.Increment{Counter: name, By: 2, Max: 9, Expires: time.Now()}
	}
	err := s.Reserve(t.Context(), inc("added"), inc("broken"), inc("full"))
	if full, ok := errors.AsType[*store.LimitReachedError](err); !ok || full.Counter != "full" {
		t.Errorf("the error is %v", err)
	}
	if last := seen[len(seen)-1]; len(seen) != 4 || last != "UpdateItem #added -2" {
		t.Errorf("the requests are %s", fmt.Sprint(seen))
	}
}
