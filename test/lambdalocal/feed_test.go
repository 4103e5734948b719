package lambdalocal_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
)

// counted returns how often each method was verified and each failure happened, over two days.
func (v *visitor) counted() map[string]float64 {
	v.Helper()
	answer, totals := v.server(200, "GET", "/v1/statistics?days=2", ""), map[string]float64{}
	for _, list := range []string{"verifications", "failures"} {
		for _, s := range answer[list].([]any) {
			totals[text(s, "name")] = in(s, "total").(float64)
		}
	}
	return totals
}

// TestStatistics: the table's stream calls the real function, which counts each check once. Every
// batch comes several times, whole, in halves and out of order. Functions fail before and after
// they counted, and several execution environments count at once.
func TestStatistics(t *testing.T) {
	d, log := deploy(t, "")
	v := newVisitor(t, d)
	feed := d.Feed()
	passed := func() int {
		t.Helper()
		n, err := feed.Pass(t.Context())
		if err != nil || feed.GivenUp > 0 {
			t.Fatalf("%v, %d given up\n%s", err, feed.GivenUp, log)
		}
		return n
	}
	const key = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	var users []string
	for i := range 6 {
		users = append(users, text(v.server(200, "POST", "/v1/users", fmt.Sprintf(`{"username":"user%d","totp_secret":"%s"}`, i, key)), "id"))
	}
	if n := passed(); n != 0 {
		t.Errorf("%d notes before anything that counts", n)
	}
	right := func(ahead time.Duration) string {
		c, err := totp.Code(secret.New(key), time.Now().Add(ahead))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	check := func(ahead time.Duration) {
		for _, user := range users {
			v.server(200, "POST", "/v1/users/"+user+"/verify_totp", `{"code":"`+right(ahead)+`"}`)
			v.server(422, "POST", "/v1/users/"+user+"/verify_totp", `{"code":"`+right(time.Hour)+`"}`)
		}
	}
	want := func(n float64) {
		t.Helper()
		if got := v.counted(); got["totp"] != n || got["code.wrong"] != n {
			t.Errorf("counted %v, want %v of each\n%s", got, n, log)
		}
	}
	check(0)
	if n := passed(); n != 12 {
		t.Errorf("%d notes of 12 checks", n)
	}
	want(6)

	// The first try of every event with records is lost: half of them before it was counted.
	invoke, tried, lost := feed.Invoke, map[string]bool{}, 0
	feed.Invoke = func(ctx context.Context, event []byte) ([]byte, error) {
		if tried[string(event)] {
			return invoke(ctx, event)
		}
		tried[string(event)] = true
		if lost++; lost%2 == 0 {
			if _, err := invoke(ctx, event); err != nil {
				return nil, err
			}
		}
		return nil, errors.New("the function timed out")
	}
	check(30 * time.Second)
	if _, err := feed.Pass(t.Context()); err == nil || lost < 3 {
		t.Errorf("%v, %d events were lost: the end of the window among them", err, lost)
	}
	want(12)
	within(t, d)
}

// TestFeedGivesUp: records that no try can pass on go to the queue, and later ones come.
func TestFeedGivesUp(t *testing.T) {
	d, _ := deploy(t, "")
	v := newVisitor(t, d)
	feed := d.Feed()
	invoke, broken := feed.Invoke, true
	feed.Invoke = func(ctx context.Context, event []byte) ([]byte, error) {
		var e struct{ Records []any }
		if err := json.Unmarshal(event, &e); err != nil {
			return nil, err
		}
		if broken && len(e.Records) > 0 {
			return []byte(`{"batchItemFailures":[]}`), nil // without a state
		}
		return invoke(ctx, event)
	}
	for i := range 4 {
		user := text(v.server(200, "POST", "/v1/users", fmt.Sprintf(`{"username":"user%d"}`, i)), "id")
		v.server(200, "POST", "/v1/users/"+user+"/lock", "")
		if broken = i < 3; i < 2 {
			continue
		}
		if n, err := feed.Pass(t.Context()); err != nil || n == 0 || feed.GivenUp != 3 {
			t.Errorf("%d passed, %v, %d given up, want 3", n, err, feed.GivenUp)
		}
	}
	if got := v.counted(); got["user.locked"] != 1 {
		t.Errorf("%v", got)
	}
	if _, err := d.Invoke(t.Context(), string(plan.Count), []byte(`{"Records":[]}`)); err == nil {
		t.Error("an event without a shard was taken")
	}
}
