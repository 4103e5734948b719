//go:build unix

package lambdalocal_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/countersign-mfa/countersign/test/awsstub"
	"github.com/countersign-mfa/countersign/test/lambdalocal"
)

// TestAFunctionThatSlept: a real bootstrap is frozen between two requests. Its connections are
// reset meanwhile, or dropped without a reset. The next request gets its answer in the function's
// time.
func TestAFunctionThatSlept(t *testing.T) {
	const function = "users-count"
	d, log := deploy(t, fixtureKey)
	dir, err := bootstraps()
	if err != nil {
		t.Fatal(err)
	}
	var proxy *awsstub.Proxy
	env := d.Environment(function)
	for i, variable := range env {
		if at, ok := strings.CutPrefix(variable, "AWS_ENDPOINT_URL="); ok {
			to, err := url.Parse(at)
			if err != nil {
				t.Fatal(err)
			}
			if proxy, err = awsstub.NewProxy(to.Host); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(proxy.Close)
			env[i] = "AWS_ENDPOINT_URL=" + proxy.URL
		}
	}
	r, err := lambdalocal.Start(t.Context(), function, filepath.Join(dir, function), env, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Stop)
	event, err := os.ReadFile("../../events/" + function + ".json")
	if err != nil {
		t.Fatal(err)
	}
	for name, lose := range map[string]func(){"nothing": func() {}, "a reset": proxy.Reset, "silence": proxy.Vanish} {
		if _, err := r.Invoke(t.Context(), event); err != nil {
			t.Fatalf("before %s: %v\n%s", name, err, log)
		}
		if err := r.Freeze(); err != nil {
			t.Fatal(err)
		}
		lose()
		if err := r.Thaw(); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		body, err := r.Invoke(t.Context(), event)
		var answer events.APIGatewayV2HTTPResponse
		if err == nil {
			err = json.Unmarshal(body, &answer)
		}
		if err != nil || answer.StatusCode != 200 {
			t.Errorf("after %s: %d %s, %v", name, answer.StatusCode, answer.Body, err)
		}
		if took := time.Since(began); took > 4500*time.Millisecond {
			t.Errorf("after %s the answer took %v", name, took)
		}
	}
}
