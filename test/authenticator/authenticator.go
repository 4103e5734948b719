// Package authenticator is a passkey authenticator in software, with the browser around it. Tests
// and probes use it to make credentials and assertions, right ones and wrong ones.
//
// It follows W3C Web Authentication Level 3, sections 5.1.3, 5.1.4, 6.3.2 and 6.3.3, for options in
// JSON. It uses no code of package passkey, which it tests.
package authenticator

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// COSE algorithm identifiers.
const (
	ES256 int64 = -7
	EdDSA int64 = -8
	RS256 int64 = -257
)

// Flags of authenticator data (section 6.1).
const (
	UP byte = 1 << 0
	UV byte = 1 << 2
	BE byte = 1 << 3
	BS byte = 1 << 4
	AT byte = 1 << 6
	ED byte = 1 << 7
)

// The errors that a browser would give to a page.
var (
	// ErrExcluded is InvalidStateError: the authenticator has a credential that the options exclude.
	ErrExcluded = errors.New("the authenticator has a credential of this user")
	// ErrNone is NotAllowedError: the authenticator has no credential that the options allow.
	ErrNone = errors.New("no credential fits the options")
	// ErrAlgorithm is NotSupportedError: the options ask for no algorithm of the authenticator.
	ErrAlgorithm = errors.New("the options do not ask for the algorithm")
)

// Authenticator holds the credentials of one person. Its fields may change between two calls. The
// zero Authenticator makes ES256 credentials without a counter, as synchronized passkeys are.
type Authenticator struct {
	// Algorithm is the algorithm of new credentials, ES256 if 0.
	Algorithm int64
	// Flags are the flags beside AT and ED, UP and UV if 0.
	Flags byte
	// Counts says that each credential has a counter that grows by one with each use.
	Counts bool
	// Origin is the page's origin, https:// and the RP id if empty.
	Origin string
	// SelfAttested makes attestation statements of the format packed instead of none.
	SelfAttested bool

	// ID is the id of the next credential, 32 random bytes if nil.
	ID []byte

	// Client changes the client data, and ClientText their text, before they are hashed and signed.
	Client     func(data map[string]any)
	ClientText func(text []byte) []byte
	// Key changes the COSE_Key of a new credential.
	Key func(key map[any]any)
	// Data changes the authenticator data before they are signed.
	Data func(data []byte) []byte
	// Attestation changes the attestation object before it is encoded.
	Attestation func(object map[any]any)
	// Response changes the finished response.
	Response func(credential map[string]any)

	credentials []*Credential
}

// Credential is a credential in an authenticator.
type Credential struct {
	ID, UserHandle []byte
	RPID           string
	Algorithm      int64
	Count          uint32
	key            crypto.Signer
}

// Credentials returns the credentials in the order in which they were made. A test may change them.
func (a *Authenticator) Credentials() []*Credential { return a.credentials }

// options are the members of both kinds of options that an authenticator needs.
type options struct {
	RP struct {
		ID string `json:"id"`
	} `json:"rp"`
	User struct {
		ID string `json:"id"`
	} `json:"user"`
	Challenge string       `json:"challenge"`
	Params    []parameter  `json:"pubKeyCredParams"`
	RPID      string       `json:"rpId"`
	Exclude   []descriptor `json:"excludeCredentials"`
	Allow     []descriptor `json:"allowCredentials"`
}

type parameter struct {
	Alg int64 `json:"alg"`
}

type descriptor struct {
	ID string `json:"id"`
}

// Create makes a credential for the JSON text of creation options, and returns the JSON text of
// W3C's RegistrationResponseJSON.
func (a *Authenticator) Create(text string) (string, error) {
	var o options
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return "", fmt.Errorf("read creation options: %w", err)
	}
	algorithm := a.Algorithm
	if algorithm == 0 {
		algorithm = ES256
	}
	handle, err := base64.RawURLEncoding.DecodeString(o.User.ID)
	switch {
	case err != nil:
		return "", fmt.Errorf("read the user handle: %w", err)
	case !slices.Contains(o.Params, parameter{algorithm}):
		return "", ErrAlgorithm
	case a.find(o.RP.ID, o.Exclude) != nil && len(o.Exclude) > 0:
		return "", ErrExcluded
	}
	id := a.ID
	if id == nil {
		id = random(32)
	}
	c := &Credential{ID: id, UserHandle: handle, RPID: o.RP.ID, Algorithm: algorithm, key: newKey(algorithm)}
	key := coseKey(c.key.Public())
	if a.Key != nil {
		a.Key(key)
	}
	aaguid := make([]byte, 16)
	attested := binary.BigEndian.AppendUint16(aaguid, uint16(len(id)))
	attested = slices.Concat(attested, id, CBOR(key))
	data := a.data(c, AT, attested)
	client := a.client("webauthn.create", o.Challenge, o.RP.ID)
	object := map[any]any{"fmt": "none", "attStmt": map[any]any{}, "authData": data}
	if a.SelfAttested {
		object["fmt"] = "packed"
		object["attStmt"] = map[any]any{"alg": algorithm, "sig": c.sign(data, client)}
	}
	if a.Attestation != nil {
		a.Attestation(object)
	}
	a.credentials = append(a.credentials, c)
	return a.respond(c, map[string]any{
		"clientDataJSON":    encode(client),
		"attestationObject": encode(CBOR(object)),
		"transports":        []string{"internal", "hybrid"},
	})
}

// Get signs with the newest credential that the JSON text of request options allows. It returns the
// JSON text of W3C's AuthenticationResponseJSON.
func (a *Authenticator) Get(text string) (string, error) {
	var o options
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return "", fmt.Errorf("read request options: %w", err)
	}
	c := a.find(o.RPID, o.Allow)
	if c == nil {
		return "", ErrNone
	}
	if a.Counts {
		c.Count++
	}
	data := a.data(c, 0, nil)
	client := a.client("webauthn.get", o.Challenge, o.RPID)
	return a.respond(c, map[string]any{
		"clientDataJSON":    encode(client),
		"authenticatorData": encode(data),
		"signature":         encode(c.sign(data, client)),
		"userHandle":        encode(c.UserHandle),
	})
}

// find returns the newest credential for an RP id that a list names; an empty list names all.
func (a *Authenticator) find(rpID string, list []descriptor) *Credential {
	for _, c := range slices.Backward(a.credentials) {
		named := slices.ContainsFunc(list, func(d descriptor) bool { return d.ID == encode(c.ID) })
		if c.RPID == rpID && (named || len(list) == 0) {
			return c
		}
	}
	return nil
}

// data returns authenticator data.
func (a *Authenticator) data(c *Credential, at byte, attested []byte) []byte {
	flags := a.Flags
	if flags == 0 {
		flags = UP | UV
	}
	hash := sha256.Sum256([]byte(c.RPID))
	data := append(hash[:], flags|at)
	data = append(binary.BigEndian.AppendUint32(data, c.Count), attested...)
	if a.Data != nil {
		data = a.Data(data)
	}
	return data
}

// client returns the text of client data.
func (a *Authenticator) client(kind, challenge, rpID string) []byte {
	origin := a.Origin
	if origin == "" {
		origin = "https://" + rpID
	}
	data := map[string]any{"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": false}
	if a.Client != nil {
		a.Client(data)
	}
	text := must(json.Marshal(data))
	if a.ClientText != nil {
		text = a.ClientText(text)
	}
	return text
}

// respond returns the JSON text of a credential.
func (a *Authenticator) respond(c *Credential, response map[string]any) (string, error) {
	credential := map[string]any{
		"id": encode(c.ID), "rawId": encode(c.ID), "type": "public-key", "authenticatorAttachment": "platform",
		"clientExtensionResults": map[string]any{}, "response": response,
	}
	if a.Response != nil {
		a.Response(credential)
	}
	b, err := json.Marshal(credential)
	return string(b), err
}

// sign signs authenticator data and the hash of client data (section 6.3.3).
func (c *Credential) sign(data, client []byte) []byte {
	hash := sha256.Sum256(client)
	message := slices.Concat(data, hash[:])
	if c.Algorithm == EdDSA {
		return must(c.key.Sign(rand.Reader, message, crypto.Hash(0)))
	}
	digest := sha256.Sum256(message)
	return must(c.key.Sign(rand.Reader, digest[:], crypto.SHA256))
}

// rsaKey is made once: making one takes longer than most tests.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })

func newKey(algorithm int64) crypto.Signer {
	switch algorithm {
	case RS256:
		return rsaKey()
	case EdDSA:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return must(key, err)
	}
	return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
}

// coseKey returns a COSE_Key (RFC 9053, section 7; RFC 8230, section 4).
func coseKey(public crypto.PublicKey) map[any]any {
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		point := must(key.Bytes())
		return map[any]any{1: 2, 3: ES256, -1: 1, -2: point[1:33], -3: point[33:]}
	case *rsa.PublicKey:
		return map[any]any{1: 3, 3: RS256, -1: key.N.Bytes(), -2: []byte{1, 0, 1}}
	default:
		return map[any]any{1: 1, 3: EdDSA, -1: 6, -2: []byte(public.(ed25519.PublicKey))}
	}
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // it never fails
	return b
}

// must returns a value whose error cannot occur with the arguments of this package.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
