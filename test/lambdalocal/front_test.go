package lambdalocal_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/test/lambdalocal"
)

// direct sends a request to the gateway itself, past CloudFront.
func (v *visitor) direct(method, path, body string, headers ...string) (status int, code string) {
	v.Helper()
	r, err := http.NewRequestWithContext(v.Context(), method, v.Gateway+path, strings.NewReader(body))
	if err != nil {
		v.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		v.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(res.Body)
	var answer struct{ Errors []struct{ Code string } }
	if json.Unmarshal(text, &answer) == nil && len(answer.Errors) > 0 {
		code = answer.Errors[0].Code
	}
	return res.StatusCode, code
}

// limited reports whether sign-ins through CloudFront from these addresses meet a limit.
func (v *visitor) limited(from func(i int) string) bool {
	v.Helper()
	const most = 9
	for i := range most {
		r, err := http.NewRequestWithContext(v.Context(), http.MethodPost, v.URL+"/v1/client/sign_ins", strings.NewReader("identifier=nobody"))
		if err != nil {
			v.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "https://app.example.com")
		r.Header.Set(lambdalocal.CallerHeader, from(i))
		r.Header.Set("X-Countersign-Edge", "guess") // CloudFront replaces both
		r.Header.Set("CloudFront-Viewer-Address", fmt.Sprintf("203.0.113.%d:1", i))
		res, err := http.DefaultClient.Do(r) // without a cookie: a known device has limits of its own
		if err != nil {
			v.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusTooManyRequests {
			return true
		}
	}
	return false
}

// learns waits until a warm function accepts a new secret. It reads the keyring again when its last
// read is two seconds old; CloudFront takes longer to send a new secret.
func (v *visitor) learns(t *testing.T, path string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		res, err := v.client.Get(v.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return
		}
	}
	t.Errorf("%s: a warm function does not learn of a new secret", path)
}

// forged are headers of a caller that goes past CloudFront.
var forged = map[string][]string{
	"no header":                 nil,
	"a guess":                   {"X-Countersign-Edge", "guess", "CloudFront-Viewer-Address", "203.0.113.9:1"},
	"two guesses":               {"X-Countersign-Edge", "guess", "x-countersign-edge", "other", "CloudFront-Viewer-Address", "203.0.113.9:1"},
	"two addresses":             {"CloudFront-Viewer-Address", "203.0.113.9:1", "cloudfront-viewer-address", "203.0.113.8:1"},
	"a name in small letters":   {"x-countersign-edge", "guess"},
	"a name in capital letters": {"X-COUNTERSIGN-EDGE", "guess", "CLOUDFRONT-VIEWER-ADDRESS", "203.0.113.9:1"},
	"what CloudFront adds":      {"X-Forwarded-For", "203.0.113.9", "Via", "1.1 x.cloudfront.net (CloudFront)", "X-Amz-Cf-Id", "x", "X-Edge-Location", "FRA"},
	"a hash in place of it":     {"X-Countersign-Edge", "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"},
}

// TestBehindCloudFront: real bootstraps behind CloudFront. Where it is required, no request past it
// reaches an operation, a page or the function of unknown paths. Where it is only believed, the
// gateway's address counts for them. Limits count the caller's address, and a new secret replaces
// the one before without a refused request.
func TestBehindCloudFront(t *testing.T) {
	for _, mode := range []string{lambdahost.EdgeRequired, lambdahost.EdgeBelieved} {
		t.Run(mode, func(t *testing.T) {
			d, log := deploy(t, "")
			if err := d.PutEdge(t.Context(), mode); err != nil {
				t.Fatal(err)
			}
			first := d.Edge.Secret
			v := newVisitor(t, d)
			user := text(v.server(200, "POST", "/v1/users", `{"username":"ada","password":"correct horse battery"}`), "id")
			v.enter(user)
			// clerk-js ends the path in a slash. The operation itself refuses: there is no second factor.
			v.page(400, "POST", "/v1/me/backup_codes/")
			v.page(200, "GET", "/.well-known/jwks.json")
			v.page(200, "GET", "/sign-in")

			for name, headers := range forged {
				for _, c := range []struct{ method, path string }{{"GET", "/v1/client"}, {"GET", "/sign-in"}, {"GET", "/.well-known/jwks.json"}, {"GET", "/v1/nothing"}, {"OPTIONS", "/v1/me"}} {
					status, code := v.direct(c.method, c.path, "", headers...)
					refused := status == http.StatusForbidden && code == "authorization_invalid"
					if refused != (mode == lambdahost.EdgeRequired) {
						t.Errorf("%s, %s %s past CloudFront: %d %s", name, c.method, c.path, status, code)
					}
				}
			}

			if v.limited(func(i int) string { return fmt.Sprintf("198.51.100.%d:443", i) }) {
				t.Error("callers at other addresses meet one limit")
			}
			if !v.limited(func(i int) string { return fmt.Sprintf("198.51.100.200:%d", i+1) }) {
				t.Error("one caller meets no limit")
			}
			if mode == lambdahost.EdgeBelieved {
				spoofs := false
				for i := range 9 {
					status, _ := v.direct("POST", "/v1/client/sign_ins", "identifier=nobody", "Origin", "https://app.example.com",
						"X-Countersign-Edge", "guess", "CloudFront-Viewer-Address", fmt.Sprintf("203.0.113.%d:1", i))
					spoofs = spoofs || status == http.StatusTooManyRequests
				}
				if !spoofs {
					t.Error("a caller past CloudFront chooses its address")
				}
			}

			second, err := d.EdgeSecret(t.Context(), 2)
			if err != nil || second == first {
				t.Fatalf("the second secret: %v", err)
			}
			v.server(200, "GET", "/v1/users/"+user, "") // CloudFront still has the first
			d.Edge.Secret = second
			v.server(200, "GET", "/v1/users/count", "") // a function that starts
			v.learns(t, "/v1/client")

			for _, s := range []string{first, second, d.SecretKey} {
				if strings.Contains(log.String(), s) {
					t.Errorf("the functions' log has %.4s…", s)
				}
			}
			if !strings.Contains(log.String(), `"ip":"198.51.100.200"`) {
				t.Error("the functions' log lacks the caller's address")
			}
			within(t, d)
		})
	}
}
