package migrate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"filippo.io/age"

	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/migration"
	"github.com/countersign-mfa/countersign/internal/ops/migrate"
	testusers "github.com/countersign-mfa/countersign/internal/ops/seed"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/test/mfatest"
)

// seeded returns an instance with users of a seed.
func seeded(t testing.TB, users int) *instance {
	t.Helper()
	i := newInstance(t, mfatest.NewClock())
	i.Must(testusers.Fill(t.Context(), i.Service, 1, users, func(int) {}))
	return i
}

// users returns the exported users of an instance as texts, in order.
func (i *instance) users() []string {
	i.Helper()
	var all []string
	_, err := i.Migration.ExportUsers(i.Context(), "", math.MaxInt, func(p migration.Export, err error) error {
		text, failed := json.Marshal(p)
		all = append(all, string(text))
		return errors.Join(err, failed)
	})
	i.Must(err)
	slices.Sort(all)
	return all
}

// over returns the service of an instance over another store.
func (i *instance) over(s store.Store) *domain.Service {
	i.Helper()
	c := i.Config
	c.Store = s
	service, err := domain.New(c)
	i.Must(err)
	return service
}

// TestAnImportThatEndsEarly: an import that fails at any commit, or with its file, is repeated. The
// instance then has the users of one whole import.
func TestAnImportThatEndsEarly(t *testing.T) {
	const users = 40
	old, key := seeded(t, users), identity(t)
	file, want := old.export(key.Recipient()), old.users()
	for n := 1; n < users; n += 7 {
		fresh := newInstance(t, mfatest.NewClock())
		for _, fault := range []store.Fault{store.FailCommit(n), store.LoseCommit(n)} {
			faulty := store.NewFaulty(fresh.store)
			faulty.Inject(fault)
			if _, err := migrate.Import(t.Context(), bytes.NewReader(file), []age.Identity{key}, fresh.over(faulty), 1, io.Discard); !errors.Is(err, store.ErrUnavailable) && faulty.Pending() == 0 {
				t.Errorf("commit %d fails, and the import says %v", n, err)
			}
		}
		if _, _, err := fresh.restore(file[:len(file)*n/users], key); err == nil {
			t.Errorf("a part of the file is taken for whole")
		}
		got, report, err := fresh.restore(file, key)
		if err != nil || report != "" || got.Created+got.Existing != users {
			t.Fatalf("%+v %q %v", got, report, err)
		}
		if have := fresh.users(); !slices.Equal(have, want) {
			t.Errorf("after a failure at commit %d the users differ", n)
		}
	}
}

// slow is a store whose commits take 3 ms on the clock of the test.
type slow struct{ store.Store }

func (s slow) Commit(ctx context.Context, writes []store.Write, increments ...store.Increment) error {
	<-time.After(3 * time.Millisecond)
	return s.Store.Commit(ctx, writes, increments...)
}

// TestAnImportSharesTheDisk: users are created at once, so an import of 1,500 users takes less than
// half a second where a commit takes 3 ms.
func TestAnImportSharesTheDisk(t *testing.T) {
	const users = 1500
	key := identity(t)
	file := seeded(t, users).export(key.Recipient())
	synctest.Test(t, func(t *testing.T) {
		fresh := newInstance(t, mfatest.NewClock())
		began := time.Now()
		got, err := migrate.Import(t.Context(), bytes.NewReader(file), []age.Identity{key}, fresh.over(slow{fresh.store}), 1, io.Discard)
		if took := time.Since(began); err != nil || got.Created != users || took > time.Second/2 {
			t.Errorf("%+v in %v (%v)", got, took, err)
		}
	})
}

// stuck is a store whose commits wait until they are let go.
type stuck struct {
	store.Store
	free chan struct{}
}

func (s stuck) Commit(ctx context.Context, writes []store.Write, increments ...store.Increment) error {
	for _, w := range writes {
		if w.Key.Kind == store.KindUser {
			<-s.free
		}
	}
	return s.Store.Commit(ctx, writes, increments...)
}

// counted counts the bytes that were read.
type counted struct {
	io.Reader
	mu sync.Mutex
	n  int
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += n
	return n, err
}

// TestAnImportHoldsFewUsers: while no commit ends, an import reads no more than 256 users and the
// buffers of its readers.
func TestAnImportHoldsFewUsers(t *testing.T) {
	const users = 2000
	key := identity(t)
	file := seeded(t, users).export(key.Recipient())
	synctest.Test(t, func(t *testing.T) {
		fresh := newInstance(t, mfatest.NewClock())
		reader, free := &counted{Reader: bytes.NewReader(file)}, make(chan struct{})
		done := make(chan error)
		go func() {
			_, err := migrate.Import(t.Context(), reader, []age.Identity{key}, fresh.over(stuck{fresh.store, free}), 1, io.Discard)
			done <- err
		}()
		synctest.Wait()
		reader.mu.Lock()
		if most := len(file)*256/users + 256<<10; reader.n > most {
			t.Errorf("%d of %d bytes are read, want %d at most", reader.n, len(file), most)
		}
		reader.mu.Unlock()
		close(free)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestAnExportThatEndsEarly: an export of several parts that is killed while it writes any of them
// goes on after the last whole part. All parts together have every user once.
func TestAnExportThatEndsEarly(t *testing.T) {
	const users, each = 50, 12
	old, key := seeded(t, users), identity(t)
	want := old.users()
	for kill := 1; kill <= users/each+1; kill++ {
		files := migrate.Files{
			Name: filepath.Join(t.TempDir(), "users.age"), Source: "here", Recipients: []string{key.Recipient().String()}, PartUsers: each,
			Wrap: func(w io.Writer) io.Writer { return w },
		}
		killed, parts, begun := files, 0, 0
		killed.Wrap = func(w io.Writer) io.Writer {
			if begun++; begun == kill {
				panic("killed")
			}
			return w
		}
		func() {
			defer func() { _ = recover() }() // the process ends here, and removes nothing
			_, _ = killed.Export(t.Context(), old.Service, old.Now())
		}()
		other := files
		other.Source = "elsewhere"
		if _, err := other.Export(t.Context(), old.Service, old.Now()); err == nil {
			t.Fatal("an export of another store goes on")
		}
		done, err := files.Export(t.Context(), old.Service, old.Now())
		if parts = done.Parts; err != nil || done.Users != users || parts < users/each {
			t.Fatalf("killed in part %d: %+v, %v", kill, done, err)
		}
		if _, err := os.Stat(files.Name + ".state"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the state file stays: %v", err)
		}
		fresh := newInstance(t, mfatest.NewClock())
		got, err := migrate.ImportFiles(t.Context(), files.Name, []age.Identity{key}, fresh.Service, io.Discard, func(r io.Reader, _ int64) io.Reader { return r })
		if err != nil || got.Created != users || got.Parts != parts || !slices.Equal(fresh.users(), want) {
			t.Errorf("killed in part %d: %+v, %v", kill, got, err)
		}
		if err := os.Remove(migrate.PartName(files.Name, parts)); err != nil {
			t.Fatal(err)
		}
		_, err = migrate.ImportFiles(t.Context(), files.Name, []age.Identity{key}, fresh.Service, io.Discard, func(r io.Reader, _ int64) io.Reader { return r })
		if err == nil || !strings.Contains(err.Error(), "part") {
			t.Errorf("a part is missing: %v", err)
		}
	}
}
