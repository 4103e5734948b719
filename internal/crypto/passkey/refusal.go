package passkey

import "fmt"

// Refusal is an error that says why a response proves nothing. Its text has no input in it. A
// wrapped Refusal names the part of the response; compare with [errors.Is].
type Refusal string

// The refusals. A counter that went back is a [CounterError].
const (
	// Malformed is a response that does not have the specified form, or exceeds a limit.
	Malformed Refusal = "malformed response"
	// WrongType is an answer to create where get was asked, or the other way round.
	WrongType Refusal = "wrong ceremony type"
	// WrongChallenge is an answer to another challenge.
	WrongChallenge Refusal = "wrong challenge"
	// WrongOrigin is an answer from a page or app that the relying party does not list.
	WrongOrigin Refusal = "wrong origin"
	// Framed is an answer from a page inside a page of another origin.
	Framed Refusal = "page framed by another origin"
	// WrongRelyingParty is an answer for another RP id.
	WrongRelyingParty Refusal = "wrong relying party"
	// WrongCredential is an answer of another credential or for another user.
	WrongCredential Refusal = "wrong credential"
	// UnknownAlgorithm is a key that is not an ES256, RS256 or EdDSA key of the profile.
	UnknownAlgorithm Refusal = "unknown algorithm or key"
	// WrongSignature is a signature that the credential's key did not make.
	WrongSignature Refusal = "wrong signature"
	// UserAbsent is a response without the flag UP.
	UserAbsent Refusal = "user not present"
	// UserNotVerified is a response without the flag UV.
	UserNotVerified Refusal = "user not verified"
	// BackupChanged is a flag BS without BE, or a flag BE that differs from the registration.
	BackupChanged Refusal = "backup eligibility changed"
)

// Error implements error.
func (r Refusal) Error() string { return "passkey: " + string(r) }

// malformed names the part of a response that is malformed.
func malformed(part string) error { return fmt.Errorf("%w: %s", Malformed, part) }

// CounterError refuses an assertion that is right except for its signature counter. The counter is
// not greater than the stored one, so a copy of the authenticator may exist (section 6.1.1).
type CounterError struct{ Stored, Received uint32 }

// Error implements error.
func (*CounterError) Error() string { return "passkey: the signature counter went back" }
