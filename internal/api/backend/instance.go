package backend

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"

	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/settings"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/web/appearance"
)

// InstanceGet is GET /v1/instance.
func InstanceGet() operation.Operation {
	return row("instance-get", "GET /v1/instance", "The instance with its settings", 0, getInstance)
}

// InstanceUpdate is PATCH /v1/instance.
func InstanceUpdate() operation.Operation {
	op := row("instance-update", "PATCH /v1/instance", "Change the settings", operation.Writes, updateInstance, operation.InvalidParam)
	op.Status, op.Response = http.StatusNoContent, nil
	return op
}

// Instance is the instance with its settings. Clerk keeps most of them in its dashboard; here they
// are part of the resource.
type Instance struct {
	Object                string   `json:"object"`
	ID                    string   `json:"id"`
	EnvironmentType       string   `json:"environment_type"`
	AllowedOrigins        []string `json:"allowed_origins"`
	TestMode              bool     `json:"test_mode"`
	SMSCode               bool     `json:"sms_code"`
	AuthenticatorApp      bool     `json:"authenticator_app"`
	BackupCodes           bool     `json:"backup_codes"`
	MFARequired           bool     `json:"mfa_required"`
	MFARequiredFrom       *int64   `json:"mfa_required_from"`
	MFAGraceDays          int      `json:"mfa_grace_days"`
	KeepOtherSessions     bool     `json:"keep_other_sessions"`
	SMSCountries          []string `json:"sms_countries"`
	EnumerationProtection bool     `json:"enumeration_protection"`
	FirstFactorPhoneCode  bool     `json:"first_factor_phone_code"`
	IPLimits              bool     `json:"ip_limits"`
	StrictGuessing        bool     `json:"strict_guessing"`
	NotifyByText          bool     `json:"notify_by_text"`
	DeleteSelf            bool     `json:"delete_self"`
	RecoveryDays          int      `json:"recovery_days"`
	Passkeys              bool     `json:"passkeys"`
	PasskeySecondFactor   bool     `json:"passkey_second_factor"`
	PasskeySatisfies      bool     `json:"passkey_satisfies_second_factor"`
	// PasskeyRPID is the domain that passkeys belong to.
	PasskeyRPID        *string  `json:"passkey_rp_id"`
	PasskeyAppleApps   []string `json:"passkey_apple_apps"`
	PasskeyAndroidApps []string `json:"passkey_android_apps"`
	// RememberDays is how long a device may be remembered; 0 means never.
	RememberDays int `json:"remember_device_days"`
	// SessionClaims is the template of the claims that session tokens have on top.
	SessionClaims json.RawMessage `json:"session_claims"`
	ReauthURL     *string         `json:"reauth_url"`
	// PasswordResetURL is the application's page for forgotten passwords.
	PasswordResetURL *string `json:"password_reset_url"`
	// Appearance is the look of the pages. What it leaves out is as deployed.
	Appearance appearance.Appearance `json:"appearance"`
	// NumberingPlans is the age of the plans by which new phone numbers are valid; it is no setting.
	NumberingPlans string `json:"numbering_plans"`
	SMSSettings
}

func presentInstance(c *operation.Call, s account.Settings) Instance {
	out := Instance{
		Object: "instance", ID: wire.InstanceID, EnvironmentType: c.EnvironmentType(), NumberingPlans: c.NumberingPlans, NotifyByText: !s.QuietChanges,
		ReauthURL: wire.Nullable(s.ReauthURL), PasswordResetURL: wire.Nullable(s.PasswordResetURL), MFARequiredFrom: wire.Milliseconds(s.MFARequiredFrom), PasskeyRPID: wire.Nullable(s.PasskeyRPID),
	}
	copySettings(&out, s)
	out.SMSSettings = presentSMSSettings(&s) // defaults stand for what is not set
	out.SessionClaims = wire.Object(s.SessionClaims)
	out.AllowedOrigins, out.SMSCountries = append([]string{}, s.AllowedOrigins...), append([]string{}, s.SMSCountries...)
	out.PasskeyAppleApps, out.PasskeyAndroidApps = append([]string{}, s.PasskeyAppleApps...), append([]string{}, s.PasskeyAndroidApps...)
	return out
}

// copySettings copies each field of from to the field of to with the same Go name and type. Fields
// of from that are nil are left out, and pointers are followed: a PATCH names what it changes.
func copySettings(to, from any) {
	target, source := reflect.ValueOf(to).Elem(), reflect.ValueOf(from)
	for field, value := range source.Fields() {
		if value.Kind() == reflect.Pointer {
			value = value.Elem()
		}
		if at := target.FieldByName(field.Name); at.IsValid() && value.IsValid() && at.Type() == value.Type() && (value.Kind() != reflect.Slice || !value.IsNil()) {
			at.Set(value)
		}
	}
}

func getInstance(c *operation.Call, _ operation.Empty) (Instance, error) {
	s, err := c.Service.Engine.Settings(c)
	return presentInstance(c, s), err
}

type instanceInput struct {
	_                     operation.Ignored `body:"clerk_js_version cookieless_dev preferred_sign_in_strategy_when_password_required url_based_session_syncing"`
	AllowedOrigins        []string          `body:"allowed_origins" rules:"format=origin" doc:"whose pages may call with cookies: scheme and host, such as https://app.example.com"`
	TestMode              *bool             `body:"test_mode" doc:"+1 XXX 555 0100 to 0199 always get the code 424242; never in production"`
	SMSCode               *bool             `body:"sms_code" doc:"codes by SMS as a second factor"`
	AuthenticatorApp      *bool             `body:"authenticator_app" doc:"authenticator apps (TOTP) as a second factor"`
	BackupCodes           *bool             `body:"backup_codes" doc:"ten backup codes with the first second factor"`
	MFARequired           *bool             `body:"mfa_required" doc:"users without a second factor must enrol before they go on"`
	MFARequiredFrom       *int              `body:"mfa_required_from" rules:"min=0 max=9999999999999" doc:"milliseconds since 1970: when mfa_required begins to hold; until then the pages say so; 0: at once"`
	MFAGraceDays          *int              `body:"mfa_grace_days" rules:"min=0 max=90" doc:"days to enrol, for new users and for users who are marked without a date"`
	KeepOtherSessions     *bool             `body:"keep_other_sessions" doc:"keep a user's other sessions when the first second factor is added"`
	SMSCountries          []country         `body:"sms_countries" doc:"countries that get SMS, as ISO 3166 alpha-2"`
	EnumerationProtection *bool             `body:"enumeration_protection" doc:"an unknown account gets the same answer as a wrong password"`
	FirstFactorPhoneCode  *bool             `body:"first_factor_phone_code" doc:"codes by SMS as a first factor; strangers can then cause SMS"`
	IPLimits              *bool             `body:"ip_limits" doc:"limits on requests of one network address"`
	NotifyByText          *bool             `body:"notify_by_text" doc:"tell users of changes by text message, on a number that did not change"`
	StrictGuessing        *bool             `body:"strict_guessing" doc:"fewer guesses, for owners too: see docs/security/guess-policy.md"`
	RememberDays          *int              `body:"remember_device_days" rules:"min=0 max=90" doc:"days for which people may have a device remembered, which then needs no second factor; 0: never; fewer days forget all devices: see docs/use/remembered.md"`
	DeleteSelf            *bool             `body:"delete_self" doc:"users may delete their account, after a step-up"`
	RecoveryDays          *int              `body:"recovery_days" rules:"min=0 max=30" doc:"days until the second factors of a user who lost them are removed, unless the owner cancels; 3 to 30, 0: never; see docs/use/recovery.md"`
	SMSName               *string           `body:"sms_name" rules:"length=0..40" doc:"the app's name in SMS, where that of the pages does not fit"`
	SMSDailyCap           *float64          `body:"sms_daily_cap_usd" rules:"min=0.000001 max=1000000" doc:"the most that text messages may cost in a UTC day"`
	// A map replaces the stored one as a whole.
	SMSCountryCaps map[country]float64 `body:"sms_country_caps" rules:"min=0 max=1000000" doc:"dollars a UTC day by country; replaces all"`
	SMSPrices      map[country]float64 `body:"sms_prices" rules:"min=0.000001 max=5" doc:"dollars a message by country, before the built-in estimates; replaces all"`
	SMSRecordOnly  *bool               `body:"sms_record_only" doc:"let pass what looks like pumping, and record it"`
	// The limits of unverified SMS in a clock hour.
	SMSUnverified        *int    `body:"sms_unverified_hourly" rules:"min=1 max=1000000" doc:"SMS in a clock hour whose codes nobody used; raise it for a launch"`
	SMSUnverifiedCountry *int    `body:"sms_unverified_country_hourly" rules:"min=1 max=1000000" doc:"the same of each country"`
	SMSUnverifiedBlock   *int    `body:"sms_unverified_block_hourly" rules:"min=1 max=1000000" doc:"the same of each block of numbers (their first seven digits)"`
	SMSFixedLimits       *bool   `body:"sms_fixed_limits" doc:"keep these limits from growing with the numbers that verified in the hour before"`
	ReauthURL            *string `body:"reauth_url" rules:"format=uri-or-empty" doc:"your page for a step-up without a password: see docs/use/pages.md"`
	PasswordResetURL     *string `body:"password_reset_url" rules:"format=uri-or-empty" doc:"your page for forgotten passwords; the sign-in page links to it"`
	// Passkeys.
	Passkeys            *bool    `body:"passkeys" doc:"passkeys as a first factor: see docs/security/passkeys.md"`
	PasskeySecondFactor *bool    `body:"passkey_second_factor" doc:"passkeys as a second factor too, for clients that know it (@clerk/ui 1.41)"`
	PasskeySatisfies    *bool    `body:"passkey_satisfies_second_factor" doc:"a sign-in with a passkey asks for no second factor"`
	PasskeyRPID         *string  `body:"passkey_rp_id" rules:"format=rp-id" doc:"the domain of passkeys, such as example.com; a change ends all passkeys; empty: the service's host"`
	PasskeyAppleApps    []string `body:"passkey_apple_apps" rules:"items=..20 format=apple-app" doc:"team and bundle ids of iOS apps: ABCDE12345.com.example.app"`
	PasskeyAndroidApps  []string `body:"passkey_android_apps" rules:"items=..20 format=android-app" doc:"packages of Android apps with the certificate's SHA-256 fingerprint: com.example.app/14:6D:E9:…"`
	// SessionClaims replaces the stored template as a whole; {} removes it.
	SessionClaims json.RawMessage `body:"session_claims" doc:"claims to add to session tokens: see docs/use/claims.md; replaces all"`
	// Appearance replaces the stored one as a whole; {} returns to what was deployed.
	Appearance json.RawMessage `body:"appearance" rules:"format=appearance" doc:"look and texts of the pages; replaces all, {} restores what was deployed"`
}

// earliestDate is September 2001 in milliseconds. Every date of this century in seconds is smaller.
const earliestDate = 1_000_000_000_000

func (in instanceInput) check() error {
	for _, origin := range in.AllowedOrigins {
		if !operation.IsOrigin(origin) {
			return apierr.New(apierr.FormParamFormatInvalid).Param("allowed_origins").Explain(
				"An origin is a scheme and a host as a browser sends them, in lower case, without a path, wildcard or default port, such as https://app.example.com.")
		}
	}
	if from := in.MFARequiredFrom; from != nil && *from > 0 && *from < earliestDate {
		return apierr.New(apierr.FormParamValueInvalid).Param("mfa_required_from").Explain("A date is in milliseconds since 1970; 0 means at once.")
	}
	if days := in.RecoveryDays; days != nil && *days != 0 && *days < account.ShortestRecovery {
		return apierr.New(apierr.FormParamValueInvalid).Param("recovery_days").Explain("A recovery waits for 3 to 30 days; 0 switches it off.")
	}
	if in.SMSName != nil && !sms.IsName(*in.SMSName) {
		return apierr.New(apierr.FormParamFormatInvalid).Param("sms_name").Explain("The name is one line with a letter or digit, without @, # and invisible characters.")
	}
	return nil
}

// parseAppearance returns the appearance of the request, or nil if it has none.
func (in instanceInput) parseAppearance() (*appearance.Appearance, error) {
	if in.Appearance == nil {
		return nil, nil //nolint:nilnil // nothing was asked for, which is fine
	}
	parsed, err := appearance.Parse(in.Appearance)
	if wrong := (*appearance.Error)(nil); errors.As(err, &wrong) {
		return nil, apierr.New(apierr.FormParamFormatInvalid).Param(strings.TrimSuffix("appearance."+wrong.Field, ".")).Explain(wrong.Error() + ".")
	}
	return &parsed, err
}

func (in instanceInput) apply(s *account.Settings) {
	copySettings(s, in)
	if in.NotifyByText != nil {
		s.QuietChanges = !*in.NotifyByText
	}
	if in.MFARequiredFrom != nil {
		s.MFARequiredFrom = account.Instant(*in.MFARequiredFrom)
	}
	in.applySMS(s)
}

func updateInstance(c *operation.Call, in instanceInput) (operation.NoContent, error) {
	if err := in.check(); err != nil {
		return operation.NoContent{}, err
	}
	if err := in.checkURLs(c); err != nil {
		return operation.NoContent{}, err
	}
	parsed, err := in.parseAppearance()
	if err != nil {
		return operation.NoContent{}, err
	}
	template, err := in.parseClaims()
	if err != nil {
		return operation.NoContent{}, err
	}
	if err := in.checkApps(); err != nil {
		return operation.NoContent{}, err
	}
	_, err = settings.Change(c.Service.Engine, c, func(_ *tx.Tx, s *account.Settings) error {
		in.apply(s)
		if in.SessionClaims != nil {
			s.SessionClaims = template
		}
		if parsed != nil {
			s.Appearance = *parsed
		}
		return in.checkRPID(s)
	})
	return operation.NoContent{}, err
}
