package boltstore

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/countersign-mfa/countersign/internal/store"
)

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// wantAfterPowerCut opens a file with the given content, which must have the records.
func wantAfterPowerCut(t *testing.T, content []byte, ids ...string) {
	t.Helper()
	path := testPath(t)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	s := testStore(t, path)
	for _, id := range ids {
		wantData(t, s, id, id)
	}
	if err := commit(s, put("next", 0, "next")); err != nil {
		t.Errorf("a commit after the power cut: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestCopyTakenAfterCommitHasTheRecord(t *testing.T) {
	t.Parallel()
	path := testPath(t)
	s := testStore(t, path)
	var ids []string
	for i := range 20 {
		ids = append(ids, fmt.Sprint("user-", i))
		if err := commit(s, put(ids[i], 0, ids[i])); err != nil {
			t.Fatal(err)
		}
		wantAfterPowerCut(t, readFile(t, path), ids...)
	}
}

// TestPowerCutDuringCommit builds what the disk may hold when the power fails during a commit.
// Before the first fsync that is any combination of parts of its pages; after it, all pages and a
// torn description. All confirmed commits must be there.
func TestPowerCutDuringCommit(t *testing.T) {
	t.Parallel()
	path := testPath(t)
	s := testStore(t, path)
	r := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // which pages are lost is no secret
	var ids []string
	before := readFile(t, path)
	for i := range 30 {
		id := fmt.Sprint("user-", i)
		if err := commit(s, put(id, 0, id), put(fmt.Sprint("big-", i), 0, strings.Repeat("x", 5000))); err != nil {
			t.Fatal(err)
		}
		after := readFile(t, path)
		for range 5 {
			wantAfterPowerCut(t, tornPages(r, before, after), ids...)
		}
		wantAfterPowerCut(t, tornMeta(r, before, after), ids...)
		ids, before = append(ids, id), after
	}
}

// tornPages returns before with some of the changed pages, except the first two.
func tornPages(r *rand.Rand, before, after []byte) []byte {
	torn := append(slices.Clone(before), make([]byte, len(after)-len(before))...)
	for page := 2; page < len(after)/pageSize; page++ {
		if r.IntN(2) == 0 {
			copy(torn[page*pageSize:][:pageSize], after[page*pageSize:])
		}
	}
	return torn
}

// tornMeta returns after with only the first bytes of the changes to the first two pages.
func tornMeta(r *rand.Rand, before, after []byte) []byte {
	torn := slices.Clone(after)
	for page := range 2 {
		from := page*pageSize + r.IntN(80)
		copy(torn[from:(page+1)*pageSize], before[from:])
	}
	return torn
}

// killVariable names the file for the child process that the test kills.
const killVariable = "BOLTSTORE_TEST_KILL"

// TestKilledProcess kills a process that commits from several goroutines. Every confirmed commit
// must be there, both of its records included.
func TestKilledProcess(t *testing.T) {
	if path := os.Getenv(killVariable); path != "" {
		commitUntilKilled(path)
		return
	}
	t.Parallel()
	for round := range 3 {
		path := testPath(t)
		stored := runAndKill(t, path, 100*(round+1))
		s := testStore(t, path)
		for _, id := range stored {
			wantData(t, s, id, id)
		}
		records, _, err := s.List(t.Context(), store.KindUser, "", 1_000_000)
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range records {
			other, err := s.Get(t.Context(), store.Key{Kind: store.KindClient, ID: record.Key.ID})
			if err != nil || other[0].Version == 0 {
				t.Errorf("half of the commit of %s is stored (error %v)", record.Key.ID, err)
			}
		}
	}
}

func runAndKill(t *testing.T, path string, lines int) (stored []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledProcess$") //nolint:gosec // itself
	cmd.Env = append(os.Environ(), killVariable+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	scanner := bufio.NewScanner(out)
	for scanner.Scan() {
		stored = append(stored, scanner.Text())
		if len(stored) == lines {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || len(stored) < lines {
		t.Fatalf("the process ended by itself after %d lines: %v", len(stored), err)
	}
	return stored
}

func commitUntilKilled(path string) {
	s, err := Open(path, Options{Now: testClock})
	if err != nil {
		panic(err)
	}
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%d-%d", w, i)
				client := store.Write{Record: store.Record{Key: store.Key{Kind: store.KindClient, ID: id}}}
				if err := s.Commit(context.Background(), []store.Write{put(id, 0, id), client}); err != nil {
					panic(err)
				}
				if _, err := os.Stdout.WriteString(id + "\n"); err != nil {
					panic(err)
				}
			}
		})
	}
	writers.Wait()
}
