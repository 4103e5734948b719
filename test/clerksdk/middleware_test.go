package clerksdk_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/clerk/clerk-sdk-go/v2"
	clerkhttp "github.com/clerk/clerk-sdk-go/v2/http"
	"github.com/clerk/clerk-sdk-go/v2/jwks"
	"github.com/clerk/clerk-sdk-go/v2/jwt"
)

// claims returns the verified claims of a session token, with the key set of the Backend API.
func (j *journey) claims(token string) *clerk.SessionClaims {
	j.Helper()
	return must[*clerk.SessionClaims](j)(jwt.Verify(j.Context(), &jwt.VerifyParams{Token: token, JWKSClient: jwks.NewClient(j.config), ProxyURL: &j.url}))
}

// session returns a token of the session on its device.
func (d *device) session(id string) string {
	d.Helper()
	token, _ := d.post("/v1/client/sessions/"+id+"/tokens", url.Values{})["jwt"].(string)
	if token == "" {
		d.Fatal("no token")
	}
	return token
}

// forged returns the token with the id of another user, and the old signature.
func (j *journey) forged(token string) string {
	j.Helper()
	parts := strings.Split(token, ".")
	text := must[[]byte](j)(base64.RawURLEncoding.DecodeString(parts[1]))
	var claims map[string]any
	if err := json.Unmarshal(text, &claims); err != nil {
		j.Fatal(err)
	}
	claims["sub"] = "user_of_another"
	parts[1] = base64.RawURLEncoding.EncodeToString(must[[]byte](j)(json.Marshal(claims)))
	return strings.Join(parts, ".")
}

// clock is a clock of the SDK that is ahead.
type clock time.Duration

// Now implements [clerk.Clock].
func (c clock) Now() time.Time { return time.Now().Add(time.Duration(c)) }

func middleware(j *journey) {
	who, d, id := j.signedIn("middleware")
	token := d.session(id)
	claims := j.claims(token)
	j.same("claims", []string{who.ID, id, j.url}, []string{claims.Subject, claims.SessionID, claims.Issuer})
	j.same("factor verification age", [2]int64{0, -1}, claims.FactorVerificationAge)
	decoded := must[*clerk.UnverifiedToken](j)(jwt.Decode(j.Context(), &jwt.DecodeParams{Token: token}))
	j.same("decoded", who.ID, decoded.Subject)

	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		found, ok := clerk.SessionClaimsFromContext(r.Context())
		if !ok {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		_, _ = w.Write([]byte(found.Subject))
	})
	options := []clerkhttp.AuthorizationOption{clerkhttp.JWKSClient(jwks.NewClient(j.config)), clerkhttp.ProxyURL(j.url)}
	with := clerkhttp.WithHeaderAuthorization(options...)(hello)
	require := clerkhttp.RequireHeaderAuthorization(options...)(hello)
	ahead := clerkhttp.WithHeaderAuthorization(append(options, clerkhttp.Clock(clock(2*time.Hour)))...)(hello)
	fresh := clerkhttp.WithHeaderAuthorization(options...)(clerkhttp.NeedsSessionReverification(clerk.SessionReverificationPolicy{
		Level: clerk.SessionReverificationLevelFirstFactor, AfterMinutes: 10,
	})(hello))
	aged := j.aged(d, id)
	for what, c := range map[string]struct {
		handler http.Handler
		token   string
		status  int
	}{
		"with a token":                {with, token, http.StatusOK},
		"without a token":             {with, "", http.StatusNoContent},
		"a forged token":              {with, j.forged(token), http.StatusUnauthorized},
		"an old token":                {ahead, token, http.StatusUnauthorized},
		"required, with a token":      {require, token, http.StatusOK},
		"required, without a token":   {require, "", http.StatusForbidden},
		"required, a forged token":    {require, j.forged(token), http.StatusUnauthorized},
		"a fresh session":             {fresh, token, http.StatusOK},
		"a session of eleven minutes": {fresh, aged, http.StatusForbidden},
	} {
		req, answer := httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder()
		if c.token != "" {
			req.Header.Set("Authorization", "Bearer "+c.token)
		}
		c.handler.ServeHTTP(answer, req)
		j.same(what, c.status, answer.Code)
		if c.status == http.StatusOK {
			j.same(what+": the user", who.ID, answer.Body.String())
		}
	}
}

// aged returns a token of the session whose factors were verified eleven minutes ago.
func (j *journey) aged(d *device, id string) string {
	j.Helper()
	req, err := http.NewRequestWithContext(j.Context(), http.MethodPost, j.url+"/dev/sessions/"+id+"/age", strings.NewReader(`{"minutes":11}`))
	if err != nil {
		j.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != http.StatusOK {
		j.Fatal(res, err)
	}
	_ = res.Body.Close()
	return d.session(id)
}
