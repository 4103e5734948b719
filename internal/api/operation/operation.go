// Package operation makes HTTP operations of typed functions. A row names the operation, its
// parameters, its answer and its permissions. Decoding, checks and answering are the same for all.
//
// The rules of a parameter stand once, in a field of the input type:
//
//	type listInput struct {
//		UserID string   `query:"user_id" rules:"required"`
//		Status string   `query:"status" rules:"one=active|pending"`
//		Limit  int      `query:"limit" rules:"min=1 max=500 default=10" doc:"newest first"`
//		Since  *int     `query:"since" rules:"min=0" doc:"milliseconds since 1970"`
//		_      Ignored  `body:"locale skip_legal_checks"`
//	}
//
// The tag path, query or body has the name of the parameter, and doc what the rules do not say.
// [Rules] lists the words of the tag rules. The type says the rest: a pointer tells an absent value
// from an empty one, time.Time is RFC 3339 text, secret.Value a text that does not print,
// json.RawMessage an object, a slice a list of texts, and an [Enumerated] type knows its values. A
// JSON null is an absent value. Decoding, the codes that an operation may answer, the OpenAPI
// document and the reference page derive from the fields, so a function checks no rule again.
package operation

import (
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// Surface is the group of clients that an operation is for.
type Surface string

// The surfaces.
const (
	Frontend Surface = "frontend" // Clerk's SDKs, with a client token
	Backend  Surface = "backend"  // the team's servers, with the secret key
	Public   Surface = "public"   // everyone, without a credential
)

// Permissions are what the Lambda function of an operation must be allowed to do.
type Permissions uint

// The permissions.
const (
	Writes   Permissions = 1 << iota // stores records
	SendsSMS                         // sends text messages
	Lists                            // reads whole kinds
	Deletes                          // removes records
	Counts                           // checks a code or a password, and counts it for the address
	Numbers                          // reads new phone numbers, and so links the numbering plans
	Reads                            // reads records; every operation has it, and a few do not use it
	Latest                           // reads the newest of a kind, by the index
	Limited                          // changes counters, and checks no code or password
	Entries                          // reads sorted lists, by their index
)

var permissionNames = []string{"writes", "sends_sms", "lists", "deletes", "counts", "numbers", "reads", "latest", "limited", "entries"}

// String joins the names of the permissions with "+".
func (all Permissions) String() string {
	var names []string
	for i, name := range permissionNames {
		if all.Has(1 << i) {
			names = append(names, name)
		}
	}
	return strings.Join(names, "+")
}

// Has reports whether all of n are among the permissions.
func (all Permissions) Has(n Permissions) bool { return all&n == n }

// Operation is one row of the table of operations.
type Operation struct {
	// Name is in kebab case and begins with the resource. It names the Lambda function, its folder and
	// its fixtures.
	Name         string
	Method, Path string
	Surface      Surface
	Permissions  Permissions
	Summary      string
	// Status is the HTTP status of the right answer.
	Status int
	// Request and Response are zero values of the typed input and answer. A Response of nil has no
	// body.
	Request, Response any
	// Errors are the codes that the operation itself may answer. Those of its surface come on top.
	Errors []apierr.Code

	params  []Param
	ignored map[string][]string
	serve   func(Operation, *Call) error
}

// Handler is the typed function of an operation.
type Handler[In, Out any] func(c *Call, in In) (Out, error)

// Empty is the input of an operation without parameters.
type Empty struct{}

// New returns the row of a typed function. The pattern is a method and a path, as in "GET /v1/me".
// The right answer has status 200 and is JSON, unless it is [NoContent] or [Redirect].
func New[In, Out any](surface Surface, name, pattern, summary string, permissions Permissions, h Handler[In, Out], codes ...[]apierr.Code) Operation {
	method, path, _ := strings.Cut(pattern, " ")
	var in In
	var out Out
	op := Operation{
		Name: name, Method: method, Path: path, Surface: surface, Permissions: permissions | Reads, Summary: summary, Status: http.StatusOK,
		Request: in, Response: out,
	}
	op.params, op.ignored = paramsOf(reflect.TypeFor[In]())
	op.narrow()
	op.Errors = join(append(codes, refusals(op))...)
	op.serve = func(o Operation, c *Call) error {
		in, err := bind[In](c.Request, o)
		if err != nil {
			return err
		}
		out, err := h(c, in)
		if err != nil {
			return err
		}
		return write(c.Answer, o.Status, out)
	}
	return op
}

// join returns the codes of all lists, each once.
func join(lists ...[]apierr.Code) []apierr.Code {
	var out []apierr.Code
	for _, code := range slices.Concat(lists...) {
		if !slices.Contains(out, code) {
			out = append(out, code)
		}
	}
	return out
}

// Serve runs the operation and writes its right answer. If it returns an error, it has written
// nothing.
func (o Operation) Serve(c *Call) error {
	c.Request.Body = http.MaxBytesReader(c.Answer, c.Request.Body, maxBody)
	return o.serve(o, c)
}

// Elsewhere returns the row of an operation that another function serves. It has no more than the
// method, the path and the surface: what the function of unrouted requests knows of it.
func Elsewhere(surface Surface, method, path string) Operation {
	return Operation{Surface: surface, Method: method, Path: path}
}

// Served reports whether the operation can be run here. It is false for a row of [Elsewhere].
func (o Operation) Served() bool { return o.serve != nil }

// Checks reports whether the operation checks a code, and so may answer that it is wrong.
func (o Operation) Checks() bool { return slices.Contains(o.Errors, apierr.FormCodeIncorrect) }

// Spellings are the forms of a path that are served alike. clerk-js ends some paths with a slash,
// native SDKs none.
func Spellings(path string) []string { return []string{path, path + "/{$}"} }

// Codes that operations of several packages may answer.
var (
	NotFound      = []apierr.Code{apierr.ResourceNotFound}
	InvalidParam  = []apierr.Code{apierr.FormParamFormatInvalid, apierr.FormParamValueInvalid}
	WrongPassword = []apierr.Code{apierr.FormPasswordIncorrect, apierr.FormPasswordOrIdentifierIncorrect}
	WrongCode     = []apierr.Code{
		apierr.FormParamNil, apierr.FormCodeIncorrect, apierr.TooManyRequests, apierr.UserLocked, apierr.UserBanned, apierr.FeatureNotEnabled,
		apierr.StrategyForUserInvalid, apierr.VerificationStrategyInvalid, apierr.VerificationMissing, apierr.VerificationExpired, apierr.VerificationFailed,
	}
)
