package boltstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/internal/store/boltstore"
)

func contents(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestCompactForgets: deleted and overwritten data stays in the file until it is compacted, and is
// then in neither the new file nor the old one's blocks.
func TestCompactForgets(t *testing.T) {
	t.Parallel()
	path := storePath(t)
	s := open(t, path)
	create(t, s, alice)
	for i := range 100 {
		create(t, s, store.Key{Kind: store.KindUser, ID: fmt.Sprintf("forget-me-%02d", i)})
	}
	overwritten := store.Write{Record: store.Record{Key: alice, Version: 1, Data: []byte("forget-me too")}}
	if err := s.Commit(t.Context(), []store.Write{overwritten}); err != nil {
		t.Fatal(err)
	}
	overwritten.Version, overwritten.Data = 2, []byte("alice")
	if err := s.Commit(t.Context(), []store.Write{overwritten}); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		key := store.Key{Kind: store.KindUser, ID: fmt.Sprintf("forget-me-%02d", i)}
		if err := s.Commit(t.Context(), []store.Write{{Record: store.Record{Key: key, Version: 1}, Delete: true}}); err != nil {
			t.Fatal(err)
		}
	}
	before, err := s.Get(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	if err := boltstore.Compact(path, options()); !errors.Is(err, boltstore.ErrInUse) {
		t.Fatalf("while the store is open: %v, want ErrInUse", err)
	}
	closeStore(t, s)
	old := contents(t, path)
	if !bytes.Contains(old, []byte("forget-me")) {
		t.Fatal("nothing is left of the deleted records: the test shows nothing")
	}
	if err := os.Link(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".compact", old[:5000], 0o600); err != nil { // an interrupted run
		t.Fatal(err)
	}
	if err := boltstore.Compact(path, options()); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(contents(t, path), []byte("forget-me")) {
		t.Error("the compacted file holds a deleted record")
	}
	if len(bytes.Trim(contents(t, path+".old"), "\x00")) > 0 {
		t.Error("the old file was not overwritten")
	}
	if _, err := os.Stat(path + ".compact"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("another file is left: %v", err)
	}
	s = open(t, path)
	after, err := s.Get(t.Context(), alice)
	if err != nil || fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("%v (%v), want %v", after, err, before)
	}
	create(t, s, store.Key{Kind: store.KindUser, ID: "bob"})
}

func TestCompactRefusesADamagedFile(t *testing.T) {
	t.Parallel()
	path := storePath(t)
	if err := boltstore.Compact(path, options()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	s := open(t, path)
	create(t, s, alice)
	closeStore(t, s)
	data := contents(t, path)
	clear(data[:2*4096])
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := boltstore.Compact(path, options()); !errors.Is(err, boltstore.ErrDamaged) {
		t.Errorf("a damaged file: %v, want ErrDamaged", err)
	}
	if !bytes.Equal(contents(t, path), data) {
		t.Error("the damaged file was changed")
	}
}
