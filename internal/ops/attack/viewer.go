package attack

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// viewerProbes send the headers by which CloudFront names a caller's address. A deployment behind
// CloudFront trusts them if the secret is right.
func viewerProbes() []Probe {
	return []Probe{
		{"B23", "CloudFront's headers with guessed secrets, twice and in other letters, and a new address for each sign-in", "the limit per address does not move",
			"4.1.3, 15.3.4", "3.2.2", "futrx #112", 0, posesAsCloudFront},
	}
}

// poses are forged headers of one request, in several spellings of their names.
var poses = []func(address string) http.Header{
	func(a string) http.Header { return http.Header{"CloudFront-Viewer-Address": {a}} },
	func(a string) http.Header {
		return http.Header{"X-Countersign-Edge": {"guess"}, "CloudFront-Viewer-Address": {a}}
	},
	func(a string) http.Header {
		return http.Header{"x-countersign-edge": {"guess"}, "cloudfront-viewer-address": {a}}
	},
	func(a string) http.Header {
		return http.Header{"X-COUNTERSIGN-EDGE": {""}, "CLOUDFRONT-VIEWER-ADDRESS": {a}}
	},
	func(a string) http.Header {
		return http.Header{"X-Countersign-Edge": {"guess", "other"}, "CloudFront-Viewer-Address": {a, a}}
	},
	func(a string) http.Header {
		return http.Header{"X-Countersign-Edge": {"guess"}, "x-countersign-edge": {"other"}, "CloudFront-Viewer-Address": {a}, "cloudfront-viewer-address": {a}}
	},
	func(a string) http.Header {
		return http.Header{"X-Countersign-Edge": {"guess"}, "X-Forwarded-For": {a}, "X-Edge-Viewer-Address": {a}, "CloudFront-Viewer-Address": {a + ", " + a}}
	},
}

func posesAsCloudFront(t *trial) {
	limits := func(on bool) ask {
		return t.backend(http.MethodPatch, "/v1/instance", map[string]any{"ip_limits": on})
	}
	switch {
	case t.development:
		t.ok(limits(true))
		defer func() { t.ok(limits(t.limited)) }()
	case !t.limited:
		panic(unprepared("there is no limit per address: ip_limits is off"))
	}
	t.pass(11 * time.Second) // earlier attempts of this run do not count towards the limit
	for round := range 3 {
		for i, pose := range poses {
			status, err := t.pose(pose(fmt.Sprintf("198.51.100.%d:443", 16*round+i+1)))
			if err != nil {
				t.failf("no answer: %v", err)
			}
			if status == http.StatusTooManyRequests {
				return
			}
		}
	}
	t.failf("%d sign-ins within a moment, each with another address in its headers, met no limit", 3*len(poses))
}

// pose sends a sign-in with these headers, whose names keep their letters.
func (t *trial) pose(headers http.Header) (status int, err error) {
	a := ask{method: http.MethodPost, path: "/v1/client/sign_ins", form: map[string][]string{"identifier": {randomLetters(9)}}}
	r, err := a.request(t.ctx, t.URL)
	if err != nil {
		return 0, err
	}
	for name, values := range headers {
		r.Header[name] = values
	}
	res, err := t.client.Do(r)
	if err != nil {
		return 0, fmt.Errorf("pose as CloudFront: %w", err)
	}
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, errors.Join(err, res.Body.Close())
}
