package boltstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/store"
)

// sampleFile returns a file with a tree of two levels, long records, counters, expiries and free
// pages.
func sampleFile(t testing.TB) []byte {
	t.Helper()
	path := t.TempDir() + "/store"
	s, err := Open(path, Options{Now: testClock})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		var writes []store.Write
		for j := range 30 {
			w := put(fmt.Sprintf("%d-%d", i, j), 0, string(make([]byte, 300)))
			w.Expires, w.Note, w.Add = testNow, "note", []store.Entry{{List: "l", Rank: fmt.Sprint(j)}}
			writes = append(writes, w)
		}
		writes = append(writes, put(fmt.Sprint("long-", i), 0, string(make([]byte, 3*pageSize))))
		err := s.Commit(t.Context(), writes, store.Increment{
			Counter: fmt.Sprint(i), By: 1, Max: 1, Expires: testNow.Add(time.Hour),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// A sample is a file's content with the types of its pages.
type sample struct {
	content  []byte
	meta     meta
	branches []int
	leaves   []int
}

func newSample(t testing.TB) sample {
	t.Helper()
	content := sampleFile(t)
	file := bytes.NewReader(content)
	m, err := newestMeta(file, file.Size())
	if err != nil {
		t.Fatal(err)
	}
	c := &checker{file: file, pages: m.pages, used: make([]uint64, m.pages/64+1)}
	if err := c.tree(m.root); err != nil {
		t.Fatal(err)
	}
	s := sample{content: content, meta: m}
	for id := 2; id < int(m.pages); id++ {
		if c.used[id/64]&(1<<(id%64)) == 0 || s.number(id, 0, 8) != uint64(id) {
			continue // free, or an overflow page
		}
		switch s.number(id, 8, 2) {
		case flagBranch:
			s.branches = append(s.branches, id)
		case flagLeaf:
			s.leaves = append(s.leaves, id)
		}
	}
	if len(s.branches) == 0 || len(s.leaves) < 3 {
		t.Fatalf("the sample has %d branches and %d leaves", len(s.branches), len(s.leaves))
	}
	return s
}

func (s sample) number(page, at, size int) uint64 {
	b := make([]byte, 8)
	copy(b, s.content[page*pageSize+at:][:size])
	return binary.LittleEndian.Uint64(b)
}

// with returns the content with one number in a page replaced.
func (s sample) with(page, at, size int, n uint64) []byte {
	b := make([]byte, 8)
	binary.LittleEndian.PutUint64(b, n)
	content := slices.Clone(s.content)
	copy(content[page*pageSize+at:][:size], b)
	return content
}

// withKeyTwice returns the content with the second key of a page in place of the first. pos and
// ksize are the offsets of the first element's fields.
func (s sample) withKeyTwice(page, pos, ksize int) []byte {
	content := s.with(page, pos, 4, s.number(page, pos+elementLength, 4)+elementLength)
	copy(content[page*pageSize+ksize:][:4], content[page*pageSize+ksize+elementLength:])
	return content
}

func checkBytes(content []byte) error {
	return check(bytes.NewReader(content), int64(len(content)))
}

func TestCheckAcceptsWhatWasWritten(t *testing.T) {
	t.Parallel()
	if err := checkBytes(newSample(t).content); err != nil {
		t.Error(err)
	}
}

func TestCheckFindsDamage(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	branch, leaf, free := s.branches[0], s.leaves[0], int(s.meta.freelist)
	root, pages := s.meta.root, s.meta.pages
	element := pageHeader
	last := element + elementLength*int(s.number(leaf, 10, 2)-1)
	for name, content := range map[string][]byte{
		"a page that is another":            s.with(leaf, 0, 8, uint64(leaf+1)),
		"a page of no known type":           s.with(leaf, 8, 2, 0x40),
		"a leaf that is a list":             s.with(leaf, 8, 2, flagFreelist),
		"too many elements":                 s.with(leaf, 10, 2, 0xFFFF),
		"more pages than there are":         s.with(leaf, 12, 4, pages),
		"pages of others":                   s.with(leaf, 12, 4, 1),
		"a key beyond the page":             s.with(leaf, last+8, 4, pageSize),
		"a value beyond the page":           s.with(leaf, last+12, 4, 1<<31),
		"a position beyond the page":        s.with(leaf, last+4, 4, 0xFFFFFFFF),
		"an empty branch":                   s.with(branch, 10, 2, 0),
		"a branch to itself":                s.with(branch, element+8, 8, uint64(branch)),
		"a branch to the root":              s.with(branch, element+8, 8, root),
		"a branch beyond the end":           s.with(branch, element+8, 8, pages),
		"a branch to the first page":        s.with(branch, element+8, 8, 0),
		"a branch twice to one page":        s.with(branch, element+8, 8, s.number(branch, element+elementLength+8, 8)),
		"a branch to the list":              s.with(branch, element+8, 8, uint64(free)),
		"a branch's key beyond the page":    s.with(branch, element+4, 4, 1<<20),
		"a branch with one key twice":       s.withKeyTwice(branch, element, element+4),
		"a leaf with one key twice":         s.withKeyTwice(leaf, element+4, element+8),
		"a free page in use":                s.with(free, element, 8, root),
		"a free page beyond the end":        s.with(free, element, 8, pages),
		"the same page free twice":          s.with(free, element, 8, s.number(free, element+8, 8)),
		"a list that is a leaf":             s.with(free, 8, 2, flagLeaf),
		"a list that is longer than itself": s.with(free, 10, 2, 4000),
		"a list of very many": func() []byte {
			content := s.with(free, 10, 2, 0xFFFF)
			binary.LittleEndian.PutUint64(content[free*pageSize+element:], 1<<40)
			return content
		}(),
		"a cut-off end":     s.content[:int(pages-1)*pageSize],
		"a first page only": s.content[:pageSize],
		"a broken description, twice": func() []byte {
			content := s.with(0, 40, 8, 99)
			copy(content[pageSize:], content[:pageSize])
			return content
		}(),
	} {
		if err := checkBytes(content); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: got error %v, want %v", name, err, ErrDamaged)
		}
	}
}

// TestDamagedPages overwrites each page in use and opens the file. Opening may succeed if bbolt can
// fall back on the state before the last commit.
func TestDamagedPages(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	for _, page := range slices.Concat(s.branches, s.leaves, []int{int(s.meta.freelist)}) {
		for name, junk := range map[string]byte{"zeros": 0, "ones": 0xFF, "letters": 'x'} {
			content := slices.Clone(s.content)
			copy(content[page*pageSize:], bytes.Repeat([]byte{junk}, pageSize))
			if err := useAll(t, content); !errors.Is(err, ErrDamaged) {
				t.Errorf("page %d of %s: got error %v, want %v", page, name, err, ErrDamaged)
			}
		}
	}
}

func TestCutOffFile(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	end := int(s.meta.pages) * pageSize
	for _, size := range []int{1, 100, pageSize, 2*pageSize + 1, 4 * pageSize, end / 2, end - pageSize, end - 1} {
		if err := useAll(t, s.content[:size]); !errors.Is(err, ErrDamaged) {
			t.Errorf("%d of %d bytes: got error %v, want %v", size, end, err, ErrDamaged)
		}
	}
	if err := useAll(t, s.content[:end]); err != nil {
		t.Errorf("all bytes in use: %v", err)
	}
}

// useAll opens a file with the given content and calls every method. It returns all errors.
func useAll(t *testing.T, content []byte) error {
	t.Helper()
	path := testPath(t)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(path, Options{Now: testClock})
	if err != nil {
		return err
	}
	records, _, listErr := s.List(t.Context(), store.KindUser, "", 1000)
	keys, expiredErr := s.Expired(t.Context(), store.KindUser, testNow.AddDate(200, 0, 0), 1000)
	_, getErr := s.Get(t.Context(), keys...)
	var writes []store.Write
	for i, r := range records {
		if i < 50 {
			writes = append(writes, store.Write{Record: r, Delete: i%2 == 0})
		}
	}
	commitErr := s.Commit(t.Context(), writes, store.Increment{Counter: "new", By: 1, Max: 1})
	_, latestErr := s.Latest(t.Context(), store.KindUser, testNow.AddDate(200, 0, 0), 1000)
	_, sumsErr := s.Sums(t.Context(), "new", "a")
	_, entriesErr := s.Entries(t.Context(), store.Range{List: "l", Limit: 1000})
	notes, notesErr := s.Notes(t.Context(), 1000)
	if len(notes) > 0 {
		s.Trim(notes[len(notes)-1].Sequence)
	}
	trimErr := s.Commit(t.Context(), nil, store.Increment{Counter: "new", By: 1, Max: 2})
	return errors.Join(entriesErr, notesErr, trimErr, listErr, expiredErr, latestErr, sumsErr, getErr, commitErr, s.Close())
}

// FuzzDamage: no damage makes a store panic, hang or return a foreign error.
func FuzzDamage(f *testing.F) {
	content := newSample(f).content
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // which bytes to break is no secret
	for range 50 {
		f.Add(r.Uint32(), r.Uint32())
	}
	for _, page := range []uint32{0, 1, 2, 3} {
		for at := range uint32(10) {
			f.Add(page*pageSize+8*at, ^uint32(0))
		}
	}
	f.Fuzz(func(t *testing.T, at, value uint32) {
		broken := slices.Clone(content)
		binary.LittleEndian.PutUint32(broken[int(at)%(len(broken)-4):], value)
		err := useAll(t, broken)
		if err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, store.ErrConflict) {
			t.Errorf("4 bytes at %d: got error %v", at, err)
		}
	})
}
