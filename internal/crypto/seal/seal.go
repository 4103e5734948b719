// Package seal protects stored secrets: authenticated encryption that binds a ciphertext to its
// owner, and keyed hashes. The keys have versions, so a new key can replace one that must still
// open what it sealed.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync/atomic"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

// Key is a 256-bit master key. The ring never uses it itself, but derives a key from it for each
// purpose (RFC 5869).
type Key [32]byte

// Format prints "[secret]" under every verb.
func (Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[secret]") }

// ErrOpen is the only error for a ciphertext that does not open, for whatever reason.
var ErrOpen = errors.New("seal: cannot open")

const (
	versionLen = 4
	nonceLen   = 12
	tagLen     = 16
	// maxVersion lets a stored tag name its key in one byte.
	maxVersion = 255
	// digestLen makes a digest 26 base-32 characters long.
	digestLen = 16
)

// Ring holds the keys by version. It is safe for concurrent use.
type Ring struct {
	rand io.Reader
	held atomic.Pointer[versions]
}

// versions are the keys of a ring at one time.
type versions struct {
	current uint32
	lowest  uint32
	keys    map[uint32]derived
}

// derived are the keys of one version.
type derived struct{ seal, mac, digest, owner []byte }

// NewRing returns a ring that seals under the current version and opens under all versions of keys.
func NewRing(current uint32, keys map[uint32]Key, rand io.Reader) (*Ring, error) {
	r := &Ring{rand: rand}
	return r, r.Replace(current, keys)
}

// Replace gives the ring other keys: after a key was added, or became the current one. A ciphertext
// of a version that is left out no longer opens.
func (r *Ring) Replace(current uint32, keys map[uint32]Key) error {
	if _, ok := keys[current]; !ok {
		return fmt.Errorf("seal: no key of the current version %d", current)
	}
	held := &versions{current: current, lowest: current, keys: make(map[uint32]derived, len(keys))}
	for version, key := range keys {
		if version > maxVersion {
			return fmt.Errorf("seal: version %d is over %d", version, maxVersion)
		}
		var d derived
		for purpose, to := range map[string]*[]byte{"seal": &d.seal, "mac": &d.mac, "digest": &d.digest, "owner": &d.owner} {
			k, err := hkdf.Key(sha256.New, key[:], nil, "countersign/v1/"+purpose, sha256.Size)
			if err != nil {
				return fmt.Errorf("seal: derive %s key: %w", purpose, err)
			}
			*to = k
		}
		held.keys[version] = d
		held.lowest = min(held.lowest, version)
	}
	r.held.Store(held)
	return nil
}

// Current reports whether a ciphertext was sealed under the current version.
func (r *Ring) Current(sealed []byte) bool {
	return len(sealed) >= versionLen && binary.BigEndian.Uint32(sealed) == r.held.Load().current
}

// Seal encrypts text for its owner with AES-256-GCM. Each owner has its own key, so that random
// 96-bit nonces stay far from the limits of SP 800-38D section 8.3. The owner is also
// authenticated: a ciphertext that was moved to another owner does not open.
func (r *Ring) Seal(owner string, text secret.Value) ([]byte, error) {
	current := r.held.Load().current
	aead, err := r.cipher(current, owner)
	if err != nil {
		return nil, err
	}
	out := make([]byte, versionLen+nonceLen, versionLen+nonceLen+len(text.Reveal())+tagLen)
	binary.BigEndian.PutUint32(out, current)
	if _, err := io.ReadFull(r.rand, out[versionLen:]); err != nil {
		return nil, fmt.Errorf("seal: read random bytes: %w", err)
	}
	return aead.Seal(out, out[versionLen:], []byte(text.Reveal()), []byte(owner)), nil
}

// Open decrypts a ciphertext that [Ring.Seal] made for the same owner, or returns [ErrOpen].
func (r *Ring) Open(owner string, sealed []byte) (secret.Value, error) {
	if len(sealed) < versionLen+nonceLen+tagLen {
		return secret.Value{}, ErrOpen
	}
	aead, err := r.cipher(binary.BigEndian.Uint32(sealed), owner)
	if err != nil {
		return secret.Value{}, ErrOpen
	}
	nonce, body := sealed[versionLen:versionLen+nonceLen], sealed[versionLen+nonceLen:]
	plain, err := aead.Open(nil, nonce, body, []byte(owner))
	if err != nil {
		return secret.Value{}, ErrOpen
	}
	return secret.New(string(plain)), nil
}

func (r *Ring) cipher(version uint32, owner string) (cipher.AEAD, error) {
	d, ok := r.held.Load().keys[version]
	if !ok {
		return nil, ErrOpen
	}
	block, err := aes.NewCipher(sum(d.seal, []string{owner}))
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return aead, nil
}

// TagSize is the length of a tag of [Ring.MAC], in bytes.
const TagSize = 1 + tagLen

// MAC returns a keyed hash of the parts under the current key: one byte with the key's version,
// then 128 bits of HMAC-SHA-256.
func (r *Ring) MAC(parts ...string) []byte {
	held := r.held.Load()
	tag := append(make([]byte, 0, TagSize), byte(held.current))
	return append(tag, sum(held.keys[held.current].mac, parts)[:tagLen]...)
}

// CheckMAC reports, in constant time, whether a tag is the keyed hash of the parts under the
// version that the tag names.
func (r *Ring) CheckMAC(tag []byte, parts ...string) bool {
	if len(tag) != TagSize {
		return false
	}
	d, ok := r.held.Load().keys[uint32(tag[0])]
	return ok && hmac.Equal(tag[1:], sum(d.mac, parts)[:tagLen])
}

// OwnerKey hashes values of one owner. A program that holds it can check this owner's hashes only,
// and learns nothing of the ring.
type OwnerKey [sha256.Size]byte

// Format prints "[secret]" under every verb.
func (OwnerKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[secret]") }

// Version returns the version of the current key.
func (r *Ring) Version() uint32 { return r.held.Load().current }

// OwnerKey returns an owner's key under a version, or [ErrOpen] when the ring has no such version.
func (r *Ring) OwnerKey(version uint32, owner string) (OwnerKey, error) {
	var key OwnerKey
	d, ok := r.held.Load().keys[version]
	if !ok {
		return key, ErrOpen
	}
	copy(key[:], sum(d.owner, []string{owner}))
	return key, nil
}

// MAC returns HMAC-SHA-256 of text and nothing else, so that other programs can check it. A caller
// may keep only the first bytes.
func (k OwnerKey) MAC(text string) []byte {
	h := hmac.New(sha256.New, k[:])
	h.Write([]byte(text))
	return h.Sum(nil)
}

// Check reports, in constant time, whether a tag is the beginning of the MAC of text.
func (k OwnerKey) Check(tag []byte, text string) bool {
	return len(tag) > 0 && len(tag) <= sha256.Size && hmac.Equal(tag, k.MAC(text)[:len(tag)])
}

var text = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Digest returns a keyed hash for look-ups: 128 bits in 26 lower-case base-32 characters. It uses
// the oldest key of the ring, so it stays the same when a key is added. The oldest key can never be
// dropped.
func (r *Ring) Digest(parts ...string) string {
	held := r.held.Load()
	return text.EncodeToString(sum(held.keys[held.lowest].digest, parts)[:digestLen])
}

// sum hashes each part after its length, so that two different lists of parts never hash the same
// bytes.
func sum(key []byte, parts []string) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		writePart(h, p)
	}
	return h.Sum(nil)
}

func writePart(h hash.Hash, part string) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(part)))
	h.Write(n[:])
	h.Write([]byte(part))
}
