package api_test

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// pairs are requests whose answers must take equally long. Each returns its two requests.
var pairs = map[string]func(w *world) (one, two func()){
	"a known and an unknown user": func(w *world) (func(), func()) {
		name := w.backend("GET", "/v1/users/"+w.user(), "").ok().text("username")
		begin := func(identifier string) func() {
			return func() { w.open(tx.Cookie).call("POST", "/v1/client/sign_ins", "identifier", identifier) }
		}
		return begin(name), begin("user" + strings.Repeat("x", 26))
	},
	"a wrong password of a known and an unknown user": func(w *world) (func(), func()) {
		user := w.user()
		name := w.backend("GET", "/v1/users/"+user, "").ok().text("username")
		try := func(identifier string) func() {
			return func() {
				w.backend("POST", "/v1/users/"+user+"/unlock", "")
				w.open(tx.Cookie).call("POST", "/v1/client/sign_ins", "identifier", identifier, "password", "wrong password")
			}
		}
		return try(name), try("user" + strings.Repeat("x", 26))
	},
	"a code wrong in its first and in its last digit": func(w *world) (func(), func()) {
		b := w.signedIn()
		app := b.enrolApp()
		user := b.call("GET", "/v1/me").ok().text("response.id")
		right := []byte(app())
		off := func(i int) func() {
			code := slices.Clone(right)
			code[i] = '0' + (code[i]-'0'+1)%10
			return func() {
				w.backend("POST", "/v1/users/"+user+"/unlock", "")
				w.backend("POST", "/v1/users/"+user+"/verify_totp", `{"code":"`+string(code)+`"}`)
			}
		}
		return off(0), off(5)
	},
	"a key wrong in its first and in its last character": func(w *world) (func(), func()) {
		try := func(key string) func() {
			return func() {
				r := httptest.NewRequest("GET", "/v1/users/count", nil)
				r.Header.Set("Authorization", "Bearer "+key)
				w.send(r)
			}
		}
		return try("x" + secretKey[1:]), try(secretKey[:len(secretKey)-1] + "x")
	},
}

// BenchmarkTiming reports the medians of pairs of answers. It takes them in turn, so that a
// disturbance affects both. It has no limit, which would fail on a shared machine for other
// reasons.
func BenchmarkTiming(b *testing.B) {
	for name, pair := range pairs {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b)
			one, two := pair(w)
			var took [2][]time.Duration
			for b.Loop() {
				for i, do := range []func(){one, two} {
					w.log.Reset()
					began := time.Now()
					do()
					took[i] = append(took[i], time.Since(began))
				}
			}
			for i, unit := range []string{"ns/first", "ns/second"} {
				slices.Sort(took[i])
				b.ReportMetric(float64(took[i][len(took[i])/2]), unit)
			}
		})
	}
}
