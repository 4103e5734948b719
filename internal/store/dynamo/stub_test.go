package dynamo_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/internal/store/dynamo"
)

// scripted answers requests as a test wants: status and body, by the action and the request's body.
type scripted func(action string, body map[string]any) (int, string)

func (s scripted) Do(r *http.Request) (*http.Response, error) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var body map[string]any
	if err := json.Unmarshal(data, &body); err != nil {
		return nil, err
	}
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	status, text := s(action, body)
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
}

func told(s scripted) *dynamo.Store { return toldBy(aws.NopRetryer{}, s) }

// toldBy is told with the SDK's repetitions.
func toldBy(retries aws.Retryer, s scripted) *dynamo.Store {
	endpoint := "http://stub.invalid"
	return dynamo.New(dynamodb.New(dynamodb.Options{
		BaseEndpoint: &endpoint, Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""), HTTPClient: s, Retryer: retries,
	}), "table", time.Now)
}

// TestAnIndexThatIsBehind: Latest reads what the index names. It leaves out records that are gone,
// expire no more or expire later than asked.
func TestAnIndexThatIsBehind(t *testing.T) {
	s := told(func(action string, body map[string]any) (int, string) {
		switch action {
		case "Query":
			if !strings.Contains(fmt.Sprint(body["ExpressionAttributeValues"]), "text#0") {
				return 200, `{"Items":[]}`
			}
			var items []string
			for _, id := range []string{"right", "gone", "later", "never"} {
				items = append(items, `{"pk":{"S":"text#`+id+`"},"xe":{"N":"100"}}`)
			}
			return 200, `{"Items":[` + strings.Join(items, ",") + `]}`
		case "BatchGetItem":
			return 200, `{"Responses":{"table":[
				{"pk":{"S":"text#right"},"v":{"N":"1"},"data":{"S":"{}"},"xs":{"S":"text#0"},"xe":{"N":"100"}},
				{"pk":{"S":"text#later"},"v":{"N":"2"},"data":{"S":"{}"},"xs":{"S":"text#0"},"xe":{"N":"300"}},
				{"pk":{"S":"text#never"},"v":{"N":"2"},"data":{"S":"{}"}}]}}`
		}
		t.Errorf("%s is asked", action)
		return 500, ``
	})
	got, err := s.Latest(t.Context(), store.KindSMS, time.Unix(200, 0), 10)
	if err != nil || len(got) != 1 || got[0].Key.ID != "right" {
		t.Errorf("%v, %v", got, err)
	}
}

// TestReadsInBatches: a request has 100 keys, the service's maximum. Keys that the service left out
// are asked for again; an answer without any ends the read.
func TestReadsInBatches(t *testing.T) {
	var keys []store.Key
	for i := range 205 {
		keys = append(keys, store.Key{Kind: store.KindUser, ID: fmt.Sprint(i)})
	}
	for _, stuck := range []bool{false, true} {
		requests, most, read := 0, 0, map[string]bool{}
		s := told(func(_ string, body map[string]any) (int, string) {
			requests++
			asked := body["RequestItems"].(map[string]any)["table"].(map[string]any)["Keys"].([]any)
			most = max(most, len(asked))
			if requests > 20 {
				t.Fatal("it never ends")
			}
			left, answered := asked[:len(asked)/3], asked[len(asked)/3:] // the service leaves out a third
			if stuck {
				left, answered = asked, nil
			}
			var items []any
			for _, k := range answered {
				pk := k.(map[string]any)["pk"]
				read[fmt.Sprint(pk)] = true
				items = append(items, map[string]any{"pk": pk, "v": map[string]any{"N": "7"}, "data": map[string]any{"S": "{}"}})
			}
			answer := map[string]any{"Responses": map[string]any{"table": items}}
			if len(left) > 0 {
				answer["UnprocessedKeys"] = map[string]any{"table": map[string]any{"Keys": left}}
			}
			text, _ := json.Marshal(answer)
			return 200, string(text)
		})
		records, err := s.Get(t.Context(), keys...)
		if most > 100 {
			t.Errorf("%d keys in one request", most)
		}
		if stuck {
			if !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("nothing is read: %v", err)
			}
			continue
		}
		if err != nil || len(read) != len(keys) {
			t.Fatalf("%d read, %v", len(read), err)
		}
		for i, r := range records {
			if r.Key != keys[i] || r.Version != 7 {
				t.Errorf("%d: %+v", i, r)
			}
		}
	}
}

// TestTheLongestKey: a key has 2,048 bytes as the service counts. A longer one is not asked for,
// because the service would refuse the request.
func TestTheLongestKey(t *testing.T) {
	for length, want := range map[int]int{2048: 1, 2049: 0} {
		requests := 0
		s := told(func(string, map[string]any) (int, string) { requests++; return 200, `{}` })
		id := strings.Repeat("x", length-len("user#"))
		if _, err := s.Get(t.Context(), store.Key{Kind: store.KindUser, ID: id}); err != nil || requests != want {
			t.Errorf("a key of %d bytes: %d requests, %v", length, requests, err)
		}
	}
}

// TestTheFirstCounterAtItsLimitIsNamed: the error names the first of several counters, as in the
// other stores. A conflict of a record comes first.
func TestTheFirstCounterAtItsLimitIsNamed(t *testing.T) {
	for _, conflict := range []bool{false, true} {
		record := "None"
		if conflict {
			record = "ConditionalCheckFailed"
		}
		s := told(func(string, map[string]any) (int, string) {
			return 400, `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","CancellationReasons":[
				{"Code":"` + record + `"},{"Code":"None"},{"Code":"ConditionalCheckFailed"},{"Code":"ConditionalCheckFailed"}]}`
		})
		inc := func(name string) store.Increment {
			return store.Increment{Counter: name, By: 1, Max: 1, Expires: time.Now()}
		}
		err := s.Commit(t.Context(), []store.Write{{Record: store.Record{Key: store.Key{Kind: store.KindUser, ID: "a"}, Data: []byte(`{}`)}}}, inc("a"), inc("b"), inc("c"))
		exhausted, ok := errors.AsType[*store.LimitReachedError](err)
		if conflict && !errors.Is(err, store.ErrConflict) || !conflict && (!ok || exhausted.Counter != "b") {
			t.Errorf("conflict %v: %v", conflict, err)
		}
	}
}

// TestAListingIsOneScan: a page of a listing goes on where the page before ended. So a whole
// listing reads each item of the table once, however many pages it has.
func TestAListingIsOneScan(t *testing.T) {
	const items, limit = 1000, 50
	requests, read := 0, 0
	s := told(func(_ string, body map[string]any) (int, string) {
		requests++
		from := 0
		if after, ok := body["ExclusiveStartKey"].(map[string]any); ok {
			_, _ = fmt.Sscanf(after["pk"].(map[string]any)["S"].(string), "user#%d", &from)
			from++
		}
		to := min(from+int(body["Limit"].(float64)), items)
		read += to - from
		var found []string
		for i := from; i < to; i++ {
			if i%4 == 0 { // the filter leaves out the others
				found = append(found, fmt.Sprintf(`{"pk":{"S":"user#%d"},"v":{"N":"1"},"data":{"S":"{}"}}`, i))
			}
		}
		last := ""
		if to < items {
			last = fmt.Sprintf(`,"LastEvaluatedKey":{"pk":{"S":"user#%d"}}`, to-1)
		}
		return 200, `{"Items":[` + strings.Join(found, ",") + `]` + last + `}`
	})
	listed := map[string]bool{}
	for after := store.Position(""); ; {
		page, next, err := s.List(t.Context(), store.KindUser, after, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page {
			listed[r.Key.ID] = true
		}
		if after = next; after == "" {
			break
		}
	}
	if len(listed) != items/4 || read != items || requests != items/limit {
		t.Errorf("%d listed, %d items read, %d requests", len(listed), read, requests)
	}
}

// TestALatestPageAsksAllShardsAtOnce: the queries of the shards do not wait for each other.
func TestALatestPageAsksAllShardsAtOnce(t *testing.T) {
	const shards = 16
	var asked sync.WaitGroup
	asked.Add(shards)
	s := told(func(string, map[string]any) (int, string) {
		asked.Done()
		asked.Wait()
		return 200, `{"Items":[]}`
	})
	if got, err := s.Latest(t.Context(), store.KindSMS, time.Unix(200, 0), 10); err != nil || len(got) > 0 {
		t.Errorf("%v, %v", got, err)
	}
}

// TestItemsThatAreNoRecords: an item that is no record is an error and not a record with less in
// it.
func TestItemsThatAreNoRecords(t *testing.T) {
	for name, item := range map[string]string{
		"no version":             `{"pk":{"S":"user#a"},"data":{"S":"{}"}}`,
		"a version in words":     `{"pk":{"S":"user#a"},"v":{"N":"x"},"data":{"S":"{}"}}`,
		"a ttl that is a text":   `{"pk":{"S":"user#a"},"v":{"N":"1"},"data":{"S":"{}"},"ttl":{"S":"100"}}`,
		"a ttl in words":         `{"pk":{"S":"user#a"},"v":{"N":"1"},"data":{"S":"{}"},"ttl":{"N":"x"}}`,
		"an expiry in words":     `{"pk":{"S":"user#a"},"v":{"N":"1"},"data":{"S":"{}"},"xe":{"N":"x"}}`,
		"an expiry of no number": `{"pk":{"S":"user#a"},"v":{"N":"1"},"data":{"S":"{}"},"xe":{"S":"1"}}`,
	} {
		s := told(func(string, map[string]any) (int, string) { return 200, `{"Item":` + item + `}` })
		if got, err := s.Get(t.Context(), store.Key{Kind: store.KindUser, ID: "a"}); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
