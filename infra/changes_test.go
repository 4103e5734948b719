package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
)

// changes returns the paths at which two JSON texts differ, with the values there, at most 40.
func changes(before, after string) []string {
	var a, b any
	if errA, errB := json.Unmarshal([]byte(before), &a), json.Unmarshal([]byte(after), &b); errA != nil || errB != nil {
		return []string{fmt.Sprint("no JSON: ", errA, errB)}
	}
	var found []string
	walk("", a, b, func(path string, a, b any) {
		if len(found) < 40 {
			found = append(found, fmt.Sprintf("%s: %.80s -> %.80s", path, short(a), short(b)))
		}
	})
	if len(found) == 0 && before != after {
		found = append(found, "the spelling only")
	}
	return found
}

func short(v any) string {
	if v == nil {
		return "nothing"
	}
	text, _ := json.Marshal(v)
	return string(text)
}

func walk(path string, a, b any, differ func(string, any, any)) {
	if reflect.DeepEqual(a, b) {
		return
	}
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok {
			break
		}
		keys := slices.AppendSeq(slices.Collect(maps.Keys(x)), maps.Keys(y))
		slices.Sort(keys)
		for _, k := range slices.Compact(keys) {
			walk(path+"/"+k, x[k], y[k], differ)
		}
		return
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			break
		}
		for i := range x {
			walk(fmt.Sprint(path, "/", i), x[i], y[i], differ)
		}
		return
	}
	differ(path, a, b)
}

func TestChanges(t *testing.T) {
	for _, c := range []struct{ before, after, want string }{
		{`{"a":{"b":[1,2]}}`, `{"a":{"b":[1,3]}}`, "[/a/b/1: 2 -> 3]"},
		{`{"a":1}`, `{"b":1}`, "[/a: 1 -> nothing /b: nothing -> 1]"},
		{`{"a":[1]}`, `{"a":[1,2]}`, "[/a: [1] -> [1,2]]"},
		{`{"a":1}`, `{ "a":1}`, "[the spelling only]"},
		{`{"a":1}`, `{"a":1}`, "[]"},
	} {
		if got := fmt.Sprint(changes(c.before, c.after)); got != c.want {
			t.Errorf("%s to %s: %s, want %s", c.before, c.after, got, c.want)
		}
	}
}
