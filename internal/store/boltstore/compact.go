package boltstore

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
)

// compactTxSize is how much [Compact] copies per transaction: it bounds the memory.
const compactTxSize = 1 << 20

// Compact writes the store at path anew, without what was deleted or overwritten: a page that is free keeps its old bytes until another takes
// its place. The new file takes the old one's name only once it is whole and on disk, so a power cut leaves the one or the other. Then the old
// bytes are overwritten, as far as the file system writes in place: on flash and on file systems that copy, old blocks are the disk encryption's
// matter. No process may have the store open.
func Compact(path string, opts Options) error {
	if err := compact(path, opts); err != nil {
		return fmt.Errorf("compact store %s: %w", path, err)
	}
	return nil
}

func compact(path string, opts Options) (err error) {
	old, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // the path is the operator's choice
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, old.Close()) }()
	from, err := open(path, opts) // holds the lock until the old file is gone
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.closeFile()) }()
	fresh := path + ".compact"
	if err := from.copyTo(fresh); err != nil {
		_ = os.Remove(fresh) // else the next run does
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	if err := syncDirectory(filepath.Dir(path)); err != nil {
		return err
	}
	return overwrite(old)
}

// copyTo copies everything that is alive to a new file, and checks what came of it.
func (s *Store) copyTo(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) { // of a run that was cut short
		return err
	}
	to, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second, FreelistType: bolt.FreelistMapType, PageSize: pageSize})
	if err != nil {
		return err
	}
	err = s.guard(func() error { return bolt.Compact(to, s.db, compactTxSize) })
	if err = errors.Join(err, to.Close()); err != nil {
		return err
	}
	return checkFile(path)
}

// overwrite fills a file with zeros.
func overwrite(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if _, err := io.CopyN(io.NewOffsetWriter(f, 0), zeros{}, info.Size()); err != nil {
		return err
	}
	return f.Sync()
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
