package openapi

import (
	"regexp"
	"strings"

	"github.com/countersign-mfa/countersign/internal/api/operation"
)

var inBraces = regexp.MustCompile(`\{(\w+)\}`)

// command returns a curl command for an operation, with the parameters that a request needs. A
// word in capitals is a value to fill in. The Frontend API takes forms and cookies, the Backend API
// JSON and the secret key.
func command(op operation.Operation) string {
	target := PublicURL + inBraces.ReplaceAllStringFunc(op.Path, func(name string) string { return strings.ToUpper(name[1 : len(name)-1]) })
	var query, body []string
	hasBody := false
	for _, p := range op.Params() {
		hasBody = hasBody || p.In == "body"
		switch {
		case !p.IsNeeded():
		case p.In == "query":
			query = append(query, p.Name+"="+sample(p))
		case p.In == "body":
			body = append(body, inBody(op, p))
		}
	}
	if len(query) > 0 {
		target += "?" + strings.Join(query, "&")
	}
	words := []string{"curl"}
	if op.Method != "GET" {
		words = append(words, "-X "+op.Method)
	}
	words = append(words, "'"+target+"'")
	switch op.Surface {
	case operation.Backend:
		words = append(words, `-H "Authorization: Bearer $CLERK_SECRET_KEY"`)
		if hasBody {
			words = append(words, "-H 'Content-Type: application/json'", "-d '{"+strings.Join(body, ", ")+"}'")
		}
	case operation.Frontend:
		words = append(append(words, "-b cookies -c cookies"), body...)
	}
	return strings.Join(words, " \\\n  ")
}

// sample is a value of a parameter: the first right one, or the name in capitals.
func sample(p operation.Param) string {
	switch {
	case len(p.One) > 0:
		return p.One[0]
	case p.Kind() == "boolean":
		return "true"
	case p.Kind() == "integer", p.Kind() == "number":
		return "1"
	}
	return strings.ToUpper(p.Name)
}

// inBody is a parameter as the body of a request has it.
func inBody(op operation.Operation, p operation.Param) string {
	value := sample(p)
	if op.Surface != operation.Backend {
		return "--data-urlencode '" + p.Name + "=" + value + "'"
	}
	switch p.Kind() {
	case "array":
		value = `["` + value + `"]`
	case "object":
		value = "{}"
	case "string":
		value = `"` + value + `"`
	}
	return `"` + p.Name + `": ` + value
}
