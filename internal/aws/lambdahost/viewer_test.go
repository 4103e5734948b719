package lambdahost

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

// TestLimitsCountTheViewer: behind CloudFront, all requests come from few addresses of CloudFront.
// The limits per address count the address that CloudFront names, and the log has it. Without the
// secret they count the gateway's, whatever the header says.
func TestLimitsCountTheViewer(t *testing.T) {
	d, _ := local(t, Environment{Edge: EdgeBelieved})
	var out bytes.Buffer
	d.Log = slog.New(viewerLog{slog.NewJSONHandler(&out, nil)}).With("of", "test")
	if err := d.Keys.SetEdge(t.Context(), "countersign", secret.New("right")); err != nil {
		t.Fatal(err)
	}
	serve := Handle(must[http.Handler](t)(d.Handler(t.Context(), Deps{}, api.Operations()...)))
	signIn := func(given, viewer string) int {
		t.Helper()
		e := event{RawPath: "/v1/client/sign_ins", Body: "identifier=nobody", Headers: map[string]string{
			"content-type": "application/x-www-form-urlencoded", "origin": d.URL, "x-countersign-edge": given, "cloudfront-viewer-address": viewer,
		}}
		e.RequestContext.HTTP.Method, e.RequestContext.HTTP.SourceIP = http.MethodPost, "192.0.2.7"
		a, err := serve(context.Background(), e)
		if err != nil {
			t.Fatal(err)
		}
		return a.StatusCode
	}
	limited := func(given string, viewer func(i int) string) bool {
		t.Helper()
		const most = 8
		for i := range most {
			if signIn(given, viewer(i)) == http.StatusTooManyRequests {
				return true
			}
		}
		return false
	}
	one := func(int) string { return "198.51.100.1:443" }
	many := func(i int) string { return fmt.Sprintf("203.0.113.%d:443", i+1) }
	if !limited("right", one) {
		t.Error("one viewer meets no limit")
	}
	if limited("right", many) {
		t.Error("other viewers meet the limit of one")
	}
	if !limited("wrong", many) {
		t.Error("a caller without the secret chooses the address that is counted")
	}
	log := out.String()
	if !strings.Contains(log, `"ip":"198.51.100.1"`) || strings.Contains(log, `"right"`) || strings.Contains(log, `"wrong"`) {
		t.Errorf("the log has no address, or a secret:\n%.600s", log)
	}
	if strings.Contains(log, "192.0.2.7") {
		t.Error("the log has the gateway's address, which the access log has")
	}
}
