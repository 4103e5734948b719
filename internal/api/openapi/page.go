package openapi

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/countersign-mfa/countersign/internal/api/operation"
)

//go:embed reference.html
var reference string

var page = template.Must(template.New("reference").Parse(reference))

type section struct {
	subject
	Operations []entry
}

type entry struct {
	operation.Operation
	Of      string // the API that the operation is of
	Fields  []operation.Param
	Answer  string
	Refused []refusal
	Command string
}

type refusal struct {
	Status int
	Codes  string
}

// subject is a group of operations for readers, by what their paths begin with.
type subject struct {
	Name  string
	paths []string
}

// subjects are in the order of the page. An operation belongs to the longest path.
var subjects = []subject{
	{"Sign-in", []string{"/v1/client/sign_ins", "/v1/client/handshake"}},
	{"Browser and sessions", []string{"/v1/client", "/v1/dev_browser", "/v1/environment"}},
	{"A user's own account", []string{"/v1/me"}},
	{"Users", []string{"/v1/users"}},
	{"Addresses and numbers of users", []string{"/v1/email_addresses", "/v1/phone_numbers"}},
	{"Sign-in tokens and sessions of users", []string{"/v1/sign_in_tokens", "/v1/sessions", "/v1/testing_tokens", "/v1/clients"}},
	{"Settings", []string{"/v1/instance"}},
	{"Text messages and statistics", []string{"/v1/sms_messages", "/v1/sms_usage", "/v1/statistics"}},
	{"Events and webhooks", []string{"/v1/events", "/v1/webhook_endpoints"}},
	{"Keys and health", []string{"/.well-known", "/v1/jwks", "/healthz"}},
}

// subjectOf returns the index of a path's subject, or -1.
func subjectOf(path string) int {
	at, longest := -1, 0
	for i, s := range subjects {
		for _, begin := range s.paths {
			if (path == begin || strings.HasPrefix(path, begin+"/")) && len(begin) > longest {
				at, longest = i, len(begin)
			}
		}
	}
	return at
}

var surfaces = map[operation.Surface]string{operation.Frontend: "Frontend API, client token", operation.Backend: "Backend API, secret key", operation.Public: "no credential"}

// PublicURL stands in the page for the address of the server that shows it.
const PublicURL = "https://countersign.invalid"

// Page returns the body of the reference as HTML, with [PublicURL] in its commands.
func Page(operations []operation.Operation) ([]byte, error) {
	sections := make([]section, len(subjects))
	for i, s := range subjects {
		sections[i].subject = s
	}
	for _, op := range operations {
		e := entry{Operation: op, Of: surfaces[op.Surface], Fields: op.Params(), Answer: answerName(op), Command: command(op)}
		errors := Errors(op)
		for _, status := range slices.Sorted(maps.Keys(errors)) {
			var codes []string
			for _, c := range errors[status] {
				codes = append(codes, string(c))
			}
			e.Refused = append(e.Refused, refusal{status, strings.Join(codes, ", ")})
		}
		at := subjectOf(op.Path)
		if at < 0 {
			return nil, fmt.Errorf("reference: %s has no subject", op.Path)
		}
		sections[at].Operations = append(sections[at].Operations, e)
	}
	var b bytes.Buffer
	if err := page.Execute(&b, sections); err != nil {
		return nil, fmt.Errorf("render reference: %w", err)
	}
	return b.Bytes(), nil
}

// answerName describes the body of the right answer.
func answerName(op operation.Operation) string {
	if op.Response == nil {
		return "nothing"
	}
	t := reflect.TypeOf(op.Response)
	list := ""
	if t.Kind() == reflect.Slice && t.Name() == "" {
		t, list = t.Elem(), "list of "
	}
	name := t.Name()
	switch {
	case strings.HasPrefix(name, "Wrapped["):
		inner := strings.TrimSuffix(name[strings.LastIndex(name, ".")+1:], "]")
		return "{response: " + inner + ", client: Client or null}"
	case name == "Document":
		return "JSON Web Key Set"
	case name == "Redirect":
		return "a redirect"
	}
	return list + name
}
