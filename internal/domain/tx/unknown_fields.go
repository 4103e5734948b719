package tx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"strings"
	"sync"

	"github.com/countersign-mfa/countersign/internal/domain/account"
)

// decode reads a record into an entity. During a deployment two versions work on the same records,
// and a field of the newer version must survive a write by the older one. So decode returns the
// stored text as foreign if it has a field that this version does not know, else nil.
func decode(data []byte, into account.Entity) (foreign []byte, err error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err == nil {
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			return nil, errors.New("more than one value")
		}
		return nil, nil
	}
	empty := reflect.New(reflect.TypeOf(into).Elem())
	reflect.ValueOf(into).Elem().Set(empty.Elem())
	if err := json.Unmarshal(data, into); err != nil {
		return nil, err
	}
	return data, nil
}

// encodeOver encodes an entity and adds the unknown fields of the record that it replaces.
func encodeOver(e account.Entity, foreign []byte) ([]byte, error) {
	data, err := account.Encode(e)
	if err != nil || foreign == nil {
		return data, err
	}
	kept, err := keepUnknown(foreign, data, reflect.TypeOf(e))
	if err != nil {
		return nil, fmt.Errorf("keep unknown fields: %w", err)
	}
	return kept, nil
}

// keepUnknown returns after with those fields of before that the type does not have, at every
// depth. Fields of an object are lost if another id has taken the object's place, or the object was
// removed.
func keepUnknown(before, after json.RawMessage, of reflect.Type) (json.RawMessage, error) {
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	switch {
	case reflect.PointerTo(of).Implements(marshaler):
		return after, nil
	case of.Kind() == reflect.Slice && elementOf(of).Kind() == reflect.Struct:
		return keepInList(before, after, of.Elem())
	case of.Kind() != reflect.Struct:
		return after, nil
	}
	return keepInObject(before, after, of)
}

func keepInObject(before, after json.RawMessage, of reflect.Type) (json.RawMessage, error) {
	var old, now map[string]json.RawMessage
	if json.Unmarshal(before, &old) != nil || json.Unmarshal(after, &now) != nil || old == nil || now == nil || !bytes.Equal(old["i"], now["i"]) {
		return after, nil // not both objects, or not the same one
	}
	known := fieldsOf(of)
	for name, value := range old {
		field, ours := known[name]
		if !ours {
			now[name] = value
			continue
		}
		present, stays := now[name]
		if !stays && field.Kind() != reflect.Struct {
			continue
		}
		if !stays {
			present = json.RawMessage("{}") // left out because all that this version knows of it is zero
		}
		kept, err := keepUnknown(value, present, field)
		if err != nil {
			return nil, err
		}
		if stays || string(kept) != "{}" {
			now[name] = kept
		}
	}
	return json.Marshal(now)
}

// keepInList is [keepUnknown] for the objects of a list. Objects are matched by their ids, or else
// by all known fields.
func keepInList(before, after json.RawMessage, of reflect.Type) (json.RawMessage, error) {
	var old, now []json.RawMessage
	if json.Unmarshal(before, &old) != nil || json.Unmarshal(after, &now) != nil {
		return after, nil
	}
	was := map[string]json.RawMessage{}
	for _, o := range old {
		was[identity(o, of)] = o
	}
	for i, o := range now {
		before, ok := was[identity(o, of)]
		if !ok {
			continue
		}
		kept, err := keepUnknown(before, o, of)
		if err != nil {
			return nil, err
		}
		now[i] = kept
	}
	return json.Marshal(now)
}

// identity is what tells an object of a list from the others.
func identity(o json.RawMessage, of reflect.Type) string {
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(o, &fields) != nil {
		return ""
	}
	if id, ok := fields["i"]; ok {
		return string(id)
	}
	known := fieldsOf(of)
	maps.DeleteFunc(fields, func(name string, _ json.RawMessage) bool { _, ours := known[name]; return !ours })
	text, err := json.Marshal(fields)
	if err != nil {
		return ""
	}
	return string(text)
}

var marshaler = reflect.TypeFor[json.Marshaler]()

func elementOf(list reflect.Type) reflect.Type {
	e := list.Elem()
	for e.Kind() == reflect.Pointer {
		e = e.Elem()
	}
	return e
}

// knownFields has the stored fields of types that were met.
var knownFields sync.Map

func fieldsOf(of reflect.Type) map[string]reflect.Type {
	if found, ok := knownFields.Load(of); ok {
		return found.(map[string]reflect.Type)
	}
	fields := map[string]reflect.Type{}
	for i := range of.NumField() {
		f := of.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct { // embedded
			maps.Copy(fields, fieldsOf(f.Type))
		}
		if f.IsExported() && name != "" && name != "-" {
			fields[name] = f.Type
		}
	}
	knownFields.Store(of, fields)
	return fields
}
