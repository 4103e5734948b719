// Package lambdahost lets an http.Handler answer events of an API Gateway HTTP API (payload format
// 2.0), so that a function and the local server run the same code.
package lambdahost

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

type (
	event  = events.APIGatewayV2HTTPRequest
	answer = events.APIGatewayV2HTTPResponse
)

// Handle returns a Lambda handler that serves events with h. An event that is no HTTP request gets
// 400.
func Handle(h http.Handler) func(context.Context, event) (answer, error) {
	return func(ctx context.Context, e event) (answer, error) {
		r, err := request(ctx, e)
		if err != nil {
			return answer{StatusCode: http.StatusBadRequest, Headers: map[string]string{"content-type": "application/json"}, Body: `{"errors":[]}`}, nil
		}
		w := &recorder{header: http.Header{}}
		h.ServeHTTP(w, r)
		if e.RequestContext.HTTP.Method == http.MethodHead { // RFC 9110 section 9.3.2
			w.body.Reset()
		}
		return w.answer(), nil
	}
}

type addressKey struct{}

// Address returns the caller's address as the gateway saw it; behind an [Edge], as CloudFront did.
// It ignores headers that a caller can set. If the text is no address, the result is
// [tx.UnknownAddress], so limits hold.
func Address(r *http.Request) netip.Addr {
	if a, ok := r.Context().Value(addressKey{}).(netip.Addr); ok {
		return a
	}
	return tx.UnknownAddress
}

// request builds the request that the event describes. The gateway joins repeated headers with
// commas and moves cookies to a field of their own. It has decoded the path: "API Gateway decodes
// URL-encoded request parameters before passing them to your backend integration"
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html). The
// path is not decoded again, or "%2525" would mean "%".
func request(ctx context.Context, e event) (*http.Request, error) {
	body := []byte(e.Body)
	if e.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(e.Body); err != nil {
			return nil, fmt.Errorf("body of the event: %w", err)
		}
	}
	target := &url.URL{Path: e.RawPath, RawQuery: e.RawQueryString}
	if !strings.HasPrefix(target.Path, "/") || e.RequestContext.HTTP.Method == "" {
		return nil, fmt.Errorf("event is no HTTP request")
	}
	address := tx.ParseAddress(e.RequestContext.HTTP.SourceIP)
	// Without the path, because the text of a URL with the path //a/b names the host a.
	r, err := http.NewRequestWithContext(context.WithValue(ctx, addressKey{}, address), e.RequestContext.HTTP.Method, "/?"+e.RawQueryString, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("request of the event: %w", err)
	}
	r.URL.Path = e.RawPath
	for name, value := range e.Headers {
		r.Header.Set(name, value)
	}
	if len(e.Cookies) > 0 {
		r.Header.Set("Cookie", strings.Join(e.Cookies, "; "))
	}
	r.Host = e.RequestContext.DomainName
	r.RequestURI = target.RequestURI()
	return takeClaim(r, e.Headers), nil
}

// recorder collects a handler's answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements [http.ResponseWriter].
func (w *recorder) Header() http.Header { return w.header }

// WriteHeader implements [http.ResponseWriter]; only the first call counts.
func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

// Write implements [http.ResponseWriter].
func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// answer returns the response in the gateway's form: cookies have a field of their own, repeated
// headers are joined.
func (w *recorder) answer() answer {
	w.WriteHeader(http.StatusOK)
	out := answer{StatusCode: w.status, Headers: map[string]string{}, Cookies: w.header.Values("Set-Cookie"), Body: w.body.String()}
	for name, values := range w.header {
		if name != "Set-Cookie" {
			out.Headers[strings.ToLower(name)] = strings.Join(values, ", ")
		}
	}
	if !utf8.Valid(w.body.Bytes()) {
		out.Body, out.IsBase64Encoded = base64.StdEncoding.EncodeToString(w.body.Bytes()), true
	}
	return out
}
