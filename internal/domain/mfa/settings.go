package mfa

import (
	"cmp"
	"context"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/web/appearance"
)

// Settings are what an administrator decides for the whole instance.
type Settings struct {
	base
	SMSCode          bool `json:"sms"`
	AuthenticatorApp bool `json:"totp"`
	BackupCodes      bool `json:"backup"`
	MFARequired      bool `json:"required,omitempty"`
	TestMode         bool `json:"test,omitempty"`
	// EnumerationProtection gives unknown accounts and wrong passwords one answer.
	EnumerationProtection bool `json:"enum"`
	// FirstFactorPhoneCode lets a text message be the first factor. Off by default: whoever can
	// start a sign-in can then cause messages (SEC-27).
	FirstFactorPhoneCode bool `json:"firstsms,omitempty"`
	IPLimits             bool `json:"ip,omitempty"`
	// KeepSessions keeps a user's other sessions alive when the first second factor is added. See
	// [authority.Policy].
	KeepSessions bool `json:"keep,omitempty"`
	// StrictGuessing bounds more tightly what a guesser may try, and what an owner may mistype: see [StrictPolicy].
	StrictGuessing bool     `json:"strict,omitempty"`
	AllowedOrigins []string `json:"origins,omitempty"`
	SMSCountries   []string `json:"countries"` // ISO 3166 alpha-2
	// Appearance is how the pages and SDKs look; what it leaves open is as deployed.
	Appearance appearance.Appearance `json:"brand,omitzero"`
	// SMSDailyCap is the most that messages may cost in a UTC day; 0 is the default. See [Settings.DailyCap].
	SMSDailyCap    smsprice.Micros            `json:"cap,omitempty"`
	SMSCountryCaps map[string]smsprice.Micros `json:"caps,omitempty"`
	SMSPrices      map[string]smsprice.Micros `json:"prices,omitempty"` // before the estimates of package smsprice
	// SMSRecordOnly lets pass what the SMS guard takes for abuse, and records it. See [Reason].
	SMSRecordOnly bool `json:"recordonly,omitempty"`
	// QuietChanges sends no text messages about changes of an account.
	QuietChanges bool `json:"quiet,omitempty"`
	// ReauthURL is where people prove who they are who have nothing to prove it with here; "" is nowhere.
	ReauthURL string `json:"reauth,omitempty"`
	// Endpoints are where webhooks go.
	Endpoints []Endpoint `json:"hooks,omitempty"`
	UpdatedAt Instant    `json:"u,omitempty"`
	Trail     *trail     `json:"at,omitempty"`
}

var (
	settingsKey    = Key{KindSettings, "instance"}
	signingKeysKey = Key{KindSigningKey, "set"}
)

// defaultSettings hold until the first change.
func defaultSettings() Settings {
	return Settings{
		base:    base{id: settingsKey},
		SMSCode: true, AuthenticatorApp: true, BackupCodes: true,
		EnumerationProtection: true, IPLimits: true,
		SMSCountries: []string{"US", "CA"},
	}
}

// settingsCached is how long a process may work with settings and signing keys before it reads them again; a change
// made elsewhere takes effect within this time.
const settingsCached = 10 * time.Second

type settingsState struct {
	settings Settings
	keys     *signingKeys
	until    Instant
}

// settingsCache is the only state that a service keeps in memory.
type settingsCache struct {
	mu    sync.Mutex
	state *settingsState
}

// fresh returns the cached state, or nil when it must be read again. A clock that went back makes it stale too.
func (c *settingsCache) fresh(now Instant) *settingsState {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == nil || now >= c.state.until || c.state.until.Sub(now) > settingsCached {
		return nil
	}
	return c.state
}

func (c *settingsCache) put(s *settingsState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = s
}

func (s *Settings) allows(strategy Strategy) bool {
	switch strategy {
	case PhoneCode:
		return s.SMSCode
	case TOTPCode:
		return s.AuthenticatorApp
	case BackupCode:
		return s.BackupCodes
	}
	return false
}

// AppName is what people know the application by.
func (s *Settings) AppName(deployed string) string { return cmp.Or(s.Appearance.Name, deployed) }

// smsName is what a text message calls it: the settings' name if a message can hold every letter of it.
func (s *Settings) smsName(deployed string) string {
	if s.Appearance.Name != "" && strings.Trim(s.Appearance.Name, gsmSafe) == "" {
		return s.Appearance.Name
	}
	return deployed
}

// defaultDailyCap is a day's money where nobody has decided.
const defaultDailyCap = 20 * smsprice.Dollar

// DailyCap is the most that messages may cost in a UTC day.
func (s *Settings) DailyCap() smsprice.Micros {
	if s.SMSDailyCap == 0 {
		return defaultDailyCap
	}
	return s.SMSDailyCap
}

// PriceOf is what one segment of a message to a country is taken to cost.
func (s *Settings) PriceOf(country string) smsprice.Micros {
	if price, ok := s.SMSPrices[country]; ok {
		return price
	}
	return smsprice.Of(country)
}

func (s *Settings) sendsSMSTo(country string) bool { return slices.Contains(s.SMSCountries, country) }

// Settings returns the instance's settings.
func (s *Service) Settings(ctx context.Context) (Settings, error) {
	state, _, err := s.state(ctx)
	if err != nil {
		return Settings{}, err
	}
	return state.settings, nil
}

// state returns settings and signing keys as this process knows them.
func (s *Service) state(ctx context.Context) (*settingsState, Instant, error) {
	var state *settingsState
	var now Instant
	err := s.update(ctx, nil, func(t *txn) error {
		state, now = t.state, t.now
		return nil
	})
	return state, now, err
}

// ChangeSettings changes the instance's settings. Other processes follow within [settingsCached].
func (s *Service) ChangeSettings(ctx context.Context, change func(*Settings)) (Settings, error) {
	return s.changeSettings(ctx, func(_ *txn, set *Settings) error {
		change(set)
		return nil
	})
}

func (s *Service) changeSettings(ctx context.Context, change func(*txn, *Settings) error) (Settings, error) {
	var set Settings
	err := s.update(ctx, []Key{settingsKey}, func(t *txn) error {
		t.byBackend = true
		stored := t.seen[settingsKey].(*Settings)
		if stored.version == 0 {
			fresh := defaultSettings()
			stored = &fresh
		}
		before := *stored
		if err := change(t, stored); err != nil {
			return err
		}
		stored.UpdatedAt = stored.UpdatedAt.after(t.now)
		t.put(stored)
		if fields := changedFields(before, *stored); len(fields) > 0 {
			t.appendEntry(stored, auditEntry{Name: EventSettingsChanged, At: t.now, Backend: true, Fields: fields})
			t.publish(Event{Name: EventSettingsChanged, Fields: fields})
		}
		set = *stored
		return nil
	})
	s.cache.put(nil)
	return set, err
}

// changedFields names the settings that differ, by the name that they are stored under.
func changedFields(a, b Settings) []string {
	var names []string
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		name, _, _ := strings.Cut(x.Type().Field(i).Tag.Get("json"), ",")
		if name == "" || name == "u" || name == "at" {
			continue
		}
		if !reflect.DeepEqual(x.Field(i).Interface(), y.Field(i).Interface()) {
			names = append(names, name)
		}
	}
	return names
}
