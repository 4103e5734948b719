// Package sessiontoken makes and verifies session tokens: JSON Web Tokens (RFC 7519) with Clerk's
// claims of version 2, signed with RS256. A JSON Web Key Set (RFC 7517) publishes the keys.
package sessiontoken

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

// Life is how long a token is valid. It is short because a token cannot be revoked.
const Life = 60 * time.Second

// KeyLife is the age at which a signing key is replaced. SP 800-57 part 1 section 5.3.6 allows one
// to three years for a private signature key; a quarter keeps the rotation in practice.
const KeyLife = 90 * 24 * time.Hour

const (
	keyBits = 2048
	// backdated covers verifiers whose clock is behind.
	backdated = 10 * time.Second
	// skew is what this package's own verifier allows.
	skew = 5 * time.Second
	// version of Clerk's claims.
	version = 2
)

// ErrToken is the only error for an invalid token, for whatever reason.
var ErrToken = errors.New("session: token not valid")

// Key is an RSA key that signs tokens. It is safe for concurrent use.
type Key struct {
	private *rsa.PrivateKey
	id      string
	// sign returns the compact form of a payload's signature. It is a function, so that a program
	// that only holds keys does not link the library that signs.
	sign func(payload []byte) (string, error)
}

// GenerateKey makes an RSA key of 2048 bits. random is the source of randomness; since Go 1.26 the
// standard library may use its own.
func GenerateKey(random io.Reader) (*Key, error) {
	private, err := rsa.GenerateKey(random, keyBits)
	if err != nil {
		return nil, fmt.Errorf("session: generate key: %w", err)
	}
	return newKey(private)
}

func newKey(private *rsa.PrivateKey) (*Key, error) {
	public := jose.JSONWebKey{Key: private.Public()}
	thumb, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("session: thumbprint: %w", err)
	}
	k := &Key{private: private, id: base64.RawURLEncoding.EncodeToString(thumb)}
	options := (&jose.SignerOptions{}).WithType("JWT")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: private, KeyID: k.id}}, options)
	if err != nil {
		return nil, fmt.Errorf("session: signer: %w", err)
	}
	k.sign = func(payload []byte) (string, error) {
		signed, err := signer.Sign(payload)
		if err != nil {
			return "", fmt.Errorf("session: sign: %w", err)
		}
		return signed.CompactSerialize()
	}
	return k, nil
}

// ID returns the key's RFC 7638 thumbprint, the kid of its tokens.
func (k *Key) ID() string { return k.id }

// Marshal returns the key in base64 of PKCS #8.
func (k *Key) Marshal() (secret.Value, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return secret.Value{}, fmt.Errorf("session: marshal key: %w", err)
	}
	return secret.New(base64.StdEncoding.EncodeToString(der)), nil
}

// ParseKey reads the text of [Key.Marshal].
func ParseKey(text secret.Value) (*Key, error) {
	der, err := base64.StdEncoding.DecodeString(text.Reveal())
	if err != nil {
		return nil, errors.New("session: key is not base64")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errors.New("session: key is not PKCS #8")
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok || private.N.BitLen() < keyBits {
		return nil, errors.New("session: not an RSA key of 2048 bits or more")
	}
	return newKey(private)
}

// Claims are the claims of a token.
type Claims struct {
	Issuer          string // the API's public URL
	Subject         string // user id
	SessionID       string
	AuthorizedParty string // the Origin that asked; may be empty
	IssuedAt        time.Time
	Ages            [2]int // minutes since each factor was proved, -1 for never
	Status          string // active or pending
	ID              string
	Custom          json.RawMessage // a JSON object of further claims, or nil
}

type wire struct {
	Issuer    string           `json:"iss"`
	Subject   string           `json:"sub"`
	SessionID string           `json:"sid"`
	IssuedAt  *jwt.NumericDate `json:"iat"`
	NotBefore *jwt.NumericDate `json:"nbf"`
	Expires   *jwt.NumericDate `json:"exp"`
	Party     string           `json:"azp,omitempty"`
	Ages      [2]int           `json:"fva"`
	Status    string           `json:"sts"`
	Version   int              `json:"v"`
	ID        string           `json:"jti"`
}

// Mint signs a token that is valid for [Life] from IssuedAt. Custom claims with the name of a claim
// of this package are an error, whatever their case: some readers of JSON ignore case.
func (k *Key) Mint(c Claims) (secret.Value, error) {
	w := wire{
		Issuer: c.Issuer, Subject: c.Subject, SessionID: c.SessionID, Party: c.AuthorizedParty,
		IssuedAt: jwt.NewNumericDate(c.IssuedAt), NotBefore: jwt.NewNumericDate(c.IssuedAt.Add(-backdated)), Expires: jwt.NewNumericDate(c.IssuedAt.Add(Life)),
		Ages: c.Ages, Status: c.Status, Version: version, ID: c.ID,
	}
	if c.Custom == nil {
		return k.Sign(w)
	}
	payload, err := w.with(c.Custom)
	if err != nil {
		return secret.Value{}, err
	}
	return k.Sign(payload)
}

// with returns the claims together with those of a JSON object.
func (w wire) with(custom json.RawMessage) (json.RawMessage, error) {
	own, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("session: encode claims: %w", err)
	}
	var added map[string]json.RawMessage
	if err := json.Unmarshal(custom, &added); err != nil || added == nil {
		return nil, errors.New("session: custom claims are not a JSON object")
	}
	for name := range added {
		if slices.ContainsFunc(ownClaims, func(own string) bool { return strings.EqualFold(own, name) }) {
			return nil, errors.New("session: a custom claim has the name of a claim of every token")
		}
	}
	if len(added) == 0 {
		return own, nil
	}
	custom = bytes.TrimSpace(custom)
	return slices.Concat(own[:len(own)-1], []byte(","), custom[1:]), nil
}

// ownClaims are the names of the claims of every token.
var ownClaims = func() []string {
	var names []string
	for field := range reflect.TypeFor[wire]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}()

// Sign signs any claims; the handshake uses it.
func (k *Key) Sign(claims any) (secret.Value, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return secret.Value{}, fmt.Errorf("session: encode claims: %w", err)
	}
	text, err := k.sign(payload)
	if err != nil {
		return secret.Value{}, err
	}
	return secret.New(text), nil
}

// JWKS returns the public halves of keys as a JSON Web Key Set.
func JWKS(keys ...*Key) ([]byte, error) {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, k := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.private.Public(), KeyID: k.id, Algorithm: string(jose.RS256), Use: "sig"})
	}
	out, err := json.Marshal(set)
	if err != nil {
		return nil, fmt.Errorf("session: encode key set: %w", err)
	}
	return out, nil
}

// Verify checks a token against keys: RS256 only, a known kid, the issuer, and the times with a
// tolerance of 5 s. The error is [ErrToken].
func Verify(token string, keys []*Key, issuer string, now time.Time) (Claims, error) {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil || len(parsed.Headers) != 1 {
		return Claims{}, ErrToken
	}
	for _, k := range keys {
		if k.id != parsed.Headers[0].KeyID {
			continue
		}
		var w wire
		if err := parsed.Claims(k.private.Public(), &w); err != nil {
			return Claims{}, ErrToken
		}
		return w.check(issuer, now)
	}
	return Claims{}, ErrToken
}

func (w wire) check(issuer string, now time.Time) (Claims, error) {
	if w.Issuer != issuer || w.Version != version || w.Expires == nil || w.NotBefore == nil || w.IssuedAt == nil {
		return Claims{}, ErrToken
	}
	if !now.Before(w.Expires.Time().Add(skew)) || now.Before(w.NotBefore.Time().Add(-skew)) {
		return Claims{}, ErrToken
	}
	issued, expires := w.IssuedAt.Time(), w.Expires.Time()
	if issued.After(now.Add(backdated+skew)) || !expires.After(issued) || expires.Sub(issued) > Life || w.NotBefore.Time().After(issued) {
		return Claims{}, ErrToken
	}
	return Claims{
		Issuer: w.Issuer, Subject: w.Subject, SessionID: w.SessionID, AuthorizedParty: w.Party,
		IssuedAt: w.IssuedAt.Time(), Ages: w.Ages, Status: w.Status, ID: w.ID,
	}, nil
}
