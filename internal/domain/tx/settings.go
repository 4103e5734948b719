package tx

import (
	"context"
	"sync"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
)

// settingsCached is how long a process may work with settings and signing keys before it reads them again; a change
// made elsewhere takes effect within this time.
const settingsCached = 10 * time.Second

type SettingsState struct {
	Settings account.Settings
	Keys     *account.SigningKeys
	until    account.Instant
}

// settingsCache is the only state that a service keeps in memory.
type settingsCache struct {
	mu    sync.Mutex
	state *SettingsState
}

// fresh returns the cached state, or nil when it must be read again. A clock that went back makes it stale too.
func (c *settingsCache) fresh(now account.Instant) *SettingsState {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == nil || now >= c.state.until || c.state.until.Sub(now) > settingsCached {
		return nil
	}
	return c.state
}

func (c *settingsCache) Put(s *SettingsState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = s
}

// Settings returns the instance's settings.
func (s *Engine) Settings(ctx context.Context) (account.Settings, error) {
	state, _, err := s.State(ctx)
	if err != nil {
		return account.Settings{}, err
	}
	return state.Settings, nil
}

// State returns settings and signing keys as this process knows them.
func (s *Engine) State(ctx context.Context) (*SettingsState, account.Instant, error) {
	var state *SettingsState
	var now account.Instant
	err := s.Update(ctx, nil, func(t *Tx) error {
		state, now = t.State, t.Now
		return nil
	})
	return state, now, err
}
