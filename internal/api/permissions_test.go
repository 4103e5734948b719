package api_test

import (
	"context"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/domain/numberplan"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// used holds the permissions that each operation used in all tests.
var used = struct {
	sync.Mutex
	needs map[string]operation.Permissions
}{needs: map[string]operation.Permissions{}}

func note(ctx context.Context, n operation.Permissions) { noteOf(api.OperationOf(ctx), n) }

func noteOf(operation string, n operation.Permissions) {
	used.Lock()
	defer used.Unlock()
	used.needs[operation] |= n
}

// noting is a store that notes the permissions that an operation uses.
type noting struct{ store.Store }

func (s noting) Get(ctx context.Context, keys ...store.Key) ([]store.Record, error) {
	note(ctx, operation.Reads)
	return s.Store.Get(ctx, keys...)
}

func (s noting) Commit(ctx context.Context, writes []store.Write, increments ...store.Increment) error {
	for _, w := range writes {
		if w.Delete {
			note(ctx, operation.Deletes)
		} else {
			note(ctx, operation.Writes)
		}
		if len(w.Remove) > 0 {
			note(ctx, operation.Deletes)
		}
	}
	// A wrong key is counted before any operation of the Backend API.
	if len(increments) > 0 && !strings.HasPrefix(increments[0].Counter, "key:") {
		note(ctx, operation.Counts)
	}
	return s.Store.Commit(ctx, writes, increments...)
}

func (s noting) Reserve(ctx context.Context, increments ...store.Increment) error {
	note(ctx, operation.Counts)
	return s.Store.Reserve(ctx, increments...)
}

func (s noting) List(ctx context.Context, kind store.Kind, after store.Position, limit int) ([]store.Record, store.Position, error) {
	note(ctx, operation.Lists)
	return s.Store.List(ctx, kind, after, limit)
}

func (s noting) Entries(ctx context.Context, r store.Range) ([]store.Listed, error) {
	note(ctx, operation.Reads|operation.Entries)
	return s.Store.Entries(ctx, r)
}

func (s noting) Latest(ctx context.Context, kind store.Kind, before time.Time, limit int) ([]store.Record, error) {
	note(ctx, operation.Reads|operation.Latest)
	return s.Store.Latest(ctx, kind, before, limit)
}

func (s noting) Sums(ctx context.Context, counters ...string) ([]int64, error) {
	note(ctx, operation.Reads)
	return s.Store.Sums(ctx, counters...)
}

// numbers notes that a new phone number was read.
func (w *world) numbers(text, region string) (phone.Number, error) {
	w.parsed = true
	return numberplan.ParseIn(text, region)
}

// TestMain compares, after a whole run, the permissions that each operation used with those of its
// row. A function is granted its row: a missing one fails in production, and an unused one is a
// needless right.
func TestMain(m *testing.M) {
	code := m.Run()
	if whole := flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.bench").Value.String() == "" && !testing.Short(); code == 0 && whole {
		for _, line := range unlike(api.Operations()) {
			fmt.Println("needs:", line)
			code = 1
		}
	}
	os.Exit(code)
}

func unlike(operations []operation.Operation) []string {
	var lines []string
	for _, op := range operations {
		checked := operation.Reads | operation.Writes | operation.Deletes | operation.Counts | operation.SendsSMS | operation.Lists | operation.Numbers | operation.Latest | operation.Entries
		says, does := op.Permissions&checked, used.needs[op.Name]&checked
		if op.Permissions.Has(operation.Limited) { // the store sees the same as of Counts
			says |= operation.Counts
		}
		if says != does {
			lines = append(lines, fmt.Sprintf("%s says %v and does %v", op.Name, says, does))
		}
	}
	slices.Sort(lines)
	return lines
}

// TestColdProcess: a new process reads the settings for every operation that depends on them.
func TestColdProcess(t *testing.T) {
	w := newWorld(t)
	for _, op := range api.Operations() {
		w.Advance(time.Minute)
		path := strings.NewReplacer("{", "", "}", "").Replace(op.Path)
		r := httptest.NewRequest(op.Method, path, nil)
		if op.Surface == operation.Backend {
			r.Header.Set("Authorization", "Bearer "+secretKey)
		}
		if a := w.send(r); a.StatusCode >= 500 {
			t.Errorf("%s answers %d", op.Name, a.StatusCode)
		}
	}
}

// TestSetupTaskIsFulfilledByReading: the task of a pending session ends when the client next reads
// itself, not in the answer that enrolled the factor.
func TestSetupTaskIsFulfilledByReading(t *testing.T) {
	w := newWorld(t)
	w.backend("PATCH", "/v1/instance", `{"mfa_required":true}`).ok()
	b := w.open(tx.Cookie)
	b.enter(w.user())
	b.session = b.call("GET", "/v1/client").ok().text("response.sessions.0.id")
	if got := b.call("GET", "/v1/client").ok().text("response.sessions.0.status"); got != "pending" {
		t.Fatalf("the session is %s before there is a second factor, want pending", got)
	}
	b.enrolApp()
	if got := b.call("GET", "/v1/client").ok().text("response.sessions.0.status"); got != "active" {
		t.Errorf("the session is %s after the second factor was added, want active", got)
	}
}

func TestVerifyPasswordCountsFailures(t *testing.T) {
	w := newWorld(t)
	user := w.user()
	w.backend("POST", "/v1/users/"+user+"/verify_password", `{"password":"correct horse"}`).ok()
	w.backend("POST", "/v1/users/"+user+"/verify_password", `{"password":"wrong"}`).want(422, "form_password_incorrect")
}

func TestADeletedUserIsSignedOut(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn()
	user := b.call("GET", "/v1/me").ok().text("response.id")
	w.backend("DELETE", "/v1/users/"+user, "").ok()
	b.call("GET", "/v1/me").want(401, "authentication_invalid")
	if got := b.call("GET", "/v1/client").ok().at("response.sessions.0"); got != nil {
		t.Errorf("the client still has a session: %v", got)
	}
}
