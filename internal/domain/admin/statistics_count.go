package admin

import (
	"context"
	"fmt"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/statistics"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// A Source is where notes come from: a journal, or a shard of a stream.
type Source struct {
	Name string
	// Kept is how long the source may still deliver a note after the last one; 0 is for ever.
	Kept time.Duration
}

// tooOld reports whether a note of a day was counted before: the source delivers no note for the
// first time so late. A table that is restored from a backup has records with such notes.
func (from Source) tooOld(day statistics.Day, now account.Instant) bool {
	return from.Kept > 0 && (day + 1).Begin().Add(from.Kept).Before(now.Time())
}

// journal is the source of a store that keeps its notes itself.
var journal = Source{Name: "journal"}

// daysAtOnce limits the records of a commit that counts notes.
const daysAtOnce = 50

// CountNotes adds notes of a source to the statistics of their days. The notes are in the order of
// the source, and may have been counted before: a position, committed with the counts, says how far
// the source was counted.
func (s *Service) CountNotes(ctx context.Context, from Source, notes []store.Noted) error {
	for len(notes) > 0 {
		n, days := s.someDays(notes)
		if err := s.commitNotes(ctx, from, notes[:n], days); err != nil {
			return fmt.Errorf("count notes: %w", err)
		}
		notes = notes[n:]
	}
	return nil
}

// someDays returns how many of the notes one commit can count, and the keys of their days.
func (s *Service) someDays(notes []store.Noted) (n int, keys []store.Key) {
	seen := map[statistics.Day]bool{}
	for i, note := range notes {
		day, _, ok := statistics.ParseNote(note.Text)
		if !ok || seen[day] {
			continue
		}
		if len(keys) == daysAtOnce {
			return i, keys
		}
		seen[day] = true
		keys = append(keys, statistics.DayKey(day))
	}
	return len(notes), keys
}

// commitNotes counts notes of the given days in one commit.
func (s *Service) commitNotes(ctx context.Context, from Source, notes []store.Noted, days []store.Key) error {
	at := statistics.FeedKey(from.Name)
	return s.Update(ctx, append(days, at), func(t *tx.Tx) error {
		position, err := tx.Load[*statistics.FeedPosition](t, at)
		if err != nil {
			return err
		}
		if position == nil {
			position = &statistics.FeedPosition{Base: account.Base{ID: at}}
		}
		moved := false
		for _, note := range notes {
			if !position.Pass(note.Sequence) {
				continue
			}
			moved = true
			if err := countNote(t, from, note.Text); err != nil {
				return err
			}
		}
		if moved {
			if from.Kept > 0 {
				position.Until = t.Now.Add(from.Kept)
			}
			t.Put(position)
		}
		return nil
	})
}

// countNote adds a note to its day. A text of another form is left out: no repetition could mend
// it.
func countNote(t *tx.Tx, from Source, text string) error {
	day, counts, ok := statistics.ParseNote(text)
	if !ok || from.tooOld(day, t.Now) {
		return nil
	}
	key := statistics.DayKey(day)
	sum, err := tx.Load[*statistics.DayStatistics](t, key)
	if err != nil {
		return err
	}
	if sum == nil {
		sum = &statistics.DayStatistics{Base: account.Base{ID: key}}
	}
	sum.Add(counts)
	t.Put(sum)
	return nil
}

// Journal is the feed of a store that keeps it itself.
type Journal interface {
	// Notes returns up to limit of the oldest notes that were not trimmed.
	Notes(ctx context.Context, limit int) ([]store.Noted, error)
	// Trim forgets the notes up to a sequence.
	Trim(through string)
}

// notesAtOnce is how many notes of a journal one commit counts.
const notesAtOnce = 1000

// CountJournal counts all notes of a journal.
func (s *Service) CountJournal(ctx context.Context, j Journal) error {
	for {
		notes, err := j.Notes(ctx, notesAtOnce)
		if err != nil {
			return fmt.Errorf("read notes: %w", err)
		}
		if len(notes) == 0 {
			return nil
		}
		if err := s.CountNotes(ctx, journal, notes); err != nil {
			return err
		}
		j.Trim(notes[len(notes)-1].Sequence)
		if len(notes) < notesAtOnce {
			return nil
		}
	}
}
