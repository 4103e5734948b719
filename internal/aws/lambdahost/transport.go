package lambdahost

import (
	"net"
	"net/http"
	"time"
)

// Waits of one request to an AWS service. A function has ten seconds. A request on a connection
// that was lost while the function was frozen, to each of two services, leaves time for the rest.
const (
	dialLimit   = 2 * time.Second
	headerLimit = 2 * time.Second
	// idleLimit is how long an unused connection is used again. Lambda's network forgets idle
	// connections without telling either side.
	// https://docs.aws.amazon.com/lambda/latest/dg/best-practices.html
	idleLimit = 20 * time.Second
)

// newTransport returns the transport of the clients that the SDK lets repeat requests: those of
// DynamoDB, KMS, Secrets Manager and EventBridge. It speaks HTTP/1.1, as DynamoDB does. So a lost
// connection fails one request, and the repetition opens another connection.
func newTransport() http.RoundTripper {
	return renewing{&http.Transport{
		DialContext:           (&net.Dialer{Timeout: dialLimit, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   dialLimit,
		ResponseHeaderTimeout: headerLimit,
		IdleConnTimeout:       idleLimit,
		MaxIdleConnsPerHost:   16,
	}}
}

// renewing closes all unused connections after a failed request. Connections that slept together
// are lost together, and each would cost a repetition another wait.
type renewing struct{ *http.Transport }

// RoundTrip implements [http.RoundTripper].
func (t renewing) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := t.Transport.RoundTrip(r)
	if err != nil {
		t.CloseIdleConnections()
	}
	return res, err
}

// OneRequest returns a transport that opens a connection for each request, because it must not fail
// on one that was lost meanwhile. It is for requests that cannot be repeated. limit bounds the time
// from the sent request to the header of the answer.
func OneRequest(limit time.Duration) *http.Transport {
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: dialLimit}).DialContext,
		TLSHandshakeTimeout:   dialLimit,
		ResponseHeaderTimeout: limit,
		DisableKeepAlives:     true,
	}
}
