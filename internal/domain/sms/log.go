package sms

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/store"
)

// LogEntry is a decision and what became of the message.
type LogEntry struct {
	*account.SMSRecord
	Failed   bool            // the network did not take it
	Verified account.Instant // when its code was used, or 0
}

// Log returns up to limit decisions of the last thirty days that were made before a second, the newest first, and with the last one all of its second.
// Before 0 means now.
func (s *Service) Log(ctx context.Context, before account.Instant, limit int) ([]LogEntry, error) {
	end := s.Clock().Add(2 * account.SMSKept)
	if before != 0 {
		end = before.Time().Truncate(time.Second).Add(account.SMSKept)
	}
	records, err := s.Store.Latest(ctx, store.KindSMS, end, limit)
	if err != nil {
		return nil, fmt.Errorf("read decisions: %w", err)
	}
	out := make([]LogEntry, len(records))
	counters := make([]string, 0, 2*len(records))
	for i, r := range records {
		e, _, err := s.Decode(r)
		if err != nil {
			return nil, err
		}
		out[i].SMSRecord = e.(*account.SMSRecord)
		counters = append(counters, account.UsedCounter(r.Key.ID), account.FailedCounter(r.Key.ID))
	}
	if len(out) == 0 {
		return out, nil
	}
	sums, err := s.Store.Sums(ctx, counters...)
	if err != nil {
		return nil, fmt.Errorf("read outcomes: %w", err)
	}
	for i := range out {
		out[i].Verified, out[i].Failed = account.Instant(sums[2*i]), sums[2*i+1] > 0
	}
	// The store tells seconds apart and no more; a page holds whole ones, so this is the order over all pages too.
	slices.SortStableFunc(out, func(a, b LogEntry) int { return cmp.Compare(b.At, a.At) })
	return out, nil
}
