package passkeys

import (
	"bytes"
	"crypto/elliptic"
	"slices"
	"strings"
)

// A P-256 key is the largest part of a passkey in its user's record, and DynamoDB bills a write by
// the kilobyte. So the record keeps the compressed point (SEC 1 section 2.3.3), 33 bytes in place
// of the 77 of its COSE_Key. Other keys are kept as they are. No COSE_Key begins as a compressed
// point does: a map begins with 0xa0 to 0xbf.

// The parts of a COSE_Key of ES256 (RFC 9053 section 7.1): kty EC2, alg ES256, crv P-256, x and y
// of 32 bytes each.
var (
	coseToX = []byte{0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20}
	coseToY = []byte{0x22, 0x58, 0x20}
)

const coordinate = 32

// PackKey returns the form of a COSE_Key that a record keeps.
func PackKey(key []byte) []byte {
	x, rest, ok := cutPoint(key)
	if !ok {
		return key
	}
	return slices.Concat([]byte{2 + rest[coordinate-1]&1}, x)
}

// cutPoint returns the coordinates of a COSE_Key in the form that [OpenKey] writes.
func cutPoint(key []byte) (x, y []byte, ok bool) {
	if len(key) != len(coseToX)+coordinate+len(coseToY)+coordinate || !bytes.HasPrefix(key, coseToX) {
		return nil, nil, false
	}
	x, rest := key[len(coseToX):len(coseToX)+coordinate], key[len(coseToX)+coordinate:]
	y, ok = bytes.CutPrefix(rest, coseToY)
	return x, y, ok
}

// OpenKey returns the COSE_Key of a key in its stored form.
func OpenKey(kept []byte) []byte {
	if len(kept) != 1+coordinate || kept[0] != 2 && kept[0] != 3 {
		return kept
	}
	x, y := elliptic.UnmarshalCompressed(elliptic.P256(), kept)
	if x == nil {
		return kept // no point of the curve: the verification refuses it
	}
	return slices.Concat(coseToX, x.FillBytes(make([]byte, coordinate)), coseToY, y.FillBytes(make([]byte, coordinate)))
}

// transports are the hints of W3C Web Authentication Level 3 section 5.8.4, by the letter that a
// record keeps.
var transports = []struct {
	letter byte
	name   string
}{{'u', "usb"}, {'n', "nfc"}, {'b', "ble"}, {'s', "smart-card"}, {'h', "hybrid"}, {'i', "internal"}}

// PackTransports returns transports as letters. It leaves out names that the specification does not
// have: they are only hints.
func PackTransports(names []string) string {
	var letters strings.Builder
	for _, t := range transports {
		if slices.Contains(names, t.name) {
			letters.WriteByte(t.letter)
		}
	}
	return letters.String()
}

// OpenTransports returns the names of transports.
func OpenTransports(letters string) []string {
	var names []string
	for _, t := range transports {
		if strings.IndexByte(letters, t.letter) >= 0 {
			names = append(names, t.name)
		}
	}
	return names
}
