package seal_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

func ring(t testing.TB, current uint32, versions ...byte) *seal.Ring {
	t.Helper()
	keys := map[uint32]seal.Key{}
	for _, v := range versions {
		keys[uint32(v)] = seal.Key(bytes.Repeat([]byte{v}, 32))
	}
	r, err := seal.NewRing(current, keys, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOpensOnlyForItsOwner(t *testing.T) {
	r := ring(t, 1, 1)
	sealed, err := r.Seal("user/a", secret.New("JBSWY3DP"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Open("user/a", sealed)
	if err != nil || got.Reveal() != "JBSWY3DP" {
		t.Fatalf("Open: %v, %v", got.Reveal(), err)
	}
	if _, err := r.Open("user/b", sealed); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("another owner: %v", err)
	}
	for i := range sealed {
		for bit := range 8 {
			broken := bytes.Clone(sealed)
			broken[i] ^= 1 << bit
			if _, err := r.Open("user/a", broken); !errors.Is(err, seal.ErrOpen) {
				t.Fatalf("byte %d bit %d flipped: %v", i, bit, err)
			}
		}
	}
	for n := range sealed {
		if _, err := r.Open("user/a", sealed[:n]); !errors.Is(err, seal.ErrOpen) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
}

func TestSealingTwiceDiffers(t *testing.T) {
	r := ring(t, 1, 1)
	a, _ := r.Seal("o", secret.New("x"))
	b, _ := r.Seal("o", secret.New("x"))
	if bytes.Equal(a, b) {
		t.Error("two ciphertexts of one text are equal")
	}
	if bytes.Contains(a, []byte("x")) && len(a) == 1 {
		t.Error("the text is in the clear")
	}
}

func TestRotation(t *testing.T) {
	before, after, lost := ring(t, 1, 1), ring(t, 2, 1, 2), ring(t, 2, 2)
	sealed, err := before.Seal("o", secret.New("text"))
	if err != nil {
		t.Fatal(err)
	}
	tag, digest := before.MAC("a"), before.Digest("a")
	if got, err := after.Open("o", sealed); err != nil || got.Reveal() != "text" {
		t.Errorf("the new ring does not open what the old one sealed: %v", err)
	}
	if !after.CheckMAC(tag, "a") {
		t.Error("the new ring does not check the old one's tag")
	}
	if after.Digest("a") != digest {
		t.Error("a lookup digest changed with the rotation")
	}
	if bytes.Equal(after.MAC("a"), tag) {
		t.Error("the new ring still hashes under the old key")
	}
	if _, err := lost.Open("o", sealed); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("a ring without the key: %v", err)
	}
	if lost.CheckMAC(tag, "a") {
		t.Error("a ring without the key checked its tag")
	}
}

func TestPartsDoNotRunTogether(t *testing.T) {
	r := ring(t, 1, 1)
	lists := [][]string{{"a", "bc"}, {"ab", "c"}, {"abc"}, {"abc", ""}, {"", "abc"}, {}}
	seen := map[string]int{}
	for i, parts := range lists {
		if j, dup := seen[r.Digest(parts...)]; dup {
			t.Errorf("%q and %q have one digest", parts, lists[j])
		}
		seen[r.Digest(parts...)] = i
		for j, other := range lists {
			if r.CheckMAC(r.MAC(parts...), other...) != (i == j) {
				t.Errorf("the tag of %q for %q", parts, other)
			}
		}
	}
	if n := len(r.Digest("a")); n != 26 {
		t.Errorf("a digest has %d characters, want 26", n)
	}
}

func TestCurrentKeyMustExist(t *testing.T) {
	if _, err := seal.NewRing(2, map[uint32]seal.Key{1: {}}, rand.Reader); err == nil {
		t.Error("a ring without its current key")
	}
	if _, err := seal.NewRing(256, map[uint32]seal.Key{256: {}}, rand.Reader); err == nil {
		t.Error("a version that does not fit into a tag")
	}
}

// TestOwnerKeys: a hash under an owner's key is plain HMAC-SHA-256, so a program with that key can
// check it. The key belongs to one owner, stays the same after a rotation, and is none of the
// ring's other keys.
func TestOwnerKeys(t *testing.T) {
	before, after, lost := ring(t, 1, 1), ring(t, 2, 1, 2), ring(t, 2, 2)
	key, err := before.OwnerKey(before.Version(), "user/a")
	if err != nil {
		t.Fatal(err)
	}
	plain := hmac.New(sha256.New, key[:])
	plain.Write([]byte("code"))
	if !bytes.Equal(key.MAC("code"), plain.Sum(nil)) {
		t.Error("a hash is not the HMAC of the text")
	}
	tag := key.MAC("code")[:12]
	if !key.Check(tag, "code") || key.Check(tag, "other") || key.Check(nil, "code") || key.Check(make([]byte, 33), "code") {
		t.Error("a tag is not checked right")
	}
	if again, err := after.OwnerKey(1, "user/a"); err != nil || again != key {
		t.Errorf("after a rotation it is another key: %v", err)
	}
	for name, other := range map[string]func() (seal.OwnerKey, error){
		"another owner":   func() (seal.OwnerKey, error) { return before.OwnerKey(1, "user/b") },
		"another version": func() (seal.OwnerKey, error) { return after.OwnerKey(2, "user/a") },
	} {
		if k, err := other(); err != nil || k == key {
			t.Errorf("%s has the same key (%v)", name, err)
		}
	}
	if before.CheckMAC(append([]byte{1}, key[:16]...), "user/a") {
		t.Error("the key is a tag of the ring's")
	}
	if _, err := lost.OwnerKey(1, "user/a"); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("a version that is not there: %v, want ErrOpen", err)
	}
}

func TestKeysDoNotPrint(t *testing.T) {
	for _, verb := range []string{"%v", "%x", "%d"} {
		if out := fmt.Sprintf(verb, seal.OwnerKey(bytes.Repeat([]byte{0xab}, 32))); out != "[secret]" {
			t.Errorf("%s prints %s", verb, out)
		}
	}
	k := seal.Key(bytes.Repeat([]byte{0xab}, 32))
	for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%s", "%d"} {
		if out := fmt.Sprintf(verb, k); strings.Contains(out, "ab") || strings.Contains(out, "171") {
			t.Errorf("%s prints %s", verb, out)
		}
	}
}

// FuzzOpen: only sealed texts open. Every other text gives ErrOpen and never a panic.
func FuzzOpen(f *testing.F) {
	// Several processes take part, so the one sealed text must be the same in all.
	r, err := seal.NewRing(1, map[uint32]seal.Key{1: {7}}, bytes.NewReader(make([]byte, 12)))
	if err != nil {
		f.Fatal(err)
	}
	sealed, err := r.Seal("o", secret.New("text"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("o", sealed)
	f.Add("p", sealed)
	f.Add("o", []byte{0, 0, 0, 9})
	f.Fuzz(func(t *testing.T, owner string, data []byte) {
		got, err := r.Open(owner, data)
		if err == nil && (owner != "o" || !bytes.Equal(data, sealed) || got.Reveal() != "text") {
			t.Errorf("opened %x for %q", data, owner)
		}
		if err != nil && !errors.Is(err, seal.ErrOpen) {
			t.Errorf("error %v", err)
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	r := ring(b, 1, 1)
	sealed, _ := r.Seal("user/a/totp/b", secret.New("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"))
	b.ReportAllocs()
	for b.Loop() {
		_, _ = r.Open("user/a/totp/b", sealed)
	}
}

func BenchmarkMAC(b *testing.B) {
	r := ring(b, 1, 1)
	b.ReportAllocs()
	for b.Loop() {
		r.MAC("code", "user", "phone", "123456")
	}
}
