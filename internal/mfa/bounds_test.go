package mfa_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/apierr"
	"github.com/countersign-mfa/countersign/internal/mfa"
)

// TestAnEndpointsSecretBeforeSignsForADay: after a rotation both secrets sign until a day is over, and of three only the newest two ever do.
func TestAnEndpointsSecretBeforeSignsForADay(t *testing.T) {
	o := newOffice(t, mfa.EventUserCreated)
	sign := func() int {
		o.got = nil
		o.newcomer()
		o.run()
		return len(o.got[0].Secrets)
	}
	_, err := o.RotateEndpoint(t.Context(), o.endpoint)
	o.must(err)
	o.later(24*time.Hour - time.Second)
	if n := sign(); n != 2 {
		t.Errorf("%d secrets sign a second before the day is over, want 2", n)
	}
	o.later(time.Second)
	if n := sign(); n != 1 {
		t.Errorf("%d secrets sign after the day, want 1", n)
	}
	for range 3 {
		_, err = o.RotateEndpoint(t.Context(), o.endpoint)
		o.must(err)
	}
	if n := sign(); n != 2 {
		t.Errorf("%d secrets sign after three rotations, want 2", n)
	}
}

// TestAnEndpointIsBounded: its URL has at most 500 bytes and its description 200, and its secret is 256 random bits.
func TestAnEndpointIsBounded(t *testing.T) {
	w := newWorld(t)
	const base = "https://app.example.com/"
	secrets := map[string]bool{}
	for _, tc := range []struct {
		url, description int
		want             apierr.Code
	}{{500, 200, ""}, {501, 0, apierr.FormParamFormatInvalid}, {500, 201, apierr.FormParamValueInvalid}, {100, 0, ""}} {
		url, description := base+strings.Repeat("x", tc.url-len(base)), strings.Repeat("x", tc.description)
		r, err := w.CreateEndpoint(t.Context(), mfa.EndpointChange{URL: &url, Description: &description})
		w.want(tc.want, err)
		if err != nil {
			continue
		}
		text, ok := strings.CutPrefix(r.Secret.Reveal(), "whsec_")
		raw, err := base64.StdEncoding.DecodeString(text)
		if !ok || err != nil || len(raw) != 32 || secrets[text] {
			t.Errorf("a secret of %d bytes, or one that was there before: %v", len(raw), err)
		}
		secrets[text] = true
	}
}
