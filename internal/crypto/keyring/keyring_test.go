package keyring_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/countersign-mfa/countersign/internal/aws/kms"
	"github.com/countersign-mfa/countersign/internal/crypto/keyring"
	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/test/awsstub"
)

const keyARN = "arn:aws:kms:eu-central-1:111122223333:key/one"

// wrappers are the key services; each passes the same tests.
func wrappers(t *testing.T) map[string]keyring.Wrapper {
	stub, err := awsstub.New("http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(stub)
	t.Cleanup(server.Close)
	client := awskms.New(awskms.Options{
		Region: "eu-central-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), Retryer: aws.NopRetryer{},
	})
	ring, err := seal.NewRing(1, map[uint32]seal.Key{1: {8}}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]keyring.Wrapper{"file": keyring.File{Ring: ring, Rand: rand.Reader}, "KMS": kms.New(client, keyARN)}
}

func TestWrappers(t *testing.T) {
	for name, w := range wrappers(t) {
		t.Run(name, func(t *testing.T) {
			here := map[string]string{"purpose": "a", "version": "1"}
			one, err := w.NewKey(t.Context(), here)
			if err != nil {
				t.Fatal(err)
			}
			two, err := w.NewKey(t.Context(), here)
			if err != nil || bytes.Equal(one, two) {
				t.Fatalf("two keys are one (%v)", err)
			}
			k1, err := w.Unwrap(t.Context(), one, here)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := w.Unwrap(t.Context(), one, here); err != nil || again != k1 {
				t.Errorf("unwrapped again it is another key (%v)", err)
			}
			if k2, err := w.Unwrap(t.Context(), two, here); err != nil || k2 == k1 {
				t.Errorf("both keys are the same (%v)", err)
			}
			for what, bound := range map[string]map[string]string{
				"nothing": nil, "another value": {"purpose": "b", "version": "1"}, "less": {"purpose": "a"}, "more": {"purpose": "a", "version": "1", "x": ""},
			} {
				if _, err := w.Unwrap(t.Context(), one, bound); !errors.Is(err, seal.ErrOpen) {
					t.Errorf("bound to %s: %v, want ErrOpen", what, err)
				}
			}
			one[len(one)-1] ^= 1
			if _, err := w.Unwrap(t.Context(), one, here); !errors.Is(err, seal.ErrOpen) {
				t.Errorf("a changed ciphertext: %v, want ErrOpen", err)
			}
		})
	}
}

// world is one store that several processes share.
type world struct {
	t     *testing.T
	store *store.Counting
	fault *store.Faulty
	wraps *counting
	now   time.Time
}

type counting struct {
	keyring.Wrapper
	unwrapped int
}

func (c *counting) Unwrap(ctx context.Context, wrapped []byte, bound map[string]string) (seal.Key, error) {
	c.unwrapped++
	return c.Wrapper.Unwrap(ctx, wrapped, bound)
}

func newWorld(t *testing.T) *world {
	fault := store.NewFaulty(store.NewMemory())
	return &world{t, store.NewCounting(fault), fault, &counting{Wrapper: wrappers(t)["file"]}, time.Unix(1_800_000_000, 0)}
}

func (w *world) process() *keyring.Keyring {
	return keyring.New(w.store, w.wraps, func() time.Time { return w.now })
}

func (w *world) open(k *keyring.Keyring) *seal.Ring {
	w.t.Helper()
	ring, err := k.Open(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return ring
}

func (w *world) do(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestWithoutKeysNothingOpens(t *testing.T) {
	w := newWorld(t)
	if _, err := w.process().Open(t.Context()); !errors.Is(err, keyring.ErrEmpty) {
		t.Errorf("%v, want ErrEmpty", err)
	}
}

func TestPreparingTwiceMakesOneKey(t *testing.T) {
	w := newWorld(t)
	a, b := w.process(), w.process()
	w.do(a.Prepare(t.Context()))
	w.do(b.Prepare(t.Context()))
	sealed, err := w.open(a).Seal("ada", secret.New("text"))
	w.do(err)
	if got, err := w.open(b).Open("ada", sealed); err != nil || got.Reveal() != "text" {
		t.Errorf("another process opens %v", err)
	}
	if w.wraps.unwrapped != 2 {
		t.Errorf("%d keys were unwrapped by two processes, want 2", w.wraps.unwrapped)
	}
}

// TestRotation: every process knows a new key before the key seals, and older ciphertexts still
// open.
func TestRotation(t *testing.T) {
	w := newWorld(t)
	warm := w.process()
	w.do(warm.Prepare(t.Context()))
	ring := w.open(warm)
	old, err := ring.Seal("ada", secret.New("old"))
	w.do(err)
	digest := ring.Digest("number")

	w.do(warm.RotateIfDue(t.Context())) // a fresh key is not due
	w.do(warm.Rotate(t.Context()))
	w.do(warm.Rotate(t.Context())) // a second call while it is under way
	fresh := w.open(w.process())
	early, err := fresh.Seal("ada", secret.New("early"))
	w.do(err)
	if _, err := ring.Open("ada", early); err != nil {
		t.Error("a process that did not look yet cannot open what another sealed")
	}
	w.now = w.now.Add(time.Hour)
	w.do(warm.Refresh(t.Context()))
	latest := w.open(w.process())
	late, err := latest.Seal("ada", secret.New("late"))
	w.do(err)
	if !ring.Current(late) || ring.Current(old) {
		t.Error("the new key does not seal after an hour")
	}
	for name, sealed := range map[string][]byte{"old": old, "early": early, "late": late} {
		if got, err := ring.Open("ada", sealed); err != nil || got.Reveal() != name {
			t.Errorf("what was sealed %s: %v", name, err)
		}
	}
	if ring.Digest("number") != digest || latest.Digest("number") != digest {
		t.Error("a rotation changed what identifiers are found by")
	}
}

// TestRefreshCostsNothing: a running process reads the store once in five minutes and never calls
// the key service.
func TestRefreshCostsNothing(t *testing.T) {
	w := newWorld(t)
	k := w.process()
	w.do(k.Prepare(t.Context()))
	w.open(k)
	w.store.Reset()
	w.wraps.unwrapped = 0
	for range 10 {
		w.do(k.Refresh(t.Context()))
	}
	if n := w.store.Counts().Gets; n != 0 {
		t.Errorf("%d reads within five minutes, want none", n)
	}
	w.now = w.now.Add(5 * time.Minute)
	w.do(k.Refresh(t.Context()))
	if n := w.store.Counts().Gets; n != 1 || w.wraps.unwrapped != 0 {
		t.Errorf("%d reads and %d unwraps after five minutes, want 1 and 0", n, w.wraps.unwrapped)
	}
}
