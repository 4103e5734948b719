package passkeys_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"slices"
	"testing"

	"github.com/countersign-mfa/countersign/internal/domain/passkeys"
)

// coseOf is a COSE_Key of ES256.
func coseOf(x, y []byte) []byte {
	return slices.Concat([]byte{0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 0x20}, x, []byte{0x22, 0x58, 0x20}, y)
}

// TestKeysAreShortAndWhole: a key that was packed opens as it was. A P-256 key takes 33 bytes.
func TestKeysAreShortAndWhole(t *testing.T) {
	for range 64 { // points with an even and an odd y
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		point, err := key.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		cose := coseOf(point[1:33], point[33:])
		packed := passkeys.PackKey(cose)
		if len(packed) != 33 || !bytes.Equal(passkeys.OpenKey(packed), cose) {
			t.Fatalf("%x packed as %x opens as %x", cose, packed, passkeys.OpenKey(packed))
		}
	}
	other := bytes.Repeat([]byte{0xa4}, 270) // RSA
	if got := passkeys.OpenKey(passkeys.PackKey(other)); !bytes.Equal(got, other) {
		t.Errorf("another key became %x", got)
	}
	if off := append([]byte{2}, bytes.Repeat([]byte{0xff}, 32)...); !bytes.Equal(passkeys.OpenKey(off), off) {
		t.Error("a text that is no point opened as a key")
	}
}

// TestTransportsAreLetters: known transports survive, unknown ones are left out.
func TestTransportsAreLetters(t *testing.T) {
	got := passkeys.OpenTransports(passkeys.PackTransports([]string{"internal", "cable", "hybrid"}))
	if !slices.Equal(got, []string{"hybrid", "internal"}) {
		t.Errorf("%v", got)
	}
}

// FuzzOpenKey states that opening any bytes does not fail, and that opened bytes open no further.
func FuzzOpenKey(f *testing.F) {
	f.Add(append([]byte{3}, make([]byte, 32)...))
	f.Fuzz(func(t *testing.T, kept []byte) {
		if once := passkeys.OpenKey(kept); !bytes.Equal(passkeys.OpenKey(once), once) {
			t.Errorf("%x opens twice", kept)
		}
	})
}
