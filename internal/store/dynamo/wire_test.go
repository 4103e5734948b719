package dynamo_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/internal/store/dynamo"
)

// The answers that a call of the store may give, and the states that may be stored afterwards.
const (
	done        = "done"
	conflict    = "conflict"
	exhausted   = "exhausted"
	unavailable = "unavailable"
	tooLate     = "the context's error"
	unknown     = "an error that trying again does not mend"

	before = "all as before"
	after  = "all of it"
	theirs = "somebody else's"
	gone   = "nothing"

	theirsOver = "somebody else's over all of it"
)

func verdict(err error) string {
	var limit *store.LimitReachedError
	found := []string{}
	for _, v := range []struct {
		name string
		is   bool
	}{
		{done, err == nil}, {conflict, errors.Is(err, store.ErrConflict)}, {exhausted, errors.As(err, &limit)},
		{unavailable, errors.Is(err, store.ErrUnavailable)}, {tooLate, errors.Is(err, context.DeadlineExceeded)},
	} {
		if v.is {
			found = append(found, v.name)
		}
	}
	if len(found) == 0 {
		return unknown
	}
	return strings.Join(found, " and ")
}

// A request is one that the SDK is about to send, first or repeated.
type request struct {
	wire *wire
	ctx  context.Context
	send func() (*smithyhttp.Response, error)
}

// A fault happens to one request instead of sending and answering it.
type fault func(r request) (*smithyhttp.Response, error)

// wire is the innermost middleware of the SDK's client. It counts the requests of one operation and
// applies the n-th fault, unless it is nil, to the n-th request.
type wire struct {
	mu        sync.Mutex
	operation string
	faults    []fault
	requests  int
	pass      func()        // waits until the call's deadline has passed
	other     *dynamo.Store // of another writer, whose requests meet no fault
}

func (*wire) ID() string { return "Faults" }

func (w *wire) HandleDeserialize(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	out middleware.DeserializeOutput, metadata middleware.Metadata, err error,
) {
	f := w.next(awsmiddleware.GetOperationName(ctx))
	if f == nil {
		return next.HandleDeserialize(ctx, in)
	}
	res, err := f(request{w, ctx, func() (*smithyhttp.Response, error) {
		out, metadata, err = next.HandleDeserialize(ctx, in)
		if err != nil {
			return nil, err
		}
		return out.RawResponse.(*smithyhttp.Response), nil
	}})
	if res != nil {
		out.RawResponse = res
	}
	return out, metadata, err
}

func (w *wire) next(operation string) fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	if operation != w.operation {
		return nil
	}
	w.requests++
	if w.requests > len(w.faults) {
		return nil
	}
	return w.faults[w.requests-1]
}

func unsent(request) (*smithyhttp.Response, error) {
	return nil, &smithyhttp.RequestSendError{Err: &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}}
}

// lost lets the server act and loses its answer.
func lost(r request) (*smithyhttp.Response, error) {
	res, err := r.send()
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return nil, err
	}
	_ = res.Body.Close()
	return nil, &smithyhttp.RequestSendError{Err: &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}}
}

// slow keeps the request underway until the deadline passes.
func slow(r request) (*smithyhttp.Response, error) {
	r.wire.pass()
	<-r.ctx.Done()
	return nil, &smithy.CanceledError{Err: r.ctx.Err()}
}

// late lets the server act and answers after the deadline.
func late(r request) (*smithyhttp.Response, error) {
	if _, err := lost(r); !errors.Is(err, syscall.ECONNRESET) {
		return nil, err
	}
	return slow(r)
}

// answers answers in place of the server, which does not act.
func answers(status int, body string) fault {
	return func(request) (*smithyhttp.Response, error) {
		return &smithyhttp.Response{Response: &http.Response{
			StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Body: io.NopCloser(strings.NewReader(body)),
		}}, nil
	}
}

func says(exception string) fault {
	return answers(http.StatusBadRequest, `{"__type":"com.amazonaws.dynamodb.v20120810#`+exception+`","message":"x"}`)
}

func cancelled(reasons ...string) fault {
	var list []string
	for _, r := range reasons {
		list = append(list, fmt.Sprintf(`{"Code":%q}`, r))
	}
	return answers(http.StatusBadRequest, `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","message":"x","CancellationReasons":[`+
		strings.Join(list, ",")+`]}`)
}

var (
	failing    = answers(http.StatusInternalServerError, `{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"x"}`)
	throttled  = says("ProvisionedThroughputExceededException")
	contended  = says("TransactionConflictException")
	inProgress = says("TransactionInProgressException")
)

// then lets another writer act between the fault and the SDK's next request.
func (f fault) then(act func(w *wire) error) fault {
	return func(r request) (*smithyhttp.Response, error) {
		res, err := f(r)
		return res, errors.Join(err, act(r.wire))
	}
}

// oneUnread answers as a server that read all keys but one.
func oneUnread(r request) (*smithyhttp.Response, error) {
	res, err := r.send()
	if err != nil {
		return nil, err
	}
	var body struct {
		Responses       map[string][]map[string]any
		UnprocessedKeys map[string]any
	}
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
		return nil, err
	}
	for table, items := range body.Responses {
		last := items[len(items)-1]
		body.Responses[table] = items[:len(items)-1]
		body.UnprocessedKeys = map[string]any{table: map[string]any{"Keys": []any{map[string]any{"pk": last["pk"]}}, "ConsistentRead": true}}
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return answers(http.StatusOK, string(text))(r)
}

// A deadline passes when the test says so.
type deadline struct {
	context.Context
	passed chan struct{}
}

func (d deadline) Done() <-chan struct{} { return d.passed }

func (d deadline) Err() error {
	select {
	case <-d.passed:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// newWire returns a store in a new table. Its requests pass the wire, and it tries each three times
// without a pause.
func newWire(t *testing.T, table string) (*wire, *dynamo.Store, context.Context) {
	w := &wire{}
	client := newClient(t, func(o *dynamodb.Options) {
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = 3
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		})
		o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error { return s.Deserialize.Add(w, middleware.After) })
	})
	table = table + time.Now().Format("-150405.000000000")
	if _, err := client.CreateTable(t.Context(), dynamo.Schema(table)); err != nil {
		t.Fatal(err)
	}
	ctx := deadline{t.Context(), make(chan struct{})}
	w.pass = sync.OnceFunc(func() { close(ctx.passed) })
	w.other = dynamo.New(newClient(t), table, time.Now)
	s := dynamo.New(client, table, time.Now)
	s.SetPause(func(ctx context.Context, _ time.Duration) error { return ctx.Err() })
	return w, s, ctx
}
