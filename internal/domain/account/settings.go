package account

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/internal/web/appearance"
)

// Settings is what an administrator decides for the whole instance. Each field that can be changed
// stands here with both of its names: "json" in the stored record, "wire" in the API, the audit log
// and webhooks.
type Settings struct {
	Base
	SMSCode          bool `json:"sms" wire:"sms_code"`
	AuthenticatorApp bool `json:"totp" wire:"authenticator_app"`
	BackupCodes      bool `json:"backup" wire:"backup_codes"`
	MFARequired      bool `json:"required,omitempty" wire:"mfa_required"`
	// MFARequiredFrom is when MFARequired begins to hold; 0: at once.
	MFARequiredFrom Instant `json:"requiredfrom,omitempty" wire:"mfa_required_from"`
	// MFAGraceDays is how many days a user gets to enrol: see [Settings.Grace].
	MFAGraceDays int  `json:"grace,omitempty" wire:"mfa_grace_days"`
	TestMode     bool `json:"test,omitempty" wire:"test_mode"`
	// EnumerationProtection gives unknown accounts and wrong passwords the same answer.
	EnumerationProtection bool `json:"enum" wire:"enumeration_protection"`
	// FirstFactorPhoneCode allows SMS codes as a first factor. Off by default, because anyone who
	// knows a phone number could then cause messages to it.
	FirstFactorPhoneCode bool `json:"firstsms,omitempty" wire:"first_factor_phone_code"`
	IPLimits             bool `json:"ip,omitempty" wire:"ip_limits"`
	// KeepOtherSessions keeps a user's other sessions alive when the user adds a first second
	// factor. See [authority.Policy].
	KeepOtherSessions bool `json:"keep,omitempty" wire:"keep_other_sessions"`
	// StrictGuessing allows fewer wrong codes, to attackers and owners alike: see [StrictPolicy].
	StrictGuessing bool     `json:"strict,omitempty" wire:"strict_guessing"`
	AllowedOrigins []string `json:"origins,omitempty" wire:"allowed_origins"`
	SMSCountries   []string `json:"countries" wire:"sms_countries"` // ISO 3166 alpha-2
	// Appearance is how pages and SDK components look. Empty fields keep the deployed values.
	Appearance appearance.Appearance `json:"brand,omitzero" wire:"appearance"`
	// SMSName is what messages call the application; "" means the name of the pages.
	SMSName string `json:"smsname,omitempty" wire:"sms_name"`
	// SMSDailyCap limits the cost of messages in a UTC day; 0 means [DefaultDailyCap].
	SMSDailyCap    smsprice.Micros            `json:"cap,omitempty" wire:"sms_daily_cap_usd"`
	SMSCountryCaps map[string]smsprice.Micros `json:"caps,omitempty" wire:"sms_country_caps"`
	// The limits of unverified messages in a clock hour; 0 means that of [DefaultUnverified].
	SMSUnverified        int `json:"unverified,omitempty" wire:"sms_unverified_hourly"`
	SMSUnverifiedCountry int `json:"unverifiedcountry,omitempty" wire:"sms_unverified_country_hourly"`
	SMSUnverifiedBlock   int `json:"unverifiedblock,omitempty" wire:"sms_unverified_block_hourly"`
	// SMSFixedLimits keeps these limits from growing with the numbers that verify.
	SMSFixedLimits bool `json:"fixed,omitempty" wire:"sms_fixed_limits"`
	// SMSLimitsAt is when a limit of SMS changed last.
	SMSLimitsAt Instant `json:"limitsat,omitempty"`
	// SMSPrices replaces estimates of package smsprice, by country.
	SMSPrices map[string]smsprice.Micros `json:"prices,omitempty" wire:"sms_prices"`
	// SMSRecordOnly sends messages that the SMS guard takes for abuse, and records the reason. See
	// [Reason].
	SMSRecordOnly bool `json:"recordonly,omitempty" wire:"sms_record_only"`
	// QuietChanges sends no SMS about changes of an account. The API has its opposite.
	QuietChanges bool `json:"quiet,omitempty" wire:"notify_by_text"`
	// ReauthURL is the page where users without a password here prove their identity for a step-up;
	// "" means that there is none.
	ReauthURL string `json:"reauth,omitempty" wire:"reauth_url"`
	// PasswordResetURL is the page where users replace a forgotten password; "" means none.
	PasswordResetURL string `json:"reset,omitempty" wire:"password_reset_url"`
	// DeleteSelf lets users delete their own account.
	DeleteSelf bool `json:"delself,omitempty" wire:"delete_self"`
	// RecoveryDays is how long a recovery without an administrator waits; 0 means that there is none.
	RecoveryDays int `json:"recovery,omitempty" wire:"recovery_days"`
	// RecoverySince is when recovery was last switched on. Requests from before have ended.
	RecoverySince Instant `json:"recoverysince,omitempty"`
	// RememberDays is how long a device may be remembered, in days; 0 means never. The API takes at
	// most 90: SP 800-63B-4 section 2.2.3 asks for both factors after 24 hours at AAL2. RememberSince
	// counts how often it was lowered: see [authority.Policy].
	RememberDays  int    `json:"remember,omitempty" wire:"remember_device_days"`
	RememberSince uint32 `json:"remembersince,omitempty"`
	// SessionClaims is the template of the claims that session tokens have on top: see package claims.
	SessionClaims json.RawMessage `json:"claims,omitempty" wire:"session_claims"`
	// Passkeys switches passkeys on: their enrolment, and as a first factor.
	Passkeys bool `json:"passkeys,omitempty" wire:"passkeys"`
	// PasskeySecondFactor offers passkeys as a second factor too.
	PasskeySecondFactor bool `json:"pksecond,omitempty" wire:"passkey_second_factor"`
	// PasskeySatisfies lets a passkey prove both factors at once.
	PasskeySatisfies bool `json:"pkboth,omitempty" wire:"passkey_satisfies_second_factor"`
	// PasskeyRPID is the domain that passkeys belong to; "" means the host of the service's URL.
	PasskeyRPID string `json:"pkrp,omitempty" wire:"passkey_rp_id"`
	// PasskeyAppleApps and PasskeyAndroidApps are the native apps that may use passkeys: team and
	// bundle ids, and packages with the SHA-256 fingerprints of their certificates.
	PasskeyAppleApps   []string `json:"pkapple,omitempty" wire:"passkey_apple_apps"`
	PasskeyAndroidApps []string `json:"pkandroid,omitempty" wire:"passkey_android_apps"`
	// Endpoints are the targets of webhooks.
	Endpoints []Endpoint `json:"hooks,omitempty" wire:"webhook_endpoints"`
	UpdatedAt Instant    `json:"u,omitempty"`
	Trail     *Trail     `json:"at,omitempty"`
}

// The keys of the records that an instance has one of.
var (
	SettingsKey    = store.Key{Kind: store.KindSettings, ID: "instance"}
	SigningKeysKey = store.Key{Kind: store.KindSigningKey, ID: "set"}
)

// DefaultSettings returns the settings that hold until the first change.
func DefaultSettings() Settings {
	return Settings{
		Base:    Base{ID: SettingsKey},
		SMSCode: true, AuthenticatorApp: true, BackupCodes: true,
		EnumerationProtection: true, IPLimits: true,
		SMSCountries: []string{"US", "CA"},
	}
}

// Allows reports whether the instance offers a second factor.
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

// AppName returns the name that users know the application by.
func (s *Settings) AppName(deployed string) string { return cmp.Or(s.Appearance.Name, deployed) }

// DefaultDailyCap limits the cost of messages in a UTC day when SMSDailyCap is not set.
const DefaultDailyCap = 20 * smsprice.Dollar

// DailyCap returns the limit on the cost of messages in a UTC day.
func (s *Settings) DailyCap() smsprice.Micros {
	if s.SMSDailyCap == 0 {
		return DefaultDailyCap
	}
	return s.SMSDailyCap
}

// Unverified are limits of unverified messages in a clock hour: in all, to a country, and to a
// block of numbers.
type Unverified struct{ Instance, Country, Block int }

// DefaultUnverified are the limits of unverified messages unless the settings have others.
var DefaultUnverified = Unverified{Instance: 50, Country: 50, Block: 20}

// Unverified returns the limits of unverified messages before they grow.
func (s *Settings) Unverified() Unverified {
	return Unverified{
		Instance: cmp.Or(s.SMSUnverified, DefaultUnverified.Instance), Country: cmp.Or(s.SMSUnverifiedCountry, DefaultUnverified.Country),
		Block: cmp.Or(s.SMSUnverifiedBlock, DefaultUnverified.Block),
	}
}

// PriceOf returns the estimated price of one SMS segment to a country.
func (s *Settings) PriceOf(country string) smsprice.Micros {
	if price, ok := s.SMSPrices[country]; ok {
		return price
	}
	return smsprice.Of(country)
}

// SendsSMSTo reports whether messages to a country are switched on.
func (s *Settings) SendsSMSTo(country string) bool { return slices.Contains(s.SMSCountries, country) }

// CanReceiveSMS reports whether an SMS may go to the number: its country is switched on, and its
// line receives SMS. The same rule decides when a number becomes a second factor, when factors are
// offered, and when a message is sent, so every factor that is offered can be proved.
func (s *Settings) CanReceiveSMS(p *Phone) bool {
	return s.SendsSMSTo(p.Country) && p.Line.TextAllowed()
}

// Without returns a copy of the settings with methods and countries switched off.
func (s Settings) Without(methods []Strategy, countries []string) Settings {
	for _, m := range methods {
		switch m {
		case PhoneCode:
			s.SMSCode = false
		case TOTPCode:
			s.AuthenticatorApp = false
		}
	}
	s.SMSCountries = slices.DeleteFunc(slices.Clone(s.SMSCountries), func(c string) bool { return slices.Contains(countries, c) })
	return s
}
