package lambdahost

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/api/operation"
)

// TestNoAddressSwitchesALimitOff: the sixth sign-in in ten seconds waits, however the gateway
// writes the address. Callers whose address cannot be read share one limit, and the log says so
// without the address.
func TestNoAddressSwitchesALimitOff(t *testing.T) {
	for name, c := range map[string]struct {
		reported []string // of the requests, in turn
		warns    bool
	}{
		"IPv4":                     {[]string{"203.0.113.9"}, false},
		"IPv4 with ports":          {[]string{"203.0.113.9:1", "203.0.113.9:2", "203.0.113.9:39870"}, false},
		"IPv4 as IPv6":             {[]string{"::ffff:203.0.113.9", "[::ffff:203.0.113.9]:1", "203.0.113.9"}, false},
		"IPv6 of one network":      {[]string{"2001:db8::1", "2001:db8::2"}, false},
		"IPv6 in brackets":         {[]string{"[2001:db8::1]", "[2001:db8::2]:443", "2001:db8::3%eth0"}, false},
		"none":                     {[]string{""}, true},
		"unknown":                  {[]string{"unknown"}, true},
		"several that are unknown": {[]string{"", "unknown", "-", "hidden-1", "hidden-2", "203.0.113.9, 198.51.100.7"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			d, out := local(t, Environment{})
			served := slices.DeleteFunc(api.Operations(), func(op operation.Operation) bool { return op.Name != "sign-in-create" })
			serve := Handle(must[http.Handler](t)(d.Handler(t.Context(), Deps{}, served...)))
			var got []int
			for i := range 11 { // one of them is a sixth, even if a period ends meanwhile
				e := event{RawPath: "/v1/client/sign_ins", Body: "identifier=nobody%40example.com", Headers: map[string]string{"content-type": "application/x-www-form-urlencoded"}}
				e.RequestContext.HTTP.Method, e.RequestContext.HTTP.SourceIP = http.MethodPost, c.reported[i%len(c.reported)]
				res, err := serve(t.Context(), e)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, res.StatusCode)
			}
			if got[0] != http.StatusOK || !slices.Contains(got, http.StatusTooManyRequests) {
				t.Errorf("%v\n%s", got, out)
			}
			if warns := strings.Contains(out.String(), "no readable address"); warns != c.warns {
				t.Errorf("the log warns: %v", warns)
			}
			if strings.Contains(out.String(), "hidden-") {
				t.Error("what was reported is in the log")
			}
		})
	}
}
