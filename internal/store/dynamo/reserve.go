package dynamo

import (
	"context"
	"errors"
	"math"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/countersign-mfa/countersign/internal/store"
)

// Reserve implements [store.Store]. An increment is one conditional UpdateItem; all are sent at
// once. The table carries out the updates of an item one after the other, and refuses none because
// of another one.
func (s *Store) Reserve(ctx context.Context, increments ...store.Increment) error {
	if err := store.Validate(nil, increments); err != nil {
		return err
	}
	if len(increments) == 0 {
		return ctx.Err()
	}
	outcomes := s.addAll(ctx, increments)
	var refused, failed error
	var added []store.Increment
	for i, err := range outcomes {
		switch {
		case err == nil:
			added = append(added, increments[i])
		case !errors.As(err, new(*store.LimitReachedError)):
			failed = err
		case refused == nil:
			refused = err
		}
	}
	if refused == nil {
		return failed
	}
	// What cannot be taken back stays: the counter is then above what was used, which is safe.
	for i := range added {
		added[i].By, added[i].Max = -added[i].By, math.MaxInt64
	}
	s.addAll(ctx, added)
	return refused
}

// addAll adds to counters at once and returns the outcome of each.
func (s *Store) addAll(ctx context.Context, increments []store.Increment) []error {
	outcomes := make([]error, len(increments))
	var all sync.WaitGroup
	for i, inc := range increments {
		all.Go(func() { outcomes[i] = s.add(ctx, inc) })
	}
	all.Wait()
	return outcomes
}

// add adds to one counter. The SDK does not repeat a request that gives back, because a repetition
// after a lost answer would give back twice.
func (s *Store) add(ctx context.Context, inc store.Increment) error {
	update := s.increment(inc)
	_, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: update.TableName, Key: update.Key, UpdateExpression: update.UpdateExpression, ConditionExpression: update.ConditionExpression,
		ExpressionAttributeNames: update.ExpressionAttributeNames, ExpressionAttributeValues: update.ExpressionAttributeValues,
	}, func(o *dynamodb.Options) {
		if inc.By < 0 {
			o.RetryMaxAttempts = 1
		}
	})
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(*types.ConditionalCheckFailedException)):
		return &store.LimitReachedError{Counter: inc.Counter}
	}
	return failure(ctx, "reserve", err)
}
