package boltstore_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/internal/store/boltstore"
	"github.com/countersign-mfa/countersign/internal/store/storetest"
)

var (
	now   = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	alice = store.Key{Kind: store.KindUser, ID: "alice"}
)

func options() boltstore.Options {
	return boltstore.Options{Now: func() time.Time { return now }, LockTimeout: time.Millisecond}
}

func open(t testing.TB, path string) *boltstore.Store {
	t.Helper()
	s, err := boltstore.Open(path, options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, s) })
	return s
}

func closeStore(t testing.TB, s *boltstore.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func storePath(t testing.TB) string { return filepath.Join(t.TempDir(), "store") }

func create(t testing.TB, s *boltstore.Store, key store.Key) {
	t.Helper()
	err := s.Commit(t.Context(), []store.Write{{Record: store.Record{Key: key, Data: []byte(key.ID)}}})
	if err != nil {
		t.Fatalf("commit: %v", err)
	}
}

func wantStored(t testing.TB, s *boltstore.Store, key store.Key) {
	t.Helper()
	records, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("get: %v", err)
	}
	if got := string(records[0].Data); got != key.ID {
		t.Errorf("record %v: got data %q", key, got)
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Test(t, func(t *testing.T) store.Store { return open(t, storePath(t)) })
}

func TestReopen(t *testing.T) {
	t.Parallel()
	path := storePath(t)
	storetest.TestReopen(t,
		func(t *testing.T) store.Store { return open(t, path) },
		func(t *testing.T, s store.Store) store.Store {
			closeStore(t, s.(*boltstore.Store))
			return open(t, path)
		})
}

func TestJournal(t *testing.T) {
	t.Parallel()
	path := storePath(t)
	storetest.TestJournal(t, open(t, path), func(t *testing.T, s storetest.JournalStore) storetest.JournalStore {
		closeStore(t, s.(*boltstore.Store))
		if err := boltstore.Compact(path, options()); err != nil {
			t.Fatal(err)
		}
		return open(t, path)
	})
}

// TestTrimmedNotesLeaveTheFile: the commits after trimming remove the notes, so the journal does
// not grow.
func TestTrimmedNotesLeaveTheFile(t *testing.T) {
	t.Parallel()
	path := storePath(t)
	s := open(t, path)
	for i := range 20 {
		w := store.Write{Record: store.Record{Key: alice, Version: uint64(i), Data: []byte("x")}, Note: "note"}
		if err := s.Commit(t.Context(), []store.Write{w}); err != nil {
			t.Fatal(err)
		}
		notes, err := s.Notes(t.Context(), 10)
		if err != nil || len(notes) != 1 {
			t.Fatalf("%v, %v", notes, err)
		}
		s.Trim(notes[0].Sequence)
	}
	closeStore(t, s)
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	kept := 0
	err = db.View(func(tx *bolt.Tx) error { kept = tx.Bucket([]byte("journal")).Stats().KeyN; return nil })
	if err := errors.Join(err, db.Close()); err != nil || kept != 1 {
		t.Errorf("%d notes are left in the file, %v", kept, err)
	}
}

// TestFilesOfTheFirstFormat: a file without buckets for entries and notes is opened and taken
// along, with all its records.
func TestFilesOfTheFirstFormat(t *testing.T) {
	t.Parallel()
	path := storePath(t)
	s := open(t, path)
	create(t, s, alice)
	closeStore(t, s)
	change := func(do func(*bolt.Tx) error) {
		db, err := bolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Update(do), db.Close()); err != nil {
			t.Fatal(err)
		}
	}
	change(func(tx *bolt.Tx) error {
		return errors.Join(tx.DeleteBucket([]byte("entries")), tx.DeleteBucket([]byte("journal")), tx.Bucket([]byte("format")).Put([]byte("version"), []byte("1")))
	})
	for range 2 { // the second time it has the new format
		s = open(t, path)
		wantStored(t, s, alice)
		records, err := s.Get(t.Context(), alice)
		if err != nil {
			t.Fatal(err)
		}
		entered := store.Write{Record: records[0], Add: []store.Entry{{List: "l", Rank: "1"}}}
		if err := s.Commit(t.Context(), []store.Write{entered}); err != nil {
			t.Fatal(err)
		}
		found, err := s.Entries(t.Context(), store.Range{List: "l", Limit: 2})
		if err != nil || len(found) != 1 {
			t.Errorf("%v, %v", found, err)
		}
		closeStore(t, s)
	}
	change(func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte("entries")) })
	if _, err := boltstore.Open(path, options()); !errors.Is(err, boltstore.ErrDamaged) {
		t.Errorf("a file of the new format without its entries: %v", err)
	}
}

func TestFileInUse(t *testing.T) {
	t.Parallel()
	path := storePath(t)
	s := open(t, path)
	create(t, s, alice)
	if _, err := boltstore.Open(path, options()); !errors.Is(err, boltstore.ErrInUse) {
		t.Fatalf("open twice: got error %v, want %v", err, boltstore.ErrInUse)
	}
	wantStored(t, s, alice)
	closeStore(t, s)
	wantStored(t, open(t, path), alice)
}

func TestFileBelongsToItsOwner(t *testing.T) {
	t.Parallel()
	path := storePath(t)
	open(t, path)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("got mode %v, want %v", got, fs.FileMode(0o600))
	}
}

func TestOpenRefusesOptionsWithoutClock(t *testing.T) {
	t.Parallel()
	path := storePath(t)
	if _, err := boltstore.Open(path, boltstore.Options{}); err == nil || !strings.Contains(err.Error(), "Now") {
		t.Errorf("got error %v, want one that names Now", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file was created: %v", err)
	}
}

func TestOpenWithoutDirectory(t *testing.T) {
	t.Parallel()
	_, err := boltstore.Open(filepath.Join(t.TempDir(), "missing", "store"), options())
	if !errors.Is(err, fs.ErrNotExist) || errors.Is(err, boltstore.ErrDamaged) {
		t.Errorf("got error %v, want %v", err, fs.ErrNotExist)
	}
}

func TestOpenAfterCreatingWasCutShort(t *testing.T) {
	t.Parallel()
	path := storePath(t)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	create(t, open(t, path), alice)
}

func TestClosed(t *testing.T) {
	t.Parallel()
	s := open(t, storePath(t))
	create(t, s, alice)
	for range 2 {
		closeStore(t, s)
	}
	_, getErr := s.Get(t.Context(), alice)
	_, expiredErr := s.Expired(t.Context(), store.KindUser, now, 1)
	_, _, listErr := s.List(t.Context(), store.KindUser, "", 1)
	commitErr := s.Commit(t.Context(), nil, store.Increment{Counter: "b", Max: 1})
	for name, err := range map[string]error{
		"Get": getErr, "Expired": expiredErr, "List": listErr, "Commit": commitErr,
	} {
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: got error %v, want %v", name, err, store.ErrUnavailable)
		}
	}
}

// foreignBolt returns a bbolt file of another program: one bucket with one key.
func foreignBolt(t *testing.T, bucket, key, value string) []byte {
	t.Helper()
	path := storePath(t)
	db, err := bolt.Open(path, 0o600, &bolt.Options{PageSize: 4096})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucket([]byte(bucket))
		if err != nil {
			return err
		}
		return b.Put([]byte(key), []byte(value))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return read(t, path)
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestForeignFile(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		content []byte
	}{
		{"one byte", []byte{0}},
		{"text", []byte("dear diary\n")},
		{"long text", bytes.Repeat([]byte("dear diary\n"), 10_000)},
		{"zeros", make([]byte, 64<<10)},
		{"another program's bbolt file", foreignBolt(t, "widgets", "a", "b")},
		{"a later format", foreignBolt(t, "format", "version", "2")},
		{"a format and nothing else", foreignBolt(t, "format", "version", "1")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := storePath(t)
			if err := os.WriteFile(path, tt.content, 0o600); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second shows that the first gave up its lock
				if _, err := boltstore.Open(path, options()); !errors.Is(err, boltstore.ErrDamaged) {
					t.Errorf("got error %v, want %v", err, boltstore.ErrDamaged)
				}
			}
			if !bytes.Equal(read(t, path), tt.content) {
				t.Error("the file was changed")
			}
		})
	}
}

func TestOpenDirectory(t *testing.T) {
	t.Parallel()
	if _, err := boltstore.Open(t.TempDir(), options()); !errors.Is(err, boltstore.ErrDamaged) {
		t.Errorf("got error %v, want %v", err, boltstore.ErrDamaged)
	}
}

// TestFullStore fills the store to its limit. It must then have everything it confirmed, refuse
// more, and still accept changes.
func TestFullStore(t *testing.T) {
	t.Parallel()
	opts := options()
	opts.MaxSize = 4 << 20
	s, err := boltstore.Open(storePath(t), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, s) })
	data := make([]byte, 300<<10)
	put := func(i int) error {
		key := store.Key{Kind: store.KindUser, ID: string(rune('a' + i))}
		return s.Commit(t.Context(), []store.Write{{Record: store.Record{Key: key, Data: data}}})
	}
	stored := 0
	for ; stored < 26 && err == nil; stored++ {
		err = put(stored)
	}
	stored--
	if !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("after %d records: got error %v, want %v", stored, err, store.ErrUnavailable)
	}
	records, _, err := s.List(t.Context(), store.KindUser, "", 100)
	if err != nil || len(records) != stored || stored == 0 {
		t.Fatalf("got %d records (error %v), want %d", len(records), err, stored)
	}
	first := records[0]
	first.Data = nil
	if err := s.Commit(t.Context(), []store.Write{{Record: first}}); err != nil {
		t.Errorf("making room: %v", err)
	}
}

// TestCounterIsForgotten moves the clock: a counter is kept until it expires, and a later increment
// removes it.
func TestCounterIsForgotten(t *testing.T) {
	t.Parallel()
	path, at := storePath(t), now
	opts := boltstore.Options{Now: func() time.Time { return at }}
	s, err := boltstore.Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, s) })
	add := func(counter string, expires time.Time) error {
		return s.Commit(context.Background(), nil, store.Increment{Counter: counter, By: 1, Max: 1, Expires: expires})
	}
	hour := now.Add(time.Hour)
	if err := add("hour", hour); err != nil {
		t.Fatal(err)
	}
	at = hour
	if err := add("other", hour.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, ok := errors.AsType[*store.LimitReachedError](add("hour", hour)); !ok {
		t.Error("the counter was forgotten too early")
	}
	at = hour.Add(time.Second)
	if err := add("third", hour.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := add("hour", hour.Add(time.Hour)); err != nil {
		t.Errorf("the counter was not forgotten: %v", err)
	}
}
