package operation_test

import (
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/api/operation"
)

// TestOrigins: only a text that a browser sends as Origin is one. Any other would never match, and
// a team would look for the fault in its app.
func TestOrigins(t *testing.T) {
	for _, right := range []string{
		"https://app.example.com", "http://localhost:3000", "https://xn--bcher-kva.de", "http://127.0.0.1", "http://[::1]:3000", "https://x_y.example", "https://x:8443", "http://x:443",
		"capacitor://localhost", "chrome-extension://abcdefghijklmnop", "app://obsidian.md", "https://" + strings.Repeat("a", 63) + ".example",
	} {
		if !operation.IsOrigin(right) {
			t.Errorf("%q is refused", right)
		}
	}
	for name, wrong := range map[string]string{
		"a wildcard": "https://*.example.com", "a host in capitals": "https://App.example.com", "a scheme in capitals": "HTTPS://x.example", "the usual port": "https://x.example:443",
		"the usual port of http": "http://x.example:80", "a port that is none": "https://x.example:99999", "an empty port": "https://x.example:", "a port with a zero": "https://x.example:0443",
		"a host in Unicode": "https://bücher.de", "an invisible character": "https://x\u200b", "markup": `https://x"><script>`, "a quote": `app://x"`, "a path": "https://x.example/", "a query": "https://x.example?",
		"a user": "https://a@x.example", "an empty part": "https://a..b", "a dot at the end": "https://x.", "a short address": "https://127.1", "an address with a zone": "https://[fe80::1%25en0]",
		"a long address": "http://[0:0:0:0:0:0:0:1]", "an opaque origin": "null", "no host": "file://", "a script": "javascript://x", "data": "data://x", "no scheme": "app.example.com", "a hyphen first": "https://-x",
		"two lines": "https://x.example\n", "a long label": "https://" + strings.Repeat("a", 64), "a long host": "https://" + strings.Repeat("a.", 127) + "a", "nothing": "",
	} {
		if operation.IsOrigin(wrong) {
			t.Errorf("%s: %q is taken", name, wrong)
		}
	}
}
