package api_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
)

// body returns the webhook body of an event whose user is gone.
func body(t *testing.T, e account.Event) map[string]any {
	t.Helper()
	raw, err := wire.EventBody(e, nil, account.At(e.At))
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestSessionEventsAreSessions: each of the four session events has the session's status, its
// begin, and its latest end a week later.
func TestSessionEventsAreSessions(t *testing.T) {
	began, at := time.UnixMilli(1_772_600_000_000), time.UnixMilli(1_772_700_000_000)
	const week = 7 * 24 * 3600 * 1000
	for name, status := range map[eventtype.Name]string{
		eventtype.SignedIn: "active", eventtype.SignedOut: "ended", eventtype.SessionRemoved: "removed", eventtype.SessionRevoked: "revoked",
	} {
		// A session id has 26 characters each of the client, the user and the session.
		client := strings.Repeat("c", 26)
		id := "sess_" + client + strings.Repeat("u", 26) + strings.Repeat("n", 26)
		got := body(t, account.Event{ID: "evt_1", Name: name, User: "user_1", Subject: id, Began: account.At(began), At: at})
		data := got["data"].(map[string]any)
		want := map[string]any{
			"object": "session", "id": id, "client_id": "client_" + client, "user_id": "user_1", "user": nil, "actor": nil, "status": status, "last_active_at": float64(at.UnixMilli()), "updated_at": float64(at.UnixMilli()),
			"created_at": float64(began.UnixMilli()), "expire_at": float64(began.UnixMilli() + week), "abandon_at": float64(began.UnixMilli() + week),
		}
		if diff := cmp.Diff(want, data); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if got["timestamp"] != float64(at.UnixMilli()) || got["type"] != string(name) || got["object"] != "event" {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestEventsThatAreNoSessions: the event of a deleted user has an id only. Every other event names
// its actor and its subject, and says whether its user is notified.
func TestEventsThatAreNoSessions(t *testing.T) {
	at := time.UnixMilli(1_772_700_000_000)
	gone := body(t, account.Event{ID: "evt_1", Name: eventtype.UserDeleted, User: "user_1", At: at})
	if diff := cmp.Diff(map[string]any{"object": "user", "id": "user_1", "deleted": true}, gone["data"]); diff != "" {
		t.Error(diff)
	}
	for _, kind := range eventtype.All() {
		if kind.Name == eventtype.UserDeleted || kind.Name == eventtype.SignedIn || kind.Name == eventtype.SignedOut || kind.Name == eventtype.SessionRemoved || kind.Name == eventtype.SessionRevoked {
			continue
		}
		got := body(t, account.Event{ID: "evt_1", Name: kind.Name, User: "user_1", Subject: "idn_1", Method: account.PhoneCode, By: account.BySystem, Address: "203.0.113.0/24", At: at})
		want := map[string]any{
			"object": "event", "id": "evt_1", "type": string(kind.Name), "actor": "system", "user_id": "user_1", "subject_id": "idn_1", "strategy": "phone_code", "network": "203.0.113.0/24",
			"settings": []any{}, "notify": kind.Notify, "operator": nil, "reason": nil, "created_at": float64(at.UnixMilli()),
		}
		if diff := cmp.Diff(want, got["data"]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind.Name, diff)
		}
		if ip := got["event_attributes"].(map[string]any)["http_request"].(map[string]any)["client_ip"]; ip != "203.0.113.0" {
			t.Errorf("%s: from %v", kind.Name, ip)
		}
	}
}

// TestWhichEventsAUserHearsOf: a user is notified of exactly the events that weaken the account or
// may be another person's doing.
func TestWhichEventsAUserHearsOf(t *testing.T) {
	want := map[eventtype.Name]bool{
		"user.locked": true, "recovery.requested": true, "recovery.reminder": true, "recovery.cancelled": true, "recovery.completed": true, "factor.added": true, "factor.removed": true, "factor.reset": true, "factor.disabled": true, "factor.default_changed": true, "code.replayed": true, "passkey.counter_went_back": true,
		"backup_code.made": true, "backup_code.used": true, "backup_code.removed": true, "password.changed": true, "username.changed": true, "phone_number.added": true, "phone_number.verified": true,
		"phone_number.unverified": true, "phone_number.removed": true, "device.remembered": true,
	}
	for _, kind := range eventtype.All() {
		if kind.Notify != want[kind.Name] {
			t.Errorf("%s: the user hears of it %v, want %v", kind.Name, kind.Notify, want[kind.Name])
		}
		delete(want, kind.Name)
	}
	if len(want) != 0 {
		t.Errorf("there are no events %v", want)
	}
}
