// Package dynamo keeps records in one DynamoDB table. It implements [store.Store] with strongly
// consistent reads and conditional writes.
//
// The attributes of a record's item:
//
//	pk      kind, "#", id
//	v       version
//	w       id of the commit that wrote this version
//	data    the record, or z: the record compressed
//	xs, xe  kind with shard, and seconds: key of the sparse index of expiring records
//	ttl     seconds: when the table deletes a record that has ended
//	note    the note of this version's write, for the feed
//
// A counter is an item without a kind; n is its sum. An entry of a sorted list is an item whose key
// is "@" and a hash; ls and lp are its list and position: the key of the index of lists.
package dynamo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/countersign-mfa/countersign/internal/store"
)

// The names of the table's attributes and of its indexes.
const (
	attrKey     = "pk"
	attrVersion = "v"
	attrWrite   = "w"
	attrData    = "data"
	attrShard   = "xs"
	attrExpires = "xe"
	TimeToLive  = "ttl"
	attrSum     = "n"
	attrPacked  = "z"
	ExpiryIndex = "expiry"

	// NoteAttribute is the attribute by which the stream's event filter finds notes.
	NoteAttribute = "note"

	attrList     = "ls"
	attrPosition = "lp"
	ListIndex    = "lists"
)

// maxKeyLength is the largest length of a table's partition key in bytes.
const maxKeyLength = 2048

// expiryShards is how many partitions of the index a kind has. One takes 1,000 write units a
// second. A sign-in moves its client's entry two or three times, which is up to six. Entries from
// before, in the first four partitions, stay where readers find them.
const expiryShards = 16

// ttlAfter is how long after a record's end the table deletes the record. The cleanup normally
// deletes it long before.
const ttlAfter = 30 * 24 * time.Hour

// Client is the part of the SDK's client that [Store] uses.
type Client interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
}

// Store is a [store.Store] in a table. It is safe for concurrent use.
type Store struct {
	client Client
	table  string
	now    func() time.Time
	// pause waits between the tries of a throttled transaction.
	pause func(context.Context, time.Duration) error
}

// New returns a store in an existing table with the schema of [Schema].
func New(client Client, table string, now func() time.Time) *Store {
	return &Store{client, table, now, pause}
}

type item = map[string]types.AttributeValue

func stringAttr(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func numberAttr[N int64 | uint64](n N) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: fmt.Sprint(n)}
}

// itemKey returns the key of a record's item. Both parts are escaped, because a key is UTF-8 and
// they can be any bytes.
func itemKey(k store.Key) string { return kindPrefix(k.Kind) + url.QueryEscape(k.ID) }

func kindPrefix(k store.Kind) string { return url.QueryEscape(string(k)) + "#" }

// counterKey returns the key of a counter's item. It has an empty kind, which no record has.
func counterKey(counter string) string { return kindPrefix("") + url.QueryEscape(counter) }

func parseKey(s string) (store.Key, error) {
	before, after, _ := strings.Cut(s, "#")
	kind, err := url.QueryUnescape(before)
	id, err2 := url.QueryUnescape(after)
	if err := errors.Join(err, err2); err != nil {
		return store.Key{}, fmt.Errorf("key of an item: %w", err)
	}
	return store.Key{Kind: store.Kind(kind), ID: id}, nil
}

func keyOf(name string) item { return item{attrKey: stringAttr(name)} }

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, keys ...store.Key) ([]store.Record, error) {
	out := make([]store.Record, len(keys))
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = itemKey(k)
	}
	found, err := s.fetch(ctx, names)
	if err != nil {
		return nil, err
	}
	for i, k := range keys {
		out[i] = store.Record{Key: k}
		if it, ok := found[names[i]]; ok {
			if out[i], err = decode(it); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// fetch reads items by their keys. It does not ask for a key longer than the table allows, which a
// URL may contain; no such item exists.
func (s *Store) fetch(ctx context.Context, keys []string) (map[string]item, error) {
	found := map[string]item{}
	wanted := map[string]bool{}
	var names []item
	for _, name := range keys {
		if !wanted[name] && len(name) <= maxKeyLength {
			wanted[name] = true
			names = append(names, keyOf(name))
		}
	}
	if len(names) == 0 {
		return found, ctx.Err()
	}
	if len(names) == 1 {
		res, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: names[0], ConsistentRead: aws.Bool(true)})
		if err != nil {
			return nil, failure(ctx, "get", err)
		}
		gather(found, res.Item)
		return found, nil
	}
	const batch = 100
	for len(names) > 0 {
		n := min(batch, len(names))
		more, err := s.fetchBatch(ctx, names[:n], found)
		if err != nil {
			return nil, err
		}
		names = append(names[n:], more...)
	}
	return found, nil
}

func (s *Store) fetchBatch(ctx context.Context, names []item, found map[string]item) (unread []item, err error) {
	res, err := s.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
		s.table: {Keys: names, ConsistentRead: aws.Bool(true)},
	}})
	if err != nil {
		return nil, failure(ctx, "get", err)
	}
	gather(found, res.Responses[s.table]...)
	unread = res.UnprocessedKeys[s.table].Keys
	if len(unread) == len(names) {
		return nil, fmt.Errorf("get: nothing was read: %w", store.ErrUnavailable)
	}
	return unread, nil
}

func gather(found map[string]item, items ...item) {
	for _, it := range items {
		if name, ok := it[attrKey].(*types.AttributeValueMemberS); ok {
			found[name.Value] = it
		}
	}
}

func decode(it item) (store.Record, error) {
	broken := errors.New("item is not a record")
	name, ok := it[attrKey].(*types.AttributeValueMemberS)
	version, ok2 := it[attrVersion].(*types.AttributeValueMemberN)
	if !ok || !ok2 {
		return store.Record{}, broken
	}
	key, err := parseKey(name.Value)
	if err != nil {
		return store.Record{}, err
	}
	r := store.Record{Key: key}
	if r.Version, err = strconv.ParseUint(version.Value, 10, 64); err != nil {
		return store.Record{}, broken
	}
	if r.Data, err = dataOf(it); err != nil {
		return store.Record{}, err
	}
	var okExpires, okEnds bool
	r.Expires, okExpires = timeOf(it[attrExpires])
	if r.Ends, okEnds = timeOf(it[TimeToLive]); !r.Ends.IsZero() {
		r.Ends = r.Ends.Add(-ttlAfter)
	}
	if !okExpires || !okEnds {
		return store.Record{}, broken
	}
	return r, nil
}

// timeOf returns the time of an attribute in seconds, or the zero time when it is missing.
func timeOf(a types.AttributeValue) (at time.Time, ok bool) {
	n, isNumber := a.(*types.AttributeValueMemberN)
	if !isNumber {
		return at, a == nil
	}
	seconds, err := strconv.ParseInt(n.Value, 10, 64)
	return time.Unix(seconds, 0).UTC(), err == nil
}

// List implements [store.Store]. A page is one request of a scan, which goes on where the page
// before ended: as many items of all kinds are read as the limit says.
func (s *Store) List(ctx context.Context, kind store.Kind, after store.Position, limit int) (records []store.Record, next store.Position, err error) {
	if limit <= 0 {
		return nil, "", ctx.Err()
	}
	in := &dynamodb.ScanInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true), Limit: aws.Int32(int32(min(limit, math.MaxInt32))), //nolint:gosec // in its range
		FilterExpression:          aws.String("begins_with(" + attrKey + ", :k)"),
		ExpressionAttributeValues: item{":k": stringAttr(kindPrefix(kind))},
	}
	if after != "" {
		in.ExclusiveStartKey = keyOf(string(after))
	}
	page, err := s.client.Scan(ctx, in)
	if err != nil {
		return nil, "", failure(ctx, "list", err)
	}
	for _, it := range page.Items {
		r, err := decode(it)
		if err != nil {
			return nil, "", err
		}
		records = append(records, r)
	}
	if last, ok := page.LastEvaluatedKey[attrKey].(*types.AttributeValueMemberS); ok {
		next = store.Position(last.Value)
	}
	return records, next, nil
}

// writeID returns a new id for a commit. It proves which commit wrote an item's version.
func writeID() string { return rand.Text()[:writeIDLen] }

// writeIDLen gives an id 80 bits, enough to tell the writers of one item's version apart.
const writeIDLen = 16
