package authenticator

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
)

// CBOR encodes a value in the CTAP2 canonical CBOR encoding form (CTAP 2.1, section 8). A value is
// an int or int64, []byte, string, []any, bool, nil, or a map[any]any with keys of int, int64 or
// string. It panics for another type.
func CBOR(v any) []byte {
	switch v := v.(type) {
	case nil:
		return []byte{0xf6}
	case bool:
		if v {
			return []byte{0xf5}
		}
		return []byte{0xf4}
	case int:
		return CBOR(int64(v))
	case int64:
		if v < 0 {
			return head(1, uint64(-1-v))
		}
		return head(0, uint64(v))
	case []byte:
		return append(head(2, uint64(len(v))), v...)
	case string:
		return append(head(3, uint64(len(v))), v...)
	case []any:
		out := head(4, uint64(len(v)))
		for _, e := range v {
			out = append(out, CBOR(e)...)
		}
		return out
	case map[any]any:
		return members(v)
	}
	panic(fmt.Sprintf("CBOR of %T", v))
}

// members encodes a map. Keys are sorted by major type, length and bytes.
func members(m map[any]any) []byte {
	var keys [][]byte
	values := map[string]any{}
	for k, v := range m {
		key := CBOR(k)
		keys = append(keys, key)
		values[string(key)] = v
	}
	slices.SortFunc(keys, func(a, b []byte) int {
		if a[0]>>5 != b[0]>>5 {
			return int(a[0]>>5) - int(b[0]>>5)
		}
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return bytes.Compare(a, b)
	})
	out := head(5, uint64(len(m)))
	for _, k := range keys {
		out = append(append(out, k...), CBOR(values[string(k)])...)
	}
	return out
}

// head encodes a major type and its argument in the shortest form.
func head(major byte, n uint64) []byte {
	switch {
	case n < 24:
		return []byte{major<<5 | byte(n)}
	case n < 1<<8:
		return []byte{major<<5 | 24, byte(n)}
	case n < 1<<16:
		return binary.BigEndian.AppendUint16([]byte{major<<5 | 25}, uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32([]byte{major<<5 | 26}, uint32(n))
	}
	return binary.BigEndian.AppendUint64([]byte{major<<5 | 27}, n)
}
