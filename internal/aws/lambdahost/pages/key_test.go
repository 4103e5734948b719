package pages

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

// TestKeyCache: the function learns of a new key within a minute, and trusts a key that it cannot
// read again for five.
func TestKeyCache(t *testing.T) {
	now, reads := time.Unix(1_800_000_000, 0), 0
	held, down := secret.New("sk_live_first"), errors.New("no answer")
	var failure error
	k := newKeyCache(func(context.Context) (secret.Value, error) { reads++; return held, failure }, func() time.Time { return now })
	check := func(when, want string, wantErr error) {
		t.Helper()
		if got, err := k.get(t.Context()); got.Reveal() != want || !errors.Is(err, wantErr) {
			t.Errorf("%s: %v, error %v, want %v", when, got.Equal(secret.New(want)), err, wantErr)
		}
	}
	check("first", "sk_live_first", nil)
	held = secret.New("sk_live_second")
	now = now.Add(time.Minute - time.Second)
	check("within the minute", "sk_live_first", nil)
	if reads != 1 {
		t.Errorf("%d reads within a minute, want 1", reads)
	}
	now = now.Add(time.Second)
	check("a minute later", "sk_live_second", nil)
	failure = down
	now = now.Add(5*time.Minute - time.Second)
	check("without an answer", "sk_live_second", nil)
	now = now.Add(time.Second)
	check("without an answer for five minutes", "", down)
	failure = nil
	check("with an answer again", "sk_live_second", nil)
	now = now.Add(-time.Hour)
	held = secret.New("sk_live_third")
	check("after the clock went back", "sk_live_third", nil)
	now, held = now.Add(time.Minute), secret.Value{}
	check("when the key is gone", "", errNoKey)
}
