package boltstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/countersign-mfa/countersign/internal/store"
)

var (
	// ErrInUse is returned by [Open], wrapped, when another process has the file open.
	ErrInUse = errors.New("store file is in use by another process")

	// ErrDamaged is returned by [Open] and every method of [Store], wrapped, for a file that is
	// damaged, cut off, or belongs to another program.
	ErrDamaged = errors.New("store file is damaged or not a store")

	errBroken = fmt.Errorf("%w: unusable after an earlier error", ErrDamaged)
	errClosed = fmt.Errorf("store is closed: %w", store.ErrUnavailable)
)

const (
	// pageSize is fixed so that files can move between machines of different page sizes.
	pageSize = 4096
	// mapSize is the address space, in bytes, that is reserved at first; it costs no memory.
	// Growing beyond it waits for readers.
	mapSize = 64 << 20
	// growSize is the step in bytes by which the file grows. Each step costs one more fsync.
	growSize = 1 << 20
	// sweepAtOpen is the largest number of expired counters that opening the store removes.
	sweepAtOpen = 10_000
)

// Options are the parameters of [Open].
type Options struct {
	// Now returns the time that decides when counters have expired. Required.
	Now func() time.Time

	// LockTimeout is how long [Open] waits for another process to close the file; 0 means one
	// second.
	LockTimeout time.Duration

	// MaxSize is the largest size of the file in bytes; 0 means no limit. A commit that needs more
	// returns [store.ErrUnavailable] and stores nothing.
	MaxSize int
}

// Store is a [store.Store] in a file. It is safe for concurrent use. Make it with [Open].
type Store struct {
	db    *bolt.DB
	now   func() time.Time
	queue queue
	// finish commits a transaction to disk. Tests replace it.
	finish func(*bolt.Tx) error

	// broken is set when bbolt panicked. bbolt may then hold a lock forever, so no method may call
	// it again, not even to close the file. The file stays locked until the process ends.
	broken atomic.Bool
	// trimmed is the number of the last note that the consumer has counted.
	trimmed atomic.Uint64
	// failed is the error after which no commit is possible. Only the writer uses it.
	failed error
}

var _ store.Store = (*Store)(nil)

// Open opens the store at path. It creates a missing file, readable by its owner only, in a
// directory that exists. It reads the whole file once, to find damage before it can spread. Errors
// wrap [ErrInUse], [ErrDamaged] or those of package os.
func Open(path string, opts Options) (*Store, error) {
	s, err := open(path, opts)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	go s.write()
	return s, nil
}

func open(path string, opts Options) (*Store, error) {
	if opts.Now == nil {
		return nil, errors.New("option Now is missing")
	}
	if opts.LockTimeout == 0 {
		opts.LockTimeout = time.Second
	}
	created, err := inspect(path, opts.LockTimeout)
	if err != nil {
		return nil, err
	}
	s := &Store{now: opts.Now, queue: newQueue(), finish: (*bolt.Tx).Commit}
	if err := s.guard(func() error { return s.openFile(path, opts) }); err != nil {
		return nil, errors.Join(err, s.closeFile())
	}
	if created {
		err = syncDirectory(filepath.Dir(path))
	}
	if err == nil {
		err = s.prepare()
	}
	if err != nil {
		return nil, errors.Join(err, s.closeFile())
	}
	return s, nil
}

// inspect checks the file at path, locked against other processes. missing is true for a file
// that does not exist, or is empty because its creation was interrupted.
func inspect(path string, timeout time.Duration) (missing bool, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, nil
	case err != nil:
		return false, err
	case !info.Mode().IsRegular():
		return false, damaged("it is not a regular file")
	case info.Size() == 0:
		return true, nil
	}
	// Opening for reading takes the lock and reads only the first two pages.
	db, err := bolt.Open(path, 0, &bolt.Options{ReadOnly: true, Timeout: timeout})
	if err != nil {
		return false, openError(err)
	}
	return false, errors.Join(checkFile(path), db.Close())
}

func (s *Store) openFile(path string, opts Options) error {
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		Timeout:         opts.LockTimeout,
		FreelistType:    bolt.FreelistMapType,
		PageSize:        pageSize,
		InitialMmapSize: mapSize,
		MaxSize:         opts.MaxSize,
		NoStatistics:    true,
	})
	if err != nil {
		return openError(err)
	}
	db.AllocSize = growSize
	s.db = db
	return nil
}

// openError translates an error of bbolt.
func openError(err error) error {
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return ErrInUse
	case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist):
		return err
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

// prepare turns a new file into a store, and checks that an existing file is one.
func (s *Store) prepare() error {
	return s.update(func(tx *bolt.Tx) (changed bool, err error) {
		format := tx.Bucket(bucketFormat)
		switch {
		case format != nil:
			changed, err = takeAlong(tx, format)
		default:
			changed, err = true, lay(tx)
		}
		if err != nil {
			return false, err
		}
		n, err := newBatch(tx).sweep(s.now(), sweepAtOpen)
		return changed || n > 0, err
	})
}

// lay makes the buckets of a new store.
func lay(tx *bolt.Tx) error {
	if k, _ := tx.Cursor().First(); k != nil {
		return damaged("it belongs to another program")
	}
	for _, name := range append([][]byte{bucketFormat}, indexes...) {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	return tx.Bucket(bucketFormat).Put(keyVersion, []byte(formatVersion))
}

// takeAlong checks an existing store, and gives one of the older format what it lacks.
func takeAlong(tx *bolt.Tx, format *bolt.Bucket) (changed bool, err error) {
	switch v := string(format.Get(keyVersion)); v {
	case formatVersion:
	case formatWithoutEntries:
		for _, name := range [][]byte{bucketEntries, bucketJournal} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return false, err
			}
		}
		if err := format.Put(keyVersion, []byte(formatVersion)); err != nil {
			return false, err
		}
		changed = true
	default:
		return false, damaged("its format is %q, not %q", v, formatVersion)
	}
	for _, name := range indexes {
		if tx.Bucket(name) == nil {
			return false, damaged("it has no bucket %s", name)
		}
	}
	return changed, nil
}

// Close waits for pending commits and closes the file. A second Close does nothing; other methods
// then return an error that wraps [store.ErrUnavailable].
func (s *Store) Close() error {
	if !s.queue.close() {
		return nil
	}
	return s.closeFile()
}

func (s *Store) closeFile() error {
	if s.db == nil || s.broken.Load() {
		return nil
	}
	return s.db.Close()
}

// syncDirectory makes the entry of a new file survive a power cut.
func syncDirectory(path string) error {
	dir, err := os.Open(path) //nolint:gosec // the path is the operator's choice
	if err != nil {
		return err
	}
	err = dir.Sync()
	if errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, dir.Close())
}
