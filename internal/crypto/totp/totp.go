// Package totp makes and checks the codes of authenticator apps: RFC 6238 over HMAC-SHA-1, 6 digits, steps of 30
// seconds (SEC-07).
//
// Those are the only parameters that every authenticator app in use understands, so only the tolerance can be set. Nor is
// there a clock: the caller says what time it is, and stores the last accepted step, without which a code could be used
// twice.
package totp

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

const (
	// Digits is the length of a code.
	Digits = 6
	// Period is the length of a step (RFC 6238, section 4.1).
	Period = 30 * time.Second
)

// Window is how many steps before and after the present one are tolerated: how far a phone's clock may be off, and how long a
// code may take to be typed. RFC 6238, section 5.2, recommends at most one.
type Window struct{ Past, Future int64 }

// Standard tolerates one step each way: a code is right for 90 seconds.
var Standard = Window{Past: 1, Future: 1}

// Codes is how many codes are right at any moment.
func (w Window) Codes() int { return int(w.Past + 1 + w.Future) }

var errBeforeEpoch = errors.New("time is before 1970")

// Verdict is what [Verify] says of a code. The zero Verdict is Malformed, which lets nobody in.
type Verdict int

// The verdicts. Only Accepted lets somebody in.
const (
	// Malformed is a text that is not six ASCII digits.
	Malformed Verdict = iota
	// Wrong is a code of no step in the window.
	Wrong
	// Replayed is a code of a step that is no later than the last accepted one. It is right but worth nothing, and is not
	// to be counted as a guess (SEC-16): a double click must not lock its owner out.
	Replayed
	// Accepted is a code of a step in the window that is later than the last accepted one.
	Accepted
)

// String names v for logs and tests.
func (v Verdict) String() string {
	switch v {
	case Malformed:
		return "malformed"
	case Wrong:
		return "wrong"
	case Replayed:
		return "replayed"
	case Accepted:
		return "accepted"
	}
	return fmt.Sprintf("Verdict(%d)", int(v))
}

// Code returns the code that an authenticator app holding s shows at the given time. The error is [ErrSecret] if s is no
// secret, and another one if the time is before 1970.
func Code(s secret.Value, at time.Time) (string, error) {
	key, err := ParseSecret(s.Reveal())
	if err != nil {
		return "", err
	}
	step := stepAt(at)
	if step < 0 {
		return "", fmt.Errorf("totp code: %w", errBeforeEpoch)
	}
	return codeOf(key, step)
}

// Verify checks a code against the steps of the [Standard] window around the given time.
func Verify(s secret.Value, code string, at time.Time, lastStep int64) (step int64, v Verdict) {
	return Standard.Verify(s, code, at, lastStep)
}

// Verify checks a code against the steps of the window around the given time.
//
// lastStep is the last step accepted for this secret, 0 if there was none. Of an Accepted code, step is the step to store
// in its place before letting anybody in; of every other code step is lastStep, so that storing it changes nothing. A
// code of several steps is taken for the earliest that is later than lastStep. A code is Wrong under a text that is
// no secret, the empty one above all.
//
// The time Verify takes does not tell how much of a wrong code was right, nor which step a right one belongs to.
func (w Window) Verify(s secret.Value, code string, at time.Time, lastStep int64) (step int64, v Verdict) {
	if !wellFormed(code) {
		return lastStep, Malformed
	}
	key, err := ParseSecret(s.Reveal())
	if err != nil {
		return lastStep, Wrong
	}
	step, v = lastStep, Wrong
	now := stepAt(at)
	for candidate := max(now-w.Past, 0); candidate <= now+w.Future; candidate++ {
		want, err := codeOf(key, candidate)
		if err != nil {
			return lastStep, Wrong
		}
		switch same := subtle.ConstantTimeCompare([]byte(code), []byte(want)) == 1; {
		case !same || v == Accepted:
		case candidate > lastStep:
			step, v = candidate, Accepted
		default:
			v = Replayed
		}
	}
	return step, v
}

// Generate reads a new secret of 160 bits, the length that RFC 4226, section 4, R6 recommends, and returns it in base 32
// without padding (32 characters). An error is the reader's.
func Generate(rand io.Reader) (secret.Value, error) {
	var key [secretBytes]byte
	if _, err := io.ReadFull(rand, key[:]); err != nil {
		return secret.Value{}, fmt.Errorf("generate totp secret: %w", err)
	}
	return secret.New(base32NoPadding.EncodeToString(key[:])), nil
}

// wellFormed stands before the library, which trims white space (of any script) from codes.
func wellFormed(code string) bool {
	if len(code) != Digits {
		return false
	}
	for i := range len(code) {
		if code[i] < '0' || code[i] > '9' {
			return false
		}
	}
	return true
}

// LatestStep is the latest step that [Verify] may accept at a time.
func LatestStep(at time.Time) int64 { return stepAt(at) + Standard.Future }

// stepAt returns the number of the step that holds the given time (RFC 6238, section 4.2); it is negative before 1970.
func stepAt(at time.Time) int64 {
	const period = int64(Period / time.Second)
	unix := at.Unix()
	step := unix / period
	if unix%period < 0 {
		step--
	}
	return step
}

func codeOf(key secret.Value, step int64) (string, error) {
	// No caller asks for a negative step, which has no counter.
	counter := uint64(step) //nolint:gosec // see above
	code, err := hotp.GenerateCodeCustom(key.Reveal(), counter, hotp.ValidateOpts{
		Digits:    otp.DigitsSix,
		Algorithm: otp.AlgorithmSHA1,
	})
	if err != nil {
		return "", fmt.Errorf("totp code: %w", err)
	}
	return code, nil
}
