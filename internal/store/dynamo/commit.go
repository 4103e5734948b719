package dynamo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math/big"
	"math/rand/v2"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"github.com/countersign-mfa/countersign/internal/store"
)

// Commit implements [store.Store]. One write without entries is one conditional PutItem or
// DeleteItem. More parts are one transaction, whose token makes a repeated request harmless.
func (s *Store) Commit(ctx context.Context, writes []store.Write, increments ...store.Increment) error {
	if err := store.Validate(writes, increments); err != nil {
		return err
	}
	id := writeID()
	switch parts := store.Parts(writes, increments); {
	case parts == 0:
		return ctx.Err()
	case parts == 1 && len(writes) == 1 && writes[0].Delete:
		return s.remove(ctx, writes[0])
	case parts == 1 && len(writes) == 1:
		return s.put(ctx, writes[0], id)
	}
	return s.transact(ctx, writes, increments, id)
}

// condition requires that the item still has the version that was read.
func condition(w store.Write) (expression *string, values item) {
	if w.Version == 0 {
		return aws.String("attribute_not_exists(" + attrKey + ")"), nil
	}
	return aws.String(attrVersion + " = :v"), item{":v": numberAttr(w.Version)}
}

func (s *Store) encode(w store.Write, id string) item {
	it := keyOf(itemKey(w.Key))
	it[attrVersion], it[attrWrite] = numberAttr(s.next(w.Version)), stringAttr(id)
	it[attrData] = &types.AttributeValueMemberB{Value: w.Data}
	if json.Valid(w.Data) && utf8.Valid(w.Data) {
		it[attrData] = stringAttr(string(w.Data)) // readable in the console
	}
	if !w.Expires.IsZero() {
		h := fnv.New32a()
		_, _ = h.Write([]byte(w.Key.ID))
		it[attrShard] = stringAttr(shardName(w.Key.Kind, int(h.Sum32()%expiryShards)))
		it[attrExpires] = numberAttr(w.Expires.Unix())
	}
	if !w.Ends.IsZero() {
		it[TimeToLive] = numberAttr(w.Ends.Add(ttlAfter).Unix())
	}
	if w.Note != "" {
		it[NoteAttribute] = stringAttr(w.Note)
	}
	pack(it, w.Data)
	return it
}

// next returns the version after v. A new record's first version is the time in microseconds, so
// that no version of a key returns after its record was deleted.
func (s *Store) next(version uint64) uint64 {
	if version == 0 {
		return uint64(s.now().UnixMicro()) //nolint:gosec // the time is after 1970
	}
	return version + 1
}

// put writes one record. The SDK may repeat a request whose answer was lost, and then the condition
// fails against the store's own write. The write id recognises it, unless another writer has
// replaced the item since.
func (s *Store) put(ctx context.Context, w store.Write, id string) error {
	expression, values := condition(w)
	mine := s.encode(w, id)
	var lost bool
	_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.table, Item: mine, ConditionExpression: expression, ExpressionAttributeValues: values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, noticeLoss(&lost))
	if err == nil {
		return nil
	}
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) {
		return unsure(lost, failure(ctx, "put", err))
	}
	if by, ok := failed.Item[attrWrite].(*types.AttributeValueMemberS); ok && by.Value == id {
		return nil
	}
	if found := versionOf(failed.Item); found != 0 && found <= versionOf(mine) {
		return store.ErrConflict // versions only grow: this write was never stored
	}
	return unsure(lost, store.ErrConflict)
}

// remove deletes one record. A deletion leaves no write id behind: when a repeated request finds
// another state than the expected one, the lost request may have deleted the record.
func (s *Store) remove(ctx context.Context, w store.Write) error {
	expression, values := condition(w)
	var lost bool
	_, err := s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &s.table, Key: keyOf(itemKey(w.Key)), ConditionExpression: expression, ExpressionAttributeValues: values,
	}, noticeLoss(&lost))
	if _, failed := errors.AsType[*types.ConditionalCheckFailedException](err); failed {
		return unsure(lost, store.ErrConflict)
	}
	if err != nil {
		return unsure(lost, failure(ctx, "delete", err))
	}
	return nil
}

// noticeLoss sets lost when the server may have acted on a request without saying so: no answer
// came, or the answer was a server error.
func noticeLoss(lost *bool) func(*dynamodb.Options) {
	notice := middleware.FinalizeMiddlewareFunc("NoticeLoss", func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
		middleware.FinalizeOutput, middleware.Metadata, error,
	) {
		out, metadata, err := next.HandleFinalize(ctx, in)
		var refused smithy.APIError
		if err != nil && (!errors.As(err, &refused) || refused.ErrorFault() != smithy.FaultClient) {
			*lost = true
		}
		return out, metadata, err
	})
	return func(o *dynamodb.Options) {
		o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error { return s.Finalize.Insert(notice, "Retry", middleware.After) })
	}
}

// unsure turns a conflict that was found after a lost answer into [store.ErrUnavailable], because
// the lost request may have stored the commit.
func unsure(lost bool, err error) error {
	if lost && errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("conflict after an answer was lost: %w", store.ErrUnavailable)
	}
	return err
}

func versionOf(it item) uint64 {
	v, ok := it[attrVersion].(*types.AttributeValueMemberN)
	if !ok {
		return 0
	}
	n, err := strconv.ParseUint(v.Value, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// transactTries is how often a transaction that the table throttles is sent. The SDK repeats other
// throttled requests by itself, but a throttled transaction arrives as a cancelled one.
const transactTries = 4

// transact commits several parts in one transaction. One that was cancelled stored nothing, so it
// may be sent again with its token.
func (s *Store) transact(ctx context.Context, writes []store.Write, increments []store.Increment, id string) error {
	in := &dynamodb.TransactWriteItemsInput{TransactItems: s.items(writes, increments, id), ClientRequestToken: &id}
	var lost bool
	for try := 1; ; try++ {
		_, err := s.client.TransactWriteItems(ctx, in, noticeLoss(&lost))
		cancelled, isCancelled := errors.AsType[*types.TransactionCanceledException](err)
		switch {
		case err == nil:
			return nil
		case !isCancelled:
			return unsure(lost, failure(ctx, "commit", err))
		}
		err = reason(cancelled, writes, increments)
		if !errors.Is(err, store.ErrThrottled) || try == transactTries {
			return err
		}
		if err := s.pause(ctx, backoff(try)); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
	}
}

// backoff returns a random time before the next try. Its limit doubles with each try.
func backoff(try int) time.Duration {
	return rand.N(50 * time.Millisecond << try) //nolint:gosec // spreads requests, hides nothing
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// items returns the requests of a transaction: the writes, the increments, then the entries.
func (s *Store) items(writes []store.Write, increments []store.Increment, id string) []types.TransactWriteItem {
	items := make([]types.TransactWriteItem, 0, store.Parts(writes, increments))
	for _, w := range writes {
		expression, values := condition(w)
		if w.Delete {
			items = append(items, types.TransactWriteItem{Delete: &types.Delete{
				TableName: &s.table, Key: keyOf(itemKey(w.Key)), ConditionExpression: expression, ExpressionAttributeValues: values,
			}})
			continue
		}
		items = append(items, types.TransactWriteItem{Put: &types.Put{
			TableName: &s.table, Item: s.encode(w, id), ConditionExpression: expression, ExpressionAttributeValues: values,
		}})
	}
	for _, inc := range increments {
		items = append(items, types.TransactWriteItem{Update: s.increment(inc)})
	}
	for i := range writes {
		items = s.entries(items, &writes[i])
	}
	return items
}

// increment returns the request that adds to a counter. A counter that does not exist stands at 0.
func (s *Store) increment(inc store.Increment) *types.Update {
	room := attrSum + " <= :m"
	if !store.Exceeds(0, inc) {
		room = "attribute_not_exists(" + attrSum + ") OR " + room
	}
	most := new(big.Int).Sub(big.NewInt(inc.Max), big.NewInt(inc.By)) // it may exceed an int64
	return &types.Update{
		TableName: &s.table, Key: keyOf(counterKey(inc.Counter)),
		UpdateExpression: aws.String("ADD " + attrSum + " :c SET #ttl = :t"), ConditionExpression: &room,
		ExpressionAttributeNames: map[string]string{"#ttl": TimeToLive},
		ExpressionAttributeValues: item{
			":c": numberAttr(inc.By), ":m": &types.AttributeValueMemberN{Value: most.String()}, ":t": numberAttr(inc.Expires.Add(time.Hour).Unix()),
		},
	}
}

// reason returns why a transaction was cancelled. A conflict of two transactions on a counter is
// [store.ErrConflict] too: the caller tries again.
func reason(cancelled *types.TransactionCanceledException, writes []store.Write, increments []store.Increment) error {
	var exhausted, other error
	for i, r := range cancelled.CancellationReasons {
		switch code := aws.ToString(r.Code); {
		case code == "" || code == "None":
		case code == "ConditionalCheckFailed" && i >= len(writes):
			if exhausted == nil { // the first one is named
				exhausted = &store.LimitReachedError{Counter: increments[i-len(writes)].Counter}
			}
		case code == "ConditionalCheckFailed", code == "TransactionConflict":
			return store.ErrConflict
		case code == "ThrottlingError", code == "ProvisionedThroughputExceeded":
			other = fmt.Errorf("commit: %w", store.ErrThrottled)
		default:
			other = fmt.Errorf("commit: transaction cancelled: %s", code)
		}
	}
	switch {
	case other != nil:
		return other
	case exhausted != nil:
		return exhausted
	}
	return fmt.Errorf("commit: transaction cancelled without a reason: %w", store.ErrUnavailable)
}

// failure wraps [store.ErrUnavailable] around an error after which the same call may succeed later.
// An error about the request itself is our bug and stays as it is.
func failure(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", what, ctx.Err())
	}
	var known smithy.APIError
	if errors.As(err, &known) {
		switch known.ErrorCode() {
		case "ValidationException", "ResourceNotFoundException", "AccessDeniedException", "UnrecognizedClientException", "IdempotentParameterMismatchException":
			return fmt.Errorf("%s: %w", what, err)
		case "TransactionConflictException":
			return store.ErrConflict
		}
	}
	return fmt.Errorf("%s: %w (%w)", what, store.ErrUnavailable, err)
}
