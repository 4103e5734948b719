package openapi

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/countersign-mfa/countersign/internal/api/operation"
)

// Document returns the OpenAPI document of the operations in YAML. The same operations give the
// same bytes.
func Document(operations []operation.Operation) ([]byte, error) {
	s := &schemas{seen: object{}}
	paths := object{}
	for _, op := range operations {
		path, _ := paths[op.Path].(object)
		if path == nil {
			path = object{}
			paths[op.Path] = path
		}
		path[strings.ToLower(op.Method)] = describe(s, op)
	}
	s.seen["Errors"] = errorSchema()
	doc := object{
		"openapi": "3.1.0",
		"info": object{
			"title": "Countersign", "version": "1",
			"summary":     "Multi-factor authentication that a team owns, in the protocol of Clerk's Frontend and Backend API.",
			"description": "PATCH, PUT and DELETE may be sent as POST with _method in the query, and a path may end in a slash where clerk-js ends it so: POST /v1/me/phone_numbers/ and /v1/me/backup_codes/. Times are milliseconds since 1970.",
			"license":     object{"name": "Apache-2.0", "identifier": "Apache-2.0"},
		},
		"servers": []any{object{"url": "http://localhost:8080", "description": "make run"}},
		"tags": []any{
			object{"name": string(operation.Frontend), "description": "Called by Clerk's SDKs with a client token."},
			object{"name": string(operation.Backend), "description": "Called by the team's servers with the secret key. The headers Countersign-Operator (at most 40 characters) and Countersign-Reason (140), UTF-8 and percent-encoded, name who acts and why: audit logs and events have both."},
			object{"name": string(operation.Public), "description": "Open to everybody."},
		},
		"paths": paths,
		"components": object{
			"schemas": s.seen,
			"securitySchemes": object{
				"client":     object{"type": "apiKey", "in": "cookie", "name": "__client", "description": "The client token of a browser."},
				"devBrowser": object{"type": "apiKey", "in": "query", "name": "__clerk_db_jwt", "description": "The id of a development browser."},
				"native":     object{"type": "apiKey", "in": "header", "name": "Authorization", "description": "The client token of a native app, with _is_native=1 in the query."},
				"secretKey":  object{"type": "http", "scheme": "bearer", "description": "The secret key of the Backend API."},
			},
		},
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(doc); err != nil {
		return nil, fmt.Errorf("encode OpenAPI document: %w", err)
	}
	return b.Bytes(), nil
}

func describe(s *schemas, op operation.Operation) object {
	out := object{
		"operationId": op.Name, "summary": op.Summary, "tags": []any{string(op.Surface)}, "security": security(op.Surface),
		"responses": responses(s, op),
	}
	if p := parameters(op); len(p) > 0 {
		out["parameters"] = p
	}
	if b := body(op); b != nil {
		out["requestBody"] = b
	}
	return out
}

func security(surface operation.Surface) []any {
	switch surface {
	case operation.Frontend:
		return []any{object{"client": []any{}}, object{"devBrowser": []any{}}, object{"native": []any{}}, object{}}
	case operation.Backend:
		return []any{object{"secretKey": []any{}}}
	}
	return []any{}
}

func responses(s *schemas, op operation.Operation) object {
	good := object{"description": http.StatusText(op.Status)}
	if op.Response != nil && op.Status == http.StatusOK {
		good["content"] = object{"application/json": object{"schema": s.of(reflect.TypeOf(op.Response))}}
	}
	out := object{strconv.Itoa(op.Status): good}
	byStatus := Errors(op)
	for _, status := range slices.Sorted(maps.Keys(byStatus)) {
		var codes []string
		for _, c := range byStatus[status] {
			codes = append(codes, string(c))
		}
		slices.Sort(codes)
		out[strconv.Itoa(status)] = object{
			"description": strings.Join(codes, ", "),
			"content":     object{"application/json": object{"schema": object{"$ref": "#/components/schemas/Errors"}}},
		}
	}
	return out
}
