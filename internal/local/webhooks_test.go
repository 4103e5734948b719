package local_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// receiver is an application that verifies webhooks as the reference implementation does.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	secret string
	bodies []map[string]any
	ids    []string
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{status: http.StatusNoContent}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, in *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		body, _ := io.ReadAll(in.Body)
		verifier, err := standardwebhooks.NewWebhook(r.secret)
		if err == nil {
			// The development clock shows another time.
			err = verifier.VerifyIgnoringTimestamp(body, in.Header)
		}
		if err != nil {
			t.Errorf("%v: %s", err, body)
		}
		var decoded map[string]any
		if err := json.Unmarshal(body, &decoded); err != nil {
			t.Error(err)
		}
		r.bodies, r.ids = append(r.bodies, decoded), append(r.ids, in.Header.Get("webhook-id"))
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	return r
}

// TestWebhooksArrive: an application receives a verified event for every change, again after a
// failure, and again on replay.
func TestWebhooksArrive(t *testing.T) {
	s := open(t, t.TempDir())
	r := newReceiver(t)
	answer := s.ok("POST", "/v1/webhook_endpoints", fmt.Sprintf(`{"url":%q,"events":["user.created","user.locked"]}`, r.URL))
	r.secret = answer["secret"].(string)
	endpoint := "/v1/webhook_endpoints/" + answer["id"].(string)
	deliver := func(want int) {
		t.Helper()
		if err := s.app.DeliverDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(r.bodies) != want {
			t.Fatalf("%d webhooks arrived, want %d", len(r.bodies), want)
		}
	}
	move := func(by time.Duration) {
		t.Helper()
		s.ok("PATCH", "/dev/clock", fmt.Sprintf(`{"advance_seconds":%d}`, int(by.Seconds())))
	}
	user := s.ok("POST", "/v1/users", `{"username":"hooked"}`)["id"].(string)
	deliver(1)
	first := r.bodies[0]
	data := first["data"].(map[string]any)
	if first["object"] != "event" || first["type"] != "user.created" || data["id"] != user || data["username"] != "hooked" || first["instance_id"] != "ins_countersign" {
		t.Errorf("%v", first)
	}
	r.status = http.StatusServiceUnavailable
	s.ok("POST", "/v1/users/"+user+"/lock", "{}")
	deliver(2)
	deliver(2)
	move(6 * time.Second)
	deliver(3)
	r.status = http.StatusOK
	move(4 * time.Minute)
	deliver(3)
	move(2 * time.Minute)
	deliver(4)
	deliver(4)
	if r.ids[1] != r.ids[3] || r.ids[0] == r.ids[1] {
		t.Errorf("a repeated event has another id: %q", r.ids)
	}
	if locked := r.bodies[3]["data"].(map[string]any); locked["type"] != "user.locked" || locked["user_id"] != user || locked["notify"] != true || locked["actor"] != "backend" {
		t.Errorf("%v", locked)
	}
	if n := s.ok("POST", endpoint+"/replay", `{"since":0}`)["count"]; n.(float64) < 2 {
		t.Errorf("replays %v", n)
	}
	before := len(r.bodies)
	if err := s.app.DeliverDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(r.bodies) <= before+1 {
		t.Errorf("%d arrived again", len(r.bodies)-before)
	}
	before = len(r.bodies)
	rotated := s.ok("POST", endpoint+"/rotate_secret", "{}")["secret"].(string)
	s.ok("POST", endpoint+"/test", "{}")
	deliver(before + 1) // verified with the previous secret
	r.secret = rotated
	s.ok("POST", endpoint+"/test", "{}")
	deliver(before + 2)
}
