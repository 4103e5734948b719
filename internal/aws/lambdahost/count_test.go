package lambdahost

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/internal/store/dynamo"
)

// TestCount: the notes of an event are counted in its order, for its shard. An answer has a state,
// and a failure is an error, so that Lambda delivers the batch again.
func TestCount(t *testing.T) {
	away := errors.New("store away")
	record := func(number, note string) events.DynamoDBEventRecord {
		image := map[string]events.DynamoDBAttributeValue{"pk": events.NewStringAttribute("user#x"), "v": events.NewNumberAttribute("1"), dynamo.NoteAttribute: events.NewStringAttribute(note)}
		return events.DynamoDBEventRecord{Change: events.DynamoDBStreamRecord{SequenceNumber: number, NewImage: image}}
	}
	for name, c := range map[string]struct {
		event events.DynamoDBTimeWindowEvent
		fails error
		want  []store.Noted
		err   error
	}{
		"two records": {
			event: events.DynamoDBTimeWindowEvent{DynamoDBEvent: events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{record("9", "a"), record("10", "b")}}},
			want:  []store.Noted{{Sequence: "9", Text: "a"}, {Sequence: "10", Text: "b"}},
		},
		"the end of a window": {},
		"the store is away": {
			event: events.DynamoDBTimeWindowEvent{DynamoDBEvent: events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{record("9", "a")}}},
			want:  []store.Noted{{Sequence: "9", Text: "a"}}, fails: away, err: away,
		},
		"a record without a number": {
			event: events.DynamoDBTimeWindowEvent{DynamoDBEvent: events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{record("", "a")}}},
			err:   ErrEvent,
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, _ := local(t, Environment{})
			c.event.ShardID = "shardId-1"
			data, err := json.Marshal(c.event)
			if err != nil {
				t.Fatal(err)
			}
			var got []store.Noted
			answer, err := d.Count(func(_ context.Context, from admin.Source, notes []store.Noted) error {
				if from.Name != "shardId-1" || from.Kept < 24*60*60*1e9 {
					t.Errorf("from %+v", from)
				}
				got = notes
				return c.fails
			})(t.Context(), data)
			if !errors.Is(err, c.err) || !slices.Equal(got, c.want) || err == nil && answer.State == nil {
				t.Errorf("got %v, %+v, %v; want %v, %v", got, answer, err, c.want, c.err)
			}
		})
	}
	d, _ := local(t, Environment{})
	for _, event := range []string{`{"Records":[]}`, `{"execution_id":"1"}`, `x`} {
		if _, err := d.Count(nil)(t.Context(), json.RawMessage(event)); !errors.Is(err, ErrEvent) {
			t.Errorf("%s: %v", event, err)
		}
	}
}
