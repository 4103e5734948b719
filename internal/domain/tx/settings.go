package tx

import (
	"context"
	"sync"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
)

// settingsCached is how long a process uses settings and signing keys before it reads them again. A
// change that another process made takes effect within that time.
const settingsCached = 10 * time.Second

// SettingsState is the settings and signing keys that a process works with.
type SettingsState struct {
	Settings account.Settings
	Keys     *account.SigningKeys
	until    account.Instant
}

// settingsCache keeps the last [SettingsState] of the process.
type settingsCache struct {
	mu    sync.Mutex
	state *SettingsState
}

// fresh returns the cached state, or nil when it must be read again. A clock that went back makes
// the state stale, too.
func (c *settingsCache) fresh(now account.Instant) *SettingsState {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == nil || now >= c.state.until || c.state.until.Sub(now) > settingsCached {
		return nil
	}
	return c.state
}

// Put stores a state; nil makes the next operation read it.
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

// State returns the settings and signing keys that this process works with, and the time.
func (s *Engine) State(ctx context.Context) (*SettingsState, account.Instant, error) {
	var state *SettingsState
	var now account.Instant
	err := s.Update(ctx, nil, func(t *Tx) error {
		state, now = t.State, t.Now
		return nil
	})
	return state, now, err
}
