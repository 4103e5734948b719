// Package settings changes the settings of the instance and records each change.
package settings

import (
	"context"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Change changes the settings. Other processes follow within ten seconds.
func (s *Service) Change(ctx context.Context, change func(*account.Settings)) (account.Settings, error) {
	return Change(s.Engine, ctx, func(_ *tx.Tx, set *account.Settings) error {
		change(set)
		return nil
	})
}

// Change is [Service.Change] within a transaction that may also stage other records.
func Change(s *tx.Engine, ctx context.Context, change func(*tx.Tx, *account.Settings) error) (account.Settings, error) {
	var set account.Settings
	err := s.Update(ctx, []store.Key{account.SettingsKey}, func(t *tx.Tx) error {
		t.ByBackend = true
		stored := t.Seen[account.SettingsKey].(*account.Settings)
		if stored.Version == 0 {
			fresh := account.DefaultSettings()
			stored = &fresh
		}
		before := *stored
		if err := change(t, stored); err != nil {
			return err
		}
		if stored.RememberDays < before.RememberDays {
			stored.RememberSince++
		}
		stored.UpdatedAt = stored.UpdatedAt.After(t.Now)
		t.Put(stored)
		if fields := Changed(stored, &before); len(fields) > 0 {
			if limitSMS(fields) {
				stored.SMSLimitsAt = t.Now
			}
			if before.RecoveryDays == 0 && stored.RecoveryDays > 0 {
				stored.RecoverySince = t.Now
			}
			audit.AppendEntry(t, stored, account.AuditEntry{
				Name: eventtype.SettingsChanged, At: t.Now, Backend: true, Fields: fields, Values: values(&before, stored, fields),
				Operator: t.Operator,
			})
			audit.Publish(t, account.Event{Name: eventtype.SettingsChanged, Fields: fields})
		}
		set = *stored
		return nil
	})
	s.Cache.Put(nil)
	return set, err
}

// Service changes the settings of the instance. It is safe for concurrent use.
type Service struct {
	*tx.Engine
}
