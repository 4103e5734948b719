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

// compactTxSize is how many bytes [Compact] copies in one transaction. It bounds the memory.
const compactTxSize = 1 << 20

// Compact rewrites the store at path without deleted and overwritten data, which bbolt otherwise
// keeps until a page is reused. The new file takes the old name only when it is whole and on disk,
// so a power cut leaves one or the other. Compact then overwrites the old bytes where the file
// system writes in place. On flash and on copy-on-write file systems, only disk encryption protects
// old blocks. No process may have the store open.
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
	from, err := open(path, opts) // holds the lock until the old file is overwritten
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.closeFile()) }()
	fresh := path + ".compact"
	if err := from.copyTo(fresh); err != nil {
		_ = os.Remove(fresh) // otherwise the next run removes it
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

// copyTo copies all live data to a new file and checks the result.
func (s *Store) copyTo(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) { // of an interrupted run
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
