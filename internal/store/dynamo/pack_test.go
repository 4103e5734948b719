package dynamo

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/countersign-mfa/countersign/internal/store"
)

// TestTheDictionaryNeverChanges: tables in use hold records compressed with it.
func TestTheDictionaryNeverChanges(t *testing.T) {
	const want = "6a2da1a5b52be0754f46df3007727058eff27378792e832dfe543b118921f65d"
	sum := sha256.Sum256(dictionary)
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("the dictionary's SHA-256 is %s, want %s: what is stored can no longer be read", got, want)
	}
}

func write(data string) store.Write {
	return store.Write{Record: store.Record{Key: store.Key{Kind: "user", ID: "u"}, Data: []byte(data)}}
}

func TestRecordsAreCompressedWhenThatSavesAWriteUnit(t *testing.T) {
	s := New(nil, "t", func() time.Time { return time.UnixMilli(1) })
	for name, c := range map[string]struct {
		data   string
		packed bool
	}{
		"small":                      {`{"a":"` + strings.Repeat("x", 800) + `"}`, false},
		"over a kilobyte":            {`{"a":"` + strings.Repeat("x", 1100) + `"}`, true},
		"over a kilobyte, of chance": {randomText(1300), false},
		"empty":                      {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			it := s.encode(write(c.data), "id")
			if _, packed := it[attrPacked]; packed != c.packed {
				t.Errorf("compressed: %v, want %v", packed, c.packed)
			}
			if _, plain := it[attrData]; plain == c.packed {
				t.Errorf("data is there: %v", plain)
			}
			got, err := decode(it)
			if err != nil || string(got.Data) != c.data {
				t.Errorf("%v, %q", err, got.Data)
			}
			if c.packed && units(size(it)) >= units(size(s.encode(write(randomText(len(c.data))), "id"))) {
				t.Error("it saves nothing")
			}
		})
	}
}

// randomText returns text that does not compress.
func randomText(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		sum := sha256.Sum256([]byte{byte(i)})
		b.Write(sum[:])
	}
	return b.String()[:n]
}

func TestWhatDoesNotDecompressIsNoRecord(t *testing.T) {
	s := New(nil, "t", func() time.Time { return time.UnixMilli(1) })
	good := s.encode(write(strings.Repeat("countersign ", 500)), "id")[attrPacked].(*types.AttributeValueMemberB).Value
	for name, packed := range map[string][]byte{
		"nothing":      {},
		"cut off":      good[:len(good)-1],
		"no stream":    []byte("countersign"),
		"far too much": compress(bytes.Repeat([]byte("0"), store.MaxDataLength+1)),
	} {
		t.Run(name, func(t *testing.T) {
			it := s.encode(write("x"), "id")
			it[attrPacked] = &types.AttributeValueMemberB{Value: packed}
			if _, err := decode(it); !errors.Is(err, errPacked) {
				t.Errorf("%v, want %v", err, errPacked)
			}
		})
	}
}

func FuzzPack(f *testing.F) {
	f.Add([]byte(`{"em":[{"i":"idn_","a":"somebody@example.com"}]}`))
	f.Add(bytes.Repeat([]byte("a"), 5000))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > store.MaxDataLength {
			return
		}
		back, err := decompress(compress(data))
		if err != nil || !bytes.Equal(back, data) {
			t.Fatalf("%q became %q, %v", data, back, err)
		}
		_, _ = decompress(data) // must not panic on any input
	})
}

func BenchmarkPack(b *testing.B) {
	data := dictionary[len(dictionary)-1500:]
	packed := compress(data)
	b.Run("compress", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			compress(data)
		}
	})
	b.Run("decompress", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := decompress(packed); err != nil {
				b.Fatal(err)
			}
		}
	})
}
