package account

import (
	"cmp"
	"slices"

	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/internal/web/appearance"
)

// Settings are what an administrator decides for the whole instance.
type Settings struct {
	Base
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
	Trail     *Trail     `json:"at,omitempty"`
}

var (
	SettingsKey    = store.Key{Kind: store.KindSettings, ID: "instance"}
	SigningKeysKey = store.Key{Kind: store.KindSigningKey, ID: "set"}
)

// DefaultSettings hold until the first change.
func DefaultSettings() Settings {
	return Settings{
		Base:    Base{ID: SettingsKey},
		SMSCode: true, AuthenticatorApp: true, BackupCodes: true,
		EnumerationProtection: true, IPLimits: true,
		SMSCountries: []string{"US", "CA"},
	}
}

func (s *Settings) Allows(strategy Strategy) bool {
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

// DefaultDailyCap is a day's money where nobody has decided.
const DefaultDailyCap = 20 * smsprice.Dollar

// DailyCap is the most that messages may cost in a UTC day.
func (s *Settings) DailyCap() smsprice.Micros {
	if s.SMSDailyCap == 0 {
		return DefaultDailyCap
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

func (s *Settings) SendsSMSTo(country string) bool { return slices.Contains(s.SMSCountries, country) }
