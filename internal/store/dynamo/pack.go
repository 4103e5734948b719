package dynamo

import (
	"bytes"
	"compress/flate"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/countersign-mfa/countersign/internal/store"
)

// DynamoDB bills a write by the kilobyte. A record is compressed when that makes it cheaper, and only then: what is stored as text can be
// read in the console.

// writeUnit is what one write unit pays for, in bytes of an item.
const writeUnit = 1024

// dictionary is what records usually look like, so that even a small one compresses well. What was stored with it can be read with nothing else:
// it must never change.
//
//go:embed dictionary.txt
var dictionary []byte

var writers = sync.Pool{New: func() any {
	w, err := flate.NewWriterDict(nil, flate.DefaultCompression, dictionary)
	if err != nil {
		panic("dynamo: the level is a valid one: " + err.Error())
	}
	return w
}}

func compress(data []byte) []byte {
	var b bytes.Buffer
	w := writers.Get().(*flate.Writer)
	defer writers.Put(w)
	w.Reset(&b)
	_, _ = w.Write(data) // a buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

var errPacked = errors.New("item does not decompress to a record")

func decompress(packed []byte) ([]byte, error) {
	r := flate.NewReaderDict(bytes.NewReader(packed), dictionary)
	data, err := io.ReadAll(io.LimitReader(r, store.MaxDataLength+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errPacked, err)
	}
	if len(data) > store.MaxDataLength {
		return nil, errPacked
	}
	return data, nil
}

// pack compresses an item's data if it takes fewer write units then.
func pack(it item, data []byte) {
	plain := size(it)
	if plain <= writeUnit {
		return
	}
	packed := compress(data)
	if units(plain-len(attrData)-len(data)+len(attrPacked)+len(packed)) < units(plain) {
		delete(it, attrData)
		it[attrPacked] = &types.AttributeValueMemberB{Value: packed}
	}
}

// dataOf is the data of an item, whichever way it is stored.
func dataOf(it item) ([]byte, error) {
	if packed, ok := it[attrPacked].(*types.AttributeValueMemberB); ok {
		return decompress(packed.Value)
	}
	switch data := it[attrData].(type) {
	case *types.AttributeValueMemberS:
		return []byte(data.Value), nil
	case *types.AttributeValueMemberB:
		return data.Value, nil
	}
	return nil, nil
}

// WriteUnits is how many write units storing a record takes; in a transaction it takes twice as many.
func WriteUnits(r store.Record) int {
	s := Store{now: func() time.Time { return time.UnixMilli(0) }}
	return units(size(s.encode(store.Write{Record: r}, writeID())))
}

func units(bytes int) int { return (bytes + writeUnit - 1) / writeUnit }

// size is how large an item is for the bill: names and values, and of a number about half its digits.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func size(it item) int {
	n := 0
	for name, value := range it {
		n += len(name)
		switch v := value.(type) {
		case *types.AttributeValueMemberS:
			n += len(v.Value)
		case *types.AttributeValueMemberB:
			n += len(v.Value)
		case *types.AttributeValueMemberN:
			n += (len(v.Value)+1)/2 + 1
		}
	}
	return n
}
