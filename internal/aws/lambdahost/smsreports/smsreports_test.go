package smsreports_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost/smsreports"
	"github.com/countersign-mfa/countersign/internal/crypto/keyring"
	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/store"
)

const number = "+12125550123"

// failed is a line of the log as users of SNS published it.
func failed(why string) string {
	return `{"notification":{"messageId":"9b47b5ee-e5db-54e6-a390-ed18d980e01f","timestamp":"2026-11-18 13:54:35.51"},` +
		`"delivery":{"destination":"` + number + `","smsType":"Transactional","providerResponse":"` + why + `","dwellTimeMs":174},"status":"FAILURE"}`
}

// event returns the event of a subscription filter.
func event(t *testing.T, kind string, lines ...string) []byte {
	t.Helper()
	batch := map[string]any{"messageType": kind, "owner": "111122223333", "logGroup": "sns/eu-central-1/111122223333/DirectPublishToPhoneNumber/Failure", "logStream": "s", "subscriptionFilters": []string{"countersign"}}
	var logged []map[string]any
	for _, l := range lines {
		logged = append(logged, map[string]any{"id": "1", "timestamp": 1795525445000, "message": l})
	}
	batch["logEvents"] = logged
	text, err := json.Marshal(batch)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(text)
	_ = z.Close()
	out, err := json.Marshal(map[string]any{"awslogs": map[string]string{"data": base64.StdEncoding.EncodeToString(packed.Bytes())}})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func reader(t *testing.T, mark func(sms.Report) (bool, error)) (*smsreports.Reader, *bytes.Buffer) {
	t.Helper()
	ring, err := seal.NewRing(1, map[uint32]seal.Key{1: {8}}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	log, memory := slog.New(slog.NewJSONHandler(&out, nil)), store.NewMemory()
	d := &lambdahost.Deployment{Store: memory, Keys: keyring.New(memory, keyring.File{Ring: ring, Rand: rand.Reader}, time.Now), Log: log, Meter: lambdahost.NewMeter(log, "table", time.Now)}
	return &smsreports.Reader{Deployment: d, Mark: func(_ context.Context, r sms.Report) (bool, error) { return mark(r) }}, &out
}

// TestABatch: each line is a report, one that cannot be read stops no other, and an error leaves
// the batch to be delivered again. No number is logged.
func TestABatch(t *testing.T) {
	var got []sms.Report
	r, log := reader(t, func(r sms.Report) (bool, error) {
		got = append(got, r)
		if r.Reason == sms.UndeliveredUnknown {
			return false, errors.New("throttled")
		}
		return r.Reason == sms.UndeliveredBudget, nil
	})
	sum, err := r.Handle(t.Context(), event(t, "DATA_MESSAGE", "no JSON", failed("No quota left for account"), `{"status":"SUCCESS"}`, failed("new words"), failed("Phone has blocked SMS")))
	if err == nil || sum != (smsreports.Result{Marked: 1, Others: 1, Unread: 2}) || len(got) != 3 {
		t.Fatalf("%+v, %v, %d reports", sum, err, len(got))
	}
	if want := time.Date(2026, 11, 18, 13, 54, 35, 510_000_000, time.UTC); got[0].Number != number || !got[0].At.Equal(want) {
		t.Errorf("the report is %+v", got[0])
	}
	for _, want := range []string{`"SMSUndelivered":1`, `"Reason":"spending_limit"`, `"SMSDropped":1`, `[["Table"],["Table","Reason"]]`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, log)
		}
	}
	if strings.Contains(log.String(), number[2:]) {
		t.Errorf("the log has the number:\n%s", log)
	}
}

// TestWhatIsNoReport: the check of CloudWatch Logs marks nothing, and another event is an error
// without its text.
func TestWhatIsNoReport(t *testing.T) {
	r, _ := reader(t, func(sms.Report) (bool, error) { t.Error("a message is marked"); return false, nil })
	if sum, err := r.Handle(t.Context(), event(t, "CONTROL_MESSAGE", failed("x"))); err != nil || sum != (smsreports.Result{}) {
		t.Errorf("%+v, %v", sum, err)
	}
	for _, text := range []string{`{}`, `[]`, `{"awslogs":{"data":"` + number + `"}}`, `{"awslogs":{"data":"aGVsbG8="}}`} {
		if _, err := r.Handle(t.Context(), []byte(text)); !errors.Is(err, lambdahost.ErrEvent) || strings.Contains(err.Error(), number) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestReasons: the texts of AWS's list, those that users of SNS reported, and others.
func TestReasons(t *testing.T) {
	for text, want := range map[string]string{
		"This delivery would exceed max price": "max_price", "No quota left for account": "spending_limit", "No origination entities available to send": "no_origination",
		"Your account requires additional review prior to being able to send SMS messages. Please": "account_review", "Message body is invalid": "invalid_message",
		"Phone number is opted out": "opted_out", "+12125550123 is opted out": "opted_out", "Invalid phone number": "invalid_number", "Blocked as spam by phone carrier": "blocked",
		"Destination is on a blocked list": "blocked", "Phone carrier has blocked this message": "blocked", "Phone has blocked SMS": "blocked", "Phone is on a blocked list": "blocked",
		"Phone carrier is currently unreachable/unavailable": "unreachable", "Phone is currently unreachable/unavailable": "unreachable",
		"Unknown error attempting to reach phone": "unknown", "": "unknown", "Not verified in the SMS Sandbox": "sandbox",
	} {
		if got := smsreports.Reason(text); string(got) != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

// FuzzParse: a line that is read has a number in international form and a reason, and an error has
// nothing of the line.
func FuzzParse(f *testing.F) {
	f.Add(failed("No quota left for account"))
	f.Add(`{"status":"FAILURE"}`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := smsreports.Parse(text)
		if err != nil {
			if r != (sms.Report{}) || err.Error() != "smsreports: the line is no failed delivery" {
				t.Errorf("%+v, %v", r, err)
			}
			return
		}
		if !strings.HasPrefix(r.Number, "+") || r.Reason == "" || r.At.IsZero() {
			t.Errorf("%+v", r)
		}
	})
}
