package dynamo_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/internal/store/boltstore"
	"github.com/countersign-mfa/countersign/internal/store/dynamo"
)

const (
	// differentialTime is how long the stores are compared, or longer until differentialFewest runs
	// are done.
	differentialTime = 10 * time.Second
	// differentialFewest is the number of runs on any machine, however slow.
	differentialFewest = 20
)

// TestSameAsBoltstore sends random calls to the embedded store and to the table, which must answer
// the same. All runs share the two stores and leave them without records.
func TestSameAsBoltstore(t *testing.T) {
	client := newClient(t)
	table := "differential-" + time.Now().Format("150405.000000000")
	if _, err := client.CreateTable(t.Context(), dynamo.Schema(table)); err != nil {
		t.Fatal(err)
	}
	file, err := boltstore.Open(filepath.Join(t.TempDir(), "store"), boltstore.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	stores := [2]store.Store{file, dynamo.New(client, table, time.Now)}
	end, run := time.Now().Add(differentialTime), 0
	rapid.Check(t, func(t *rapid.T) {
		if run >= differentialFewest && time.Now().After(end) {
			return
		}
		run++
		d := &differential{stores: stores, run: run, versions: map[store.Key][]versions{}}
		defer d.clear(t)
		t.Repeat(map[string]func(*rapid.T){"commit": d.commit, "increment": d.increment, "get": d.get, "expired": d.expired, "list": d.list, "entries": d.entries})
	})
	if run < differentialFewest {
		t.Errorf("the stores were compared %d times, want at least %d", run, differentialFewest)
	}
}

// versions are the two stores' versions of one state of a record.
type versions [2]uint64

// A differential compares two stores.
type differential struct {
	stores [2]store.Store
	run    int
	// versions has, by key, all states that a record ever had, the current one last. {0, 0} means
	// that there is no record.
	versions map[store.Key][]versions
}

// anyKey draws ids with the characters that keys are often joined, escaped or ended with; the last
// two are not UTF-8. Generators are made for each use.
func anyKey() *rapid.Generator[store.Key] {
	return rapid.Custom(func(t *rapid.T) store.Key {
		return store.Key{
			Kind: rapid.SampledFrom([]store.Kind{"user", "users", "take", "user#"}).Draw(t, "kind"),
			ID:   rapid.SampledFrom([]string{"x", "y", "", "x\x00", "#", "%23", "é", "\xff", "\xfe"}).Draw(t, "id"),
		}
	})
}

// anyWanted draws a key to read, which may be one that no record can have.
func anyWanted() *rapid.Generator[store.Key] {
	return rapid.OneOf(anyKey(), anyKey(), rapid.Custom(func(t *rapid.T) store.Key {
		id := rapid.SampledFrom([]string{"x", "é", "\xff"}).Draw(t, "long id")
		return store.Key{Kind: "user", ID: strings.Repeat(id, rapid.SampledFrom([]int{300, 900, 2048, 5000}).Draw(t, "length"))}
	}))
}

func anyData() *rapid.Generator[[]byte] {
	return rapid.OneOf(
		rapid.SliceOfN(rapid.Byte(), 0, 20),
		rapid.Map(rapid.SampledFrom([]string{`{}`, ` {"a": 1e400} `, `"\u0000\ud800"`, "\"\xff\"", "\"\u2028\"", "null"}), func(s string) []byte { return []byte(s) }),
	)
}

var differentialStart = time.Date(2100, 1, 2, 3, 4, 5, 0, time.UTC)

func anyTime() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		return differentialStart.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "half seconds")) * time.Second / 2)
	})
}

func (d *differential) history(key store.Key) []versions {
	if d.versions[key] == nil {
		d.versions[key] = []versions{{}}
	}
	return d.versions[key]
}

// drawWrites returns the same writes for both stores, each with its own versions.
func (d *differential) drawWrites(t *rapid.T) (writes [2][]store.Write) {
	keys := rapid.SliceOfNDistinct(anyKey(), 0, 4, rapid.ID).Draw(t, "keys")
	if len(keys) > 0 && rapid.IntRange(0, 20).Draw(t, "twice") == 0 {
		keys = append(keys, keys[0])
	}
	for _, key := range keys {
		history := d.history(key)
		at := history[len(history)-1]
		switch rapid.IntRange(0, 9).Draw(t, "staleness") {
		case 0:
			at = rapid.SampledFrom(history).Draw(t, "version")
		case 1:
			at = versions{at[0] + 1, at[1] + 1}
		}
		w := store.Write{Record: store.Record{Key: key}, Delete: rapid.IntRange(0, 3).Draw(t, "delete") == 0}
		if !w.Delete {
			w.Data = anyData().Draw(t, "data")
			if rapid.Bool().Draw(t, "expires") {
				w.Expires = anyTime().Draw(t, "at")
			}
			w.Add = rapid.SliceOfN(anyEntry(), 0, 2).Draw(t, "add")
			w.Note = rapid.SampledFrom([]string{"", "", "note", "é"}).Draw(t, "note")
		}
		w.Remove = rapid.SliceOfN(anyEntry(), 0, 1).Draw(t, "remove")
		for i := range writes {
			w.Version = at[i]
			writes[i] = append(writes[i], w)
		}
	}
	return writes
}

func (d *differential) drawIncrements(t *rapid.T, least int) []store.Increment {
	var increments []store.Increment
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"x", "y", "#", "é", "\xff", "\xfe"}), least, 3, rapid.ID).Draw(t, "counters") {
		increments = append(increments, store.Increment{
			Counter: fmt.Sprint(name, d.run),
			By:      rapid.SampledFrom([]int64{1, 1, 1, 2, 3, 0, math.MaxInt64}).Draw(t, "cost"),
			Max:     rapid.SampledFrom([]int64{2, 3, 4, 5, 8, 0, -1, math.MinInt64, math.MaxInt64}).Draw(t, "limit"),
			Expires: rapid.OneOf(anyTime(), rapid.Just(time.Time{})).Draw(t, "until"),
		})
	}
	return increments
}

func (d *differential) commit(t *rapid.T) {
	d.commitBoth(t, d.drawWrites(t), d.drawIncrements(t, 0))
}

func (d *differential) increment(t *rapid.T) {
	d.commitBoth(t, [2][]store.Write{}, d.drawIncrements(t, 1))
}

func (d *differential) commitBoth(t *rapid.T, writes [2][]store.Write, increments []store.Increment) {
	var answers [2]string
	for i, s := range d.stores {
		err := s.Commit(t.Context(), writes[i], increments...)
		answers[i] = verdict(err)
		if limit := (*store.LimitReachedError)(nil); errors.As(err, &limit) {
			answers[i] += " of " + limit.Counter
		}
		if answers[i] == unknown && errors.Is(err, store.ErrMalformed) {
			answers[i] = "malformed"
		}
	}
	if answers[0] != answers[1] {
		t.Fatalf("commit of %+v and %+v: got %q, want %q", writes[1], increments, answers[1], answers[0])
	}
	var keys []store.Key
	for _, w := range writes[0] {
		keys = append(keys, w.Key)
	}
	d.getBoth(t, keys)
}

func (d *differential) get(t *rapid.T) {
	d.getBoth(t, rapid.SliceOfN(anyWanted(), 0, 5).Draw(t, "keys"))
}

func (d *differential) getBoth(t *rapid.T, keys []store.Key) {
	got := both(t, d, func(s store.Store) ([]store.Record, error) { return s.Get(t.Context(), keys...) })
	d.wantSame(t, got)
	for i, r := range got[0] {
		if r.Key != keys[i] {
			t.Fatalf("get: record %d is %q, want %q", i, r.Key, keys[i])
		}
	}
}

func (d *differential) list(t *rapid.T) {
	kind, limit := anyKey().Draw(t, "of").Kind, rapid.IntRange(1, 10).Draw(t, "limit")
	d.wantSame(t, both(t, d, func(s store.Store) (all []store.Record, err error) {
		for after := store.Position(""); ; {
			records, next, err := s.List(t.Context(), kind, after, limit)
			if all = append(all, records...); err != nil || next == "" {
				slices.SortFunc(all, func(a, b store.Record) int { return strings.Compare(a.Key.ID, b.Key.ID) })
				return all, err
			}
			after = next
		}
	}))
}

// anyRank draws ranks with the characters that keys are often joined, escaped or ended with.
func anyRank() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"", "x", "xy", "#", "%23", "é", "\xff", "\x01"})
}

func anyEntry() *rapid.Generator[store.Entry] {
	return rapid.Custom(func(t *rapid.T) store.Entry {
		return store.Entry{List: rapid.SampledFrom([]string{"l", "l#", "\xff"}).Draw(t, "list"), Rank: anyRank().Draw(t, "rank")}
	})
}

// entries compares a page of a list. Entries stay from run to run.
func (d *differential) entries(t *rapid.T) {
	r := store.Range{
		List: anyEntry().Draw(t, "of").List, From: anyRank().Draw(t, "from"), To: anyRank().Draw(t, "to"),
		Order: rapid.SampledFrom([]store.Order{store.Ascending, store.Descending}).Draw(t, "order"), Limit: rapid.IntRange(-1, 10).Draw(t, "limit"),
	}
	if rapid.Bool().Draw(t, "after") {
		r.After = store.Listed{Key: anyKey().Draw(t, "after key"), Rank: anyRank().Draw(t, "after rank")}.Position()
	}
	got := both(t, d, func(s store.Store) ([]store.Listed, error) { return s.Entries(t.Context(), r) })
	if !slices.Equal(got[0], got[1]) {
		t.Fatalf("entries of %+v: got %q, want %q", r, got[1], got[0])
	}
}

// expired compares the keys that expired. With a limit it compares their number, because the stores
// may choose.
func (d *differential) expired(t *rapid.T) {
	before, kind := anyTime().Draw(t, "before"), anyKey().Draw(t, "of").Kind
	d.wantSame(t, both(t, d, func(s store.Store) ([]store.Record, error) { return s.Latest(t.Context(), kind, before, 3) }))
	all := both(t, d, func(s store.Store) ([]store.Key, error) { return s.Expired(t.Context(), kind, before, 1000) })
	for i := range all {
		slices.SortFunc(all[i], func(a, b store.Key) int {
			return strings.Compare(string(a.Kind)+"\x00"+a.ID, string(b.Kind)+"\x00"+b.ID)
		})
	}
	if !slices.Equal(all[0], all[1]) {
		t.Fatalf("expired before %v: got %q, want %q", before, all[1], all[0])
	}
	limit := rapid.IntRange(-1, 8).Draw(t, "limit")
	some := both(t, d, func(s store.Store) ([]store.Key, error) { return s.Expired(t.Context(), kind, before, limit) })
	for i, keys := range some {
		for j, k := range keys {
			if !slices.Contains(all[i], k) || slices.Contains(keys[:j], k) {
				t.Fatalf("store %d: expired before %v with limit %d: %q", i, before, limit, keys)
			}
		}
	}
	if len(some[0]) != len(some[1]) {
		t.Fatalf("expired before %v with limit %d: got %d keys, want %d", before, limit, len(some[1]), len(some[0]))
	}
}

// both makes the same call on both stores, which must succeed.
func both[T any](t *rapid.T, d *differential, ask func(store.Store) ([]T, error)) (got [2][]T) {
	for i, s := range d.stores {
		var err error
		if got[i], err = ask(s); err != nil {
			t.Fatalf("store %d: %v", i, err)
		}
	}
	if len(got[0]) != len(got[1]) {
		t.Fatalf("got %d, want %d: %v, want %v", len(got[1]), len(got[0]), got[1], got[0])
	}
	return got
}

// wantSame compares records. A version of one store must always go with the same version of the
// other.
func (d *differential) wantSame(t *rapid.T, records [2][]store.Record) {
	for i, want := range records[0] {
		got := records[1][i]
		if got.Key != want.Key || !got.Expires.Equal(want.Expires) || !bytes.Equal(got.Data, want.Data) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
		at := versions{want.Version, got.Version}
		known := slices.DeleteFunc(slices.Clone(d.history(want.Key)), func(v versions) bool { return v[0] != at[0] && v[1] != at[1] })
		switch {
		case len(known) == 0, len(known) == 1 && known[0] == at:
			d.versions[want.Key] = append(slices.DeleteFunc(d.versions[want.Key], func(v versions) bool { return v == at }), at)
		default:
			t.Fatalf("%q is at the versions %d, after %d", want.Key, at, known)
		}
	}
}

// clear deletes what the run stored, for the next run.
func (d *differential) clear(t *rapid.T) {
	for key := range d.versions {
		for _, s := range d.stores {
			records, err := s.Get(t.Context(), key)
			if err == nil && records[0].Version != 0 {
				_ = s.Commit(t.Context(), []store.Write{{Record: store.Record{Key: key, Version: records[0].Version}, Delete: true}})
			}
		}
	}
}
