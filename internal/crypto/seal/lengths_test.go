package seal_test

import (
	"crypto/rand"
	"errors"
	"testing"

	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

func lengthsRing(t *testing.T) *seal.Ring {
	t.Helper()
	ring, err := seal.NewRing(1, map[uint32]seal.Key{1: {7}}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// TestATagOfAnotherLengthIsNone: a tag that is cut, longer, missing or changed in any byte does not
// match.
func TestATagOfAnotherLengthIsNone(t *testing.T) {
	ring := lengthsRing(t)
	tag := ring.MAC("a", "b")
	if len(tag) != seal.TagSize || !ring.CheckMAC(tag, "a", "b") {
		t.Fatalf("a tag of %d bytes is not checked", len(tag))
	}
	for n := range tag {
		if ring.CheckMAC(tag[:n], "a", "b") {
			t.Errorf("the first %d bytes are taken for a tag", n)
		}
		changed := append([]byte{}, tag...)
		changed[n] ^= 0x80
		if ring.CheckMAC(changed, "a", "b") {
			t.Errorf("byte %d is not compared", n)
		}
	}
	for _, longer := range [][]byte{append(append([]byte{}, tag...), 0), append(append([]byte{}, tag...), tag...), nil} {
		if ring.CheckMAC(longer, "a", "b") {
			t.Errorf("%d bytes are taken for a tag", len(longer))
		}
	}
}

// TestAnOwnersTagIsWhatAMACBeginsWith: a tag of 1 to 32 bytes matches the beginning of the MAC, and
// no other length does.
func TestAnOwnersTagIsWhatAMACBeginsWith(t *testing.T) {
	key, err := lengthsRing(t).OwnerKey(1, "ada")
	if err != nil {
		t.Fatal(err)
	}
	whole := key.MAC("code")
	for n := range len(whole) + 1 {
		if got, want := key.Check(whole[:n], "code"), n > 0; got != want {
			t.Errorf("%d bytes: %v, want %v", n, got, want)
		}
	}
	if key.Check(append(whole, 0), "code") {
		t.Error("33 bytes are taken for a tag")
	}
}

// TestTheShortestCiphertext: the empty text can be sealed and opened. A shorter ciphertext does not
// open and is under no current key.
func TestTheShortestCiphertext(t *testing.T) {
	ring := lengthsRing(t)
	sealed, err := ring.Seal("ada", secret.Value{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ring.Open("ada", sealed); err != nil || got.Reveal() != "" || !ring.Current(sealed) {
		t.Errorf("the empty text: %v", err)
	}
	for n := range sealed {
		if _, err := ring.Open("ada", sealed[:n]); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("%d bytes: %v, want ErrOpen", n, err)
		}
		if ring.Current(sealed[:n]) && n < 4 {
			t.Errorf("%d bytes name a key", n)
		}
	}
}

// TestTheFormOfATag: a tag is one byte of the key's version and 128 bits of hash. Stored records
// depend on that.
func TestTheFormOfATag(t *testing.T) {
	if seal.TagSize != 17 {
		t.Errorf("a tag has %d bytes, want 17", seal.TagSize)
	}
	for version, good := range map[uint32]bool{1: true, 255: true, 256: false} {
		if _, err := seal.NewRing(version, map[uint32]seal.Key{version: {7}}, rand.Reader); (err == nil) != good {
			t.Errorf("version %d: %v, want it taken %v", version, err, good)
		}
	}
}

// TestCurrent: a ciphertext from before a rotation is not under the current key; one from after it
// is.
func TestCurrent(t *testing.T) {
	ring := lengthsRing(t)
	before, err := ring.Seal("ada", secret.New("text"))
	if err != nil {
		t.Fatal(err)
	}
	if !ring.Current(before) {
		t.Error("what was sealed just now is under another key")
	}
	if err := ring.Replace(2, map[uint32]seal.Key{1: {7}, 2: {8}}); err != nil {
		t.Fatal(err)
	}
	after, err := ring.Seal("ada", secret.New("text"))
	if err != nil {
		t.Fatal(err)
	}
	if ring.Current(before) || !ring.Current(after) {
		t.Errorf("after a rotation: before %v, after %v", ring.Current(before), ring.Current(after))
	}
}
