package lambdalocal

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/countersign-mfa/countersign/internal/api/operation"
)

// hop are the headers of one connection, which a gateway does not pass on (RFC 9110 section 7.6.1).
var hop = []string{"Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade"}

// Event returns the event of a request, in payload format 2.0: page
// http-api-develop-integrations-lambda.html of the guide of API Gateway, unless another is named.
//
//   - "All headers are lowercase." "Duplicate headers are combined with commas and included in the
//     headers field. Duplicate query strings are combined with commas and included in the
//     queryStringParameters field."
//   - "All cookie headers in the request are combined with commas and added to the cookies field."
//   - rawPath is the path after one decoding: "API Gateway decodes URL-encoded request parameters
//     before passing them to your backend integration" (http-api-develop-routes.html).
//   - A request without a body has no member body, and isBase64Encoded is false. A body that is
//     neither text nor JSON, XML or JavaScript is in base 64: that of a form is.
func Event(r *http.Request, e operation.Route, path string, values map[string]string, body []byte) events.APIGatewayV2HTTPRequest {
	address, _, _ := net.SplitHostPort(r.RemoteAddr)
	now := time.Now()
	if len(values) == 0 {
		values = nil
	}
	event := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: e.Key(), RawPath: path, RawQueryString: r.URL.RawQuery, Cookies: cookies(r), Headers: headers(r, address, len(body)),
		QueryStringParameters: joined(r.URL.Query()), PathParameters: values,
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey: e.Key(), AccountID: "111122223333", Stage: "$default", RequestID: fmt.Sprintf("local%d=", now.UnixNano()), APIID: "local", DomainName: r.Host,
			DomainPrefix: "local", Time: now.UTC().Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: r.Method, Path: path, Protocol: r.Proto, SourceIP: address, UserAgent: r.UserAgent()},
		},
	}
	if len(body) > 0 {
		event.Body, event.IsBase64Encoded = string(body), !textual(r.Header.Get("Content-Type"))
	}
	if event.IsBase64Encoded {
		event.Body = base64.StdEncoding.EncodeToString(body)
	}
	return event
}

// headers returns the headers of the event, with those that the gateway adds.
func headers(r *http.Request, address string, size int) map[string]string {
	sent := r.Header.Clone()
	for _, name := range hop {
		sent.Del(name)
	}
	sent.Del("Cookie")
	out := map[string]string{}
	for name, values := range sent {
		out[strings.ToLower(name)] = strings.Join(values, ",")
	}
	// "API Gateway adds the Content-type header to your request if there is no payload and the
	// Content-Length is 0" (api-gateway-known-issues.html). It does not say which.
	if out["content-length"] == "0" && out["content-type"] == "" {
		out["content-type"] = "application/octet-stream"
	}
	out["host"], out["content-length"] = r.Host, strconv.Itoa(size)
	out["x-amzn-trace-id"] = "Root=1-00000000-000000000000000000000000"
	out["x-forwarded-port"], out["x-forwarded-proto"] = "443", "https"
	out["x-forwarded-for"] = strings.TrimPrefix(out["x-forwarded-for"]+", "+address, ", ")
	return out
}

func cookies(r *http.Request) []string {
	var all []string
	for _, line := range r.Header.Values("Cookie") {
		all = append(all, strings.Split(line, "; ")...)
	}
	return all
}

// textual reports whether a body of this type is passed as text.
func textual(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	switch kind {
	case "application/json", "application/xml", "application/javascript":
		return true
	}
	return strings.HasPrefix(kind, "text/")
}

func joined(values url.Values) map[string]string {
	if len(values) == 0 {
		return nil
	}
	out := map[string]string{}
	for name, list := range values {
		out[name] = strings.Join(list, ",")
	}
	return out
}

// response is a function's answer. Members are pointers where an absent one differs from a zero
// value.
type response struct {
	StatusCode      *int              `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	Cookies         []string          `json:"cookies"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

// remapped are response headers that the gateway renames, as x-amzn-Remapped-<name>. REST APIs
// rename them
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html); for
// HTTP APIs nothing is documented, so an answer must not need them. Authorization is one of them
// there, too. It is not in this list, because native SDKs of Clerk read it.
var remapped = []string{"Www-Authenticate", "Server", "Date", "Content-Md5"}

// write sends the answer of a function. An answer without a status code is a whole body of JSON:
// "API Gateway makes the following assumptions if your Lambda function returns valid JSON and
// doesn't return a statusCode: isBase64Encoded is false, statusCode is 200, content-type is
// application/json, body is the function's response" (http-api-develop-integrations-lambda.html).
func write(w http.ResponseWriter, answered []byte) error {
	var a response
	if err := json.Unmarshal(answered, &a); err != nil {
		return fmt.Errorf("the function's answer has another form: %w", err)
	}
	if a.StatusCode == nil {
		ok := http.StatusOK
		a = response{StatusCode: &ok, Headers: map[string]string{"content-type": "application/json"}, Body: string(answered)}
	}
	if *a.StatusCode < http.StatusOK || *a.StatusCode > 599 {
		return errors.New("the function's answer has no status of HTTP")
	}
	body := []byte(a.Body)
	if a.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(a.Body); err != nil {
			return fmt.Errorf("body of the answer: %w", err)
		}
	}
	h := w.Header()
	for name, value := range a.Headers {
		h.Set(name, value)
	}
	for _, name := range hop {
		h.Del(name)
	}
	for _, name := range remapped {
		if value := h.Get(name); value != "" {
			h.Del(name)
			h.Set("x-amzn-Remapped-"+name, value)
		}
	}
	h.Set("Apigw-Requestid", "local=")
	h.Del("Content-Length") // the gateway counts the body
	for _, cookie := range a.Cookies {
		h.Add("Set-Cookie", cookie)
	}
	w.WriteHeader(*a.StatusCode)
	_, _ = w.Write(body)
	return nil
}
