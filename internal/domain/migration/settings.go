package migration

import (
	"context"
	"slices"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/settings"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/domain/webhook"
	"github.com/countersign-mfa/countersign/internal/store"
)

// ExportedSettings are the settings of an instance, with the secrets of its webhook endpoints. Like
// those of [Export], its JSON belongs only into encrypted files.
type ExportedSettings struct {
	// Settings have no sealed secrets, which no other instance could open, and no audit log.
	Settings account.Settings `json:"settings"`
	// WebhookSecrets has the secrets of each endpoint by its id, newest first.
	WebhookSecrets map[string][]ExportedHookSecret `json:"webhook_secrets,omitempty"`
}

// ExportedHookSecret is a key that signs webhooks, in the form of Standard Webhooks.
type ExportedHookSecret struct {
	Secret Disclosed       `json:"secret"`
	EndsAt account.Instant `json:"ends_at,omitempty"`
}

// ExportSettings returns the settings for another instance. A webhook secret that does not open is
// left out.
func (s *Service) ExportSettings(ctx context.Context) (ExportedSettings, error) {
	set, err := s.Settings(ctx)
	if err != nil {
		return ExportedSettings{}, err
	}
	out := ExportedSettings{Settings: set, WebhookSecrets: map[string][]ExportedHookSecret{}}
	out.Settings.Trail = nil
	out.Settings.Endpoints = slices.Clone(set.Endpoints)
	for i := range out.Settings.Endpoints {
		e := &out.Settings.Endpoints[i]
		for _, one := range webhook.OpenSecrets(s.Engine, e) {
			out.WebhookSecrets[e.ID] = append(out.WebhookSecrets[e.ID], ExportedHookSecret{Disclosed{one.Value}, one.Ends})
		}
		e.Secrets = nil
	}
	return out, nil
}

// ImportSettings takes over settings of another instance, unless this one has its own. It reports
// whether it did. An endpoint without a secret gets no webhooks until its secret is rotated.
func (s *Service) ImportSettings(ctx context.Context, from ExportedSettings) (bool, error) {
	restored := false
	err := s.Update(ctx, []store.Key{account.SettingsKey}, func(t *tx.Tx) error {
		stored := t.Seen[account.SettingsKey].(*account.Settings)
		if restored = stored.Version == 0; !restored {
			return nil
		}
		set, defaults := from.Settings, account.DefaultSettings()
		set.Base, set.Trail = stored.Base, nil
		set.Endpoints = slices.Clone(set.Endpoints)
		for i := range set.Endpoints {
			e := &set.Endpoints[i]
			var secrets []webhook.Secret
			for _, one := range from.WebhookSecrets[e.ID] {
				secrets = append(secrets, webhook.Secret{Value: one.Secret.Value, Ends: one.EndsAt})
			}
			if err := webhook.SealSecrets(t.Engine, e, secrets); err != nil {
				return err
			}
		}
		audit.AppendEntry(t, &set, account.AuditEntry{Name: eventtype.SettingsChanged, At: t.Now, Backend: true, Fields: settings.Changed(&set, &defaults)})
		return nil
	})
	s.Cache.Put(nil)
	return restored, err
}
