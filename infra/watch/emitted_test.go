package watch

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/crypto/keyring"
	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/test/cloudwatch"
)

// deployment is a function's deployment over a store in memory, with its log.
func deployment(t *testing.T) (*lambdahost.Deployment, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	ring, err := seal.NewRing(1, map[uint32]seal.Key{1: {8}}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	memory := store.NewMemory()
	d := &lambdahost.Deployment{
		Environment: lambdahost.Environment{Table: Table, URL: "https://clerk.example.com", AppName: "Example", SMSHost: "example.com", PublishableKey: "pk_live_x"},
		Store:       memory, Log: log, Meter: lambdahost.NewMeter(log, Table, func() time.Time { return noon.Add(time.Second) }),
		Keys: keyring.New(memory, keyring.File{Ring: ring, Rand: rand.Reader}, time.Now),
	}
	if err := d.Keys.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := d.Keys.SetSecret(t.Context(), secret.New("sk_live_one")); err != nil {
		t.Fatal(err)
	}
	return d, &out
}

// TestOnlyWrongCodes: an attacker at night sends wrong codes, and no user sends a right one. The
// alarm goes off by the log lines that a function writes for them.
func TestOnlyWrongCodes(t *testing.T) {
	d, out := deployment(t)
	h, err := d.Handler(t.Context(), lambdahost.Deps{}, api.Operations()...)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(path, body string) string {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer sk_live_one")
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Body.String()
	}
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(ask("/v1/users", `{"username":"maxine","password":"correct horse battery","totp_secret":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}`)), &made); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if said := ask("/v1/users/"+made.ID+"/verify_totp", `{"code":"000000"}`); !strings.Contains(said, "form_code_incorrect") {
		t.Fatalf("the wrong code: %s", said)
	}
	for name, times := range map[string]int{"guessing": 101, "codes-refused": 21} {
		line := out.String()
		data := &cloudwatch.Data{}
		if err := data.Log(strings.Repeat(line, times)); err != nil {
			t.Fatal(err)
		}
		if name == "codes-refused" { // it wants two periods
			later := strings.ReplaceAll(line, fmt.Sprint(noon.Add(time.Second).UnixMilli()), fmt.Sprint(noon.Add(16*time.Minute).UnixMilli()))
			if err := data.Log(strings.Repeat(later, times)); err != nil {
				t.Fatal(err)
			}
		}
		a := named(t, name)
		for _, reading := range cloudwatch.Readings() {
			states, err := evaluated(a).Watch(data, noon, noon.Add(3*a.Period), reading)
			if err != nil || mails(a, states) == 0 {
				t.Errorf("%s: %d wrong codes and no mail: %v (%v) in %+v", name, times, states, err, reading)
			}
		}
	}
}

// TestABacklogOfTheCleanup: the alarm goes off by the log lines of runs that leave records, and by
// none of runs that leave none.
func TestABacklogOfTheCleanup(t *testing.T) {
	for _, behind := range []time.Duration{0, 2 * day, 21 * day} {
		d, out := deployment(t)
		run := d.Cleanup(func(context.Context, int) (admin.CleanupResult, error) {
			return admin.CleanupResult{Behind: behind}, nil
		}, time.Now)
		if _, err := run(t.Context(), []byte(`{"execution_id":"1"}`)); err != nil {
			t.Fatal(err)
		}
		data := &cloudwatch.Data{}
		for i := range 3 {
			at := noon.Add(time.Duration(i)*hour + time.Second)
			if err := data.Log(strings.ReplaceAll(out.String(), fmt.Sprint(noon.Add(time.Second).UnixMilli()), fmt.Sprint(at.UnixMilli()))); err != nil {
				t.Fatal(err)
			}
		}
		for name, limit := range map[string]time.Duration{"cleanup-behind": behindMost, "cleanup-late": ttlNear} {
			a := named(t, name)
			states, err := evaluated(a).Watch(data, noon, noon.Add(3*hour), cloudwatch.Reading{Extra: 2})
			if err != nil || (mails(a, states) > 0) != (behind > limit) {
				t.Errorf("%v behind: %s is %v (%v)", behind, name, states, err)
			}
		}
	}
}

// TestWhatAlarmsWatch has each alarm in words of its own: metrics with namespace, statistic and the
// names of their dimensions; limit; data points of periods; what no data means. A metric in place
// of another changes a line here.
func TestWhatAlarmsWatch(t *testing.T) {
	want := map[string]string{
		"error-rate":                    "AWS/ApiGateway 5xx Sum ApiId, AWS/ApiGateway Count Sum ApiId; over 1, 2 of 2 in 5m0s, notBreaching",
		"route-failing":                 "; over 4, 2 of 3 in 5m0s, notBreaching",
		"latency":                       "AWS/ApiGateway Latency p99 ApiId; over 3000, 3 of 3 in 5m0s, notBreaching",
		"functions-throttled":           "Countersign FunctionsThrottled Sum Api; over 0, 2 of 3 in 5m0s, notBreaching",
		"table-reads-throttled":         "AWS/DynamoDB ReadThrottleEvents Sum TableName; over 0, 2 of 3 in 5m0s, notBreaching",
		"table-writes-throttled":        "AWS/DynamoDB WriteThrottleEvents Sum TableName; over 0, 2 of 3 in 5m0s, notBreaching",
		"expiry-index-reads-throttled":  "AWS/DynamoDB ReadThrottleEvents Sum GlobalSecondaryIndexName TableName; over 0, 2 of 3 in 5m0s, notBreaching",
		"expiry-index-writes-throttled": "AWS/DynamoDB WriteThrottleEvents Sum GlobalSecondaryIndexName TableName; over 0, 2 of 3 in 5m0s, notBreaching",
		"list-index-reads-throttled":    "AWS/DynamoDB ReadThrottleEvents Sum GlobalSecondaryIndexName TableName; over 0, 2 of 3 in 5m0s, notBreaching",
		"list-index-writes-throttled":   "AWS/DynamoDB WriteThrottleEvents Sum GlobalSecondaryIndexName TableName; over 0, 2 of 3 in 5m0s, notBreaching",
		"table-conflicts":               "AWS/DynamoDB TransactionConflict Sum TableName; over 300, 2 of 3 in 5m0s, notBreaching",
		"table-errors":                  "; over 5, 2 of 3 in 5m0s, notBreaching",
		"sms-spend":                     "AWS/SNS SMSMonthToDateSpentUSD Maximum ; over 40, 1 of 1 in 5m0s, notBreaching",
		"sms-failing":                   "Countersign SMSFailed Sum Table; over 5, 2 of 2 in 5m0s, notBreaching",
		"sms-dropped":                   "Countersign SMSDropped Sum Table; over 0, 1 of 1 in 5m0s, notBreaching",
		"sms-success-rate":              "AWS/SNS SMSSuccessRate Average ; under 0.7, 2 of 2 in 1h0m0s, notBreaching",
		"sms-breaker":                   "Countersign SMSBreakerTripped Sum Table; over 0, 1 of 1 in 5m0s, notBreaching",
		"sms-day-50":                    "Countersign SMSSpentPercent Maximum Table; over 49, 1 of 1 in 5m0s, notBreaching",
		"sms-day-80":                    "Countersign SMSSpentPercent Maximum Table; over 79, 1 of 1 in 5m0s, notBreaching",
		"sms-day-100":                   "Countersign SMSSpentPercent Maximum Table; over 99, 1 of 1 in 5m0s, notBreaching",
		"users-locked":                  "Countersign UsersLocked Sum Table; over 20, 1 of 1 in 1h0m0s, notBreaching",
		"codes-refused":                 "Countersign CodesRefused Sum Table, Countersign CodesVerified Sum Table; over 50, 2 of 2 in 15m0s, notBreaching",
		"guessing":                      "Countersign CodesRefused Sum Table, Countersign CodesVerified Sum Table; over 20, 1 of 1 in 5m0s, notBreaching",
		"cleanup-age":                   "AWS/Lambda Invocations Sum FunctionName=cleanup; under 1, 3 of 3 in 30m0s, missing",
		"cleanup-failing":               "AWS/Lambda Errors Sum FunctionName=cleanup; over 0, 2 of 2 in 1h0m0s, notBreaching",
		"cleanup-behind":                "Countersign CleanupBehindSeconds Minimum Table; over 86400, 2 of 2 in 1h0m0s, notBreaching",
		"cleanup-late":                  "Countersign CleanupBehindSeconds Minimum Table; over 1.728e+06, 2 of 2 in 1h0m0s, notBreaching",
		"rotation-failing":              "AWS/Lambda Errors Sum FunctionName=keys-rotate; over 0, 1 of 1 in 1h0m0s, notBreaching",
		"key-age":                       "Countersign KeyAgeDays Maximum Table; over 400, 2 of 2 in 24h0m0s, missing",
		"statistics-late":               "AWS/Lambda IteratorAge Maximum FunctionName=statistics-count; over 3.6e+06, 1 of 1 in 5m0s, notBreaching",
		"dead-letters":                  "AWS/SQS ApproximateNumberOfMessagesVisible Maximum QueueName; over 0, 1 of 1 in 5m0s, notBreaching",
		"cleanup-dropped":               "AWS/Lambda AsyncEventsDropped Sum FunctionName=cleanup; over 0, 1 of 1 in 5m0s, notBreaching",
		"events-deliver-dropped":        "AWS/Lambda AsyncEventsDropped Sum FunctionName=events-deliver; over 0, 1 of 1 in 5m0s, notBreaching",
		"keys-rotate-dropped":           "AWS/Lambda AsyncEventsDropped Sum FunctionName=keys-rotate; over 0, 1 of 1 in 5m0s, notBreaching",
		"deliver-age":                   "AWS/Lambda Invocations Sum FunctionName=events-deliver; under 1, 3 of 3 in 5m0s, missing",
		"deliver-failing":               "AWS/Lambda Errors Sum FunctionName=events-deliver; over 0, 2 of 2 in 15m0s, notBreaching",
		"webhooks-failing":              "Countersign WebhooksFailed Sum Table; over 20, 1 of 1 in 1h0m0s, notBreaching",
		"webhooks-given-up":             "Countersign WebhooksGivenUp Sum Table; over 0, 1 of 1 in 1h0m0s, notBreaching",
		"webhooks-behind":               "Countersign WebhooksLeft Minimum Table; over 0, 3 of 3 in 5m0s, notBreaching",
		"backup-failing":                "; over 0, 1 of 1 in 5m0s, notBreaching",
		"backup-expired":                "; over 0, 1 of 1 in 5m0s, notBreaching",
		"alarms-undelivered":            "AWS/SNS NumberOfNotificationsFailed Sum TopicName; over 0, 1 of 1 in 5m0s, notBreaching",
	}
	for _, a := range Alarms(budget) {
		var metrics []string
		for _, m := range a.Metrics {
			var of []string
			for _, name := range slices.Sorted(maps.Keys(m.Dimensions)) {
				if function, ok := strings.CutPrefix(m.Dimensions[name], Stack+"-"); ok {
					name += "=" + function
				}
				of = append(of, name)
			}
			metrics = append(metrics, fmt.Sprint(m.Namespace, " ", m.Name, " ", m.Statistic, " ", strings.Join(of, " ")))
		}
		slices.Sort(metrics)
		side := "over"
		if a.Under {
			side = "under"
		}
		got := fmt.Sprintf("%s; %s %v, %d of %d in %v, %s", strings.Join(metrics, ", "), side, a.Threshold, a.Datapoints, a.Periods, a.Period, a.NoData)
		if got != want[a.Name] {
			t.Errorf("%s: %s\nwant %s", a.Name, got, want[a.Name])
		}
		delete(want, a.Name)
	}
	for name := range want {
		t.Errorf("there is no alarm %s", name)
	}
}
