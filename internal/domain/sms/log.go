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

// LogEntry is a decision of the SMS guard with the outcome of its message.
type LogEntry struct {
	*account.SMSRecord
	Failed   bool            // the network refused the message
	Verified account.Instant // when the code was used, or 0
}

// LogQuery selects decisions by their time. A time of 0 is no limit.
type LogQuery struct {
	// The selection is later than After and earlier than the second of Until.
	After, Until account.Instant
	Limit        int // of a page
}

// Log returns the decisions of the last 30 days that a query selects, newest first. It returns up
// to Limit decisions, and all others of the last one's second.
func (s *Service) Log(ctx context.Context, q LogQuery) ([]LogEntry, error) {
	end := s.Now().Add(2 * account.SMSKept)
	if q.Until != 0 {
		end = q.Until.Time().Truncate(time.Second).Add(account.SMSKept)
	}
	records, err := s.Store.Latest(ctx, store.KindSMS, end, q.Limit)
	if err != nil {
		return nil, fmt.Errorf("read the decisions: %w", err)
	}
	out := make([]LogEntry, 0, len(records))
	counters := make([]string, 0, 2*len(records))
	for _, r := range records {
		e, _, err := s.Decode(r)
		if err != nil {
			return nil, err
		}
		decision := e.(*account.SMSRecord)
		if decision.At <= q.After {
			continue
		}
		out = append(out, LogEntry{SMSRecord: decision})
		counters = append(counters, usedCounter(r.Key.ID), failedCounter(r.Key.ID))
	}
	if len(out) == 0 {
		return out, nil
	}
	sums, err := s.Store.Sums(ctx, counters...)
	if err != nil {
		return nil, fmt.Errorf("read the outcomes: %w", err)
	}
	for i := range out {
		out[i].Verified, out[i].Failed = account.Instant(sums[2*i]), sums[2*i+1] > 0
	}
	// The store orders by whole seconds, and a page holds whole seconds: this order is that of all
	// pages.
	slices.SortStableFunc(out, func(a, b LogEntry) int { return cmp.Compare(b.At, a.At) })
	return out, nil
}
