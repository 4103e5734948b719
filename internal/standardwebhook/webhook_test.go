package standardwebhook_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/deliverylog"
	"github.com/countersign-mfa/countersign/internal/domain/webhook"
	"github.com/countersign-mfa/countersign/internal/standardwebhook"
)

const (
	aSecret       = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	anotherSecret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
)

// TestSignAsInTheSpecification compares a signature with the example of the reference
// implementation.
func TestSignAsInTheSpecification(t *testing.T) {
	got, err := standardwebhook.Sign(secret.New(aSecret), "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; err != nil || got != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	for _, wrong := range []string{"", "whsec_", "whsec_%", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"} {
		if _, err := standardwebhook.Sign(secret.New(wrong), "id", time.Unix(0, 0), nil); err == nil || wrong != "" && strings.Contains(err.Error(), wrong) {
			t.Errorf("%q signs, or the error shows it: %v", wrong, err)
		}
	}
}

// deliveryTo returns an event for an endpoint, signed with both secrets.
func deliveryTo(url string, at time.Time) webhook.Delivery {
	return webhook.Delivery{URL: url, ID: "evt_1", At: at, Body: []byte(`{"object":"event"}`), Secrets: []secret.Value{secret.New(aSecret), secret.New(anotherSecret)}}
}

// TestH06: a receiver that follows the specification accepts and rejects the right deliveries.
func TestH06(t *testing.T) {
	type receipt struct {
		header http.Header
		body   []byte
	}
	var got atomic.Pointer[receipt]
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got.Store(&receipt{r.Header, body})
	}))
	defer server.Close()
	send := func(t *testing.T, at time.Time) receipt {
		t.Helper()
		if _, err := standardwebhook.New(standardwebhook.LoopbackToo).Deliver(t.Context(), deliveryTo(server.URL, at)); err != nil {
			t.Fatal(err)
		}
		return *got.Load()
	}
	for name, tc := range map[string]struct {
		secret string
		age    time.Duration
		change func(*receipt)
		want   bool
	}{
		"as it was sent":                    {secret: aSecret, want: true},
		"the secret before the rotation":    {secret: anotherSecret, want: true},
		"another secret":                    {secret: "whsec_" + strings.Repeat("A", 32)},
		"no signature":                      {secret: aSecret, change: func(r *receipt) { r.header.Del("webhook-signature"); r.header.Del("svix-signature") }},
		"an edited body":                    {secret: aSecret, change: func(r *receipt) { r.body = append(r.body, ' ') }},
		"another id":                        {secret: aSecret, change: func(r *receipt) { r.header.Set("webhook-id", "evt_2"); r.header.Set("svix-id", "evt_2") }},
		"older than five minutes":           {secret: aSecret, age: 6 * time.Minute},
		"of the future":                     {secret: aSecret, age: -6 * time.Minute},
		"a good signature in a list of bad": {secret: aSecret, want: true, change: func(r *receipt) { r.header.Set("webhook-signature", "v1,AAAA v2,x "+r.header.Get("webhook-signature")) }},
		"only bad signatures":               {secret: aSecret, change: func(r *receipt) { r.header.Set("webhook-signature", "v1,AAAA v2,x") }},
		"a moved time":                      {secret: aSecret, change: func(r *receipt) { r.header.Set("webhook-timestamp", strconv.FormatInt(time.Now().Unix()+1, 10)) }},
		"by the names that Clerk's SDK reads": {secret: aSecret, want: true, change: func(r *receipt) {
			for _, name := range []string{"id", "timestamp", "signature"} {
				r.header.Set("webhook-"+name, r.header.Get("svix-"+name))
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := send(t, time.Now().Add(-tc.age))
			if tc.change != nil {
				tc.change(&r)
			}
			verifier, err := standardwebhooks.NewWebhook(tc.secret)
			if err != nil {
				t.Fatal(err)
			}
			if err := verifier.Verify(r.body, r.header); (err == nil) != tc.want {
				t.Errorf("verified %v, want %v: %v", err == nil, tc.want, err)
			}
		})
	}
}

// TestH07: no webhook is sent to a URL that names a forbidden address, and the error does not show
// the URL. TestPublicAddresses and TestControl check all addresses.
func TestH07(t *testing.T) {
	for url, want := range map[string]error{
		"http://8.8.8.8/": standardwebhook.ErrURL, "file:///etc/passwd": standardwebhook.ErrURL, "gopher://8.8.8.8/": standardwebhook.ErrURL, "//8.8.8.8/": standardwebhook.ErrURL, "https:///x": standardwebhook.ErrURL,
		"https://user:password@8.8.8.8/": standardwebhook.ErrURL, "": standardwebhook.ErrURL, "\x00": standardwebhook.ErrURL,
		"https://127.0.0.1/meta-data": standardwebhook.ErrAddress, "https://[::1]/": standardwebhook.ErrAddress, "https://[::ffff:127.0.0.1]/": standardwebhook.ErrAddress, "https://0.0.0.0/": standardwebhook.ErrAddress,
		"https://[::]/": standardwebhook.ErrAddress, "https://127.0.0.1:8080/": standardwebhook.ErrAddress,
	} {
		_, err := standardwebhook.New(standardwebhook.PublicOnly).Deliver(t.Context(), deliveryTo(url, time.Now()))
		if !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", url, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "meta-data") || strings.Contains(err.Error(), "password")) {
			t.Errorf("the error shows the URL: %v", err)
		}
	}
	// Go takes these hosts for names, other resolvers for addresses.
	for _, url := range []string{"https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/"} {
		var dns *net.DNSError
		if _, err := standardwebhook.New(standardwebhook.PublicOnly).Deliver(t.Context(), deliveryTo(url, time.Now())); !errors.Is(err, standardwebhook.ErrAddress) && !errors.As(err, &dns) {
			t.Errorf("%q was connected to: %v", url, err)
		}
	}
}

// TestH07Loopback: a server on this machine gets webhooks in development only, even through a name
// or a redirect.
func TestH07Loopback(t *testing.T) {
	var heard atomic.Int32
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard.Add(1) }))
	defer inner.Close()
	redirect := httptest.NewServer(http.RedirectHandler(inner.URL, http.StatusTemporaryRedirect))
	defer redirect.Close()
	secure := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard.Add(1) }))
	defer secure.Close()
	t.Setenv("HTTPS_PROXY", inner.URL)
	t.Setenv("HTTP_PROXY", inner.URL)
	for _, url := range []string{secure.URL, strings.Replace(secure.URL, "127.0.0.1", "localhost", 1), inner.URL} {
		if _, err := standardwebhook.New(standardwebhook.PublicOnly).Deliver(t.Context(), deliveryTo(url, time.Now())); err == nil {
			t.Errorf("%s was posted to", url)
		}
	}
	if _, err := standardwebhook.New(standardwebhook.LoopbackToo).Deliver(t.Context(), deliveryTo(redirect.URL, time.Now())); !errors.Is(err, standardwebhook.ErrAnswer) {
		t.Errorf("a redirect: %v", err)
	}
	if n := heard.Load(); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
	if _, err := standardwebhook.New(standardwebhook.LoopbackToo).Deliver(t.Context(), deliveryTo(inner.URL, time.Now())); err != nil || heard.Load() != 1 {
		t.Errorf("in development: %v, %d requests", err, heard.Load())
	}
}

// TestAnEndpointThatDoesNotAnswer: a delivery ends with the caller's deadline, and an endless
// answer is not read to its end.
func TestAnEndpointThatDoesNotAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server does not notice that the client has gone
		cancel()
		<-r.Context().Done()
	}))
	defer silent.Close()
	if _, err := standardwebhook.New(standardwebhook.LoopbackToo).Deliver(ctx, deliveryTo(silent.URL, time.Now())); !errors.Is(err, context.Canceled) {
		t.Errorf("silence: %v", err)
	}
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	}))
	defer endless.Close()
	if _, err := standardwebhook.New(standardwebhook.LoopbackToo).Deliver(t.Context(), deliveryTo(endless.URL, time.Now())); err != nil {
		t.Errorf("an endless answer: %v", err)
	}
	for _, status := range []int{300, 400, 404, 410, 500} {
		answering := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		if _, err := standardwebhook.New(standardwebhook.LoopbackToo).Deliver(t.Context(), deliveryTo(answering.URL, time.Now())); !errors.Is(err, standardwebhook.ErrAnswer) {
			t.Errorf("status %d: %v", status, err)
		}
		answering.Close()
	}
}

// TestATryIsDescribed: the log of deliveries shows the status code of an answer, or the kind of
// fault.
func TestATryIsDescribed(t *testing.T) {
	answers := func(status int) *httptest.Server {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		t.Cleanup(s.Close)
		return s
	}
	closed := answers(200)
	closed.Close()
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	t.Cleanup(silent.Close)
	untrusted := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(untrusted.Close)
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	breaks := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(breaks.Close)
	for name, tc := range map[string]struct {
		url     string
		secret  string
		status  int
		problem deliverylog.Problem
	}{
		"accepted":                    {url: answers(204).URL, status: 204},
		"refused":                     {url: answers(410).URL, status: 410, problem: deliverylog.Status},
		"a redirect":                  {url: answers(302).URL, status: 302, problem: deliverylog.Status},
		"no server":                   {url: closed.URL, problem: deliverylog.Connection},
		"a connection that breaks":    {url: breaks.URL, problem: deliverylog.Connection},
		"silence":                     {url: silent.URL, problem: deliverylog.Timeout},
		"an unknown certificate":      {url: untrusted.URL, problem: deliverylog.Certificate},
		"a server without TLS":        {url: strings.Replace(answers(200).URL, "http:", "https:", 1), problem: deliverylog.Certificate},
		"a name that does not exist":  {url: "https://hooks.invalid/", problem: deliverylog.Name},
		"an address that is private":  {url: "https://10.0.0.1/", problem: deliverylog.Address},
		"no URL":                      {url: "ftp://example.com/", problem: deliverylog.Address},
		"a secret that is no secret":  {url: answers(200).URL, secret: "x", problem: deliverylog.Unsigned},
		"a port that is not for HTTP": {url: "https://8.8.8.8:22/", problem: deliverylog.Address},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			d := deliveryTo(tc.url, time.Now())
			if tc.secret != "" {
				d.Secrets = []secret.Value{secret.New(tc.secret)}
			}
			got, err := standardwebhook.New(standardwebhook.LoopbackToo).Deliver(ctx, d)
			if got.Status != tc.status || got.Problem != tc.problem || (err == nil) != (tc.problem == "") {
				t.Errorf("%+v, %v; want status %d, problem %q", got, err, tc.status, tc.problem)
			}
		})
	}
}
