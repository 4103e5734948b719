package passkey_test

import (
	"bytes"
	"encoding/hex"
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/crypto/passkey"
	"github.com/countersign-mfa/countersign/test/authenticator"
)

// list returns the integers from 1 to n.
func list(n int64) []any {
	var out []any
	for i := int64(1); i <= n; i++ {
		out = append(out, i)
	}
	return out
}

// TestCBORAccepts: the examples of RFC 8949, appendix A, that are in the canonical form of CTAP2
// have their values, and are written again as they were.
func TestCBORAccepts(t *testing.T) {
	for _, test := range []struct {
		hex  string
		want any
	}{
		{"00", int64(0)}, {"01", int64(1)}, {"0a", int64(10)}, {"17", int64(23)}, {"1818", int64(24)}, {"1819", int64(25)},
		{"1864", int64(100)}, {"1903e8", int64(1000)}, {"1a000f4240", int64(1000000)}, {"1b000000e8d4a51000", int64(1000000000000)},
		{"20", int64(-1)}, {"29", int64(-10)}, {"3863", int64(-100)}, {"3903e7", int64(-1000)},
		{"f4", false}, {"f5", true}, {"f6", nil},
		{"40", []byte{}}, {"4401020304", []byte{1, 2, 3, 4}},
		{"60", ""}, {"6161", "a"}, {"6449455446", "IETF"}, {"62225c", "\"\\"}, {"62c3bc", "ü"}, {"63e6b0b4", "水"}, {"64f0908591", "𐅑"},
		{"80", []any{}}, {"83010203", list(3)}, {"8301820203820405", []any{int64(1), []any{int64(2), int64(3)}, []any{int64(4), int64(5)}}},
		{"98190102030405060708090a0b0c0d0e0f101112131415161718181819", list(25)},
		{"a0", map[any]any{}}, {"a201020304", map[any]any{int64(1): int64(2), int64(3): int64(4)}},
		{"a26161016162820203", map[any]any{"a": int64(1), "b": []any{int64(2), int64(3)}}},
		{"826161a161626163", []any{"a", map[any]any{"b": "c"}}},
		{"a56161614161626142616361436164614461656145", map[any]any{"a": "A", "b": "B", "c": "C", "d": "D", "e": "E"}},
		// Not of the appendix: the largest integers, and the deepest nesting.
		{"1b7fffffffffffffff", int64(math.MaxInt64)}, {"3b7fffffffffffffff", int64(math.MinInt64)},
		{"8181818100", []any{[]any{[]any{[]any{int64(0)}}}}},
	} {
		data, err := hex.DecodeString(test.hex)
		if err != nil {
			t.Fatal(err)
		}
		got, rest, ok := passkey.DecodeCBOR(append(data, 0x17))
		if !ok || !reflect.DeepEqual(got, test.want) || string(rest) != "\x17" {
			t.Errorf("%s: %v (%t), want %v", test.hex, got, ok, test.want)
		}
		if again := authenticator.CBOR(test.want); !bytes.Equal(again, data) {
			t.Errorf("%v is written as %x, want %s", test.want, again, test.hex)
		}
	}
}

// refusedCBOR are encodings that the reader refuses, by reason.
var refusedCBOR = map[string]string{
	// RFC 8949, appendix A: well-formed, but not in the profile.
	"an integer beyond 64 bits with a sign": "1bffffffffffffffff 3bffffffffffffffff",
	"a floating-point number": `f90000 f98000 f93c00 fb3ff199999999999a f93e00 f97bff fa47c35000 fa7f7fffff fb7e37e43c8800759c f90001 f90400
		f9c400 fbc010666666666666 f97c00 f97e00 f9fc00 fa7f800000 fa7fc00000 faff800000 fb7ff0000000000000 fb7ff8000000000000 fbfff0000000000000`,
	"undefined and other simple values": "f7 f0 f8ff e0 f3",
	"a tag": `c249010000000000000000 c349010000000000000000 c074323031332d30332d32315432303a30343a30305a c11a514b67b0 c1fb41d452d9ec200000
		d74401020304 d818456449455446 d82076687474703a2f2f7777772e6578616d706c652e636f6d`,
	"an indefinite length": `5f42010243030405ff 7f657374726561646d696e67ff 9fff 9f018202039f0405ffff 9f01820203820405ff 83018202039f0405ff
		83019f0203ff820405 9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff bf61610161629f0203ffff 826161bf61626163ff bf6346756ef563416d7421ff`,
	// RFC 8949, appendix F: not well-formed.
	"the end in a head":               "18 19 1a 1b 1901 1a0102 1b01020304050607 38 58 78 98 9a01ff00 b8 d8 f8 f900 fa0000 fb000000",
	"a string without its data":       "41 61 5affffffff00 5bffffffffffffffff010203 7affffffff00 7b7fffffffffffffff010203",
	"too few items":                   "81 818181818181818181 8200 a1 a20102 a100 a2000000",
	"a tag without content":           "c0",
	"no end of an indefinite value":   "5f4100 7f6100 9f 9f0102 bf bf01020102 819f 9f8000 9f9f9f9f9fffffffff 9f819f819f9fffffff",
	"reserved additional information": `1c 1d 1e 3c 3d 3e 5c 5d 5e 7c 7d 7e 9c 9d 9e bc bd be dc dd de fc fd fe`,
	"reserved simple values":          "f800 f801 f818 f81f",
	"a chunk of another type":         "5f00ff 5f21ff 5f6100ff 5f80ff 5fa0ff 5fc000ff 5fe0ff 7f4100ff 5f5f4100ffff 7f7f6100ffff",
	"a break alone":                   "ff 81ff 8200ff a1ff a1ff00 a100ff a20000ff 9f81ff 9f829f819f9fffffffff bf00ff bf000000ff",
	"an integer of indefinite length": "1f 3f df",
	// CTAP 2.1, section 8: not canonical.
	"a longer form than needed": `1800 1817 190000 1900ff 1a00000000 1a0000ffff 1b0000000000000000 1b00000000ffffffff 3800 3817 3900ff 5800 580141 7800
		9800 980100 b800 b8010000 590001ff`,
	"keys out of order":  "a203000100 a220000000 a26161000100 a262616100616200 a2616200616100",
	"a key twice":        "a201000100 a2616100616100 a3010020002000",
	"a key of this type": "a14000 a18000 a1a000 a1f400 a1f600",
	"invalid UTF-8":      "61ff 62c328 63eda080 64f4908080",
	"too deep":           "818181818100 8181818180 a100a100a100a100a0 a100a100a100a1008100",
}

// TestCBORRefuses: each encoding of refusedCBOR is refused, alone and with bytes after it.
func TestCBORRefuses(t *testing.T) {
	n := 0
	for reason, encodings := range refusedCBOR {
		for _, text := range strings.Fields(encodings) {
			data, err := hex.DecodeString(text)
			if err != nil {
				t.Fatalf("%s: %v", reason, err)
			}
			n++
			if got, _, ok := passkey.DecodeCBOR(data); ok {
				t.Errorf("%s: %s is read as %v", reason, text, got)
			}
		}
	}
	if _, _, ok := passkey.DecodeCBOR(nil); ok || n < 150 {
		t.Errorf("%d encodings; no data: %t", n, ok)
	}
}

// FuzzCBOR: what is read is written again as it was, so no value has two encodings. No input costs
// more memory than a small multiple of its length.
func FuzzCBOR(f *testing.F) {
	for _, encodings := range refusedCBOR {
		for _, text := range strings.Fields(encodings) {
			data, _ := hex.DecodeString(text)
			f.Add(data)
		}
	}
	f.Add(authenticator.CBOR(map[any]any{1: 2, 3: -7, -1: []byte{1}, "a": []any{true, nil, "x"}}))
	f.Add([]byte{0x9b, 0, 0, 0, 1, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		value, rest, ok := passkey.DecodeCBOR(data)
		if !ok {
			if value != nil || rest != nil {
				t.Errorf("%x is refused with %v and %x", data, value, rest)
			}
			return
		}
		if again := append(authenticator.CBOR(value), rest...); !bytes.Equal(again, data) {
			t.Errorf("%x is written again as %x", data, again)
		}
	})
}

// background is what other goroutines of the test process may allocate, in bytes.
const background = 16 << 10

// TestCBORAllocatesLittle: an input that announces many items costs at most 40 bytes for each byte
// of the input.
func TestCBORAllocatesLittle(t *testing.T) {
	full := func(head []byte, n int) []byte { return append(head, bytes.Repeat([]byte{0x80}, n)...) }
	for name, data := range map[string][]byte{
		"an array of 2³² items":         {0x9b, 0, 0, 0, 1, 0, 0, 0, 0},
		"a map of 2³² members":          {0xbb, 0, 0, 0, 1, 0, 0, 0, 0},
		"a string of 2⁶³ bytes":         {0x5b, 0x80, 0, 0, 0, 0, 0, 0, 0},
		"an array of 65,535 arrays":     full([]byte{0x99, 0xff, 0xff}, 65535),
		"an array of 65,535, one less":  full([]byte{0x99, 0xff, 0xff}, 65534),
		"a map of 30,000, then nothing": full([]byte{0xb9, 0x75, 0x30}, 60000),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		passkey.Read(data)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 40*uint64(len(data))+background {
			t.Errorf("%s: %d bytes for an input of %d", name, n, len(data))
		}
	}
}
