package lambdahost

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/store"
)

// StreamEvent is a batch of records of one shard of the table's stream, as an event source mapping
// with a tumbling window passes it to its function. Only such an event names its shard, by which
// the function tells records that it counted before:
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-windows.html
type StreamEvent struct {
	ShardID string         `json:"shardId"`
	Records []StreamRecord `json:"Records"`
}

// StreamRecord is one write in the stream: its number and the note of the new item.
type StreamRecord struct {
	Change struct {
		Number string `json:"SequenceNumber"`
		Item   struct {
			Note struct {
				Text string `json:"S"`
			} `json:"note"`
		} `json:"NewImage"`
	} `json:"dynamodb"`
}

// StreamAnswer is the answer to a [StreamEvent]. Lambda takes one without a state as a failure of
// the batch. The state is not used: a window loses it when it fails.
type StreamAnswer struct {
	State map[string]string `json:"state"`
}

// shardKept is how long a shard may deliver a record again: the stream keeps it for a day.
const shardKept = 48 * time.Hour

// ServeCount is the main function of statistics-count.
func ServeCount() {
	Run(func(ctx context.Context, e Environment) (any, error) {
		d := Connect(e)
		service, err := d.Service(ctx, Deps{})
		if err != nil {
			return nil, err
		}
		return d.Count(service.Admin.CountNotes), nil
	})
}

// Count returns the handler of statistics-count. It counts a batch as a whole or not at all. Lambda
// delivers a failed batch again, in halves, and in rare cases a batch that was counted: count knows
// how far a shard was counted.
func (d *Deployment) Count(count func(context.Context, admin.Source, []store.Noted) error) func(context.Context, json.RawMessage) (StreamAnswer, error) {
	return func(ctx context.Context, event json.RawMessage) (StreamAnswer, error) {
		var batch StreamEvent
		if err := json.Unmarshal(event, &batch); err != nil || batch.ShardID == "" {
			return StreamAnswer{}, ErrEvent
		}
		notes := make([]store.Noted, 0, len(batch.Records))
		for _, r := range batch.Records {
			if r.Change.Number == "" {
				return StreamAnswer{}, ErrEvent
			}
			notes = append(notes, store.Noted{Sequence: r.Change.Number, Text: r.Change.Item.Note.Text})
		}
		if err := d.Keys.Refresh(ctx); err != nil {
			d.Log.Error("keys not refreshed", "error", err.Error())
		}
		if err := count(ctx, admin.Source{Name: batch.ShardID, Kept: shardKept}, notes); err != nil {
			return StreamAnswer{}, fmt.Errorf("count: %w", err)
		}
		return StreamAnswer{State: map[string]string{}}, nil
	}
}
