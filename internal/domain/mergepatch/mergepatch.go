// Package mergepatch changes JSON objects by JSON Merge Patches (RFC 7396).
package mergepatch

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Merge returns an object changed by a JSON Merge Patch: objects are merged at any depth, null
// removes a key, any other value replaces the old one. Both are JSON objects; an empty text is an
// object without keys. Numbers keep their digits.
func Merge(object, patch json.RawMessage) (json.RawMessage, error) {
	merged, err := mergeObject(object, patch)
	if err != nil {
		return nil, fmt.Errorf("merge JSON: %w", err)
	}
	return merged, nil
}

// mergeObject merges an object into a value. A value that is not an object counts as an empty one.
func mergeObject(value, patch json.RawMessage) (json.RawMessage, error) {
	fields, changes := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if isObject(value) {
		if err := json.Unmarshal(value, &fields); err != nil {
			return nil, err
		}
	}
	if err := json.Unmarshal(patch, &changes); err != nil {
		return nil, err
	}
	for name, change := range changes {
		switch {
		case string(change) == "null":
			delete(fields, name)
		case isObject(change):
			merged, err := mergeObject(fields[name], change)
			if err != nil {
				return nil, err
			}
			fields[name] = merged
		default:
			fields[name] = change
		}
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false) // the limit of metadata is in bytes
	if err := e.Encode(fields); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

// isObject reports whether valid JSON is an object.
func isObject(value json.RawMessage) bool {
	return bytes.HasPrefix(bytes.TrimLeft(value, " \t\r\n"), []byte("{"))
}
