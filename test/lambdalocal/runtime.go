// Package lambdalocal runs the real bootstraps of functions on this machine: a Lambda Runtime API
// for each, a stand-in for the gateway in front of them, and a whole deployment of both. It is for
// development and tests.
package lambdalocal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// invokeLimit is how long an invocation may take.
const invokeLimit = 10 * time.Second

// errLost is wrapped by the error of an invocation that got no answer.
var errLost = errors.New("no answer")

// Runtime is one execution environment: a bootstrap and the Runtime API that it polls
// (docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html). It runs one invocation at a time, as
// Lambda does.
type Runtime struct {
	name     string
	listener net.Listener
	server   *http.Server
	process  *exec.Cmd
	exited   chan struct{}

	turn    sync.Mutex // held during an invocation
	work    chan []byte
	answers chan answer
	count   int
	// Polled is closed when the bootstrap first polls: the end of its init phase.
	Polled chan struct{}
	once   sync.Once
}

type answer struct {
	body []byte
	err  error
}

// Start starts a bootstrap with an environment. Its output goes to out.
func Start(ctx context.Context, name, bootstrap string, env []string, out io.Writer) (*Runtime, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("runtime of %s: %w", name, err)
	}
	r := &Runtime{name: name, listener: l, exited: make(chan struct{}), work: make(chan []byte), answers: make(chan answer, 1), Polled: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", r.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", func(w http.ResponseWriter, q *http.Request) { r.done(w, q, false) })
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", func(w http.ResponseWriter, q *http.Request) { r.done(w, q, true) })
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	r.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	go func() { _ = r.server.Serve(l) }()
	r.process = exec.CommandContext(ctx, bootstrap) //nolint:gosec // ours
	r.process.Env = append(env, "AWS_LAMBDA_RUNTIME_API="+l.Addr().String(), "AWS_LAMBDA_FUNCTION_NAME="+name, "_HANDLER=bootstrap", "AWS_LAMBDA_LOG_FORMAT=JSON")
	r.process.Stdout, r.process.Stderr = out, out
	r.process.Cancel = func() error { return r.process.Process.Signal(os.Interrupt) }
	r.process.WaitDelay = time.Second
	if err := r.process.Start(); err != nil {
		_ = r.server.Close()
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() { _ = r.process.Wait(); close(r.exited) }()
	return r, nil
}

// next returns one event, and blocks until there is one.
func (r *Runtime) next(w http.ResponseWriter, q *http.Request) {
	r.once.Do(func() { close(r.Polled) })
	select {
	case event := <-r.work:
		h := w.Header()
		h.Set("Lambda-Runtime-Aws-Request-Id", fmt.Sprintf("%08d-0000-4000-8000-000000000000", r.count))
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(invokeLimit).UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:111122223333:function:"+r.name)
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000;Sampled=0")
		_, _ = w.Write(event)
	case <-q.Context().Done():
	}
}

func (r *Runtime) done(w http.ResponseWriter, q *http.Request, failed bool) {
	body, err := io.ReadAll(q.Body)
	if failed && err == nil {
		err = fmt.Errorf("%s failed: %s", r.name, body)
	}
	r.answers <- answer{body, err}
	w.WriteHeader(http.StatusAccepted)
}

// Invoke passes an event to the function and returns its answer.
func (r *Runtime) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	if !json.Valid(event) {
		return nil, errors.New("the event is no JSON")
	}
	r.turn.Lock()
	defer r.turn.Unlock()
	r.count++
	ctx, cancel := context.WithTimeout(ctx, invokeLimit)
	defer cancel()
	select {
	case r.work <- event:
	case <-r.exited:
		return nil, fmt.Errorf("%w: %s has ended: %s", errLost, r.name, r.process.ProcessState)
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %s takes no work: %w", errLost, r.name, ctx.Err())
	}
	select {
	case a := <-r.answers:
		return a.body, a.err
	case <-r.exited:
		return nil, fmt.Errorf("%w: %s ended while working: %s", errLost, r.name, r.process.ProcessState)
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %s does not answer: %w", errLost, r.name, ctx.Err())
	}
}

// PeakMemory returns the most memory that the process has held, in bytes, or 0 where the system
// does not report it.
func (r *Runtime) PeakMemory() int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.process.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmHWM:" {
			kib, _ := strconv.ParseInt(fields[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}

// Stop ends the process and the server.
func (r *Runtime) Stop() {
	_ = r.process.Process.Kill()
	<-r.exited
	_ = r.server.Close()
}
