// Package tokens signs session tokens, keeps and rotates the signing keys, and stores the answers
// of handshakes.
package tokens

import (
	"context"
	"fmt"

	"github.com/countersign-mfa/countersign/internal/crypto/sessiontoken"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// Service carries out the operations on tokens and keys. It is safe for concurrent use.
type Service struct {
	*tx.Engine
	keys keyMemo
	// Minted keeps the session tokens that this process signed lately.
	Minted sessiontoken.Cache
}

// Ping reads one record, to find out whether the store answers.
func (s *Service) Ping(ctx context.Context) error {
	if _, err := s.Store.Get(ctx, account.SettingsKey); err != nil {
		return fmt.Errorf("ping store: %w", err)
	}
	return nil
}
