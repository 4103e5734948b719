package local_test

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/local"
	"github.com/countersign-mfa/countersign/internal/store"
)

// patience is how long a test waits for a loop that never does its work.
const patience = 30 * time.Second

// TestData: the keys and records of a directory open without a server, and again after a Close.
// Only MakeData creates a directory.
func TestData(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	s.ok("POST", "/v1/users", `{"username":"kept"}`)
	s.close()
	for range 2 {
		d, err := local.OpenData(t.Context(), dir, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Keys.Open(t.Context()); err != nil {
			t.Errorf("keys: %v", err)
		}
		// Two demo users, and the user above.
		if users, _, err := d.Store.List(t.Context(), store.KindUser, "", 10); err != nil || len(users) != 3 {
			t.Errorf("%d users, %v", len(users), err)
		}
		if err := d.Store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	missing := filepath.Join(t.TempDir(), "none")
	if _, err := local.OpenData(t.Context(), missing, time.Now); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory that is not there: %v", err)
	}
	d, err := local.MakeData(t.Context(), missing, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Store.Close() }()
	if users, _, err := d.Store.List(t.Context(), store.KindUser, "", 10); err != nil || len(users) != 0 {
		t.Errorf("a new directory has %d users, %v", len(users), err)
	}
}

// TestCleanup: the loop cleans at once, not only after its first hour, and ends with its context.
func TestCleanup(t *testing.T) {
	s := open(t, t.TempDir())
	user := s.ok("POST", "/v1/users", `{"username":"gone"}`)["id"].(string)
	ticket := s.ok("POST", "/v1/sign_in_tokens", `{"user_id":"`+user+`"}`)["id"].(string)
	s.ok("PATCH", "/dev/clock", `{"advance_seconds":864000}`)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ended := make(chan struct{})
	go func() { defer close(ended); s.app.Cleanup(ctx) }()
	for {
		_, err := s.app.Service.MFA.RevokeTicket(t.Context(), ticket)
		if apierr.From(err).Code() == apierr.ResourceNotFound {
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("the ticket is still there: %v", err)
		}
	}
	cancel()
	<-ended
	if log := s.log.String(); strings.Contains(log, "failed") {
		t.Errorf("the log says %s", log)
	}
}

// TestDeliver: the loop sends due webhooks at once, and ends with its context.
func TestDeliver(t *testing.T) {
	s := open(t, t.TempDir())
	r := newReceiver(t)
	r.secret = s.ok("POST", "/v1/webhook_endpoints", `{"url":"`+r.URL+`","events":["user.created"]}`)["secret"].(string)
	s.ok("POST", "/v1/users", `{"username":"hooked"}`)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ended := make(chan struct{})
	go func() { defer close(ended); s.app.Deliver(ctx) }()
	for !r.has(1) {
		if ctx.Err() != nil {
			t.Fatal("nothing arrived")
		}
	}
	cancel()
	<-ended
	if r.bodies[0]["type"] != string(eventtype.UserCreated) {
		t.Errorf("%v", r.bodies[0])
	}
}

// has reports whether n webhooks arrived.
func (r *receiver) has(n int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.bodies) >= n
}

// TestCount: the loop counts what happened, once, also when the server starts again.
func TestCount(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	user := s.ok("POST", "/v1/users", `{"username":"locked"}`)["id"].(string)
	s.ok("POST", "/v1/users/"+user+"/lock", "{}")
	counted := func() int {
		found, err := s.app.Service.Admin.Statistics(t.Context(), 2, s.app.Service.Now())
		if err != nil {
			t.Fatal(err)
		}
		total := 0
		for _, n := range found.Failed[eventtype.UserLocked] {
			total += n
		}
		return total
	}
	if n := counted(); n != 0 {
		t.Errorf("%v are counted in the request", n)
	}
	count := func(until func() bool) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		ended := make(chan struct{})
		go func() { defer close(ended); s.app.Count(ctx) }()
		for !until() {
			if ctx.Err() != nil {
				t.Fatal("nothing was counted")
			}
		}
		cancel()
		<-ended
	}
	count(func() bool { return counted() == 1 })
	s.close()
	s = open(t, dir) // the journal still has the note, which no later commit removed
	other := s.ok("POST", "/v1/users", `{"username":"other"}`)["id"].(string)
	s.ok("POST", "/v1/users/"+other+"/lock", "{}")
	count(func() bool { return counted() >= 2 })
	if n := counted(); n != 2 {
		t.Errorf("%v are counted of 2", n)
	}
}
