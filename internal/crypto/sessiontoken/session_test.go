package sessiontoken_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"crypto/rsa"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/crypto/sessiontoken"
)

const issuer = "https://clerk.example.com"

var at = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

var claims = sessiontoken.Claims{
	Issuer: issuer, Subject: "user_a", SessionID: "sess_b", AuthorizedParty: "https://app.example.com",
	IssuedAt: at, Ages: [2]int{3, -1}, Status: "active", ID: "j1",
}

func key(t testing.TB) *sessiontoken.Key {
	t.Helper()
	k, err := sessiontoken.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func mint(t testing.TB, k *sessiontoken.Key) string {
	t.Helper()
	token, err := k.Mint(claims)
	if err != nil {
		t.Fatal(err)
	}
	return token.Reveal()
}

// published reads a key set from its JSON alone.
func published(t *testing.T, keys ...*sessiontoken.Key) map[string]*rsa.PublicKey {
	t.Helper()
	doc, err := sessiontoken.JWKS(keys...)
	if err != nil {
		t.Fatal(err)
	}
	var set struct {
		Keys []map[string]string `json:"keys"`
	}
	if err := json.Unmarshal(doc, &set); err != nil {
		t.Fatal(err)
	}
	found := map[string]*rsa.PublicKey{}
	for _, k := range set.Keys {
		if len(k) != 6 || k["kty"] != "RSA" || k["alg"] != "RS256" || k["use"] != "sig" {
			t.Errorf("key %v", k)
		}
		n, err1 := base64.RawURLEncoding.DecodeString(k["n"])
		e, err2 := base64.RawURLEncoding.DecodeString(k["e"])
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		found[k["kid"]] = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	}
	return found
}

// TestAnIndependentVerifierAccepts applies the rules of Clerk's server SDKs: RS256, typ JWT, a kid
// of the key set, iss, azp, exp and nbf.
func TestAnIndependentVerifierAccepts(t *testing.T) {
	old, current := key(t), key(t)
	keys := published(t, old, current)
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(issuer), jwt.WithExpirationRequired(),
		jwt.WithTimeFunc(func() time.Time { return at.Add(59 * time.Second) }))
	got := jwt.MapClaims{}
	token, err := parser.ParseWithClaims(mint(t, current), got, func(token *jwt.Token) (any, error) {
		k, ok := keys[token.Header["kid"].(string)]
		if !ok {
			return nil, errors.New("kid not in the key set")
		}
		return k, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if token.Header["typ"] != "JWT" {
		t.Errorf("typ %v", token.Header["typ"])
	}
	want := jwt.MapClaims{
		"iss": issuer, "sub": "user_a", "sid": "sess_b", "azp": "https://app.example.com", "sts": "active", "v": 2.0, "jti": "j1",
		"iat": float64(at.Unix()), "nbf": float64(at.Unix() - 10), "exp": float64(at.Unix() + 60), "fva": []any{3.0, -1.0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNoOriginNoParty(t *testing.T) {
	c := claims
	c.AuthorizedParty = ""
	token, err := key(t).Mint(c)
	if err != nil {
		t.Fatal(err)
	}
	payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(token.Reveal(), ".")[1])
	if strings.Contains(string(payload), "azp") {
		t.Errorf("claims %s", payload)
	}
}

func TestVerify(t *testing.T) {
	k, other := key(t), key(t)
	good := mint(t, k)
	public := published(t, k)[k.ID()]
	forged := func(method jwt.SigningMethod, with any) string {
		tok := jwt.NewWithClaims(method, jwt.MapClaims{"iss": issuer, "sub": "user_evil", "v": 2, "iat": at.Unix(), "nbf": at.Unix(), "exp": at.Unix() + 60})
		tok.Header["kid"] = k.ID()
		text, err := tok.SignedString(with)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	at60 := at.Add(time.Minute)
	dated := func(issued, from, until time.Time) string {
		tok := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{"iss": issuer, "sub": "user_a", "v": 2, "iat": issued.Unix(), "nbf": from.Unix(), "exp": until.Unix()})
		tok.Header["kid"] = k.ID()
		text, err := tok.SignedString(sessiontoken.Private(k))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	parts := strings.Split(good, ".")
	for name, tc := range map[string]struct {
		token string
		now   time.Time
		iss   string
		ok    bool
	}{
		"fresh":                              {good, at, issuer, true},
		"at its end, within the tolerance":   {good, at.Add(64 * time.Second), issuer, true},
		"expired":                            {good, at.Add(65 * time.Second), issuer, false},
		"long before it was issued":          {good, at.Add(-16 * time.Second), issuer, false},
		"another issuer":                     {good, at, "https://clerk.example.org", false},
		"a key that we do not publish":       {mint(t, other), at, issuer, false},
		"algorithm none":                     {forged(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType), at, issuer, false},
		"HMAC with the public key as secret": {forged(jwt.SigningMethodHS256, public.N.Bytes()), at, issuer, false},
		"signature of another token":         {parts[0] + "." + parts[1] + "." + strings.Split(mint(t, other), ".")[2], at, issuer, false},
		"no signature":                       {parts[0] + "." + parts[1] + ".", at, issuer, false},
		"issued in the future":               {dated(at.Add(16*time.Second), at, at60), at, issuer, false},
		"issued years ahead":                 {dated(at.AddDate(9, 0, 0), at, at60), at, issuer, false},
		"issued years ahead, for a minute":   {dated(at.AddDate(9, 0, 0), at, at.AddDate(9, 0, 0).Add(time.Minute)), at, issuer, false},
		"for longer than a minute":           {dated(at, at, at60.Add(time.Second)), at, issuer, false},
		"for years":                          {dated(at, at, at.AddDate(9, 0, 0)), at, issuer, false},
		"over before it was issued":          {dated(at, at, at), at, issuer, false},
		"good only after it was issued":      {dated(at, at.Add(time.Second), at60), at, issuer, false},
		"not a token":                        {"hello", at, issuer, false},
		"empty":                              {"", at, issuer, false},
	} {
		got, err := sessiontoken.Verify(tc.token, []*sessiontoken.Key{k}, tc.iss, tc.now)
		if (err == nil) != tc.ok {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && !errors.Is(err, sessiontoken.ErrToken) {
			t.Errorf("%s: error %v, want ErrToken", name, err)
		}
		if tc.ok && (got.Subject != "user_a" || got.Ages != [2]int{3, -1} || !got.IssuedAt.Equal(at)) {
			t.Errorf("%s: claims %+v", name, got)
		}
	}
}

func TestKeysSurviveStorage(t *testing.T) {
	k := key(t)
	text, err := k.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, err := sessiontoken.ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	if again.ID() != k.ID() {
		t.Error("the key has another id after storage")
	}
	if _, err := sessiontoken.Verify(mint(t, again), []*sessiontoken.Key{k}, issuer, at); err != nil {
		t.Error(err)
	}
}

// FuzzVerify: only a minted token is accepted.
func FuzzVerify(f *testing.F) {
	k := key(f)
	good := mint(f, k)
	f.Add(good)
	f.Add(good[:len(good)-2])
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := sessiontoken.Verify(token, []*sessiontoken.Key{k}, issuer, at); err == nil && token != good {
			t.Errorf("accepted %q", token)
		}
	})
}

func BenchmarkMint(b *testing.B) {
	k := key(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Mint(claims); err != nil {
			b.Fatal(err)
		}
	}
}
