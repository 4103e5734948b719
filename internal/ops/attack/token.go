package attack

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// tokenProbes are the rest of class F, and H: session tokens and the secret key.
func tokenProbes() []Probe {
	return []Probe{
		{"F07", "session tokens with alg none, another key, no signature, as every credential", "they open nothing: no operation takes a session token for a client or a key", "9.1.1, 9.1.2", "5.1", "", 0, forgedTokens},
		{"F12", "a credential of ten thousand dots, of quotes, of NULs", "refused, no server error", "9.1.1", "5.1", "golang-jwt CVE-2025-30204", 0, oddCredentials},
		{"F14", "reading a session token and the published keys", "RS256 by a published key, a minute long, no private part, no personal data", "9.1.3, 9.2.1, 11.4.1", "5.1", "", 0, tokenAndKeys},
		{"H01", "the Backend API without a key, with parts of it, with other keys", "refused alike", "13.2.1", "5.1", "", 0, otherKeys},
		{"H02", "a client token at the Backend API, the secret key at the Frontend API", "refused", "8.3.1", "5.1", "", 0, swappedCredentials},
	}
}

// sessionToken returns a token of the browser's session.
func (b *browser) sessionToken() string {
	return b.must(http.MethodPost, "/v1/client/sessions/"+b.session+"/tokens").text("jwt")
}

// forgeries returns invalid tokens with the claims of a valid token, by the kind of forgery.
func (t *trial) forgeries(right string) map[string]string {
	parts := strings.Split(right, ".")
	if len(parts) != 3 {
		t.failf("a session token has %d parts", len(parts))
	}
	encode := base64.RawURLEncoding.EncodeToString
	out := map[string]string{
		"no signature": parts[0] + "." + parts[1] + ".", "half the signature": right[:len(right)-len(parts[2])/2], "a bit flipped": parts[0] + "." + parts[1] + "." + flipped(parts[2]),
		"HS256 by the public key's name": encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + parts[1] + "." + parts[2], "a key of its own": encode([]byte(`{"alg":"RS256","jku":"https://evil.example/k","kid":"../../dev/null"}`)) + "." + parts[1] + "." + parts[2], "two tokens joined": right + "." + right,
		"alg none": encode([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + parts[1] + ".", "alg nOnE": encode([]byte(`{"alg":"nOnE"}`)) + "." + parts[1] + ".",
	}
	const bits = 2048
	other, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.failf("no key: %v", err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: other}, nil)
	if err != nil {
		t.failf("no signer: %v", err)
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.failf("the token's claims are not base 64")
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		t.failf("cannot sign: %v", err)
	}
	if out["another key"], err = signed.CompactSerialize(); err != nil {
		t.failf("cannot sign: %v", err)
	}
	return out
}

func forgedTokens(t *trial) {
	b := t.person().enter()
	right := b.sessionToken()
	all := t.forgeries(right)
	all["the right one"] = right
	for what, token := range all {
		t.refused(what+" as the key of the Backend API", ask{path: "/v1/users/count"}.with("Authorization", "Bearer "+token))
		t.refused(what+" as the client cookie", ask{path: "/v1/me?_clerk_session_id=" + b.session, cookie: token})
		t.refused(what+" as a native client", ask{path: "/v1/me?_is_native=1&_clerk_session_id=" + b.session}.with("Authorization", token))
		t.refused(what+" as a development browser", ask{path: "/v1/me?_clerk_session_id=" + b.session + "&__clerk_db_jwt=" + token})
		t.refused(what+" as the session cookie", ask{path: "/v1/me?_clerk_session_id=" + b.session}.with("Cookie", "__session="+token))
	}
}

func oddCredentials(t *trial) {
	const many = 10000
	for _, text := range []string{strings.Repeat(".", many), strings.Repeat("a.", many/2), `"'--; DROP TABLE x`, "../../dev/null", strings.Repeat("A", many), "%00%00"} {
		t.refused("as a key", ask{path: "/v1/users/count"}.with("Authorization", "Bearer "+text))
		t.refused("as a native client", ask{path: "/v1/me?_is_native=1"}.with("Authorization", text))
		t.refused("as a cookie", ask{path: "/v1/me"}.with("Cookie", "__client="+text))
	}
}

func tokenAndKeys(t *trial) {
	b := t.person().enter()
	text := b.sessionToken()
	keys := t.ok(ask{path: "/.well-known/jwks.json"})
	for _, private := range []string{`"d"`, `"p"`, `"q"`, `"dp"`, `"dq"`, `"qi"`, `"k"`, "PRIVATE"} {
		if strings.Contains(string(keys.body), private) {
			t.failf("the published keys have the private part %s", private)
		}
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(keys.body, &set); err != nil || len(set.Keys) == 0 {
		t.failf("no keys are published")
	}
	token, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.failf("the token is not signed with RS256")
	}
	var claims jwt.Claims
	if err := token.Claims(set, &claims); err != nil {
		t.failf("no published key verifies the token")
	}
	const longest = 2 * time.Minute
	if claims.Expiry == nil || claims.IssuedAt == nil || claims.Expiry.Time().Sub(claims.IssuedAt.Time()) > longest {
		t.failf("the token lives longer than %v", longest)
	}
	payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[1])
	for _, word := range []string{"phone", "email", "username", "secret"} {
		if strings.Contains(string(payload), word) {
			t.failf("the token holds personal data: %s", word)
		}
	}
}

func otherKeys(t *trial) {
	key := t.SecretKey.Reveal()
	var first reply
	for what, header := range map[string]string{
		"no key": "", "an empty key": "Bearer ", "part of the key": "Bearer " + key[:len(key)-1], "the key and more": "Bearer " + key + "x",
		"in capitals": "Bearer " + strings.ToUpper(key), "a publishable key": "Bearer pk_test_x", "another key": "Bearer sk_live_" + randomLetters(20), "as Basic": "Basic " + key,
		"twice": "Bearer " + key + ", Bearer " + key, "quoted": `Bearer "` + key + `"`, "with a tab": "Bearer\t" + key + "\t.", "another scheme": "Digest " + key, "in pieces": "Bearer " + key[:4] + " " + key[4:],
	} {
		a := ask{path: "/v1/users/count"}
		if header != "" {
			a = a.with("Authorization", header)
		}
		r := t.refused(what, a)
		if r.status != http.StatusUnauthorized || first.status != 0 && shape(first) != shape(r) {
			t.failf("%s: %v, want 401 as for every other key", what, r)
		}
		first = r
	}
}

func swappedCredentials(t *trial) {
	b := t.person().enter()
	t.refused("a client token as the key", ask{path: "/v1/users/count"}.with("Authorization", "Bearer "+b.cookie))
	t.refused("a client cookie at the Backend API", ask{path: "/v1/users/count", cookie: b.cookie})
	t.refused("the secret key as a native client", ask{path: "/v1/me?_is_native=1&_clerk_session_id=" + b.session}.with("Authorization", "Bearer "+t.SecretKey.Reveal()))
	t.refused("the secret key as a cookie", ask{path: "/v1/me?_clerk_session_id=" + b.session, cookie: t.SecretKey.Reveal()})
	t.refused("the key in the query", ask{path: "/v1/users/count?secret_key=" + t.SecretKey.Reveal() + fmt.Sprint("&Authorization=", t.SecretKey.Reveal())})
}

// decoded returns the claims of a token.
func decoded(token string) string {
	_, rest, _ := strings.Cut(token, ".")
	claims, _, _ := strings.Cut(rest, ".")
	text, _ := base64.RawURLEncoding.DecodeString(claims)
	return string(text)
}

// flipped returns a signature with another first character.
func flipped(text string) string {
	if text[0] == 'A' {
		return "B" + text[1:]
	}
	return "A" + text[1:]
}
