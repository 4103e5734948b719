package clerkimport_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/countersign-mfa/countersign/internal/ops/clerkimport"
)

// errKilled is the error of requests after the process would have ended.
var errKilled = errors.New("killed")

// dying is a transport whose process is killed at one of the requests: later ones have no answer,
// and every second of them reaches the server.
type dying struct {
	mu     sync.Mutex
	left   int
	killed func()
	later  int
}

func (d *dying) RoundTrip(r *http.Request) (*http.Response, error) {
	d.mu.Lock()
	if d.left--; d.left == 0 {
		d.killed()
	}
	dead := d.left <= 0
	if dead {
		d.later++
	}
	lost := d.later%2 == 1
	d.mu.Unlock()
	if dead && lost {
		return nil, errKilled
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if dead && err == nil {
		return nil, errors.Join(errKilled, res.Body.Close())
	}
	return res, err
}

// TestAKilledImportGoesOn: an import that is killed at any request, or while it writes any byte of
// its state file, is continued by the same command: every user is there once, and none is refused.
// The order of the file may have changed meanwhile.
func TestAKilledImportGoesOn(t *testing.T) {
	if testing.Short() {
		t.Skip("creates thousands of users")
	}
	const users = 600
	lines := manyLines(users)
	goOn := func(p *fixture, state []byte) {
		p.Helper()
		p.Must(os.WriteFile(p.State, state, 0o600))
		there := p.count()
		p.Send = nil
		p.run(clerkimport.Result{Lines: users, Created: users - there, Before: there})
		if n := p.count(); n != users {
			p.Errorf("%d users, want %d", n, users)
		}
	}
	for _, at := range []int{1, 300, 513} {
		t.Run(fmt.Sprint("request ", at), func(t *testing.T) {
			p := open(t)
			p.lines(lines...)
			var state []byte
			p.Send = &dying{left: at, killed: func() { state, _ = os.ReadFile(p.State) }}
			if _, err := clerkimport.Run(t.Context(), *p.Config); !errors.Is(err, errKilled) && at < users {
				t.Fatal(err)
			}
			backwards := slices.Clone(lines)
			slices.Reverse(backwards)
			p.lines(backwards...)
			goOn(p, state)
		})
	}
	p := open(t)
	p.lines(lines...)
	p.run(clerkimport.Result{Lines: users, Created: users})
	whole, err := os.ReadFile(p.State)
	p.Must(err)
	begun := bytes.LastIndex(whole, []byte(`{"begun"`))
	begun += bytes.IndexByte(whole[begun:], '\n') + 1
	for cut := begun; cut <= len(whole); cut += 2999 {
		goOn(p, whole[:cut])
	}
}

// TestAUserOfAnotherWriterIsNotTaken: an import that goes on refuses a line whose user the
// application created, as the first run does. It looks up only users that it began itself.
func TestAUserOfAnotherWriterIsNotTaken(t *testing.T) {
	p := open(t)
	p.lines(line(0))
	p.run(clerkimport.Result{Lines: 1, Created: 1})
	first := *p.Config
	p.State += ".other"
	p.lines(line(1))
	p.run(clerkimport.Result{Lines: 1, Created: 1})
	*p.Config = first
	p.lines(line(0), line(1), line(2))
	p.run(clerkimport.Result{Lines: 3, Created: 1, Before: 1, Refused: 1})
	p.prints("line 2", "belongs to an existing user")
}

// TestTheEarlierLineWins: of two lines that share an identifier in any spelling the earlier one is
// created, however many lines are sent at once.
func TestTheEarlierLineWins(t *testing.T) {
	for what, pair := range map[string][2]string{
		"username":     {`{"id":"user_a","username":"same"}`, `{"id":"user_b","username":"SAME"}`},
		"e-mail":       {`{"id":"user_a","email_address":["a@bücher.example"]}`, `{"id":"user_b","email_address":["A@xn--bcher-kva.example"]}`},
		"phone number": {`{"id":"user_a","phone_number":["+12015550111"]}`, `{"id":"user_b","phone_number":["+1 (201) 555-0111"]}`},
		"external id":  {`{"id":"user_a","username":"a"}`, `{"id":"user_b","username":"b","external_id":"user_a"}`},
	} {
		t.Run(what, func(t *testing.T) {
			p := open(t)
			p.lines(append(append(manyLines(20), pair[:]...), `{"id":"user_c","username":"c"}`)...)
			for _, p.DryRun = range []bool{true, false} {
				p.run(clerkimport.Result{Lines: 23, Created: 22, Refused: 1})
				p.prints("line 22 (\"user_b\") refused: ")
			}
			if len(p.users("user_a")) != 1 || len(p.users("user_b")) != 0 || len(p.users("user_c")) != 1 {
				t.Error("another line was created")
			}
		})
	}
}

// TestRequestsAtOnce: an import sends at most 32 requests at once, and reads no more than 512 lines
// before the first is answered. Refusals are printed in the order of the lines.
func TestRequestsAtOnce(t *testing.T) {
	p := open(t)
	lines := manyLines(600)
	for i := 1; i < len(lines); i += 100 {
		lines[i] = `{"id":"none"}`
	}
	p.lines(lines...)
	var now, most atomic.Int32
	free := make(chan struct{})
	p.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		n := now.Add(1)
		for was := most.Load(); n > was && !most.CompareAndSwap(was, n); was = most.Load() {
		}
		if n == 32 && p.posts.Load() == 32 {
			close(free)
		}
		<-free
		p.app.ServeHTTP(w, r)
		now.Add(-1)
		return true
	}
	var order []string
	p.Refused = func(line int, _, _ string) { order = append(order, fmt.Sprint(line)) }
	p.run(clerkimport.Result{Lines: 600, Created: 594, Refused: 6})
	if most.Load() != 32 {
		t.Errorf("%d requests at once, want 32", most.Load())
	}
	if got := strings.Join(order[:3], " "); got != "2 102 202" || len(order) != 6 {
		t.Errorf("lines %s are refused", order)
	}
	state, err := os.ReadFile(p.State)
	p.Must(err)
	for _, l := range bytes.Split(state, []byte("\n")) {
		if n := bytes.Count(l, []byte(`"user_`)); n > 512 {
			t.Errorf("%d users are begun at once, want at most 512", n)
		}
	}
}
