package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// TestKilledServer kills the real server with SIGKILL several times during requests, and restarts
// it on the same data. Every confirmed change must be there. An unconfirmed change is there as a
// whole or not at all, and no used code or ticket works again.
func TestKilledServer(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the server and kills it many times")
	}
	binary := filepath.Join(t.TempDir(), "countersign")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	const rounds = 5
	const seed = 1
	rng := rand.New(rand.NewPCG(seed, 0))
	k := &killed{T: t, binary: binary, data: t.TempDir()}
	k.start()
	k.must(k.ask(http.MethodPatch, "/v1/instance", map[string]any{"ip_limits": false}))
	// A kill that meets no request proves little, so the rounds continue until one does.
	most := 10 * rounds
	for round := 0; round < rounds || k.unanswered == 0 && round < most; round++ {
		before := k.acknowledged()
		k.load(rng, 50+rng.IntN(200))
		k.start()
		k.check()
		if n := k.acknowledged() - before; n < 50 {
			t.Fatalf("round %d: only %d changes were acknowledged", round, n)
		}
	}
	k.kill()
	t.Logf("%d acknowledged changes, %d without an answer", k.acknowledged(), k.unanswered)
	if k.unanswered == 0 {
		t.Error("no kill met a request that was under way")
	}
}

// killed is a server that the test kills, and what it confirmed.
type killed struct {
	*testing.T
	binary, data, base string
	cmd                *exec.Cmd

	acks       atomic.Int64
	mu         sync.Mutex
	users      []*promised
	unanswered int
}

// outcome is what the test knows of a change.
type outcome int

const (
	untried outcome = iota
	done            // the server confirmed it
	unknown         // the server was killed before it answered
)

// promised is one user as far as the server's answers tell.
type promised struct {
	name, id    string
	made        outcome
	said, tried int // the first name counts up: the last acknowledged value and the last requested one
	codes       [8]outcome
	ticket      string
	ticketUsed  outcome
}

func (p *promised) code(i int) string { return fmt.Sprintf("%05d-%05d", i+10, i+20) }

func (k *killed) acknowledged() int { return int(k.acks.Load()) }

// start runs the server and waits until it listens.
func (k *killed) start() {
	k.Helper()
	k.cmd = exec.CommandContext(context.Background(), k.binary, "serve", "--listen", "localhost:0", "--data", k.data)
	out, err := k.cmd.StdoutPipe()
	if err != nil {
		k.Fatal(err)
	}
	if err := k.cmd.Start(); err != nil {
		k.Fatal(err)
	}
	cmd := k.cmd
	k.Cleanup(func() { _ = cmd.Process.Kill() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), "Countersign runs on "); ok {
			k.base = url
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return
		}
	}
	k.Fatal("the server did not start")
}

func (k *killed) kill() {
	k.Helper()
	if err := k.cmd.Process.Kill(); err != nil {
		k.Fatal(err)
	}
	if err := k.cmd.Wait(); err == nil {
		k.Fatal("the server ended by itself")
	}
}

var errNoAnswer = errors.New("no answer")

// answer is a status and the fields of a body.
type answer struct {
	status int
	body   map[string]any
	list   []map[string]any
}

// ask sends a request of the Backend API, or one of a browser if body is a form.
func (k *killed) ask(method, path string, body any) (answer, error) {
	var text, kind string
	switch b := body.(type) {
	case nil:
	case url.Values:
		text, kind = b.Encode(), "application/x-www-form-urlencoded"
	default:
		data, err := json.Marshal(b)
		if err != nil {
			return answer{}, err
		}
		text, kind = string(data), "application/json"
	}
	r, err := http.NewRequestWithContext(k.Context(), method, k.base+path, strings.NewReader(text))
	if err != nil {
		return answer{}, err
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if _, form := body.(url.Values); !form {
		r.Header.Set("Authorization", "Bearer sk_test_local")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return answer{}, errNoAnswer
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, errNoAnswer
	}
	a := answer{status: res.StatusCode}
	if json.Unmarshal(data, &a.body) != nil {
		_ = json.Unmarshal(data, &a.list)
	}
	return a, nil
}

func (k *killed) must(a answer, err error) answer {
	k.Helper()
	if err != nil || a.status/100 != 2 {
		k.Fatalf("answered %d %v, %v", a.status, a.body, err)
	}
	return a
}

// load sends requests from four goroutines and kills the server after so many acknowledgements.
func (k *killed) load(rng *rand.Rand, acks int) {
	k.Helper()
	enough := make(chan struct{})
	until := k.acks.Load() + int64(acks)
	var once sync.Once
	var wait sync.WaitGroup
	for range 4 {
		own := rand.New(rand.NewPCG(rng.Uint64(), rng.Uint64()))
		wait.Go(func() {
			var mine []*promised
			for {
				p, err := k.change(own, mine)
				if p != nil {
					mine = append(mine, p)
				}
				if err != nil {
					once.Do(func() { close(enough) })
					return
				}
				if k.acks.Load() >= until {
					once.Do(func() { close(enough) })
				}
			}
		})
	}
	<-enough
	k.kill()
	wait.Wait()
}

// change requests one change. It returns the user if it created one, and an error when no answer
// came.
func (k *killed) change(rng *rand.Rand, mine []*promised) (*promised, error) {
	if len(mine) == 0 || rng.IntN(4) == 0 {
		p := &promised{name: fmt.Sprintf("k%d", rng.Uint64()), made: unknown}
		k.mu.Lock()
		k.users = append(k.users, p)
		k.mu.Unlock()
		codes := []string{}
		for i := range p.codes {
			codes = append(codes, p.code(i))
		}
		a, err := k.tell(http.MethodPost, "/v1/users", map[string]any{"username": p.name, "email_address": []string{p.name + "@example.com"}, "totp_secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "backup_codes": codes})
		if err == nil {
			p.made, p.id = done, a.body["id"].(string)
		}
		return p, err
	}
	p := mine[rng.IntN(len(mine))]
	switch rng.IntN(3) {
	case 0:
		p.tried++
		_, err := k.tell(http.MethodPatch, "/v1/users/"+p.id, map[string]any{"first_name": fmt.Sprint(p.tried)})
		if err == nil {
			p.said = p.tried
		}
		return nil, err
	case 1:
		for i := range p.codes {
			if p.codes[i] == untried {
				p.codes[i] = unknown
				_, err := k.tell(http.MethodPost, "/v1/users/"+p.id+"/verify_totp", map[string]any{"code": p.code(i)})
				if err == nil {
					p.codes[i] = done
				}
				return nil, err
			}
		}
		return nil, nil
	}
	if p.ticket == "" {
		a, err := k.tell(http.MethodPost, "/v1/sign_in_tokens", map[string]any{"user_id": p.id})
		if err == nil {
			p.ticket = a.body["token"].(string)
		}
		return nil, err
	}
	if p.ticketUsed != untried {
		return nil, nil
	}
	p.ticketUsed = unknown
	_, err := k.tell(http.MethodPost, "/v1/client/sign_ins", url.Values{"strategy": {"ticket"}, "ticket": {p.ticket}})
	if err == nil {
		p.ticketUsed = done
	}
	return nil, err
}

// tell requests a change that must succeed if it is answered at all.
func (k *killed) tell(method, path string, body any) (answer, error) {
	a, err := k.ask(method, path, body)
	switch {
	case err != nil:
		k.mu.Lock()
		k.unanswered++
		k.mu.Unlock()
	case a.status/100 != 2:
		k.Errorf("%s %s answered %d %v", method, strings.SplitN(path, "?", 2)[0], a.status, a.body)
	default:
		k.acks.Add(1)
	}
	return a, err
}

// check compares the server with everything that it confirmed.
func (k *killed) check() {
	k.Helper()
	for _, p := range k.users {
		k.checkMade(p)
		if p.made == done {
			k.checkUser(p)
		}
	}
}

// checkMade: a user whose creation was not confirmed exists with all its identifiers, or can be
// created.
func (k *killed) checkMade(p *promised) {
	k.Helper()
	if p.made != unknown {
		return
	}
	found := k.must(k.ask(http.MethodGet, "/v1/users?username="+p.name, nil)).list
	if len(found) == 1 {
		p.id, p.made = found[0]["id"].(string), done
		return
	}
	if len(found) > 1 {
		k.Errorf("%d users have one name", len(found))
	}
	a := k.must(k.ask(http.MethodPost, "/v1/users", map[string]any{"username": p.name, "email_address": []string{p.name + "@example.com"}, "totp_secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"}))
	p.id, p.made = a.body["id"].(string), done
	for i := range p.codes {
		p.codes[i] = done // this user has none, so none may work
	}
}

func (k *killed) checkUser(p *promised) {
	k.Helper()
	u := k.must(k.ask(http.MethodGet, "/v1/users/"+p.id, nil)).body
	if u["totp_enabled"] != true || u["username"] != p.name {
		k.Errorf("a user is there by half: %v", u)
	}
	name := 0
	if text, ok := u["first_name"].(string); ok {
		_, _ = fmt.Sscan(text, &name)
	}
	if name < p.said || name > p.tried {
		k.Errorf("the name is number %d; %d was acknowledged, %d asked for", name, p.said, p.tried)
	}
	p.said = name
	for i, o := range p.codes {
		if o == untried {
			continue
		}
		a, err := k.ask(http.MethodPost, "/v1/users/"+p.id+"/verify_totp", map[string]any{"code": p.code(i)})
		if err != nil {
			k.Fatal(err)
		}
		if good := a.status == http.StatusOK; good && o == done {
			k.Error("a backup code was good twice")
		}
		p.codes[i] = done
	}
	k.checkTicket(p)
}

func (k *killed) checkTicket(p *promised) {
	k.Helper()
	if p.ticket == "" || p.ticketUsed == untried {
		return
	}
	a, err := k.ask(http.MethodPost, "/v1/client/sign_ins", url.Values{"strategy": {"ticket"}, "ticket": {p.ticket}})
	if err != nil {
		k.Fatal(err)
	}
	if a.status == http.StatusOK && p.ticketUsed == done {
		k.Error("a ticket was good twice")
	}
	p.ticketUsed = done
}
