package lincheck_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/internal/store/boltstore"
	"github.com/countersign-mfa/countersign/test/lincheck"
)

// TestHistories: some order of the operations explains every answer, whatever the clients do at
// once and whatever fails.
func TestHistories(t *testing.T) {
	seeds := 500
	if testing.Short() {
		seeds = 50
	}
	lincheck.Check(t, lincheck.Memory(t), seeds, lincheck.Turns)
}

// TestHistoriesInAFile: as TestHistories, with concurrent clients over the embedded store.
func TestHistoriesInAFile(t *testing.T) {
	seeds := 20
	if testing.Short() {
		seeds = 5
	}
	lincheck.Check(t, func(t *testing.T) store.Store {
		s, err := boltstore.Open(filepath.Join(t.TempDir(), "store"), boltstore.Options{Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return s
	}, seeds, lincheck.Concurrent)
}
