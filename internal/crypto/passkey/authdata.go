package passkey

import (
	"crypto/sha256"
	"encoding/binary"
)

// Flags of authenticator data (section 6.1). Bits 1 and 5 are reserved and ignored.
const (
	flagUP byte = 1 << 0 // user present
	flagUV byte = 1 << 2 // user verified
	flagBE byte = 1 << 3 // the credential may be backed up, that is, synchronized
	flagBS byte = 1 << 4 // the credential is backed up
	flagAT byte = 1 << 6 // attested credential data follow
	flagED byte = 1 << 7 // extensions follow
)

// Lengths in bytes of authenticator data (sections 6.1 and 6.5.1).
const (
	fixedPart     = sha256.Size + 1 + 4
	aaguidSize    = 16
	maxCredential = 1023
)

// authenticatorData is what an authenticator signs about itself (section 6.1).
type authenticatorData struct {
	rpIDHash  [sha256.Size]byte
	flags     byte
	signCount uint32
	attested  attestedCredential
}

// attestedCredential is a new credential (section 6.5.1).
type attestedCredential struct {
	aaguid     [aaguidSize]byte
	id         []byte
	key        publicKey
	encodedKey []byte
}

// parseRegistered reads the authenticator data of a registration, which have the flag AT.
func parseRegistered(data []byte) (a authenticatorData, err error) {
	a, rest, ok := parseFixed(data)
	if !ok || a.flags&flagAT == 0 || len(rest) < aaguidSize+2 {
		return a, malformed("authenticator data")
	}
	copy(a.attested.aaguid[:], rest)
	length := int(binary.BigEndian.Uint16(rest[aaguidSize:]))
	rest = rest[aaguidSize+2:]
	if length == 0 || length > maxCredential || length > len(rest) {
		return a, malformed("credential id")
	}
	a.attested.id, rest = rest[:length:length], rest[length:]
	key, after, err := parseKey(rest)
	if err != nil {
		return a, err
	}
	size := len(rest) - len(after)
	a.attested.key, a.attested.encodedKey = key, rest[:size:size]
	if !extensionsEnd(a.flags, after) {
		return a, malformed("extensions")
	}
	return a, nil
}

// parseAsserted reads the authenticator data of an assertion, for which section 6.1 forbids the
// flag AT.
func parseAsserted(data []byte) (authenticatorData, error) {
	a, rest, ok := parseFixed(data)
	if !ok || a.flags&flagAT != 0 {
		return a, malformed("authenticator data")
	}
	if !extensionsEnd(a.flags, rest) {
		return a, malformed("extensions")
	}
	return a, nil
}

// parseFixed reads the part that all authenticator data have.
func parseFixed(data []byte) (a authenticatorData, rest []byte, ok bool) {
	if len(data) < fixedPart {
		return a, nil, false
	}
	copy(a.rpIDHash[:], data)
	a.flags = data[sha256.Size]
	a.signCount = binary.BigEndian.Uint32(data[sha256.Size+1:])
	return a, data[fixedPart:], true
}

// extensionsEnd reports whether the rest is one map with text keys if the flag ED is set, and else
// nothing. Sections 7.1 and 7.2 let a relying party ignore all outputs, as this one does.
func extensionsEnd(flags byte, rest []byte) bool {
	if flags&flagED == 0 {
		return len(rest) == 0
	}
	value, after, ok := decodeCBOR(rest)
	members, isMap := value.([]pair)
	if !ok || !isMap || len(after) > 0 {
		return false
	}
	for _, m := range members {
		if _, text := m.key.(string); !text {
			return false
		}
	}
	return true
}
