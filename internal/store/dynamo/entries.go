package dynamo

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/countersign-mfa/countersign/internal/store"
)

// entryItem returns the item of a record's entry. Its key is a hash of the list and the position,
// so that putting and deleting it needs no read.
func entryItem(of store.Key, e store.Entry) item {
	position := []byte(store.Listed{Key: of, Rank: e.Rank}.Position())
	return item{
		attrKey: stringAttr(entryKey(e.List, position)), attrList: stringAttr(listName(e.List)), attrPosition: &types.AttributeValueMemberB{Value: position},
	}
}

// entryKeyLength is how many bytes of the hash a key has: two entries never share one.
const entryKeyLength = 16

// entryKey begins with a character that is escaped in every kind.
func entryKey(list string, position []byte) string {
	sum := sha256.Sum256(append(append([]byte(list), 0), position...))
	return "@" + base64.RawURLEncoding.EncodeToString(sum[:entryKeyLength])
}

// listName returns a list's partition of the index. It is escaped because a string is UTF-8.
func listName(list string) string { return url.QueryEscape(list) }

// entries appends the requests that change the entries of a write's record.
func (s *Store) entries(to []types.TransactWriteItem, w *store.Write) []types.TransactWriteItem {
	for _, e := range w.Add {
		to = append(to, types.TransactWriteItem{Put: &types.Put{TableName: &s.table, Item: entryItem(w.Key, e)}})
	}
	for _, e := range w.Remove {
		key := item{attrKey: entryItem(w.Key, e)[attrKey]}
		to = append(to, types.TransactWriteItem{Delete: &types.Delete{TableName: &s.table, Key: key}})
	}
	return to
}

// Entries implements [store.Store] with one query of the index, and more only for an answer over
// 1 MB. The index follows the table within moments.
func (s *Store) Entries(ctx context.Context, r store.Range) ([]store.Listed, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	from, to, some := r.Bounds()
	if !some {
		return nil, ctx.Err()
	}
	// The condition BETWEEN includes the upper bound. Only the entry after which the page begins can
	// stand there, because a rank has no separator.
	limit := r.Limit
	if r.Order == store.Descending && r.After != "" {
		limit++
	}
	var found []store.Listed
	pages := dynamodb.NewQueryPaginator(s.client, s.query(r, from, to, limit))
	for pages.HasMorePages() && len(found) < r.Limit {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failure(ctx, "read a list", err)
		}
		for _, it := range page.Items {
			position, _ := it[attrPosition].(*types.AttributeValueMemberB)
			if position == nil {
				return nil, errors.New("entry of a list without a position")
			}
			listed, ok := store.ParsePosition(string(position.Value))
			if !ok {
				return nil, errors.New("position of an entry is broken")
			}
			if string(position.Value) != to && len(found) < r.Limit {
				found = append(found, listed)
			}
		}
	}
	return found, nil
}

// query returns the request for the entries between two positions.
func (s *Store) query(r store.Range, from, to string, limit int) *dynamodb.QueryInput {
	condition, values := attrList+" = :l", item{":l": stringAttr(listName(r.List))}
	if from != "" {
		values[":f"] = &types.AttributeValueMemberB{Value: []byte(from)}
	}
	if to != "" {
		values[":t"] = &types.AttributeValueMemberB{Value: []byte(to)}
	}
	switch {
	case from != "" && to != "":
		condition += " AND " + attrPosition + " BETWEEN :f AND :t"
	case from != "":
		condition += " AND " + attrPosition + " >= :f"
	case to != "":
		condition += " AND " + attrPosition + " <= :t"
	}
	return &dynamodb.QueryInput{
		TableName: &s.table, IndexName: aws.String(ListIndex), Limit: aws.Int32(int32(min(limit, 1000))), //nolint:gosec // at most 1000
		KeyConditionExpression: &condition, ExpressionAttributeValues: values,
		ScanIndexForward: aws.Bool(r.Order == store.Ascending),
	}
}
