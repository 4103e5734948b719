package attack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// volley is how many requests are sent at once.
const volley = 50

// trial is one running probe.
type trial struct {
	*target
	ctx  context.Context
	name string

	users []string
}

// failf ends the probe with a finding.
func (t *trial) failf(format string, args ...any) { panic(finding(fmt.Sprintf(format, args...))) }

// limitedWait is the longest that a probe waits for a limit per address.
const limitedWait = 61 * time.Second

// do sends a request and waits for limits per address, which other probes test. The Backend API has
// none, so its refusals are about the user.
func (t *trial) do(a ask) reply {
	const patience = 4
	for range patience {
		r, err := t.send(t.ctx, a)
		if err != nil {
			t.failf("no answer: %v", err)
		}
		wait, _ := strconv.Atoi(r.header.Get("Retry-After"))
		if !t.limited || !frontend(a) || r.status != http.StatusTooManyRequests || time.Duration(wait)*time.Second > limitedWait {
			return r
		}
		t.wait(time.Duration(wait) * time.Second)
	}
	t.failf("%s %s: the limit per address does not end", a.method, a.path)
	return reply{}
}

// wait waits on this machine. It ends the probe when the run is interrupted.
func (t *trial) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.ctx.Done():
		t.failf("interrupted")
	}
}

// pass lets time pass on the server: on a development server by moving its clock.
func (t *trial) pass(d time.Duration) {
	if t.development {
		t.later(d)
		return
	}
	t.wait(d)
}

func frontend(a ask) bool {
	return strings.HasPrefix(a.path, "/v1/client/") || strings.HasPrefix(a.path, "/v1/me/")
}

// ok sends a request that prepares the attack. A server error is a finding; any other refusal means
// that the probe does not run.
func (t *trial) ok(a ask) reply {
	r := t.do(a)
	switch {
	case r.status >= http.StatusInternalServerError:
		t.failf("%v", r)
	case r.code() == "unsupported_country_code":
		panic(unprepared(fmt.Sprintf("%v: for the time of the attack, add US to sms_countries", r)))
	case r.status/100 != 2:
		panic(unprepared("the attack could not be prepared: " + r.String()))
	}
	return r
}

// refused sends a request that must be refused with one of the codes, or with any if codes is
// empty.
func (t *trial) refused(what string, a ask, codes ...string) reply {
	r := t.do(a)
	if r.status < 400 || r.status >= 500 {
		t.failf("%s: %v, want a refusal", what, r)
	}
	if len(codes) > 0 && !slices.Contains(codes, r.code()) {
		t.failf("%s: %v, want %v", what, r, codes)
	}
	return r
}

// together sends n requests at once: all are ready before the first is sent.
func (t *trial) together(n int, each func(i int) ask) []reply {
	asks := list(n, each)
	out, failures := list(n, func(int) reply { return reply{} }), list(n, func(int) error { return nil })
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			out[i], failures[i] = t.send(t.ctx, asks[i])
		})
	}
	close(start)
	all.Wait()
	if err := errors.Join(failures...); err != nil {
		t.failf("no answer: %v", err)
	}
	return out
}

// list returns n values.
func list[T any](n int, each func(int) T) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = each(i)
	}
	return out
}

// count returns how many of the answers match.
func count(all []reply, fits func(reply) bool) int {
	n := 0
	for _, r := range all {
		if fits(r) {
			n++
		}
	}
	return n
}

func accepted(r reply) bool { return r.status == http.StatusOK }
func compared(r reply) bool { return r.code() == wrongCode }

// oneOf checks the result of sending one right code many times at once: exactly one succeeds.
func (t *trial) oneOf(what string, all []reply) {
	if n := count(all, accepted); n != 1 {
		t.failf("%d of %d uses of one %s were accepted, want 1", n, len(all), what)
	}
	if n := count(all, func(r reply) bool { return r.status >= 500 }); n != 0 {
		t.failf("%d of %d uses of one %s were answered with a server error", n, len(all), what)
	}
}

// Error codes that probes expect.
const (
	wrongCode   = "form_code_incorrect"
	tooMany     = "too_many_requests"
	userLocked  = "user_locked"
	stepOver    = "verification_failed"
	notFound    = "resource_not_found"
	notSignedIn = "authentication_invalid"
	stepUp      = "session_reverification_required"
)

// forget deletes the users that the probe created.
func (t *trial) forget() error {
	var all error
	for _, id := range t.users {
		r, err := t.send(context.WithoutCancel(t.ctx), t.backend(http.MethodDelete, "/v1/users/"+id, nil))
		if err == nil && r.status != http.StatusOK && r.status != http.StatusNotFound {
			err = errors.New(r.String())
		}
		all = errors.Join(all, err)
	}
	return all
}

// serverTime returns the target's time, which may differ because a development server's clock can
// be moved.
func (t *trial) serverTime() time.Time {
	if t.development {
		if at, err := time.Parse(time.RFC3339, t.do(ask{path: "/dev/clock"}).text("now")); err == nil {
			return at
		}
	}
	return t.Now()
}

// later moves the development server's clock. It is moved back when the run ends.
func (t *trial) later(d time.Duration) {
	seconds := int(d / time.Second)
	t.ok(ask{method: http.MethodPatch, path: "/dev/clock", json: map[string]any{"advance_seconds": seconds}})
	t.ahead += seconds
}
