package dynamo_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/internal/store/dynamo"
)

// A faultCase says what one call returns, what is stored after it, and how many requests it took.
type faultCase struct {
	name     string
	faults   []fault
	answer   string
	stored   string
	requests int
}

// anyOperation holds the cases that reads and writes share.
var anyOperation = []faultCase{
	{"nothing happens", nil, done, after, 1},
	{"the request is not sent", []fault{unsent}, done, after, 2},
	{"no request is sent", []fault{unsent, unsent, unsent}, unavailable, before, 3},
	{"the answer is lost", []fault{lost}, done, after, 2},
	{"two answers are lost", []fault{lost, lost}, done, after, 3},
	{"every answer is lost", []fault{lost, lost, lost}, unavailable, after, 3},
	{"the server fails", []fault{failing}, done, after, 2},
	{"the server keeps failing", []fault{failing, failing, failing}, unavailable, before, 3},
	{"the table is throttled", []fault{throttled}, done, after, 2},
	{"the table stays throttled", []fault{throttled, throttled, throttled}, unavailable, before, 3},
	{"the answer is lost, then the table is throttled", []fault{lost, throttled}, done, after, 3},
	{"the answer is lost, then the table stays throttled", []fault{lost, throttled, throttled}, unavailable, after, 3},
	{"the deadline passes before the server acts", []fault{slow}, tooLate, before, 1},
	{"the deadline passes before the answer", []fault{late}, tooLate, after, 1},
	{"the table is throttled until the deadline", []fault{throttled, slow}, tooLate, before, 2},
	{"the answer is lost, then the deadline passes", []fault{lost, slow}, tooLate, after, 2},
	{"the table is not there", []fault{says("ResourceNotFoundException")}, unknown, before, 1},
}

var (
	keyA, keyB, keyC = store.Key{Kind: "user", ID: "a"}, store.Key{Kind: "user", ID: "b"}, store.Key{Kind: "user", ID: "c"}
	runsOut          = time.Now().Add(time.Hour)
)

// writing replaces or creates a record with data that names the writer.
func writing(r store.Record, data string) store.Write {
	return store.Write{Record: store.Record{Key: r.Key, Version: r.Version, Data: []byte(data), Expires: runsOut}}
}

func stored(s *dynamo.Store, keys ...store.Key) (map[store.Key]store.Record, error) {
	records, err := s.Get(context.Background(), keys...)
	found := map[store.Key]store.Record{}
	for _, r := range records {
		found[r.Key] = r
	}
	return found, err
}

// overwrite is another writer's replacement of record a, at any version.
func overwrite(w *wire) error {
	is, err := stored(w.other, keyA)
	if err != nil {
		return err
	}
	return w.other.Commit(context.Background(), []store.Write{writing(is[keyA], theirs)})
}

func overwriteTwice(w *wire) error {
	if err := overwrite(w); err != nil {
		return err
	}
	return overwrite(w)
}

func remove(w *wire) error {
	is, err := stored(w.other, keyA)
	if err != nil {
		return err
	}
	return w.other.Commit(context.Background(), []store.Write{{Record: store.Record{Key: keyA, Version: is[keyA].Version}, Delete: true}})
}

// An operation is a call of the store that ends in requests of one kind.
type operation struct {
	name  string
	empty bool // no record before
	more  int  // further requests of a call without faults
	call  func(ctx context.Context, s *dynamo.Store, is map[store.Key]store.Record) error
	// state returns what is stored; it is nil for reads.
	state func(s *dynamo.Store) string
	cases []faultCase
	// differs has the answers, by the name of a case, that are not those of anyOperation.
	differs map[string]string
}

var operations = []operation{
	{name: "GetItem", call: getting(keyA)},
	{name: "BatchGetItem", call: getting(keyA, keyB, keyC), cases: []faultCase{
		{"some keys were not read", []fault{oneUnread}, done, "", 2},
		{"some keys were not read, then the table is throttled", []fault{oneUnread, throttled}, done, "", 3},
		{"some keys were not read, then the table stays throttled", []fault{oneUnread, throttled, throttled, throttled}, unavailable, "", 4},
	}},
	{name: "Query", more: 15, call: expiring, cases: []faultCase{
		{"a later query is throttled", []fault{nil, nil, throttled}, done, "", 17},
		{"a later query stays throttled", []fault{nil, nil, throttled, throttled, throttled}, unavailable, "", 5},
		{"the deadline passes in a later query", []fault{nil, nil, slow}, tooLate, "", 3},
	}},
	{name: "Query", call: readingEntries},
	{name: "Scan", call: listing},
	{name: "DeleteItem", call: deleting, state: single, cases: deleteCases, differs: map[string]string{
		"the answer is lost": unavailable, "two answers are lost": unavailable, "the answer is lost, then the table is throttled": unavailable,
	}},
	{name: "PutItem", call: replacing, state: single, cases: putCases},
	{name: "PutItem", empty: true, call: replacing, state: single, cases: []faultCase{
		{"somebody else creates it while the table is throttled", []fault{throttled.then(overwrite)}, conflict, theirs, 2},
		{"there is no answer, then somebody else creates it", []fault{fault(unsent).then(overwrite)}, unavailable, theirs, 2},
		{"the answer is lost, then somebody else overwrites it", []fault{fault(lost).then(overwrite)}, unavailable, theirs, 2},
	}},
	{name: "UpdateItem", call: reserving, state: reserved, cases: []faultCase{
		{"the counter is full", []fault{says("ConditionalCheckFailedException")}, exhausted, before, 1},
		{"a transaction holds the counter", []fault{contended}, conflict, before, 1},
	}},
	{name: "TransactWriteItems", call: mixing, state: mixture, cases: transactCases},
}

var putCases = []faultCase{
	{"a transaction holds the record", []fault{contended}, conflict, before, 1},
	{"the table is throttled, then a transaction holds the record", []fault{throttled, contended}, conflict, before, 2},
	{"the answer is lost, then a transaction holds the record", []fault{lost, contended}, unavailable, after, 2},
	{"somebody else writes first", []fault{fault(unsent).then(overwrite)}, conflict, theirs, 2},
	{"somebody else writes twice while the table is throttled", []fault{throttled.then(overwriteTwice)}, conflict, theirs, 2},
	{"somebody else deletes it while the table is throttled", []fault{throttled.then(remove)}, conflict, gone, 2},
	{"the answer is lost, then somebody else overwrites it", []fault{fault(lost).then(overwrite)}, unavailable, theirs, 2},
	{"the answer is lost, then somebody else deletes it", []fault{fault(lost).then(remove)}, unavailable, gone, 2},
}

var transactCases = []faultCase{
	{"another transaction holds a record", []fault{cancelled("TransactionConflict", "None", "None", "None")}, conflict, before, 1},
	{"another transaction holds a counter", []fault{cancelled("None", "None", "None", "TransactionConflict")}, conflict, before, 1},
	{"another transaction holds all of it", []fault{contended}, conflict, before, 1},
	{"one record changed and another is held", []fault{cancelled("TransactionConflict", "ConditionalCheckFailed", "None", "None")}, conflict, before, 1},
	{"the counter is full and a record changed", []fault{cancelled("None", "ConditionalCheckFailed", "None", "ConditionalCheckFailed")}, conflict, before, 1},
	{"the counter is full", []fault{cancelled("None", "None", "None", "ConditionalCheckFailed")}, exhausted, before, 1},
	{"an item is throttled", []fault{throttledItem}, done, after, 2},
	{"an item and then a hot counter are throttled", []fault{throttledItem, throttledCounter}, done, after, 3},
	{"an item stays throttled", []fault{throttledItem, throttledItem, throttledItem, throttledItem}, unavailable, before, 4},
	{"an item is throttled and another is held", []fault{cancelled("TransactionConflict", "ThrottlingError", "None", "None")}, conflict, before, 1},
	{"an item is throttled, then somebody else writes first", []fault{throttledItem.then(overwrite)}, conflict, theirs, 2},
	{"an item is throttled, then the answer is lost", []fault{throttledItem, lost}, done, after, 3},
	{"the answer is lost, then an item is throttled", []fault{lost, throttledItem}, done, after, 3},
	{"an item is throttled until the deadline", []fault{throttledItem, slow}, tooLate, before, 2},
	{"it is cancelled for no reason", []fault{cancelled()}, unavailable, before, 1},
	{"it is cancelled for a reason that none of its parts has", []fault{cancelled("None", "None", "None", "None")}, unavailable, before, 1},
	{"it is cancelled for a reason of the future", []fault{cancelled("None", "None", "None", "Eclipse")}, unknown, before, 1},
	{"its token is taken for another's", []fault{says("IdempotentParameterMismatchException")}, unknown, before, 1},
	{"the answer is lost, then it is still in progress", []fault{lost, inProgress}, done, after, 3},
	{"the answer is lost, then it stays in progress", []fault{lost, inProgress, inProgress}, unavailable, after, 3},
	{"the answer is lost, then another transaction holds it", []fault{lost, contended}, unavailable, after, 2},
	{"somebody else writes first", []fault{fault(unsent).then(overwrite)}, conflict, theirs, 2},
	{"the answer is lost, then somebody else overwrites it", []fault{fault(lost).then(overwrite)}, done, theirsOver, 2},
}

var (
	throttledItem    = cancelled("None", "ThrottlingError", "None", "None")
	throttledCounter = cancelled("None", "None", "None", "ProvisionedThroughputExceeded")
)

// deleteCases: a deletion leaves nothing by which a repeated request could recognise it.
var deleteCases = []faultCase{
	{"a transaction holds the record", []fault{contended}, conflict, before, 1},
	{"the answer is lost, then a transaction holds the record", []fault{lost, contended}, unavailable, gone, 2},
	{"somebody else writes first", []fault{throttled.then(overwrite)}, conflict, theirs, 2},
	{"somebody else deletes it first", []fault{throttled.then(remove)}, conflict, gone, 2},
	{"the request may be lost, then somebody else deletes it", []fault{fault(unsent).then(remove)}, unavailable, gone, 2},
	{"the answer is lost, then somebody else creates it", []fault{fault(lost).then(overwrite)}, unavailable, theirs, 2},
}

func getting(keys ...store.Key) func(context.Context, *dynamo.Store, map[store.Key]store.Record) error {
	return func(ctx context.Context, s *dynamo.Store, _ map[store.Key]store.Record) error {
		records, err := s.Get(ctx, keys...)
		for i, r := range records {
			if r.Key != keys[i] || string(r.Data) != before {
				return fmt.Errorf("key %v has the record %v", keys[i], r)
			}
		}
		return err
	}
}

func expiring(ctx context.Context, s *dynamo.Store, _ map[store.Key]store.Record) error {
	keys, err := s.Expired(ctx, "user", runsOut.Add(time.Minute), 10)
	if err == nil && len(keys) != 3 {
		return fmt.Errorf("expired: %v", keys)
	}
	return err
}

func listing(ctx context.Context, s *dynamo.Store, _ map[store.Key]store.Record) error {
	records, _, err := s.List(ctx, "user", "", 10)
	if err == nil && len(records) != 3 {
		return fmt.Errorf("listed: %v", records)
	}
	return err
}

func readingEntries(ctx context.Context, s *dynamo.Store, _ map[store.Key]store.Record) error {
	found, err := s.Entries(ctx, store.Range{List: "l", Limit: 10})
	if err == nil && len(found) != 3 {
		return fmt.Errorf("entries: %v", found)
	}
	return err
}

func deleting(ctx context.Context, s *dynamo.Store, is map[store.Key]store.Record) error {
	return s.Commit(ctx, []store.Write{{Record: store.Record{Key: keyA, Version: is[keyA].Version}, Delete: true}})
}

func replacing(ctx context.Context, s *dynamo.Store, is map[store.Key]store.Record) error {
	return s.Commit(ctx, []store.Write{writing(store.Record{Key: keyA, Version: is[keyA].Version}, after)})
}

func single(s *dynamo.Store) string {
	is, err := stored(s, keyA)
	switch {
	case err != nil:
		return err.Error()
	case is[keyA].Version == 0:
		return gone
	}
	return string(is[keyA].Data)
}

func reserving(ctx context.Context, s *dynamo.Store, _ map[store.Key]store.Record) error {
	return s.Reserve(ctx, store.Increment{Counter: "quota", By: 1, Max: 9, Expires: runsOut})
}

// reserved reports whether reserving is stored, perhaps more than once.
func reserved(s *dynamo.Store) string {
	sums, err := s.Sums(context.Background(), "quota")
	switch {
	case err != nil:
		return err.Error()
	case sums[0] == 0:
		return before
	}
	return after
}

var keyNew = store.Key{Kind: "user", ID: "new"}

// mixing replaces a, deletes b, creates a record, increments a counter and moves the entry of b to
// a.
func mixing(ctx context.Context, s *dynamo.Store, is map[store.Key]store.Record) error {
	moved := writing(is[keyA], after)
	moved.Add = []store.Entry{{List: "l", Rank: "b"}}
	return s.Commit(ctx, []store.Write{
		moved, {Record: store.Record{Key: keyB, Version: is[keyB].Version}, Delete: true, Remove: moved.Add}, writing(store.Record{Key: keyNew}, after),
	}, store.Increment{Counter: "sum", By: 1, Max: 9, Expires: runsOut})
}

// mixture reports whether all or nothing of mixing is stored. Another writer's replacement of a is
// named after that.
func mixture(s *dynamo.Store) string {
	is, err := stored(s, keyA, keyB, keyNew)
	if err != nil {
		return err.Error()
	}
	sum := 0 // the first limit that still allows one shows the sum
	for verdict(s.Commit(context.Background(), nil, store.Increment{Counter: "sum", By: 1, Max: int64(sum) + 1, Expires: runsOut})) == exhausted {
		sum++
	}
	of, err := s.Entries(context.Background(), store.Range{List: "l", From: "b", To: "c", Limit: 10})
	if err != nil || len(of) != 1 {
		return fmt.Sprintf("entries: %v, %v", of, err)
	}
	nothing := is[keyB].Version != 0 && is[keyNew].Version == 0 && sum == 0 && of[0].Key == keyB
	everything := is[keyB].Version == 0 && string(is[keyNew].Data) == after && sum == 1 && of[0].Key == keyA
	switch a := string(is[keyA].Data); {
	case nothing && (a == before || a == theirs), everything && a == after:
		return a
	case everything && a == theirs:
		return theirsOver
	default:
		return fmt.Sprintf("half of it: %v, taken %d", is, sum)
	}
}

// TestFaults: whatever happens on the way, the answer is true and no change is half done.
func TestFaults(t *testing.T) {
	newClient(t) // skips all of them at once
	for i, o := range operations {
		for j, c := range slices.Concat(anyOperation, o.cases) {
			if j < len(anyOperation) && c.answer == done {
				c.requests += o.more
			}
			if answer, ok := o.differs[c.name]; ok && j < len(anyOperation) {
				c.answer = answer
			}
			name := o.name
			if o.empty {
				name += " of a new record"
			}
			t.Run(name+"/"+c.name, func(t *testing.T) { testFault(t, o, c, fmt.Sprintf("faults-%d-%d", i, j)) })
		}
	}
}

func testFault(t *testing.T, o operation, c faultCase, table string) {
	w, s, ctx := newWire(t, table)
	is := map[store.Key]store.Record{}
	if !o.empty {
		var writes []store.Write
		for _, k := range []store.Key{keyA, keyB, keyC} {
			w := writing(store.Record{Key: k}, before)
			w.Add = []store.Entry{{List: "l", Rank: k.ID}}
			writes = append(writes, w)
		}
		err := w.other.Commit(t.Context(), writes)
		if err == nil {
			is, err = stored(w.other, keyA, keyB, keyC)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	w.operation, w.faults = o.name, c.faults
	err := o.call(ctx, s, is)
	if got := verdict(err); got != c.answer {
		t.Errorf("the store answers %s (%v), want %s", got, err, c.answer)
	}
	if w.requests != c.requests {
		t.Errorf("%d requests, want %d", w.requests, c.requests)
	}
	if o.state == nil {
		return
	}
	wantState := c.stored
	switch {
	case o.empty && wantState == before:
		wantState = gone
	case o.name == "DeleteItem" && wantState == after:
		wantState = gone
	}
	if got := o.state(w.other); got != wantState {
		t.Errorf("stored is %s, want %s", got, wantState)
	}
}
