package dynamo

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/countersign-mfa/countersign/internal/store"
)

// shardName returns the index partition of a kind's shard.
func shardName(kind store.Kind, shard int) string { return kindPrefix(kind) + strconv.Itoa(shard) }

// An entry of the index is a record's key and when it expires, in seconds.
type entry struct {
	key     store.Key
	expires int64
}

func parseEntry(it item) (entry, error) {
	name, ok := it[attrKey].(*types.AttributeValueMemberS)
	at, ok2 := it[attrExpires].(*types.AttributeValueMemberN)
	if !ok || !ok2 {
		return entry{}, errors.New("entry of the index without a key")
	}
	key, err := parseKey(name.Value)
	seconds, err2 := strconv.ParseInt(at.Value, 10, 64)
	return entry{key, seconds}, errors.Join(err, err2)
}

// order is the order in which [Store.walk] reads a shard of the index.
type order bool

const (
	soonestFirst order = true
	latestFirst  order = false
)

// walk reads the entries of a shard that expire before a time, until more returns false. limit is
// the size of a page.
func (s *Store) walk(ctx context.Context, kind store.Kind, shard int, before time.Time, in order, limit int, more func(entry) bool) error {
	end := before.Unix()
	if before.Nanosecond() > 0 {
		end++
	}
	pages := dynamodb.NewQueryPaginator(s.client, &dynamodb.QueryInput{
		TableName: &s.table, IndexName: aws.String(ExpiryIndex), Limit: aws.Int32(int32(min(max(limit, 1), 1000))), //nolint:gosec // at most 1000
		KeyConditionExpression:    aws.String(attrShard + " = :s AND " + attrExpires + " < :e"),
		ExpressionAttributeValues: item{":s": stringAttr(shardName(kind, shard)), ":e": numberAttr(end)},
		ScanIndexForward:          aws.Bool(bool(in)),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return failure(ctx, "ask the index", err)
		}
		for _, it := range page.Items {
			e, err := parseEntry(it)
			if err != nil {
				return err
			}
			if !more(e) {
				return nil
			}
		}
	}
	return nil
}

// Expired implements [store.Store]. It asks every shard for limit keys, so that no shard waits
// until another is empty. The index follows the table within moments, which is soon enough for the
// cleanup.
func (s *Store) Expired(ctx context.Context, kind store.Kind, before time.Time, limit int) ([]store.Key, error) {
	if limit <= 0 {
		return nil, ctx.Err()
	}
	var found []entry
	for shard := range expiryShards {
		n := 0
		err := s.walk(ctx, kind, shard, before, soonestFirst, limit, func(e entry) bool {
			found, n = append(found, e), n+1
			return n < limit
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(found, func(a, b entry) int { return cmp.Compare(a.expires, b.expires) })
	var keys []store.Key
	for _, e := range found[:min(limit, len(found))] {
		keys = append(keys, e.key)
	}
	return keys, ctx.Err()
}

// Latest implements [store.Store]. It asks all shards at once, and reads the records that the index
// names from the table itself.
func (s *Store) Latest(ctx context.Context, kind store.Kind, before time.Time, limit int) ([]store.Record, error) {
	if limit <= 0 {
		return nil, ctx.Err()
	}
	var of [expiryShards][]store.Key
	shards, within := errgroup.WithContext(ctx)
	for shard := range of {
		shards.Go(func() (err error) {
			of[shard], err = s.latestKeys(within, kind, shard, before, limit)
			return err
		})
	}
	if err := shards.Wait(); err != nil {
		return nil, cmp.Or(ctx.Err(), err)
	}
	records, err := s.Get(ctx, slices.Concat(of[:]...)...)
	if err != nil {
		return nil, err
	}
	records = slices.DeleteFunc(records, func(r store.Record) bool {
		return r.Version == 0 || r.Expires.IsZero() || !r.Expires.Before(before) // the index was behind
	})
	return store.LatestFirst(records, limit), nil
}

// latestKeys returns the latest keys of a shard, with all that expire with the last one.
func (s *Store) latestKeys(ctx context.Context, kind store.Kind, shard int, before time.Time, limit int) (keys []store.Key, err error) {
	last := int64(0)
	err = s.walk(ctx, kind, shard, before, latestFirst, limit+1, func(e entry) bool {
		if len(keys) >= limit && e.expires != last {
			return false
		}
		keys, last = append(keys, e.key), e.expires
		return true
	})
	return keys, err
}

// Sums implements [store.Store].
func (s *Store) Sums(ctx context.Context, counters ...string) ([]int64, error) {
	names := make([]string, len(counters))
	for i, counter := range counters {
		names[i] = counterKey(counter)
	}
	found, err := s.fetch(ctx, names)
	if err != nil {
		return nil, err
	}
	sums := make([]int64, len(counters))
	for i, name := range names {
		if n, ok := found[name][attrSum].(*types.AttributeValueMemberN); ok {
			if sums[i], err = strconv.ParseInt(n.Value, 10, 64); err != nil {
				return nil, errors.New("item is not a counter")
			}
		}
	}
	return sums, nil
}
