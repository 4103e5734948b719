package lambdahost

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/countersign-mfa/countersign/test/awsstub"
)

// proxied returns a proxy in front of a service that answers every request with an empty object.
func proxied(t *testing.T) (*awsstub.Proxy, Environment) {
	t.Helper()
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = io.WriteString(w, `{}`)
	}))
	t.Cleanup(service.Close)
	to := must[*url.URL](t)(url.Parse(service.URL))
	p := must[*awsstub.Proxy](t)(awsstub.NewProxy(to.Host))
	t.Cleanup(p.Close)
	return p, Environment{Region: "eu-central-1", AccessKeyID: "id", SecretAccessKey: "s", Endpoint: p.URL}
}

// TestNoCallFailsOnAConnectionThatSlept: calls on connections that are reset, or that were dropped
// without a reset, succeed on a new one. A function's ten seconds suffice for two services whose
// connections were dropped.
func TestNoCallFailsOnAConnectionThatSlept(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for answers that do not come")
	}
	for name, call := range map[string]func(*testing.T, Environment) func() error{
		"DynamoDB": func(t *testing.T, e Environment) func() error {
			c, table := dynamodb.NewFromConfig(e.AWS()), "t"
			return func() error {
				_, err := c.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &table})
				return err
			}
		},
		"KMS": func(t *testing.T, e Environment) func() error {
			c := awskms.NewFromConfig(e.AWS())
			return func() error {
				_, err := c.ListKeys(t.Context(), &awskms.ListKeysInput{})
				return err
			}
		},
		"Secrets Manager": func(t *testing.T, e Environment) func() error {
			c := secretsmanager.NewFromConfig(e.AWS())
			return func() error {
				_, err := c.ListSecrets(t.Context(), &secretsmanager.ListSecretsInput{})
				return err
			}
		},
		"EventBridge": func(t *testing.T, e Environment) func() error {
			c := eventbridge.NewFromConfig(e.AWS())
			return func() error {
				_, err := c.ListEventBuses(t.Context(), &eventbridge.ListEventBusesInput{})
				return err
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, e := proxied(t)
			ask := call(t, e)
			for _, lose := range []func(){func() {}, p.Reset, p.Vanish} {
				lose()
				began := time.Now()
				if err := ask(); err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took > functionLimit/2 {
					t.Errorf("it took %v", took)
				}
			}
			if n := p.Opened(); n != 3 {
				t.Errorf("%d connections, want one, and a new one for each that was lost", n)
			}
		})
	}
}

// functionLimit is the time of a function of the API.
const functionLimit = 10 * time.Second

// TestConnectionsThatSleptTogetherAreLostTogether: when several connections are lost, the first
// failure closes all of them, so that no repetition waits for another one.
func TestConnectionsThatSleptTogetherAreLostTogether(t *testing.T) {
	p, _ := proxied(t)
	client := &http.Client{Transport: newTransport()}
	get := func() error {
		r := must[*http.Request](t)(http.NewRequestWithContext(t.Context(), http.MethodPost, p.URL, nil))
		res, err := client.Do(r)
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
		return err
	}
	errs := make(chan error)
	for range 8 {
		go func() { errs <- get() }()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	p.Reset()
	if get() == nil {
		t.Error("a reset connection answers")
	}
	opened := p.Opened()
	if err := get(); err != nil || p.Opened() != opened+1 {
		t.Errorf("after the first failure: %v, %d new connections", err, p.Opened()-opened)
	}
}

// TestTheWaitsOfATransport: connections are used again for 20 seconds, and both services of a
// request may be lost: waiting for both answers, dialling anew and the answers leave a second.
func TestTheWaitsOfATransport(t *testing.T) {
	tr := newTransport().(renewing)
	if tr.IdleConnTimeout != 20*time.Second || tr.ResponseHeaderTimeout != 2*time.Second {
		t.Errorf("idle for %v, answers within %v", tr.IdleConnTimeout, tr.ResponseHeaderTimeout)
	}
	if tr.TLSHandshakeTimeout <= 0 || 2*tr.ResponseHeaderTimeout+dialLimit+tr.TLSHandshakeTimeout > functionLimit-time.Second {
		t.Errorf("dialling takes up to %v and %v", dialLimit, tr.TLSHandshakeTimeout)
	}
	if tr.ForceAttemptHTTP2 || !OneRequest(time.Second).DisableKeepAlives {
		t.Error("requests share a connection")
	}
}
