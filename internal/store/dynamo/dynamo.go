// Package dynamo keeps records in one DynamoDB table. It implements [mfa.Store] with strongly consistent reads and conditional writes.
//
// An item is a record: pk (kind, "#", id), v (version), w (the id of the write that made it), data or z (the same, compressed), and, when
// something in it runs out, xs and xe (kind with shard, and seconds), which a sparse index finds. ttl (seconds) is when the table deletes an
// item: only one that is dead as a whole has it. Counters are items without a kind.
package dynamo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/countersign-mfa/countersign/internal/store"
)

// The names of the table's attributes and of its index.
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
)

// maxKeyLength is how long a table's partition key can be in bytes.
const maxKeyLength = 2048

// expiryShards spread the index, so that cleaning up many records does not meet one hot partition.
const expiryShards = 4

// ttlAfter is how long after its end the table itself may delete a record: the last net, long after the cleanup.
const ttlAfter = 30 * 24 * time.Hour

// Client is the part of the SDK's client that a store uses.
type Client interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
}

// Store is an [mfa.Store] in a table. It is safe for concurrent use.
type Store struct {
	client Client
	table  string
	now    func() time.Time
}

// New returns a store in a table that exists, with the schema of [Schema].
func New(client Client, table string, now func() time.Time) *Store {
	return &Store{client, table, now}
}

type item = map[string]types.AttributeValue

func stringAttr(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func numberAttr[N int64 | uint64](n N) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: fmt.Sprint(n)}
}

// itemKey names a record's item. Both parts are escaped, because a key is UTF-8 and they are any bytes.
func itemKey(k store.Key) string { return kindPrefix(k.Kind) + url.QueryEscape(k.ID) }

func kindPrefix(k store.Kind) string { return url.QueryEscape(string(k)) + "#" }

// counterKey names a budget's counter. No record has a kind without a name.
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

// Get implements [mfa.Store].
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

// fetch reads items by their keys. One longer than the table takes is read by nobody and found nowhere: ids come from URLs.
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

// timeOf is an attribute in seconds; the zero time when there is none.
func timeOf(a types.AttributeValue) (at time.Time, ok bool) {
	n, isNumber := a.(*types.AttributeValueMemberN)
	if !isNumber {
		return at, a == nil
	}
	seconds, err := strconv.ParseInt(n.Value, 10, 64)
	return time.Unix(seconds, 0).UTC(), err == nil
}

// List implements [mfa.Store] by scanning the table: administration only.
func (s *Store) List(ctx context.Context, kind store.Kind, after string, limit int) ([]store.Record, error) {
	var out []store.Record
	pages := dynamodb.NewScanPaginator(s.client, &dynamodb.ScanInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true),
		FilterExpression:          aws.String("begins_with(" + attrKey + ", :k)"),
		ExpressionAttributeValues: item{":k": stringAttr(kindPrefix(kind))},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failure(ctx, "list", err)
		}
		for _, it := range page.Items {
			r, err := decode(it)
			if err != nil {
				return nil, err
			}
			if r.Key.ID > after {
				out = append(out, r)
			}
		}
		if len(out) > 2*limit { // a scan has no order, and the kind may be larger than the memory
			out = firstByID(out, limit)
		}
	}
	return firstByID(out, limit), nil
}

// writeID is the id of one commit: the table's proof of who made an item's version.
func writeID() string { return rand.Text()[:writeIDLen] }

// writeIDLen gives an id 80 bits: it tells the writers of one version of one item apart.
const writeIDLen = 16
