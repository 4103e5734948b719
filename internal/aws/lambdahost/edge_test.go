package lambdahost_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

const (
	right      = "the-secret-of-cloudfront"
	header     = "x-countersign-edge"
	viewerIs   = "cloudfront-viewer-address"
	gatewaySaw = "192.0.2.7"
	unread     = "0.0.0.0" // tx.UnknownAddress
)

// behind sends a request with these headers to a handler behind CloudFront. seen is empty when the
// request did not reach the handler.
func behind(t *testing.T, mode string, accepts func(context.Context, secret.Value) (bool, error), headers map[string]string) (got seen, answer events.APIGatewayV2HTTPResponse, log string) {
	t.Helper()
	var out bytes.Buffer
	edge := lambdahost.Edge{Mode: mode, Accepts: accepts, Log: slog.New(slog.NewJSONHandler(&out, nil))}
	e := get("/v1/me")
	e.Headers, e.RequestContext.HTTP.SourceIP = headers, gatewaySaw
	answer, err := lambdahost.Handle(edge.Handler(look(&got)))(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return got, answer, out.String()
}

func onlyRight(_ context.Context, given secret.Value) (bool, error) {
	return given.Equal(secret.New(right)), nil
}

// TestTheAddressBehindCloudFront: the address of the header is believed with the secret, and with
// nothing else. Where CloudFront is required, everything else is refused.
func TestTheAddressBehindCloudFront(t *testing.T) {
	for name, c := range map[string]struct {
		headers map[string]string
		// address is what the handler sees, if a request without the secret is not refused.
		address string
		through bool
	}{
		"IPv4":                               {map[string]string{header: right, viewerIs: "198.51.100.10:46532"}, "198.51.100.10", true},
		"IPv6, without brackets":             {map[string]string{header: right, viewerIs: "2001:db8::1:46532"}, "2001:db8::1", true},
		"IPv6 in full":                       {map[string]string{header: right, viewerIs: "2001:db8:0:0:0:0:0:1:443"}, "2001:db8::1", true},
		"IPv4 as IPv6":                       {map[string]string{header: right, viewerIs: "::ffff:198.51.100.10:443"}, "198.51.100.10", true},
		"no address":                         {map[string]string{header: right}, unread, true},
		"an address without a port":          {map[string]string{header: right, viewerIs: "198.51.100.10"}, unread, true},
		"a port that is none":                {map[string]string{header: right, viewerIs: "198.51.100.10:http"}, unread, true},
		"two addresses":                      {map[string]string{header: right, viewerIs: "198.51.100.10:1,203.0.113.9:2"}, unread, true},
		"no address at all":                  {map[string]string{header: right, viewerIs: "[::]:443"}, unread, true},
		"the unspecified address":            {map[string]string{header: right, viewerIs: "::0.0.0.0:443"}, unread, true},
		"an address with a zone":             {map[string]string{header: right, viewerIs: "fe80::1%eth0:443"}, unread, true},
		"no secret":                          {map[string]string{viewerIs: "198.51.100.10:46532"}, gatewaySaw, false},
		"an empty secret":                    {map[string]string{header: "", viewerIs: "198.51.100.10:46532"}, gatewaySaw, false},
		"a guessed secret":                   {map[string]string{header: "guess", viewerIs: "198.51.100.10:46532"}, gatewaySaw, false},
		"a part of the secret":               {map[string]string{header: right[:9], viewerIs: "198.51.100.10:46532"}, gatewaySaw, false},
		"the secret and more":                {map[string]string{header: right + " ", viewerIs: "198.51.100.10:46532"}, gatewaySaw, false},
		"the header twice":                   {map[string]string{header: "guess," + right, viewerIs: "198.51.100.10:46532"}, gatewaySaw, false},
		"the right header twice":             {map[string]string{header: right + "," + right, viewerIs: "198.51.100.10:46532"}, gatewaySaw, false},
		"two spellings, one right":           {map[string]string{header: right, "X-Countersign-Edge": "guess", viewerIs: "198.51.100.10:1"}, gatewaySaw, false},
		"capital letters, and a guess":       {map[string]string{"X-COUNTERSIGN-EDGE": "guess", "CLOUDFRONT-VIEWER-ADDRESS": "198.51.100.10:1"}, gatewaySaw, false},
		"headers of other proxies":           {map[string]string{"x-forwarded-for": "198.51.100.10", "x-edge-location": "FRA", "via": "1.1 x.cloudfront.net"}, gatewaySaw, false},
		"two spellings of the address":       {map[string]string{header: right, viewerIs: "198.51.100.10:1", "Cloudfront-Viewer-Address": "203.0.113.9:1"}, unread, true},
		"the secret beside a forwarded list": {map[string]string{header: right, viewerIs: "198.51.100.10:1", "x-forwarded-for": "203.0.113.9"}, "198.51.100.10", true},
	} {
		for _, mode := range []string{lambdahost.EdgeBelieved, lambdahost.EdgeRequired} {
			got, answer, log := behind(t, mode, onlyRight, c.headers)
			if refused := mode == lambdahost.EdgeRequired && !c.through; refused {
				var body struct{ Errors []struct{ Code string } }
				if answer.StatusCode != 403 || got.Method != "" || json.Unmarshal([]byte(answer.Body), &body) != nil || len(body.Errors) != 1 || body.Errors[0].Code != "authorization_invalid" || !strings.Contains(answer.Body, "through CloudFront") {
					t.Errorf("%s, %s: %d %s, handler called: %v", name, mode, answer.StatusCode, answer.Body, got.Method != "")
				}
				if answer.Headers["cache-control"] != "no-store" || answer.Headers["content-type"] == "" {
					t.Errorf("%s: the refusal has the headers %v", name, answer.Headers)
				}
			} else if answer.StatusCode != 200 || got.Address != c.address {
				t.Errorf("%s, %s: %d, the address is %s, want %s", name, mode, answer.StatusCode, got.Address, c.address)
			}
			for at := range got.Header {
				if strings.EqualFold(at, header) || strings.EqualFold(at, viewerIs) {
					t.Errorf("%s, %s: the handler sees the header %s", name, mode, at)
				}
			}
			if strings.Contains(log+answer.Body, right) || strings.Contains(log, "guess") {
				t.Errorf("%s, %s: the secret is in the log or the answer", name, mode)
			}
			if warns := strings.Contains(log, "no readable address"); warns != (c.address == unread) {
				t.Errorf("%s, %s: the log says %q", name, mode, log)
			}
		}
	}
}

// TestWithoutCloudFront: its headers mean nothing, and no handler sees them.
func TestWithoutCloudFront(t *testing.T) {
	got, _, _ := behind(t, "", nil, map[string]string{header: right, viewerIs: "198.51.100.10:46532"})
	if got.Address != gatewaySaw || len(got.Header) != 0 {
		t.Errorf("the address is %s, the headers are %v", got.Address, got.Header)
	}
}

// TestTheSecretCannotBeChecked: where CloudFront is required, a store that does not answer is no
// wrong secret, and opens nothing.
func TestTheSecretCannotBeChecked(t *testing.T) {
	down := func(context.Context, secret.Value) (bool, error) {
		return false, errors.New("no answer from the store")
	}
	got, answer, _ := behind(t, lambdahost.EdgeRequired, down, map[string]string{header: right, viewerIs: "198.51.100.10:1"})
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Headers["retry-after"] == "" || got.Method != "" || strings.Contains(answer.Body, "no answer") {
		t.Errorf("required: %d %s, handler called: %v", answer.StatusCode, answer.Body, got.Method != "")
	}
	if got, answer, _ = behind(t, lambdahost.EdgeBelieved, down, map[string]string{header: right, viewerIs: "198.51.100.10:1"}); answer.StatusCode != 200 || got.Address != gatewaySaw {
		t.Errorf("believed: %d, the address is %s", answer.StatusCode, got.Address)
	}
}

// FuzzViewerAddress: whatever CloudFront's header says, the handler sees the address before the
// last colon, or none. It never sees the gateway's.
func FuzzViewerAddress(f *testing.F) {
	for _, text := range []string{"198.51.100.10:46532", "2001:db8::1:46532", "[2001:db8::1]:443", "", ":", "1:1", "::1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, answer, _ := behind(t, lambdahost.EdgeRequired, onlyRight, map[string]string{header: right, viewerIs: text})
		if answer.StatusCode == 400 {
			return
		}
		at := strings.LastIndexByte(text, ':')
		if got.Address == gatewaySaw && !strings.HasPrefix(text, gatewaySaw) {
			t.Errorf("%q: the handler sees the gateway's address", text)
		}
		if got.Address != unread && (at < 0 || strings.ContainsAny(text[:at], "[]% ")) {
			t.Errorf("%q is the address %s", text, got.Address)
		}
	})
}
