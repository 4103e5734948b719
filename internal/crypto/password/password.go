// Package password hashes and verifies passwords: argon2id for new digests, bcrypt and argon2 for
// imported ones.
package password

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/text/unicode/norm"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

// Bounds of a new password. SP 800-63B-4 section 3.1.1.2 asks for at least 8 characters beside a
// second factor, and for no composition rules. The upper bound keeps requests small.
const (
	minCharacters = 8
	maxBytes      = 128
)

// Errors of [Check] and [ParseDigest].
var (
	ErrTooShort = errors.New("password: shorter than 8 characters")
	ErrTooLong  = errors.New("password: longer than 128 bytes")
	ErrDigest   = errors.New("password: digest not supported")
)

// Normal returns the form of a password that is hashed: the profile OpaqueString of RFC 8265, which
// makes every space U+0020 and composes characters (NFC). A keyboard decides whether é is one
// character or two, and the user does not see it: SP 800-63B-4 section 3.1.1.2. A password with a
// character that the profile refuses, such as a control character, is allowed.
func Normal(pw secret.Value) secret.Value {
	text := pw.Reveal()
	if !strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return pw
	}
	return secret.New(norm.NFC.String(strings.Map(asciiSpace, text)))
}

func asciiSpace(r rune) rune {
	if unicode.Is(unicode.Zs, r) {
		return ' '
	}
	return r
}

// spellings returns the forms of a guess that are compared with a digest: the normal form, and the
// given text if that differs. Digests of other services, and our own from before there was
// a normal form, are of the given text.
func spellings(pw secret.Value) []secret.Value {
	normal := Normal(pw)
	if normal.Equal(pw) {
		return []secret.Value{pw}
	}
	return []secret.Value{normal, pw}
}

// Check returns [ErrTooShort] or [ErrTooLong] for a password that may not be set. It measures the
// normal form.
func Check(pw secret.Value) error {
	switch text := Normal(pw).Reveal(); {
	case utf8.RuneCountInString(text) < minCharacters:
		return ErrTooShort
	case len(text) > maxBytes:
		return ErrTooLong
	}
	return nil
}

// Params is the cost of argon2id.
type Params struct {
	Memory  uint32 // KiB
	Time    uint32
	Threads uint8
}

// DefaultParams is the second recommendation of the OWASP Password Storage Cheat Sheet: 19 MiB, 2
// passes.
var DefaultParams = Params{Memory: 19 * 1024, Time: 2, Threads: 1}

// parallel is how many comparisons run at once: each takes the memory that its digest asks for.
// Imported digests may cost more than our own. One slot less runs those, so they never block all.
const (
	parallel      = 2
	parallelHeavy = parallel - 1
)

const (
	saltLen = 16
	hashLen = 32
)

// Hasher hashes and checks passwords. It is safe for concurrent use.
type Hasher struct {
	params Params
	rand   io.Reader
	slots  chan struct{}
	heavy  chan struct{}
}

// New returns a hasher that makes new digests at the given cost.
func New(params Params, rand io.Reader) *Hasher {
	return &Hasher{params: params, rand: rand, slots: make(chan struct{}, parallel), heavy: make(chan struct{}, parallelHeavy)}
}

// enter waits for a slot for a computation of a cost. The caller must call leave.
func (h *Hasher) enter(ctx context.Context, cost int) (leave func(), err error) {
	if cost <= h.params.cost() {
		return take(ctx, h.slots)
	}
	leaveHeavy, err := take(ctx, h.heavy)
	if err != nil {
		return nil, err
	}
	leaveSlot, err := take(ctx, h.slots)
	if err != nil {
		leaveHeavy()
		return nil, err
	}
	return func() { leaveSlot(); leaveHeavy() }, nil
}

func take(ctx context.Context, of chan struct{}) (back func(), err error) {
	select {
	case of <- struct{}{}:
		return func() { <-of }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Hash returns a digest of the password's normal form as a PHC string.
func (h *Hasher) Hash(ctx context.Context, pw secret.Value) (string, error) {
	leave, err := h.enter(ctx, h.params.cost())
	if err != nil {
		return "", err
	}
	defer leave()
	d := digest{kind: "argon2id", params: h.params, salt: make([]byte, saltLen)}
	if _, err := io.ReadFull(h.rand, d.salt); err != nil {
		return "", fmt.Errorf("password: read random bytes: %w", err)
	}
	d.hash = make([]byte, hashLen)
	d.hash = d.compute(Normal(pw))
	return d.String(), nil
}

// Verify reports whether a digest is the password's: argon2id, argon2i or bcrypt. It tries the
// normal form of the password and then the given one, if that differs, for every digest: so
// the time tells nothing about the account. The error is [ErrDigest] for a malformed or too
// expensive digest.
func (h *Hasher) Verify(ctx context.Context, encoded string, pw secret.Value) (bool, error) {
	return h.VerifyIf(ctx, encoded, pw, func() error { return nil })
}

// VerifyIf is [Hasher.Verify] for a comparison that may no longer be wanted when its slot is free.
// It calls still then, and returns that error instead of comparing.
func (h *Hasher) VerifyIf(ctx context.Context, encoded string, pw secret.Value, still func() error) (bool, error) {
	cost, err := Cost(encoded)
	if err != nil || cost > mostCompared {
		return false, ErrDigest
	}
	leave, err := h.enter(ctx, cost)
	if err != nil {
		return false, err
	}
	defer leave()
	if err := still(); err != nil {
		return false, err
	}
	for _, spelling := range spellings(pw) {
		if right, err := verify(encoded, spelling); right || err != nil {
			return right, err
		}
	}
	return false, nil
}

// verify compares one spelling of a password with a digest.
func verify(encoded string, pw secret.Value) (bool, error) {
	if strings.HasPrefix(encoded, "$2") {
		return verifyBcrypt(encoded, pw)
	}
	d, err := parse(encoded)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(d.hash, d.compute(pw)) == 1, nil
}

// bcryptBytes is how much of a password bcrypt reads. A longer password matches nothing, because
// bcrypt cannot tell it from others.
const bcryptBytes = 72

func verifyBcrypt(encoded string, pw secret.Value) (bool, error) {
	text := pw.Reveal()
	long := len(text) > bcryptBytes
	// A password that is too long is compared too: a fast answer would tell which users have bcrypt.
	err := bcrypt.CompareHashAndPassword([]byte(encoded), []byte(text[:min(len(text), bcryptBytes)]))
	switch {
	case err == nil:
		return !long, nil
	case errors.Is(err, bcrypt.ErrMismatchedHashAndPassword):
		return false, nil
	}
	return false, ErrDigest
}

// VerifyNoneIf does the work of a comparison with a new digest, so that an unknown account takes as
// long as a known one. It calls still as [Hasher.VerifyIf] does.
func (h *Hasher) VerifyNoneIf(ctx context.Context, pw secret.Value, still func() error) error {
	leave, err := h.enter(ctx, h.params.cost())
	if err != nil {
		return err
	}
	defer leave()
	if err := still(); err != nil {
		return err
	}
	none := digest{kind: "argon2id", params: h.params, salt: make([]byte, saltLen), hash: make([]byte, hashLen)}
	for _, spelling := range spellings(pw) {
		none.compute(spelling)
	}
	return nil
}

// bcryptForm is stricter than the library, which checks some of the form only when it compares.
var bcryptForm = regexp.MustCompile(`^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$`)

// ParseDigest checks the digest of an imported user. hasher is Clerk's name of the algorithm:
// bcrypt, argon2i or argon2id. The error is [ErrDigest].
func ParseDigest(hasher, encoded string) (string, error) {
	kind, _, _ := strings.Cut(strings.TrimPrefix(encoded, "$"), "$")
	if strings.HasPrefix(kind, "2") {
		kind = "bcrypt"
	}
	if cost, err := Cost(encoded); err != nil || kind != hasher || cost > MostImported {
		return "", ErrDigest
	}
	return encoded, nil
}

// digest is a parsed argon2 digest.
type digest struct {
	kind       string
	params     Params
	salt, hash []byte
}

func (d digest) compute(pw secret.Value) []byte {
	f := argon2.IDKey
	if d.kind == "argon2i" {
		f = argon2.Key
	}
	return f([]byte(pw.Reveal()), d.salt, d.params.Time, d.params.Memory, d.params.Threads, uint32(len(d.hash)))
}

func (d digest) String() string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$%s$v=%d$%v$%s$%s", d.kind, argon2.Version, d.params, b64(d.salt), b64(d.hash))
}

// parse reads a PHC string (https://github.com/P-H-C/phc-string-format) within the bounds above.
func parse(encoded string) (digest, error) {
	parts := strings.Split(encoded, "$")
	if len(parts) != 6 || parts[0] != "" || (parts[1] != "argon2id" && parts[1] != "argon2i") || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return digest{}, ErrDigest
	}
	d := digest{kind: parts[1]}
	p := &d.params
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.Memory, &p.Time, &p.Threads); err != nil || n != 3 || p.String() != parts[3] {
		return digest{}, ErrDigest
	}
	var err1, err2 error
	d.salt, err1 = base64.RawStdEncoding.DecodeString(parts[4])
	d.hash, err2 = base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || !d.inBounds() {
		return digest{}, ErrDigest
	}
	return d, nil
}

func (d digest) inBounds() bool {
	p := d.params
	return p.Memory >= 8 && p.Memory <= maxMemory && p.Time >= 1 && p.Time <= maxTime && p.Threads >= 1 && p.Threads <= maxThreads &&
		len(d.salt) >= 8 && len(d.salt) <= 64 && len(d.hash) >= 16 && len(d.hash) <= 64
}
