package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// Surface says who calls an operation.
type Surface string

// The surfaces.
const (
	Frontend Surface = "frontend" // Clerk's SDKs, with a client token
	Backend  Surface = "backend"  // the team's servers, with the secret key
	Public   Surface = "public"   // anybody
)

// Permissions is what an operation uses beyond reading records: what a function of its own must be allowed to do.
type Permissions uint

// The needs.
const (
	Writes   Permissions = 1 << iota // stores records
	SendsSMS                         // sends text messages
	Signs                            // signs session tokens
	Lists                            // reads whole kinds
	Deletes                          // removes records
	Counts                           // checks a code or a password, and counts it for the address
	Numbers                          // reads phone numbers that are new, and so holds the numbering plans
	Reads                            // reads records; every operation does but a few
	Latest                           // reads the newest of a kind, by the index
	Limited                          // counts requests of an address, and checks no code or password
)

var permissionNames = []string{"writes", "texts", "signs", "lists", "deletes", "counts", "numbers", "reads", "latest", "limited"}

// String names the needs.
func (all Permissions) String() string {
	var names []string
	for i, name := range permissionNames {
		if all.Has(1 << i) {
			names = append(names, name)
		}
	}
	return strings.Join(names, "+")
}

// Has says whether all of n are among the needs.
func (all Permissions) Has(n Permissions) bool { return all&n == n }

// Operation is one row of the table.
type Operation struct {
	// Name is the kebab-case name, surface first; it names the function, its folder and its fixtures.
	Name         string
	Method, Path string
	Surface      Surface
	Permissions  Permissions
	Summary      string
	// Status is that of the right answer.
	Status int
	// Request and Response are zero values of the typed input and answer. A Response of nil has no body.
	Request, Response any
	// Errors are the codes that the operation itself may answer; every operation may answer those of its surface too.
	Errors []apierr.Code

	serve func(*API, *call) error
}

// call is one request for an operation.
type call struct {
	context.Context
	request  *http.Request
	answer   *exchange
	from     tx.Caller // of the frontend
	settings account.Settings
}

// handler is the typed function of an operation.
type handler[In, Out any] func(a *API, c *call, in In) (Out, error)

// row makes an operation of a typed function. The answer is sent as it is.
func row[In, Out any](surface Surface, name, method, path, summary string, permissions Permissions, h handler[In, Out], codes ...apierr.Code) Operation {
	op := Operation{Name: name, Method: method, Path: path, Surface: surface, Permissions: permissions | Reads, Summary: summary, Status: http.StatusOK, Errors: codes}
	var in In
	var out Out
	op.Request, op.Response = in, out
	op.Errors = append(op.Errors[:len(op.Errors):len(op.Errors)], refusals(op)...)
	op.serve = func(a *API, c *call) error {
		in, err := bind[In](c.request, op)
		if err != nil {
			return err
		}
		out, err := h(a, c, in)
		if err != nil {
			return err
		}
		return a.write(c.answer, op.Status, out)
	}
	return op
}

// serve checks who is calling and runs the operation.
func (a *API) serve(w http.ResponseWriter, r *http.Request, op *Operation) {
	x := r.Context().Value(exchangeKey{}).(*exchange)
	x.operation = op.Name
	c := &call{Context: r.Context(), request: r, answer: x}
	if x.overridden && op.Surface != Frontend {
		a.fail(x, r, apierr.New(apierr.MethodNotAllowed))
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if a.Observe != nil {
		defer func() { x.noted = a.Observe(Outcome{op, x.status, x.code}) }()
	}
	if err := a.admit(c, op.Surface); err != nil {
		a.fail(x, r, err)
		return
	}
	if err := op.serve(a, c); err != nil {
		a.fail(x, r, err)
	}
}

// Checks says whether an operation checks a code: such an operation may answer that it is wrong.
func (o Operation) Checks() bool { return slices.Contains(o.Errors, apierr.FormCodeIncorrect) }

// empty is the input of an operation that has none.
type empty struct{}
