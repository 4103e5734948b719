// Package passkey registers and verifies passkeys: W3C Web Authentication Level 3 for a relying
// party that asks for no attestation and always requires user verification.
//
// The package has no clock, no randomness of its own and no I/O. The caller gives the challenge,
// uses it up with a conditional write, and stores a [Credential]. The file profile.md beside this
// file has every rule, its section of the specification, and every limit.
package passkey
