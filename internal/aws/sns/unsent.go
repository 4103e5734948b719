package sns

import (
	"errors"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// unsentError is the error of a request of which no byte was written.
type unsentError struct{ error }

func (e *unsentError) Unwrap() error { return e.error }

// Unsent returns a transport that marks the error of a request for which next opened no connection.
// A [Sender] sends such a message once more. next must not use a connection twice: on a used
// one a request may be lost after it was written.
func Unsent(next *http.Transport) http.RoundTripper { return unsent{next} }

type unsent struct{ next *http.Transport }

// RoundTrip implements [http.RoundTripper].
func (t unsent) RoundTrip(r *http.Request) (*http.Response, error) {
	var connected atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}
	res, err := t.next.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	if err != nil && !connected.Load() {
		return res, &unsentError{err}
	}
	return res, err
}

// onceIfUnsent repeats a request at once, and one time, if no byte of it was written.
func onceIfUnsent() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.RateLimiter = 2, ratelimit.None
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		o.Retryables = []retry.IsErrorRetryable{retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
			return aws.BoolTernary(errors.As(err, new(*unsentError)))
		})}
	})
}
