package openapi

import (
	"reflect"
	"strings"

	"github.com/countersign-mfa/countersign/internal/api/operation"
)

// schemas collects the named types that answers consist of.
type schemas struct{ seen object }

// of returns the schema of what encoding/json writes for a type.
func (s *schemas) of(t reflect.Type) object {
	if f, ok := reflect.Zero(t).Interface().(operation.Former); ok {
		var forms []any
		for _, form := range f.Forms() {
			forms = append(forms, s.of(reflect.TypeOf(form)))
		}
		return object{"anyOf": forms}
	}
	switch {
	case t.Name() == "AnyValue":
		return object{}
	case t.String() == "json.RawMessage", t.Name() == "Document":
		return object{"type": "object"}
	case t.Kind() == reflect.Struct && t.NumField() == 0:
		return object{"type": "object"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return nullable(s.of(t.Elem()))
	case reflect.Slice:
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.Array:
		return object{"type": "array", "items": s.of(t.Elem()), "minItems": t.Len(), "maxItems": t.Len()}
	case reflect.Map, reflect.Interface:
		return object{"type": "object"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return object{"type": "integer"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.Struct:
		return s.named(t)
	}
	return object{"type": "string"}
}

// nullable allows null beside a schema.
func nullable(schema object) object {
	if kind, ok := schema["type"].(string); ok {
		schema["type"] = []any{kind, "null"}
		return schema
	}
	return object{"anyOf": []any{schema, object{"type": "null"}}}
}

// named refers to a type by its name; an envelope is written where it stands.
func (s *schemas) named(t reflect.Type) object {
	if strings.Contains(t.Name(), "[") {
		return s.fields(t)
	}
	if _, ok := s.seen[t.Name()]; !ok {
		s.seen[t.Name()] = object{} // a type may hold itself
		s.seen[t.Name()] = s.fields(t)
	}
	return object{"$ref": "#/components/schemas/" + t.Name()}
}

func (s *schemas) fields(t reflect.Type) object {
	properties, required := object{}, []any{}
	var add func(t reflect.Type)
	add = func(t reflect.Type) {
		for i := range t.NumField() {
			f := t.Field(i)
			if f.Anonymous {
				add(f.Type)
				continue
			}
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			schema := s.of(f.Type)
			if f.Tag.Get("null") != "" {
				schema = nullable(schema)
			}
			properties[name] = schema
			if options != "omitempty" && options != "omitzero" {
				required = append(required, name)
			}
		}
	}
	add(t)
	return object{"type": "object", "properties": properties, "required": required}
}

func errorSchema() object {
	text := object{"type": "string"}
	return object{
		"type": "object", "required": []any{"errors", "clerk_trace_id"},
		"properties": object{
			"clerk_trace_id": text,
			"errors": object{"type": "array", "items": object{
				"type": "object", "required": []any{"code", "message", "long_message", "meta"},
				"properties": object{"code": text, "message": text, "long_message": text, "meta": object{"type": "object"}},
			}},
		},
	}
}
