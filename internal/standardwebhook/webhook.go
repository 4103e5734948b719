package standardwebhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/deliverylog"
	"github.com/countersign-mfa/countersign/internal/domain/webhook"
)

const (
	// within is how long an endpoint has to answer, with connecting.
	within = 3 * time.Second
	// answerRead is how much of an answer is read and dropped, so that the connection can be reused.
	answerRead = 4 << 10
)

var (
	// ErrAnswer says that an endpoint answered with a status other than 2xx.
	ErrAnswer = errors.New("webhook: the endpoint did not accept it")
	// ErrURL says that the text is not the URL of an endpoint.
	ErrURL = errors.New("webhook: not an endpoint's URL")
)

// Sender posts events. It is safe for concurrent use.
type Sender struct {
	client *http.Client
	reach  Reach
}

// Reach says which endpoints a [Sender] may post to.
type Reach int

// The values of [Reach].
const (
	// PublicOnly allows https on port 443 of public addresses.
	PublicOnly Reach = iota
	// LoopbackToo also allows http and every port of this machine, for development.
	LoopbackToo
)

// New returns a sender that posts to the endpoints within reach.
func New(reach Reach) *Sender {
	dialer := &net.Dialer{Timeout: within, Control: reach.control}
	return &Sender{reach: reach, client: &http.Client{
		Timeout: within,
		Transport: &http.Transport{
			Proxy:                  nil, // a proxy would not check addresses
			DialContext:            dialer.DialContext,
			TLSHandshakeTimeout:    within,
			ResponseHeaderTimeout:  within,
			MaxResponseHeaderBytes: 16 << 10,
			MaxIdleConnsPerHost:    2,
			IdleConnTimeout:        30 * time.Second,
			ForceAttemptHTTP2:      true,
			DisableCompression:     true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Deliver posts one event, once. Its errors name neither the URL nor the answer's body.
func (s *Sender) Deliver(ctx context.Context, p webhook.Delivery) (webhook.Answer, error) {
	status, err := s.post(ctx, p)
	return webhook.Answer{Status: status, Problem: problem(err)}, err
}

// problem returns the kind of an error of [Sender.post].
func problem(err error) deliverylog.Problem {
	timeout, name, certificate := (net.Error)(nil), (*net.DNSError)(nil), (*tls.CertificateVerificationError)(nil)
	alert := tls.AlertError(0)
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrAnswer):
		return deliverylog.Status
	case errors.Is(err, ErrAddress), errors.Is(err, ErrURL):
		return deliverylog.Address
	case errors.Is(err, errSecret):
		return deliverylog.Unsigned
	case errors.As(err, &timeout) && timeout.Timeout():
		return deliverylog.Timeout
	case errors.As(err, &name):
		return deliverylog.Name
	case errors.As(err, &certificate), errors.As(err, &alert), errors.Is(err, http.ErrSchemeMismatch):
		return deliverylog.Certificate
	}
	return deliverylog.Connection
}

// post sends one event and returns the status code of the answer, 0 without an answer.
func (s *Sender) post(ctx context.Context, p webhook.Delivery) (status int, err error) {
	u, err := url.Parse(p.URL)
	if err != nil || u.Scheme != "https" && (s.reach != LoopbackToo || u.Scheme != "http") || u.Hostname() == "" || u.User != nil {
		return 0, ErrURL
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(p.Body))
	if err != nil {
		return 0, ErrURL
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Countersign-Webhooks/1")
	if err := sign(r.Header, p.Secrets, p.ID, p.At, p.Body); err != nil {
		return 0, err
	}
	answer, err := s.client.Do(r)
	if err != nil {
		if errors.Is(err, ErrAddress) {
			return 0, ErrAddress
		}
		if wrong := (*url.Error)(nil); errors.As(err, &wrong) { // url.Error names the URL
			err = wrong.Err
		}
		return 0, fmt.Errorf("post webhook: %w", err)
	}
	_, _ = io.CopyN(io.Discard, answer.Body, answerRead)
	_ = answer.Body.Close()
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return answer.StatusCode, fmt.Errorf("%w: status %d", ErrAnswer, answer.StatusCode)
	}
	return answer.StatusCode, nil
}
