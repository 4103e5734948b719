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
	Name, About string
	Operations  []entry
}

type entry struct {
	operation.Operation
	Fields  []operation.Param
	Answer  string
	Refused []refusal
}

type refusal struct {
	Status int
	Codes  string
}

// Page returns the reference as HTML without scripts or external resources.
func Page(operations []operation.Operation) ([]byte, error) {
	sections := []section{
		{Name: "Frontend API", About: "Called by Clerk's SDKs, with a client token: a cookie, a development browser's id or a native app's header."},
		{Name: "Backend API", About: "Called by your servers, with the secret key as bearer and JSON bodies."},
		{Name: "Open to everybody", About: "Needs no credential."},
	}
	index := map[operation.Surface]int{operation.Frontend: 0, operation.Backend: 1, operation.Public: 2}
	for _, op := range operations {
		e := entry{Operation: op, Fields: op.Params(), Answer: answerName(op)}
		errors := Errors(op)
		for _, status := range slices.Sorted(maps.Keys(errors)) {
			var codes []string
			for _, c := range errors[status] {
				codes = append(codes, string(c))
			}
			e.Refused = append(e.Refused, refusal{status, strings.Join(codes, ", ")})
		}
		s := &sections[index[op.Surface]]
		s.Operations = append(s.Operations, e)
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
