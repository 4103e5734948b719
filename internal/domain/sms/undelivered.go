package sms

import (
	"context"
	"fmt"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Report is the network's report that a message, which it had accepted, did not arrive.
type Report struct {
	Number string    // E.164
	At     time.Time // when the network accepted the message
	Reason account.Undelivered
}

// MarkUndelivered records a report with its message, once, and publishes the event
// sms.undelivered. It finds the message by the keyed hash of the number and by the time, because an
// id of the network would have to be stored after each send. It reports whether the message was
// found and not marked before. A message older than a day, or of another application, is not found.
//
// The reserved money stays reserved. The network charges nothing for a message that it dropped
// itself, but it may charge for one that a carrier lost, and a budget that counts too much is safe.
func (s *Service) MarkUndelivered(ctx context.Context, r Report) (marked bool, err error) {
	key := s.NumberKey(r.Number)
	err = s.Update(ctx, []store.Key{key}, func(t *tx.Tx) error {
		marked = false
		t.BySystem = true
		number, err := tx.Load[*account.NumberRecord](t, key)
		if err != nil || number == nil {
			return err
		}
		id := sentAt(number, account.At(r.At))
		if id == "" {
			return nil
		}
		record, err := tx.Load[*account.SMSRecord](t, store.Key{Kind: store.KindSMS, ID: id})
		if err != nil || record == nil || record.Undelivered != "" {
			return err
		}
		record.Undelivered = r.Reason
		t.Put(record)
		audit.Publish(t, account.Event{Name: eventtype.Undelivered, User: record.UserID(), Subject: record.Phone, Method: account.PhoneCode})
		marked = true
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("mark an undelivered message: %w", err)
	}
	return marked, nil
}
