package migrate

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/countersign-mfa/countersign/internal/clock"
	"github.com/countersign-mfa/countersign/internal/crypto/keyring"
	"github.com/countersign-mfa/countersign/internal/crypto/password"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// OpenOffline opens the users of a store for [Export] and [Import]. The service sends nothing and
// serves nothing. restoredAt is the time of the last restore from a backup, if any; older sessions
// and codes are invalid.
func OpenOffline(ctx context.Context, store store.Store, keys *keyring.Keyring, restoredAt time.Time) (*domain.Service, error) {
	ring, err := keys.Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("open keyring: %w", err)
	}
	const nowhere = "offline.invalid" // nothing is sent, signed or shown
	return domain.New(domain.Config{
		Store: store, Sender: noSender{}, Ring: ring, Passwords: password.New(password.DefaultParams, rand.Reader),
		Now: time.Now, Pause: clock.Pause, Rand: rand.Reader, Issuer: "https://" + nowhere, AppName: nowhere, SMSHost: nowhere, RestoredAt: restoredAt,
	})
}

type noSender struct{}

func (noSender) Send(context.Context, tx.Message) error {
	return errors.New("an export or import sends no SMS")
}
