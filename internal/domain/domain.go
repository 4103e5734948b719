// Package domain joins the packages of the domain: the engine of transactions, and the services
// that run on it.
package domain

import (
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/directory"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/migration"
	"github.com/countersign-mfa/countersign/internal/domain/passkeys"
	"github.com/countersign-mfa/countersign/internal/domain/profile"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/settings"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/tokens"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/domain/webhook"
)

// Config is what the domain needs from its program.
type Config = tx.Config

// Service offers the operations by subject. It is safe for concurrent use.
type Service struct {
	*tx.Engine
	MFA      *mfa.Service
	Passkeys *passkeys.Service
	Sessions *sessions.Service
	Tokens   *tokens.Service
	Admin    *admin.Service
	// Migration exports and imports.
	Migration *migration.Service
	Profile   *profile.Service
	Settings  *settings.Service
	SMS       *sms.Service
	Webhooks  *webhook.Service
	Audit     *audit.Service
	// Directory finds users.
	Directory *directory.Service
}

// New returns the services of an instance. An error names what the configuration lacks.
func New(c Config) (*Service, error) {
	engine, err := tx.NewEngine(c, directory.Begin, sessions.ApplyFactorChanges, audit.StageEvents, webhook.StageDelivery, audit.SealTrails)
	if err != nil {
		return nil, err
	}
	t := &tokens.Service{Engine: engine}
	s := &sessions.Service{Service: t}
	return &Service{
		Engine: engine, Tokens: t, Sessions: s, MFA: &mfa.Service{Service: s}, Passkeys: &passkeys.Service{Service: s}, Admin: &admin.Service{Service: s}, Migration: &migration.Service{Service: s},
		Profile:  &profile.Service{Service: s},
		Settings: &settings.Service{Engine: engine}, SMS: &sms.Service{Engine: engine}, Webhooks: &webhook.Service{Engine: engine},
		Audit: &audit.Service{Engine: engine}, Directory: &directory.Service{Engine: engine},
	}, nil
}

// Migrator returns what puts users of earlier releases into the lists.
func (s *Service) Migrator() *directory.Migrator {
	return &directory.Migrator{Service: s.Directory, EnsureClaims: s.Admin.CountTaken}
}
