// Package totp makes and verifies the codes of authenticator apps: RFC 6238 over HMAC-SHA-1, 6
// digits, steps of 30 seconds.
//
// All authenticator apps in use support these parameters and no others, so only the tolerance can
// be set. The package has no clock: the caller passes the time. The caller also stores the last
// accepted step; without it a code could be used twice.
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

// Window is how many steps before and after the present one are accepted. It covers a phone's
// inexact clock and the time to type a code. RFC 6238, section 5.2, recommends at most one.
type Window struct{ Past, Future int64 }

// Standard accepts one step each way: a code is right for 90 seconds.
var Standard = Window{Past: 1, Future: 1}

// Codes returns how many codes are right at any moment.
func (w Window) Codes() int { return int(w.Past + 1 + w.Future) }

var errBeforeEpoch = errors.New("time is before 1970")

// Verdict is the result of [Verify]. The zero Verdict is Malformed.
type Verdict int

// The verdicts. Only Accepted proves the factor.
const (
	// Malformed is a text that is not six ASCII digits.
	Malformed Verdict = iota
	// Wrong is a code of no step in the window.
	Wrong
	// Replayed is a code of a step that is not later than the last accepted one. It proves nothing.
	// Callers do not count it as a failure: a double click must not lock the user out.
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

// Code returns the code that an authenticator app with secret s shows at a time. The error is
// [ErrSecret] if s is no secret, and another one if the time is before 1970.
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

// Verify checks a code against the steps of the window around a time.
//
// lastStep is the last step accepted for this secret, 0 if there was none. For an Accepted code,
// step is the step that the caller must store before it accepts the user. For every other code step
// is lastStep, so storing it changes nothing. When a code fits several steps, the earliest one
// later than lastStep counts. With an invalid or empty secret every code is Wrong.
//
// The time that Verify takes tells neither how much of a wrong code was right nor which step a
// right code belongs to.
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

// Generate reads a new secret of 160 bits, the length that RFC 4226, section 4, R6 recommends. It
// returns 32 characters of base 32 without padding. The error is the reader's.
func Generate(rand io.Reader) (secret.Value, error) {
	var key [secretBytes]byte
	if _, err := io.ReadFull(rand, key[:]); err != nil {
		return secret.Value{}, fmt.Errorf("generate totp secret: %w", err)
	}
	return secret.New(base32NoPadding.EncodeToString(key[:])), nil
}

// wellFormed reports whether a code has six ASCII digits. The library would accept white space
// around them.
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

// LatestStep returns the latest step that [Verify] may accept at a time.
func LatestStep(at time.Time) int64 { return stepAt(at) + Standard.Future }

// stepAt returns the number of the step at a time (RFC 6238, section 4.2). It is negative before
// 1970.
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
	counter := uint64(step) //nolint:gosec // no caller passes a negative step
	code, err := hotp.GenerateCodeCustom(key.Reveal(), counter, hotp.ValidateOpts{
		Digits:    otp.DigitsSix,
		Algorithm: otp.AlgorithmSHA1,
	})
	if err != nil {
		return "", fmt.Errorf("totp code: %w", err)
	}
	return code, nil
}
