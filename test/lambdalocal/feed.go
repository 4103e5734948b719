package lambdalocal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/internal/store/dynamo"
)

// Feed stands in for the event source mapping between the table's stream and statistics-count. It
// keeps these rules of the Lambda developer guide:
//
//   - It passes on only records that the filter accepts, here those with a note ("Using event
//     filtering with a DynamoDB event source").
//   - A batch is of one shard, in its order, and the next one waits for it ("Polling and batching
//     streams").
//   - An event names its shard and window. An answer without a state is a failure. A window ends
//     with a last event, which has no records ("Stateful DynamoDB stream processing").
//   - A failed batch is halved, and each half comes again. A record whose tries are used up goes to
//     the queue. Halving uses up no try ("Error handling").
//   - Each record is processed at least once. In rare cases a record comes again, also out of order
//     ("Stateful DynamoDB stream processing"). Here every batch does: at once, with the next one
//     behind it, and after that one.
type Feed struct {
	d *Deployment
	// Invoke passes an event to the function; a test may fail instead.
	Invoke func(ctx context.Context, event []byte) ([]byte, error)
	// Batch is the largest number of records in an event.
	Batch int
	// GivenUp counts the records that went to the queue.
	GivenUp int

	stream string
	shards map[string]*shard
}

// shard is how far the feed has read a shard.
type shard struct {
	iterator string
	before   []json.RawMessage // the last batch
}

// feedTries is how often the feed passes on a record before it gives up.
const feedTries = 3

// Feed returns the event source mapping of the deployment. It begins with the oldest record.
func (d *Deployment) Feed() *Feed {
	f := &Feed{d: d, Batch: 5, shards: map[string]*shard{}}
	f.Invoke = func(ctx context.Context, event []byte) ([]byte, error) {
		return d.Invoke(ctx, string(plan.Count), event)
	}
	return f
}

// Pass passes on all records that the stream has now, then ends the window of each shard. It
// returns how many records it passed on, each counted once.
func (f *Feed) Pass(ctx context.Context) (passed int, err error) {
	if err := f.findShards(ctx); err != nil {
		return 0, err
	}
	for id, s := range f.shards {
		records, err := f.read(ctx, s)
		if err != nil {
			return passed, err
		}
		for batch := range slices.Chunk(records, f.Batch) {
			passed += len(batch)
			f.deliver(ctx, id, batch)
			for _, again := range [][]json.RawMessage{batch, slices.Concat(s.before, batch), s.before} {
				if len(again) > 0 {
					_ = f.event(ctx, id, again) // it was processed, or given up
				}
			}
			s.before = batch
		}
		if err := f.event(ctx, id, nil); err != nil {
			return passed, fmt.Errorf("the end of a window: %w", err)
		}
	}
	return passed, nil
}

// deliver passes on a batch until it is processed, in halves after a failure. It gives up a record
// after some tries.
func (f *Feed) deliver(ctx context.Context, id string, batch []json.RawMessage) {
	half := len(batch) / 2
	for range feedTries {
		if f.event(ctx, id, batch) == nil {
			return
		}
		if half > 0 {
			f.deliver(ctx, id, batch[:half])
			f.deliver(ctx, id, batch[half:])
			return
		}
	}
	f.GivenUp++
}

// event passes on one event.
func (f *Feed) event(ctx context.Context, id string, records []json.RawMessage) error {
	event, err := json.Marshal(map[string]any{
		"Records": append([]json.RawMessage{}, records...), "shardId": id, "eventSourceARN": f.stream, "state": map[string]string{},
		"window":                  map[string]string{"start": "2026-11-28T12:00:00Z", "end": "2026-11-28T12:15:00Z"},
		"isFinalInvokeForWindow":  records == nil,
		"isWindowTerminatedEarly": false,
	})
	if err != nil {
		return fmt.Errorf("event of the stream: %w", err)
	}
	answer, err := f.Invoke(ctx, event)
	if err != nil {
		return err
	}
	var has struct{ State *map[string]any }
	if json.Unmarshal(answer, &has) != nil || has.State == nil {
		return errors.New("the answer has no state")
	}
	return nil
}

func (f *Feed) findShards(ctx context.Context) error {
	var list struct{ Streams []struct{ StreamArn string } }
	if err := f.ask(ctx, "ListStreams", map[string]any{"TableName": f.d.table}, &list); err != nil {
		return err
	}
	if len(list.Streams) != 1 {
		return fmt.Errorf("the table has %d streams", len(list.Streams))
	}
	f.stream = list.Streams[0].StreamArn
	var found struct {
		StreamDescription struct{ Shards []struct{ ShardId string } } //nolint:revive // as in the answer
	}
	if err := f.ask(ctx, "DescribeStream", map[string]any{"StreamArn": f.stream}, &found); err != nil {
		return err
	}
	for _, s := range found.StreamDescription.Shards {
		if f.shards[s.ShardId] != nil {
			continue
		}
		var at struct{ ShardIterator string }
		if err := f.ask(ctx, "GetShardIterator", map[string]any{"StreamArn": f.stream, "ShardId": s.ShardId, "ShardIteratorType": "TRIM_HORIZON"}, &at); err != nil {
			return err
		}
		f.shards[s.ShardId] = &shard{iterator: at.ShardIterator}
	}
	return nil
}

// read returns the next records of a shard that the filter accepts.
func (f *Feed) read(ctx context.Context, s *shard) (accepted []json.RawMessage, err error) {
	for {
		var page struct {
			Records           []json.RawMessage
			NextShardIterator string
		}
		if err := f.ask(ctx, "GetRecords", map[string]any{"ShardIterator": s.iterator}, &page); err != nil {
			return nil, err
		}
		for _, r := range page.Records {
			var change struct {
				Item struct {
					New map[string]struct{ S *string } `json:"NewImage"`
				} `json:"dynamodb"`
			}
			if json.Unmarshal(r, &change) == nil && change.Item.New[dynamo.NoteAttribute].S != nil {
				accepted = append(accepted, r)
			}
		}
		s.iterator = page.NextShardIterator
		if len(page.Records) == 0 {
			return accepted, nil
		}
	}
}

// ask calls an action of DynamoDB Streams with the function's role, as Lambda does.
func (f *Feed) ask(ctx context.Context, action string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, f.d.services.URL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	r.Header.Set("X-Amz-Target", "DynamoDBStreams_20120810."+action)
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Date", "20261128T120000Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+string(plan.Count)+"/20261128/"+region+"/dynamodb/aws4_request, SignedHeaders=host, Signature=none")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d %s", res.StatusCode, text)
	}
	if err == nil {
		err = json.Unmarshal(text, out)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	return nil
}
