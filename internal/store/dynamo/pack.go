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

// DynamoDB bills a write by the kilobyte. A record is compressed only when that saves a write unit,
// so that short records stay readable in the console.
//
// The dictionary is kept for its measured cost. Bytes of the user of TestAUserIsSmall (number,
// authenticator, ten codes), plain, deflated, and deflated with the dictionary:
//
//	1 session, 1 audit entry      1,199  758    655
//	4 sessions, 6 audit entries   2,125  1,076  948
//
// A check of a code writes the user. It costs 1 write unit instead of 2 or 3. Without the
// dictionary it would cost 2 for an active user: $0.63 more for a million checks, a quarter
// of their price (docs/operate/cost.md). A transaction costs double.

// writeUnit is how many bytes of an item one write unit pays for.
const writeUnit = 1024

// dictionary is text that records usually contain. Stored records can be read only with it: it must
// never change.
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
	_, _ = w.Write(data) // a buffer accepts everything
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

// pack compresses an item's data if the item then takes fewer write units.
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

// dataOf returns the data of an item, compressed or not.
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

// WriteUnits returns how many write units a write takes; a transaction takes twice as many. Only
// tests use it, to limit the size of a user.
func WriteUnits(w store.Write) int {
	s := Store{now: func() time.Time { return time.UnixMilli(0) }}
	return units(size(s.encode(w, writeID())))
}

func units(bytes int) int { return (bytes + writeUnit - 1) / writeUnit }

// size returns the billed size of an item in bytes: names and values, and about half a byte for
// each digit of a number.
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
