package boltstore

import (
	"context"
	"encoding/binary"
	"strconv"

	bolt "go.etcd.io/bbolt"

	"github.com/countersign-mfa/countersign/internal/store"
)

// Notes returns up to limit notes of the journal that were not trimmed, the oldest first.
func (s *Store) Notes(ctx context.Context, limit int) ([]store.Noted, error) {
	var notes []store.Noted
	err := s.view(ctx, func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketJournal).Cursor()
		for k, v := c.Seek(noteKey(s.trimmed.Load() + 1)); k != nil && len(notes) < limit; k, v = c.Next() {
			if len(k) != 8 {
				return damaged("the number of a note has %d bytes", len(k))
			}
			notes = append(notes, store.Noted{Sequence: strconv.FormatUint(binary.BigEndian.Uint64(k), 10), Text: string(v)})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return notes, nil
}

// Trim forgets the notes of the journal up to a sequence that Notes returned. They leave the file
// with the next commits, so trimming costs no fsync. After the store is opened again, Notes may
// return them once more.
func (s *Store) Trim(through string) {
	if last, err := strconv.ParseUint(through, 10, 64); err == nil {
		s.trimmed.Store(max(last, s.trimmed.Load()))
	}
}

func noteKey(number uint64) []byte { return binary.BigEndian.AppendUint64(nil, number) }

// note appends a note to the journal.
func (b *batch) note(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	number, err := b.journal.NextSequence()
	if err != nil {
		return err
	}
	return b.journal.Put(noteKey(number), text)
}

// trim removes up to limit notes, the oldest first, whose numbers are not greater than last.
func (b *batch) trim(last uint64, limit int) error {
	var outdated [][]byte
	c := b.journal.Cursor()
	for k, _ := c.First(); k != nil && len(outdated) < limit; k, _ = c.Next() {
		if len(k) != 8 || binary.BigEndian.Uint64(k) > last {
			break
		}
		outdated = append(outdated, append([]byte(nil), k...))
	}
	for _, k := range outdated {
		if err := b.journal.Delete(k); err != nil {
			return err
		}
	}
	return nil
}
