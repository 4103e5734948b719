package client_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/countersign-mfa/countersign/client"
)

// TestCall: a request carries the key and JSON. A 2xx answer is decoded, and every other answer is
// an error with its status and code.
func TestCall(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case r.Header.Get("Authorization") != "Bearer sk_test_1":
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"errors":[{"code":"clerk_key_invalid","long_message":"Wrong."}]}`)
		case r.URL.Path == "/v1/users" && string(body) == `{"username":"a"}`:
			_, _ = io.WriteString(w, `{"id":"user_1"}`)
		default:
			w.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w, "<html>")
		}
	}))
	t.Cleanup(server.Close)
	ctx, c := t.Context(), client.New(server.URL, "sk_test_1", 1)
	var user struct{ ID string }
	if err := c.Call(ctx, "POST", "/v1/users", map[string]string{"username": "a"}, &user); err != nil || user.ID != "user_1" {
		t.Errorf("%q, %v; want user_1", user.ID, err)
	}
	failed := (*client.Error)(nil)
	err := client.New(server.URL, "sk_test_2", 1).Call(ctx, "GET", "/v1/users", nil, nil)
	if !errors.As(err, &failed) || failed.Status != 401 || failed.Errors[0].Code != "clerk_key_invalid" {
		t.Errorf("a wrong key: %v", err)
	}
	if got, want := err.Error(), "GET /v1/users answers 401 clerk_key_invalid (Wrong)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if err := c.Call(ctx, "GET", "/proxy", nil, nil); !errors.As(err, &failed) || failed.Status != 502 {
		t.Errorf("a proxy's answer: %v", err)
	}
}
