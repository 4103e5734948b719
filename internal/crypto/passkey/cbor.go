package passkey

import (
	"bytes"
	"encoding/binary"
	"math"
	"unicode/utf8"
)

// maxDepth is how deeply arrays and maps may be nested (CTAP 2.1, section 8).
const maxDepth = 4

// item is a decoded value of CBOR: int64, []byte, string, []item, []pair, bool or nil. Bytes are a
// part of the input and no copy.
type item any

// pair is a member of a map.
type pair struct{ key, value item }

// cborReader reads the CTAP2 canonical CBOR encoding form, which section 2.4 of Web Authentication
// demands: definite and shortest lengths, sorted keys, no duplicates, no tags.
//
// Of the values that the form permits it refuses floating-point numbers, undefined, and integers
// beyond 64 bits with a sign: no structure of the profile has them.
type cborReader struct{ rest []byte }

// decodeCBOR reads one value and returns the bytes that follow.
func decodeCBOR(data []byte) (value item, rest []byte, ok bool) {
	r := cborReader{data}
	value, ok = r.value(0)
	if !ok {
		return nil, nil, false
	}
	return value, r.rest, true
}

// head reads the major type and the argument of a data item (RFC 8949, section 3). It refuses an
// argument that a shorter form could express, and indefinite lengths.
func (r *cborReader) head() (major byte, argument uint64, ok bool) {
	if len(r.rest) == 0 {
		return 0, 0, false
	}
	major, info := r.rest[0]>>5, r.rest[0]&31
	r.rest = r.rest[1:]
	if info < 24 {
		return major, uint64(info), true
	}
	if info > 27 {
		return 0, 0, false
	}
	size := 1 << (info - 24)
	if len(r.rest) < size {
		return 0, 0, false
	}
	var wide [8]byte
	copy(wide[8-size:], r.rest)
	r.rest = r.rest[size:]
	argument = binary.BigEndian.Uint64(wide[:])
	least := [4]uint64{24, 1 << 8, 1 << 16, 1 << 32}[info-24]
	return major, argument, argument >= least
}

// value reads a data item at a depth.
func (r *cborReader) value(depth int) (item, bool) {
	major, n, ok := r.head()
	if !ok {
		return nil, false
	}
	switch major {
	case 0, 1:
		if n > math.MaxInt64 {
			return nil, false
		}
		if major == 1 {
			return -1 - int64(n), true
		}
		return int64(n), true
	case 2, 3:
		return r.text(major, n)
	case 4:
		return r.array(n, depth)
	case 5:
		return r.pairs(n, depth)
	case 7:
		return simple(n)
	}
	return nil, false // a tag
}

// text reads a byte string or a text string.
func (r *cborReader) text(major byte, n uint64) (item, bool) {
	if n > uint64(len(r.rest)) {
		return nil, false
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	if major == 2 {
		return b, true
	}
	return string(b), utf8.Valid(b)
}

// array reads the elements of an array.
func (r *cborReader) array(n uint64, depth int) (item, bool) {
	if depth == maxDepth || n > uint64(len(r.rest)) {
		return nil, false
	}
	list := make([]item, n)
	for i := range list {
		var ok bool
		if list[i], ok = r.value(depth + 1); !ok {
			return nil, false
		}
	}
	return list, true
}

// pairs reads the members of a map. Keys are integers or text, and each is greater than the one
// before it, so that no key is there twice. The order of CTAP2 is by major type, then by length,
// then by bytes. For these keys in their shortest forms it is the order of the encoded bytes.
func (r *cborReader) pairs(n uint64, depth int) (item, bool) {
	if depth == maxDepth || n > uint64(len(r.rest))/2 {
		return nil, false
	}
	list := make([]pair, n)
	var last []byte
	for i := range list {
		from := r.rest
		key, ok := r.value(depth + 1)
		encoded := from[:len(from)-len(r.rest)]
		if !ok || encoded[0]>>5 > 1 && encoded[0]>>5 != 3 || i > 0 && bytes.Compare(last, encoded) >= 0 {
			return nil, false
		}
		last = encoded
		list[i].key = key
		if list[i].value, ok = r.value(depth + 1); !ok {
			return nil, false
		}
	}
	return list, true
}

// simple returns false, true or null (RFC 8949, section 3.3).
func simple(n uint64) (item, bool) {
	switch n {
	case 20, 21:
		return n == 21, true
	case 22:
		return nil, true
	}
	return nil, false
}

// member returns the value of a key in a map.
func member(m item, key item) item {
	list, _ := m.([]pair)
	for _, p := range list {
		if p.key == key {
			return p.value
		}
	}
	return nil
}
