package frontend

import (
	"strings"

	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/web/appearance"
)

// EnvironmentGet is GET /v1/environment.
func EnvironmentGet() operation.Operation {
	return row("environment-get", "GET /v1/environment", "What an SDK must know of the instance", 0, getEnvironment)
}

// EnvironmentPatch is PATCH /v1/environment.
func EnvironmentPatch() operation.Operation {
	return row("environment-patch", "PATCH /v1/environment",
		"The same; clerk-js reads with PATCH in development", 0, getEnvironment)
}

// Environment is what SDKs read about the instance. What Countersign does not have is switched off.
type Environment struct {
	AuthConfig      map[string]any `json:"auth_config"`
	DisplayConfig   map[string]any `json:"display_config"`
	UserSettings    map[string]any `json:"user_settings"`
	MaintenanceMode bool           `json:"maintenance_mode"`
	// Appearance is that of the settings. The pages read it here, as SDKs read the rest.
	Appearance appearance.Appearance `json:"appearance,omitzero"`
	// ReauthURL is where the pages send people who have no first factor here.
	ReauthURL string `json:"reauth_url,omitempty"`
	// PasswordResetURL is where the sign-in page sends people who forgot their password.
	PasswordResetURL string `json:"password_reset_url,omitempty"`
	// RememberDeviceDays is how long the sign-in page offers to remember the device; 0 means that it
	// does not.
	RememberDeviceDays int `json:"remember_device_days,omitempty"`
	// AllowedOrigins are those of the settings, to which the sign-in page may redirect.
	AllowedOrigins []string `json:"allowed_origins,omitempty"`
}

func getEnvironment(c *operation.Call, _ operation.Empty) (Environment, error) {
	s := c.Settings
	return Environment{
		AuthConfig:         authConfig(s),
		DisplayConfig:      displayConfig(c, s),
		UserSettings:       userSettings(s, account.At(c.Service.Now())),
		Appearance:         s.Appearance,
		ReauthURL:          s.ReauthURL,
		PasswordResetURL:   s.PasswordResetURL,
		RememberDeviceDays: s.RememberDays,
		AllowedOrigins:     s.AllowedOrigins,
	}, nil
}

// authConfig adds sms_countries, the countries that get SMS, which the enrolment page offers.
func authConfig(s account.Settings) map[string]any {
	return map[string]any{
		"object": "auth_config", "id": "aconf_countersign", "first_name": "on", "last_name": "on", "email_address": "on", "phone_number": "on",
		"username": "on", "password": "on", "identification_requirements": []any{}, "identification_strategies": []string{"email_address", "phone_number", "username"},
		"first_factors": firstStrategies(s), "second_factors": secondStrategies(s), "email_address_verification_strategies": []string{},
		"single_session_mode": true, "enhanced_email_deliverability": false, "test_mode": s.TestMode, "url_based_session_syncing": true,
		"claimed_at": nil, "reverification": true, "sms_countries": append([]string{}, s.SMSCountries...), "native_settings": map[string]any{
			"object": "native_settings", "api_enabled": true, "trusted_device_sign_in_enabled": false,
			"trusted_device_enrollment_prompt_after_sign_in_enabled": false, "trusted_device_enrollment_prompt_after_sign_up_enabled": false,
		},
	}
}

func firstStrategies(s account.Settings) []string {
	out := []string{string(account.Password), string(account.TicketCode)}
	if s.Passkeys {
		out = append(out, string(account.PasskeyProof))
	}
	return out
}

func secondStrategies(s account.Settings) []string {
	out := []string{}
	for _, m := range []struct {
		on   bool
		name account.Strategy
	}{{s.AuthenticatorApp, account.TOTPCode}, {s.SMSCode, account.PhoneCode}, {s.BackupCodes, account.BackupCode}} {
		if m.on {
			out = append(out, string(m.name))
		}
	}
	return out
}

// displayConfig leaves every page to the application, and has no captcha.
func displayConfig(c *operation.Call, s account.Settings) map[string]any {
	out := map[string]any{
		"object": "display_config", "id": "dconf_countersign", "instance_environment_type": c.EnvironmentType(), "application_name": s.AppName(c.AppName),
		"theme": map[string]any{}, "preferred_sign_in_strategy": "password", "branded": false, "experimental_force_oauth_first": false,
		"show_devmode_warning": false, "captcha_oauth_bypass": []string{}, "captcha_heartbeat": false, "logo_image_url": "", "favicon_image_url": "",
	}
	for _, name := range []string{
		"home_url", "sign_in_url", "sign_up_url", "user_profile_url", "waitlist_url", "oauth_consent_url", "after_sign_in_url", "after_sign_up_url",
		"after_sign_out_one_url", "after_sign_out_all_url", "after_switch_session_url", "after_join_waitlist_url", "organization_profile_url",
		"create_organization_url", "after_leave_organization_url", "after_create_organization_url", "logo_link_url",
	} {
		out[name] = ""
	}
	for _, name := range []string{
		"support_email", "clerk_js_version", "google_one_tap_client_id", "help_url", "privacy_policy_url", "terms_url", "logo_url", "favicon_url",
		"logo_image", "favicon_image", "captcha_public_key", "captcha_widget_type", "captcha_public_key_invisible", "captcha_provider",
	} {
		out[name] = nil
	}
	applyAppearance(c, out, s.Appearance)
	return out
}

// applyAppearance puts an appearance where Clerk's components look for one.
func applyAppearance(c *operation.Call, display map[string]any, b appearance.Appearance) {
	if b.Logo != "" {
		logo := b.Logo
		if strings.HasPrefix(logo, "/") {
			logo = c.PublicURL + logo
		}
		display["logo_image_url"], display["logo_url"] = logo, logo
	}
	if address, ok := strings.CutPrefix(b.Support, "mailto:"); ok {
		address, _, _ = strings.Cut(address, "?")
		display["support_email"] = address
	} else if b.Support != "" {
		display["help_url"] = b.Support
	}
	if b.Accent != "" {
		display["theme"] = map[string]any{"general": map[string]any{"color": b.Accent}}
	}
}

type attribute struct {
	Enabled             bool     `json:"enabled"`
	Required            bool     `json:"required"`
	UsedForFirstFactor  bool     `json:"used_for_first_factor"`
	FirstFactors        []string `json:"first_factors"`
	UsedForSecondFactor bool     `json:"used_for_second_factor"`
	SecondFactors       []string `json:"second_factors"`
	Verifications       []string `json:"verifications"`
	VerifyAtSignUp      bool     `json:"verify_at_sign_up"`
	Immutable           bool     `json:"immutable"`
}

func anAttribute(on bool, first, second, verifications []string) attribute {
	list := func(l []string) []string { return append([]string{}, l...) }
	return attribute{
		Enabled: on, UsedForFirstFactor: on && len(first) > 0, FirstFactors: list(first),
		UsedForSecondFactor: on && len(second) > 0, SecondFactors: list(second), Verifications: list(verifications),
	}
}

// attributes returns what users have and sign in with. Clerk's UI treats each attribute used for
// the first factor as an identifier to type, and has no field for others.
func attributes(s account.Settings) map[string]attribute {
	when := func(on bool, name string) []string {
		if on {
			return []string{name}
		}
		return nil
	}
	identifier := func(a attribute) attribute {
		a.UsedForFirstFactor = true
		return a
	}
	addresses := identifier(anAttribute(true, nil, nil, nil))
	addresses.Immutable = true // for users: the Backend API changes them
	return map[string]attribute{
		"email_address":     addresses,
		"phone_number":      anAttribute(s.SMSCode, when(s.FirstFactorPhoneCode, "phone_code"), when(s.SMSCode, "phone_code"), when(s.SMSCode, "phone_code")),
		"username":          identifier(anAttribute(true, nil, nil, nil)),
		"first_name":        anAttribute(true, nil, nil, nil),
		"last_name":         anAttribute(true, nil, nil, nil),
		"password":          anAttribute(true, nil, nil, nil),
		"authenticator_app": anAttribute(s.AuthenticatorApp, nil, when(s.AuthenticatorApp, "totp"), when(s.AuthenticatorApp, "totp")),
		"backup_code":       anAttribute(s.BackupCodes, nil, when(s.BackupCodes, "backup_code"), nil),
		"ticket":            anAttribute(true, nil, nil, nil),
		"passkey":           anAttribute(s.Passkeys, when(s.Passkeys, "passkey"), nil, when(s.Passkeys, "passkey")),
		"web3_wallet":       anAttribute(false, nil, nil, nil),
	}
}

func userSettings(s account.Settings, now account.Instant) map[string]any {
	required := s.MFARequired && s.MFARequiredFrom <= now
	off, policy := map[string]any{"enabled": false}, s.Policy()
	return map[string]any{
		"attributes": attributes(s), "social": map[string]any{}, "saml": off,
		"enterprise_sso": map[string]any{"enabled": false, "self_serve_sso": false},
		"sign_in":        map[string]any{"second_factor": map[string]any{"required": required, "enabled": len(secondStrategies(s)) > 0}},
		"sign_up": map[string]any{
			"captcha_enabled": false, "captcha_widget_type": "smart", "custom_action_required": false, "progressive": true, "mode": "restricted",
			"legal_consent_enabled": false, "mfa": map[string]any{"required": required},
		},
		"restrictions": map[string]any{
			"allowlist": off, "blocklist": off, "allowlist_blocklist_disabled_on_sign_in": off, "block_email_subaddresses": off,
			"block_disposable_email_domains": off,
		},
		"password_settings": map[string]any{
			"disable_hibp": true, "disable_password_reverification": false, "min_length": 8, "max_length": 128, "require_special_char": false,
			"require_numbers": false, "require_uppercase": false, "require_lowercase": false, "show_zxcvbn": false, "min_zxcvbn_strength": 0,
			"enforce_hibp_on_sign_in": false, "allowed_special_characters": "",
		},
		"username_settings": map[string]any{"min_length": 1, "max_length": 64, "allow_extended_special_characters": true, "allow_numeric_usernames": true},
		"actions":           map[string]any{"delete_self": s.DeleteSelf, "create_organization": false, "create_organizations_limit": nil},
		"attack_protection": map[string]any{
			"user_lockout": map[string]any{"enabled": true, "max_attempts": policy.LockFailures, "duration_in_minutes": int(policy.LockTime.Minutes())}, "pii": map[string]any{"enabled": true},
			"email_link": map[string]any{"require_same_client": true}, "enumeration_protection": map[string]any{"enabled": s.EnumerationProtection},
		},
		"passkey_settings": map[string]any{"allow_autofill": s.Passkeys, "show_sign_in_button": s.Passkeys, "satisfies_second_factor": s.Passkeys && s.PasskeySatisfies},
	}
}
