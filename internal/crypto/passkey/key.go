package passkey

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"math/big"
	"slices"
)

// Algorithm is a COSE algorithm identifier (RFC 9053, RFC 8812).
type Algorithm int64

// The algorithms of the profile, which section 5.4 recommends for a wide range of authenticators.
const (
	EdDSA Algorithm = -8   // Ed25519
	ES256 Algorithm = -7   // ECDSA on P-256 with SHA-256
	RS256 Algorithm = -257 // RSASSA-PKCS1-v1_5 with SHA-256
)

// algorithms are the algorithms that the relying party asks for, the most preferred one first.
var algorithms = []Algorithm{EdDSA, ES256, RS256}

// Labels and values of a COSE_Key (RFC 9052, section 7; RFC 9053, section 7; RFC 8230, section 4).
const (
	labelKty, labelAlg       int64 = 1, 3
	labelCrv, labelX, labelY int64 = -1, -2, -3
	labelN, labelE           int64 = -1, -2
	ktyOKP, ktyEC2, ktyRSA   int64 = 1, 2, 3
	crvP256, crvEd25519      int64 = 1, 6
	uncompressed             byte  = 4 // SEC 1, section 2.3.3
)

// Sizes of keys.
const (
	maxKey      = 600  // bytes of a COSE_Key
	coordinate  = 32   // bytes
	minModulus  = 2048 // bits, the least that NIST SP 800-131A allows
	maxModulus  = 4096 // bits, so that a check costs little
	minExponent = 3
	maxExponent = 1<<31 - 1
)

// publicKey is a credential's key.
type publicKey struct {
	algorithm Algorithm
	key       crypto.PublicKey // ed25519.PublicKey, *ecdsa.PublicKey or *rsa.PublicKey
}

// parseKey reads a COSE_Key at the beginning of data, and returns the bytes that follow. A key has
// exactly the members that its type requires (section 6.5.1). The error is [Malformed] or
// [UnknownAlgorithm].
func parseKey(data []byte) (key publicKey, rest []byte, err error) {
	value, rest, ok := decodeCBOR(data)
	members, isMap := value.([]pair)
	if !ok || !isMap || len(data)-len(rest) > maxKey {
		return key, nil, malformed("public key")
	}
	algorithm, _ := member(value, labelAlg).(int64)
	key.algorithm = Algorithm(algorithm)
	switch key.algorithm {
	case ES256:
		key.key, ok = p256(value, len(members))
	case EdDSA:
		key.key, ok = edwards(value, len(members))
	case RS256:
		key.key, ok = rsaKey(value, len(members))
	default:
		ok = false
	}
	if !ok {
		return publicKey{}, nil, UnknownAlgorithm
	}
	return key, rest, nil
}

// p256 returns a key of ES256. Section 5.8.5: the curve is P-256 and the point is not compressed.
// The library refuses a point that is not on the curve.
func p256(m item, members int) (crypto.PublicKey, bool) {
	x, _ := member(m, labelX).([]byte)
	y, _ := member(m, labelY).([]byte)
	if members != 5 || member(m, labelKty) != item(ktyEC2) || member(m, labelCrv) != item(crvP256) || len(x) != coordinate || len(y) != coordinate {
		return nil, false
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{uncompressed}, x, y))
	return key, err == nil
}

// edwards returns a key of EdDSA. Section 5.8.5: the curve is Ed25519.
func edwards(m item, members int) (crypto.PublicKey, bool) {
	x, _ := member(m, labelX).([]byte)
	if members != 4 || member(m, labelKty) != item(ktyOKP) || member(m, labelCrv) != item(crvEd25519) || !onEdwards(x) {
		return nil, false
	}
	return ed25519.PublicKey(x), true
}

// rsaKey returns a key of RS256 (RFC 8230, section 4): n and e in the least number of bytes.
func rsaKey(m item, members int) (crypto.PublicKey, bool) {
	n, _ := member(m, labelN).([]byte)
	e, _ := member(m, labelE).([]byte)
	if members != 4 || member(m, labelKty) != item(ktyRSA) || len(n) == 0 || n[0] == 0 || len(e) == 0 || e[0] == 0 {
		return nil, false
	}
	modulus, exponent := new(big.Int).SetBytes(n), new(big.Int).SetBytes(e)
	if bits := modulus.BitLen(); bits < minModulus || bits > maxModulus || modulus.Bit(0) == 0 {
		return nil, false
	}
	if !exponent.IsInt64() || exponent.Int64() < minExponent || exponent.Int64() > maxExponent || exponent.Bit(0) == 0 {
		return nil, false
	}
	return &rsa.PublicKey{N: modulus, E: int(exponent.Int64())}, true
}

// verify reports whether the key signed a message (section 6.5.5).
func (k publicKey) verify(message, signature []byte) bool {
	digest := sha256.Sum256(message)
	switch key := k.key.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(key, digest[:], signature)
	case ed25519.PublicKey:
		return ed25519.Verify(key, message, signature)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) == nil
	}
	return false
}

// prime and edwardsD are the constants of edwards25519 (RFC 8032, section 5.1).
var (
	prime    = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	edwardsD = number("52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3")
	// smallOrder are the y-coordinates of the eight points whose order divides eight. A signature for
	// such a key fits many messages.
	smallOrder = []*big.Int{
		big.NewInt(0), big.NewInt(1), new(big.Int).Sub(prime, big.NewInt(1)),
		number("05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826"),
		number("7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7"),
	}
)

// number reads a constant.
func number(hex string) *big.Int {
	n, _ := new(big.Int).SetString(hex, 16)
	return n
}

// onEdwards reports whether 32 bytes encode a point of edwards25519 that is not of small order. The
// standard library checks the point only together with a signature, and a registration has none.
func onEdwards(encoded []byte) bool {
	if len(encoded) != ed25519.PublicKeySize {
		return false
	}
	bigEndian := bytes.Clone(encoded)
	slices.Reverse(bigEndian)
	bigEndian[0] &= 0x7f // without the sign of x
	y := new(big.Int).SetBytes(bigEndian)
	if y.Cmp(prime) >= 0 || slices.ContainsFunc(smallOrder, func(s *big.Int) bool { return s.Cmp(y) == 0 }) {
		return false
	}
	// x² = (y² - 1) / (d y² + 1) has a solution if the product of both is a square.
	square := new(big.Int).Mul(y, y)
	over := new(big.Int).Sub(square, big.NewInt(1))
	under := new(big.Int).Add(new(big.Int).Mul(edwardsD, square), big.NewInt(1))
	return big.Jacobi(over.Mul(over, under).Mod(over, prime), prime) >= 0
}
