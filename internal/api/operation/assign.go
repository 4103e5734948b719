package operation

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

// assign stores the parameter in a field. Its type is a kind of string, bool, int or float64,
// secret.Value, time.Time, a pointer to one of these, a list of strings or secrets, a map of
// numbers, or json.RawMessage for an object.
func (v value) assign(to reflect.Value) error {
	for _, text := range v.texts {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return errBody
		}
	}
	if to.Kind() == reflect.Pointer {
		fresh := reflect.New(to.Type().Elem())
		if err := v.assign(fresh.Elem()); err != nil {
			return err
		}
		to.Set(fresh)
		return nil
	}
	if _, object := to.Interface().(json.RawMessage); !object && to.Kind() == reflect.Slice {
		return v.assignList(to)
	}
	if v.texts == nil {
		return assignJSON(to, v.raw)
	}
	if len(v.texts) != 1 {
		return errDuplicate
	}
	return assignText(to, v.texts[0])
}

func (v value) assignList(to reflect.Value) error {
	list, err := v.list()
	if err != nil {
		return err
	}
	out := reflect.MakeSlice(to.Type(), len(list), len(list))
	for i, text := range list {
		if err := assignText(out.Index(i), text); err != nil {
			return err
		}
	}
	to.Set(out)
	return nil
}

func (v value) list() ([]string, error) {
	if v.texts != nil {
		return v.texts, nil
	}
	var list []*string
	if err := json.Unmarshal(v.raw, &list); err != nil {
		return nil, errType
	}
	out := make([]string, len(list))
	for i, text := range list {
		if text == nil {
			return nil, errType
		}
		if strings.ContainsRune(*text, 0) {
			return nil, errBody
		}
		out[i] = *text
	}
	return out, nil
}

func assignJSON(to reflect.Value, raw json.RawMessage) error {
	switch target := to.Addr().Interface().(type) {
	case *json.RawMessage:
		return assignObject(target, raw)
	case *secret.Value, *time.Time:
		return assignJSONText(to, raw)
	}
	switch to.Kind() {
	case reflect.String:
		return assignJSONText(to, raw)
	case reflect.Int:
		var n float64
		if err := json.Unmarshal(raw, &n); err != nil {
			return errType
		}
		return assignInteger(to, n)
	case reflect.Map:
		return assignMap(to, raw)
	default:
		if err := json.Unmarshal(raw, to.Addr().Interface()); err != nil {
			return errType
		}
	}
	return nil
}

func assignJSONText(to reflect.Value, raw json.RawMessage) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return errType
	}
	if strings.ContainsRune(text, 0) {
		return errBody
	}
	return assignText(to, text)
}

// assignMap stores an object of numbers. A null is no number.
func assignMap(to reflect.Value, raw json.RawMessage) error {
	var object map[string]*float64
	if err := json.Unmarshal(raw, &object); err != nil {
		return errType
	}
	out := reflect.MakeMapWithSize(to.Type(), len(object))
	for name, n := range object {
		if n == nil {
			return errType
		}
		out.SetMapIndex(reflect.ValueOf(name).Convert(to.Type().Key()), reflect.ValueOf(*n))
	}
	to.Set(out)
	return nil
}

// MaxInteger is the largest integer that all readers of JSON take for the same: RFC 7493 section
// 2.2.
const MaxInteger = 1<<53 - 1

// assignInteger stores an integer. JSON does not tell 1 from 1.0 (RFC 8259 section 6).
func assignInteger(to reflect.Value, n float64) error {
	switch {
	case n != math.Trunc(n):
		return errType
	case math.Abs(n) > MaxInteger:
		return errValue
	}
	to.SetInt(int64(n))
	return nil
}

func assignObject(to *json.RawMessage, raw json.RawMessage) error {
	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil || object == nil {
		return errType
	}
	*to = raw
	return nil
}

func assignText(to reflect.Value, text string) error {
	switch target := to.Addr().Interface().(type) {
	case *secret.Value:
		*target = secret.New(text)
		return nil
	case *time.Time:
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return errForm
		}
		*target = at
		return nil
	case *json.RawMessage:
		if err := CheckObject([]byte(text)); err != nil {
			return err
		}
		return assignObject(target, json.RawMessage(text))
	}
	switch to.Kind() {
	case reflect.String:
		to.SetString(text)
	case reflect.Bool:
		return assignBool(to, text)
	case reflect.Int:
		n, err := strconv.ParseInt(text, 10, 64)
		switch {
		case errors.Is(err, strconv.ErrRange):
			return errValue
		case err != nil:
			return errType
		}
		to.SetInt(n)
	default:
		return errType
	}
	return nil
}

func assignBool(to reflect.Value, text string) error {
	switch text {
	case "true":
		to.SetBool(true)
	case "false":
		to.SetBool(false)
	default:
		return errType
	}
	return nil
}
