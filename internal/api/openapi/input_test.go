package openapi

import (
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/countersign-mfa/countersign/internal/api/operation"
)

type object = map[string]any

// text is the pattern of every text that has no other rule: the API refuses U+0000.
const text = `^[^\x00]*$`

// parameters returns the parameters of path and query.
func parameters(op operation.Operation) []any {
	var out []any
	for _, p := range op.Params() {
		if p.In != "body" {
			out = append(out, object{"name": p.Name, "in": p.In, "required": p.IsNeeded(), "schema": inputSchema(p)})
		}
	}
	for _, name := range op.Ignores("query") {
		out = append(out, object{"name": name, "in": "query", "required": false, "schema": ignored()})
	}
	if op.Surface == operation.Frontend && strings.HasPrefix(op.Path, "/v1/me") {
		out = append(out, object{"name": "_clerk_session_id", "in": "query", "required": false, "schema": object{"type": "string", "description": "the session that this is about; without it the client's last active one"}})
	}
	return out
}

// body returns the description of the body, or nil if the operation takes none.
func body(op operation.Operation) object {
	form, data, required := object{}, object{}, []any{}
	for _, p := range op.Params() {
		if p.In != "body" {
			continue
		}
		form[p.Name] = formSchema(p)
		data[p.Name] = inputSchema(p)
		if p.IsNeeded() {
			required = append(required, p.Name)
		} else {
			data[p.Name] = nullable(inputSchema(p))
		}
	}
	for _, name := range op.Ignores("body") {
		form[name], data[name] = ignored(), ignored()
	}
	if len(form) == 0 {
		return nil
	}
	content := object{"application/json": object{"schema": bodySchema(op, data, required, []any{"object", "null"})}}
	if op.Surface != operation.Backend {
		content["application/x-www-form-urlencoded"] = object{"schema": bodySchema(op, form, required, "object")}
	}
	return object{"content": content, "required": len(required) > 0}
}

// formSchema is the schema of a parameter in a form, where an object is JSON text.
func formSchema(p operation.Param) object {
	out := inputSchema(p)
	if p.Kind() == "object" {
		out["type"], out["format"], out["contentMediaType"] = "string", "json-object", "application/json"
	}
	return out
}

// bodySchema describes an object of parameters. A body that needs none may also be of the type
// empty.
func bodySchema(op operation.Operation, properties object, required []any, empty any) object {
	out := object{"type": empty, "properties": properties}
	if len(required) > 0 {
		out["type"], out["required"] = "object", required
	}
	if op.StrictBody() {
		out["additionalProperties"] = false
	}
	return out
}

// ignored is the schema of a parameter that is accepted and means nothing here.
func ignored() object { return object{"description": "accepted, and means nothing here"} }

func inputSchema(p operation.Param) object {
	out := object{}
	switch kind := p.Kind(); kind {
	case "array":
		out = object{"type": kind, "items": textSchema(p)}
		put(out, "minItems", p.Items.Min)
		put(out, "maxItems", p.Items.Max)
	case "object":
		out["type"] = kind
		if p.Format != "" {
			out["format"] = p.Format
		}
		if p.Type.Kind() == reflect.Map {
			out["additionalProperties"] = numberSchema(p, "number")
		}
		if p.One != nil {
			out["propertyNames"] = object{"enum": p.One}
		}
	case "integer", "number":
		out = numberSchema(p, kind)
	case "boolean":
		out["type"] = kind
		if p.One != nil {
			out["enum"] = []any{p.One[0] == "true"}
		}
	default:
		out = textSchema(p)
	}
	if p.Default != "" {
		out["default"] = defaultValue(p)
	}
	if p.Doc != "" {
		out["description"] = p.Doc
	}
	return out
}

func textSchema(p operation.Param) object {
	out := object{"type": "string"}
	if p.One != nil {
		out["enum"] = p.One
		return out
	}
	switch {
	case p.IsTime():
		out["format"] = "date-time"
		return out
	case p.Format != "": // which says more than a length
		out["format"] = p.Format
		return out
	case p.Pattern != nil:
		out["pattern"] = p.Pattern.String()
	case p.In != "path":
		out["pattern"] = text
	}
	least := p.Length.Min
	if p.IsNeeded() && p.In != "path" && p.IsText() && !p.Clearable {
		least = max(least, 1)
	}
	put(out, "minLength", least)
	put(out, "maxLength", p.Length.Max)
	return out
}

func numberSchema(p operation.Param, kind string) object {
	out := object{"type": kind}
	switch {
	case kind == "integer" && p.In == "body":
		out["minimum"], out["maximum"] = -operation.MaxInteger, operation.MaxInteger
	case kind == "integer":
		out["minimum"], out["maximum"] = math.MinInt64, math.MaxInt64
	}
	for name, bound := range map[string]*float64{"minimum": p.Min, "maximum": p.Max} {
		if bound != nil && *bound == math.Trunc(*bound) {
			out[name] = int64(*bound)
		} else if bound != nil {
			out[name] = *bound
		}
	}
	return out
}

func put(schema object, name string, n int) {
	if n > 0 {
		schema[name] = n
	}
}

// defaultValue is the default in the type of the parameter.
func defaultValue(p operation.Param) any {
	if p.Kind() == "string" {
		return p.Default
	}
	var v any
	if err := json.Unmarshal([]byte(p.Default), &v); err != nil {
		panic(strconv.Quote(p.Default) + ": " + err.Error())
	}
	return v
}
