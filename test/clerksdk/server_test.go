// Package clerksdk_test runs Clerk's official SDK for Go, unmodified, against a real server. The
// directory calls has the results of the calls of this SDK and of the others, which e2e/sdk and
// scripts/clerksdk.sh run. docs/use/clients.md shows them.
package clerksdk_test

import (
	"bufio"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clerk/clerk-sdk-go/v2"
)

var update = flag.Bool("update", false, "rewrite the results of the SDK for Go and the tables of docs/use/clients.md")

const secretKey = "sk_test_clerksdk"

// server is a process of `countersign serve` on a free port of the loopback interface.
type server struct {
	*testing.T
	url string
}

// start builds the server, or takes the binary in COUNTERSIGN, and runs it with an empty directory
// of data until the test ends.
func start(t *testing.T) *server {
	t.Helper()
	binary := os.Getenv("COUNTERSIGN")
	if binary == "" {
		binary = filepath.Join(t.TempDir(), "countersign")
		if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../cmd/countersign").CombinedOutput(); err != nil {
			t.Fatalf("build: %v\n%s", err, out)
		}
	}
	cmd := exec.Command(binary, "serve", "--listen", "localhost:0", "--data", filepath.Join(t.TempDir(), "data"))
	cmd.Env = append(os.Environ(), "COUNTERSIGN_SECRET_KEY="+secretKey)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server did not stop cleanly: %v", err)
		}
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if found, ok := strings.CutPrefix(lines.Text(), "Countersign runs on "); ok {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return &server{T: t, url: found}
		}
	}
	t.Fatal("the server did not start")
	return nil
}

// config returns the configuration of the SDK's clients, as docs/use/clients.md shows it.
func (s *server) config(transport http.RoundTripper) *clerk.ClientConfig {
	return &clerk.ClientConfig{BackendConfig: clerk.BackendConfig{
		Key: clerk.String(secretKey), URL: clerk.String(s.url + "/v1"), HTTPClient: &http.Client{Transport: transport, Timeout: 20 * time.Second},
	}}
}

// device is a native app of a user. token names the client.
type device struct {
	*server
	token string
}

// post sends a form to the Frontend API and returns the field response of the answer.
func (d *device) post(path string, form url.Values) map[string]any {
	d.Helper()
	req, err := http.NewRequestWithContext(d.Context(), http.MethodPost, d.url+path+"?_is_native=1", strings.NewReader(form.Encode()))
	if err != nil {
		d.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", d.token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		d.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if token := res.Header.Get("Authorization"); token != "" {
		d.token = token
	}
	var body map[string]any
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil || res.StatusCode != http.StatusOK {
		d.Fatalf("POST %s: %d %v %v", path, res.StatusCode, body, err)
	}
	if inner, ok := body["response"].(map[string]any); ok {
		return inner
	}
	return body
}

// signIn exchanges a ticket for a session on a new device.
func (s *server) signIn(ticket string) (d *device, session string) {
	s.Helper()
	d = &device{server: s}
	answer := d.post("/v1/client/sign_ins", url.Values{"strategy": {"ticket"}, "ticket": {ticket}})
	session, _ = answer["created_session_id"].(string)
	if session == "" {
		s.Fatalf("no session: %v", answer)
	}
	return d, session
}
