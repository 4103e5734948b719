package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// outlive are the kinds of records of which a part can expire while the rest is valid. An earlier
// release let the store delete such a record some time after its first part expired.
var outlive = []store.Kind{store.KindSigningKey, store.KindUser, store.KindClient, store.KindClaim, store.KindDelivery}

const (
	// endsBatch is how many records are read at a time, and endsAtOnce how many are written.
	endsBatch  = 200
	endsAtOnce = 16
	// endsSettle is how long processes of an earlier release may go on to write after the first of
	// this release began.
	endsSettle = 15 * time.Minute
)

// endsKey is the key of the progress of [Service.MendEnds].
var endsKey = store.Key{Kind: store.KindMigration, ID: "ends"}

// EndsProgress says how far [Service.MendEnds] is.
type EndsProgress struct {
	// Seen is the number of records that were read since the work began. This run mended Mended.
	Seen, Mended int
	// Done says that nothing is left to do.
	Done bool
}

// MendEnds corrects the end ([store.Record], field Ends) of records of an earlier release that the
// store would delete while a part of them is valid. The work is done once, and goes on where the
// last run stopped. It reads batch after batch until more, called before each with the progress,
// returns false. Runs may stop at any point and overlap. A record that cannot be read gets no end,
// so the store keeps it.
func (s *Service) MendEnds(ctx context.Context, more func(EndsProgress) bool) (EndsProgress, error) {
	var p EndsProgress
	for {
		m, err := s.endsState(ctx)
		if err != nil {
			return p, err
		}
		p.Seen, p.Done = m.Seen, m.Done != 0
		if p.Done || m.Waiting(account.At(s.Now())) || !more(p) {
			return p, nil
		}
		if err := s.mendBatch(ctx, m, &p); err != nil {
			return p, err
		}
	}
}

// endsState returns the progress, and makes it if there is none.
func (s *Service) endsState(ctx context.Context) (*account.Migration, error) {
	var m *account.Migration
	err := s.Update(ctx, []store.Key{endsKey}, func(t *tx.Tx) error {
		m = t.Seen[endsKey].(*account.Migration)
		if m.StoredVersion() == 0 {
			m.Began, m.PassBegan, m.Position = t.Now, t.Now.Add(endsSettle), string(outlive[0])+" "
			t.Put(m)
		}
		return nil
	})
	return m, err
}

// mendBatch mends the records of one batch and then stores the new position: a kind, a blank and
// the position within the kind.
func (s *Service) mendBatch(ctx context.Context, m *account.Migration, p *EndsProgress) error {
	kind, after, _ := strings.Cut(m.Position, " ")
	records, next, err := s.Store.List(ctx, store.Kind(kind), store.Position(after), endsBatch)
	if err != nil {
		return fmt.Errorf("read %s records: %w", kind, err)
	}
	mended := make([]int, len(records))
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(endsAtOnce)
	for i, r := range records {
		group.Go(func() (err error) {
			mended[i], err = s.mendEnd(inner, r)
			return err
		})
	}
	err = group.Wait()
	for _, n := range mended {
		p.Mended += n
	}
	if err != nil {
		return err
	}
	return s.Update(ctx, []store.Key{endsKey}, func(t *tx.Tx) error {
		now := t.Seen[endsKey].(*account.Migration)
		if now.Position != m.Position {
			return nil // another run was faster
		}
		now.Seen += len(records)
		if now.Position = endsPosition(store.Kind(kind), next); now.Position == "" {
			now.Done = t.Now
		}
		t.Put(now)
		return nil
	})
}

// endsPosition returns the position after a batch of a kind, or "" after the last kind.
func endsPosition(kind store.Kind, next store.Position) string {
	if next != "" {
		return string(kind) + " " + string(next)
	}
	for i, k := range outlive {
		if k == kind && i+1 < len(outlive) {
			return string(outlive[i+1]) + " "
		}
	}
	return ""
}

// mendEnd writes a record again, with its right end, if the store might delete it before. It leaves
// the data as it is. A record that changed meanwhile was written with its right end.
func (s *Service) mendEnd(ctx context.Context, r store.Record) (mended int, err error) {
	if r.Ends.IsZero() {
		return 0, nil
	}
	var ends time.Time
	if e, _, err := s.Decode(r); err == nil {
		ends = e.EndsAt().Truncate(time.Second)
	}
	if !ends.IsZero() && !r.Ends.Before(ends) {
		return 0, nil
	}
	r.Ends = ends
	err = s.Store.Commit(ctx, []store.Write{{Record: r}})
	if errors.Is(err, store.ErrConflict) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("mend a %s record: %w", r.Key.Kind, err)
	}
	return 1, nil
}
