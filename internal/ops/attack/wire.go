package attack

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// wireProbes are the probes of class G that no HTTP client can send: bytes that two readers of one
// connection may parse as different requests.
func wireProbes() []Probe {
	return []Probe{
		{"G22", "one request that holds a second: a length against chunks, two lengths, odd chunks", "one answer, and none to what was hidden", "4.2.1", "", "", 0, smuggling},
		{"G24", "the Backend API by absolute targets, HTTP/1.0, two hosts, none", "never answered without a key, no details of an error", "4.2.1, 8.3.1", "", "", 0, targets},
		{"G25", "two Authorization headers, of which one is right", "refused: a proxy may have read the other", "4.2.1, 15.3.7", "5.1", "", 0, twoKeys},
		{"G26", "header lines with control characters, a space before the colon, a line that goes on", "refused, or read as one value", "4.2.1, 1.2.1", "", "", 0, oddHeaders},
	}
}

// answers returns the responses to the bytes written on one connection, until the server closes it
// or pauses.
func (t *trial) answers(text string) []reply {
	u, err := url.Parse(t.URL)
	if err != nil {
		t.failf("the URL is malformed")
	}
	host := u.Host
	if u.Port() == "" {
		host += map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
	}
	dial := &net.Dialer{Timeout: requestLimit}
	var c net.Conn
	if u.Scheme == "https" {
		c, err = (&tls.Dialer{NetDialer: dial, Config: &tls.Config{NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}}).DialContext(t.ctx, "tcp", host)
	} else {
		c, err = dial.DialContext(t.ctx, "tcp", host)
	}
	if err != nil {
		t.failf("no connection: %v", err)
	}
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, strings.ReplaceAll(text, "HOST", u.Host)); err != nil {
		t.failf("cannot write: %v", err)
	}
	const silence = time.Second / 2
	var out []reply
	for r := bufio.NewReader(c); ; {
		limit := requestLimit
		if len(out) > 0 {
			limit = silence
		}
		_ = c.SetReadDeadline(t.Now().Add(limit))
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			if len(out) == 0 && errors.Is(err, os.ErrDeadlineExceeded) {
				t.failf("no answer to a request by hand")
			}
			return out
		}
		body, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20))
		_ = res.Body.Close()
		one := reply{status: res.StatusCode, header: res.Header, body: body}
		one.ask.path = "(by hand)"
		// These two answers are about HTTP itself.
		if res.StatusCode != http.StatusNotImplemented && res.StatusCode != http.StatusHTTPVersionNotSupported {
			t.listen(one)
		}
		out = append(out, one)
	}
}

func smuggling(t *trial) {
	const hidden = "GET /v1/environment HTTP/1.1\r\nHost: a.example\r\n\r\n"
	const post = "POST /v1/client/sign_ins HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/x-www-form-urlencoded\r\n"
	for what, text := range map[string]string{
		"a length and chunks":          post + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
		"chunks and a length":          post + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(hidden), hidden),
		"two lengths":                  post + "Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + hidden,
		"a list of lengths":            post + "Content-Length: 0, 44\r\n\r\n" + hidden,
		"a length with a sign":         post + "Content-Length: +0\r\n\r\n" + hidden,
		"a coding that is none":        post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden,
		"chunked twice":                post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + hidden,
		"a space before the colon":     post + "Transfer-Encoding : chunked\r\nContent-Length: 0\r\n\r\n" + hidden,
		"a vertical tab in the coding": post + "Transfer-Encoding: \x0bchunked\r\nContent-Length: 0\r\n\r\n" + hidden,
		"a chunk with a sign":          post + "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n" + hidden,
	} {
		if n := len(t.answers(text)); n > 1 {
			t.failf("%s: the request that was hidden was answered", what)
		}
	}
}

func targets(t *trial) {
	for what, text := range map[string]string{
		"an absolute target":             "GET http://HOST/v1/users/count HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n",
		"an absolute target elsewhere":   "GET http://evil.example/v1/users/count HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n",
		"HTTP/1.0 without a host":        "GET /v1/users/count HTTP/1.0\r\n\r\n",
		"HTTP/1.1 without a host":        "GET /v1/users/count HTTP/1.1\r\nConnection: close\r\n\r\n",
		"two hosts":                      "GET /v1/users/count HTTP/1.1\r\nHost: HOST\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
		"a host with a dot at the end":   "GET /v1/users/count HTTP/1.1\r\nHost: evil.example.\r\nConnection: close\r\n\r\n",
		"a target without a slash":       "GET v1/users/count HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n",
		"an authority as the target":     "CONNECT HOST HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n",
		"an asterisk":                    "OPTIONS * HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n",
		"a fragment in the target":       "GET /v1/users/count#/v1/environment HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n",
		"a NUL in the target":            "GET /v1/users/count\x00 HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n",
		"a query with a second question": "GET /v1/users/count?a=b?_method=GET HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n",
	} {
		for _, r := range t.answers(text) {
			if r.status/100 == 2 && strings.Contains(string(r.body), "total_count") || r.status >= 500 && r.status != http.StatusNotImplemented && r.status != http.StatusHTTPVersionNotSupported {
				t.failf("%s: %v", what, r)
			}
		}
	}
}

func twoKeys(t *trial) {
	const wrong = "Bearer sk_test_wrong"
	right := "Bearer " + t.SecretKey.Reveal()
	for what, pair := range map[string][2]string{"the right one last": {wrong, right}, "the right one first": {right, wrong}, "the right one twice": {right, right}} {
		all := t.answers("GET /v1/users/count HTTP/1.1\r\nHost: HOST\r\nAuthorization: " + pair[0] + "\r\nAuthorization: " + pair[1] + "\r\nConnection: close\r\n\r\n")
		if len(all) != 1 || all[0].status/100 != 4 {
			t.failf("%s: %v, want one refusal", what, all)
		}
	}
}

func oddHeaders(t *trial) {
	key := t.SecretKey.Reveal()
	for what, line := range map[string]string{
		"a space before the colon": "Authorization : Bearer " + key, "a NUL": "Authorization: Bearer " + key + "\x00", "a name with a NUL": "Author\x00ization: Bearer " + key,
		"a name that looks alike": "Аuthorization: Bearer " + key, "an underscore": "HTTP_AUTHORIZATION: Bearer " + key, "a carriage return": "X-A: b\rAuthorization: Bearer " + key,
	} {
		for _, r := range t.answers("GET /v1/users/count HTTP/1.1\r\nHost: HOST\r\n" + line + "\r\nConnection: close\r\n\r\n") {
			if r.status < 400 || r.status >= 500 {
				t.failf("%s: %v, want a refusal", what, r)
			}
		}
	}
}
