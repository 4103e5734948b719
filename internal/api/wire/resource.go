// Package wire has what the Frontend API, the Backend API and webhooks show, in Clerk's form. Times
// are milliseconds since 1970. A pointer is null when there is no value; lists are never null where
// a native SDK decodes them strictly.
package wire

import (
	"encoding/json"

	"github.com/countersign-mfa/countersign/internal/domain/account"
)

// Client is one browser or device.
type Client struct {
	Object                     string    `json:"object"`
	ID                         string    `json:"id"`
	Sessions                   []Session `json:"sessions"`
	SignIn                     *SignIn   `json:"sign_in"`
	SignUp                     *struct{} `json:"sign_up"`
	LastActiveSessionID        *string   `json:"last_active_session_id"`
	LastAuthenticationStrategy *string   `json:"last_authentication_strategy"`
	CookieExpiresAt            *int64    `json:"cookie_expires_at"`
	CaptchaBypass              bool      `json:"captcha_bypass"`
	CreatedAt                  int64     `json:"created_at"`
	UpdatedAt                  int64     `json:"updated_at"`
}

// Session is a user's sign-in on a client.
type Session struct {
	Object                   string          `json:"object"`
	ID                       string          `json:"id"`
	Status                   string          `json:"status"`
	ExpireAt                 int64           `json:"expire_at"`
	AbandonAt                int64           `json:"abandon_at"`
	LastActiveAt             int64           `json:"last_active_at"`
	LastActiveToken          *Token          `json:"last_active_token"`
	LastActiveOrganizationID *string         `json:"last_active_organization_id"`
	Actor                    *struct{}       `json:"actor"`
	Tasks                    []Task          `json:"tasks"`
	User                     *User           `json:"user,omitempty"`
	PublicUserData           *PublicUserData `json:"public_user_data"`
	FactorVerificationAge    [2]int          `json:"factor_verification_age"`
	CreatedAt                int64           `json:"created_at"`
	UpdatedAt                int64           `json:"updated_at"`
}

// Token is a session token.
type Token struct {
	Object string `json:"object"`
	JWT    string `json:"jwt"`
}

// Task is a condition that a pending session must fulfil.
type Task struct {
	Key string `json:"key"`
}

// PublicUserData is what other users may see of a user.
type PublicUserData struct {
	FirstName  *string `json:"first_name"`
	LastName   *string `json:"last_name"`
	ImageURL   string  `json:"image_url"`
	HasImage   bool    `json:"has_image"`
	Identifier string  `json:"identifier"`
	UserID     string  `json:"user_id"`
}

// User is an account as its owner sees it.
type User struct {
	Object                        string          `json:"object"`
	ID                            string          `json:"id"`
	Username                      *string         `json:"username"`
	FirstName                     *string         `json:"first_name"`
	LastName                      *string         `json:"last_name"`
	ImageURL                      string          `json:"image_url"`
	HasImage                      bool            `json:"has_image"`
	PrimaryEmailAddressID         *string         `json:"primary_email_address_id"`
	PrimaryPhoneNumberID          *string         `json:"primary_phone_number_id"`
	PrimaryWeb3WalletID           *string         `json:"primary_web3_wallet_id"`
	PasswordEnabled               bool            `json:"password_enabled"`
	TwoFactorEnabled              bool            `json:"two_factor_enabled"`
	TOTPEnabled                   bool            `json:"totp_enabled"`
	BackupCodeEnabled             bool            `json:"backup_code_enabled"`
	BackupCodes                   *BackupCount    `json:"backup_codes,omitempty"` // of the owner
	Recovery                      *Recovery       `json:"recovery,omitempty"`     // one that waits
	FactorDetails                 []FactorDetail  `json:"factor_details,omitempty"`
	EmailAddresses                []EmailAddress  `json:"email_addresses"`
	PhoneNumbers                  []PhoneNumber   `json:"phone_numbers"`
	Web3Wallets                   []struct{}      `json:"web3_wallets"`
	Passkeys                      []Passkey       `json:"passkeys"`
	OrganizationMemberships       []struct{}      `json:"organization_memberships"`
	ExternalAccounts              []struct{}      `json:"external_accounts"`
	SAMLAccounts                  []struct{}      `json:"saml_accounts"`
	EnterpriseAccounts            []struct{}      `json:"enterprise_accounts"`
	PasswordLastUpdatedAt         *int64          `json:"password_last_updated_at"`
	PublicMetadata                json.RawMessage `json:"public_metadata"`
	UnsafeMetadata                json.RawMessage `json:"unsafe_metadata"`
	ExternalID                    *string         `json:"external_id"`
	LastSignInAt                  *int64          `json:"last_sign_in_at"`
	Banned                        bool            `json:"banned"`
	Locked                        bool            `json:"locked"`
	LockoutExpiresInSeconds       *int64          `json:"lockout_expires_in_seconds"`
	VerificationAttemptsRemaining *int            `json:"verification_attempts_remaining"`
	MFAEnabledAt                  *int64          `json:"mfa_enabled_at"`
	MFADisabledAt                 *int64          `json:"mfa_disabled_at"`
	MFADueAt                      *int64          `json:"mfa_due_at,omitempty"` // see MFADue
	LastActiveAt                  *int64          `json:"last_active_at"`
	LegalAcceptedAt               *int64          `json:"legal_accepted_at"`
	DeleteSelfEnabled             bool            `json:"delete_self_enabled"`
	CreateOrganizationEnabled     bool            `json:"create_organization_enabled"`
	CreateOrganizationsLimit      *int            `json:"create_organizations_limit,omitempty"`
	CreatedAt                     int64           `json:"created_at"`
	UpdatedAt                     int64           `json:"updated_at"`
}

// BackupCount says how many codes of a user's set are left.
type BackupCount struct {
	Left      int   `json:"left"`
	Used      int   `json:"used"`
	CreatedAt int64 `json:"created_at"`
}

// FactorDetail is what Clerk's resources do not say of a number or of the verified authenticator
// app: the user's name for it, and when it was last used as a factor.
type FactorDetail struct {
	ID         string  `json:"id"`
	Strategy   string  `json:"strategy"` // totp or phone_code
	Name       *string `json:"name"`
	LastUsedAt *int64  `json:"last_used_at"`
	CreatedAt  int64   `json:"created_at"`
}

// EmailAddress is an e-mail address of a user.
type EmailAddress struct {
	Object               string        `json:"object"`
	ID                   string        `json:"id"`
	EmailAddress         string        `json:"email_address"`
	Reserved             bool          `json:"reserved"`
	Verification         *Verification `json:"verification"`
	LinkedTo             []struct{}    `json:"linked_to"`
	MatchesSSOConnection bool          `json:"matches_sso_connection"`
	CreatedAt            int64         `json:"created_at"`
	UpdatedAt            int64         `json:"updated_at"`
}

// PhoneNumber is a number of a user.
type PhoneNumber struct {
	Object                  string        `json:"object"`
	ID                      string        `json:"id"`
	PhoneNumber             string        `json:"phone_number"`
	ReservedForSecondFactor bool          `json:"reserved_for_second_factor"`
	DefaultSecondFactor     bool          `json:"default_second_factor"`
	Reserved                bool          `json:"reserved"`
	Verification            *Verification `json:"verification"`
	LinkedTo                []struct{}    `json:"linked_to"`
	BackupCodes             []string      `json:"backup_codes" null:"true"`
	CreatedAt               int64         `json:"created_at"`
	UpdatedAt               int64         `json:"updated_at"`
}

// Verification is the state of a proof.
type Verification struct {
	Object   string `json:"object"`
	Status   string `json:"status"`
	Strategy string `json:"strategy"`
	Attempts *int   `json:"attempts"`
	ExpireAt *int64 `json:"expire_at"`
	// SentAt is when the last message with the code left, and RetryAfter in how many seconds another
	// one may leave. Only a code that waits has these fields. Without SentAt no message left: the
	// network refused it.
	SentAt        *int64 `json:"sent_at,omitempty"`
	RetryAfter    *int   `json:"retry_after,omitempty"`
	PhoneNumberID string `json:"phone_number_id,omitempty"`
	// Nonce is what a browser makes or uses a passkey with: JSON of W3C Web Authentication Level 3.
	Nonce string `json:"nonce,omitempty"`
}

// PhoneVerification is a verification that the Backend API drives, by a code sent to a number.
type PhoneVerification struct {
	Verification
	ID      string `json:"id"`
	Channel string `json:"channel"`
}

// TOTP is an authenticator app.
type TOTP struct {
	Object      string   `json:"object"`
	ID          string   `json:"id"`
	Name        *string  `json:"name,omitempty"`
	Secret      *string  `json:"secret"`
	URI         *string  `json:"uri"`
	Verified    bool     `json:"verified"`
	BackupCodes []string `json:"backup_codes" null:"true"`
	CreatedAt   int64    `json:"created_at"`
	UpdatedAt   int64    `json:"updated_at"`
}

// BackupCodes is a set of backup codes.
type BackupCodes struct {
	Object    string   `json:"object"`
	ID        string   `json:"id"`
	Codes     []string `json:"codes"`
	CreatedAt int64    `json:"created_at"`
	UpdatedAt int64    `json:"updated_at"`
}

// DeletedObject names a deleted resource.
type DeletedObject struct {
	Object  string `json:"object"`
	ID      string `json:"id"`
	Deleted bool   `json:"deleted"`
}

// SignIn is an attempt to sign in.
type SignIn struct {
	Object                   string        `json:"object"`
	ID                       string        `json:"id"`
	Status                   string        `json:"status"`
	SupportedIdentifiers     []string      `json:"supported_identifiers"`
	SupportedFirstFactors    []Factor      `json:"supported_first_factors" null:"true"`
	SupportedSecondFactors   []Factor      `json:"supported_second_factors" null:"true"`
	FirstFactorVerification  *Verification `json:"first_factor_verification"`
	SecondFactorVerification *Verification `json:"second_factor_verification"`
	Identifier               *string       `json:"identifier"`
	UserData                 *UserData     `json:"user_data"`
	CreatedSessionID         *string       `json:"created_session_id"`
	AbandonAt                int64         `json:"abandon_at"`
	// Recovery is set when the settings offer a recovery to a sign-in that waits for a second factor.
	Recovery *RecoveryOffer `json:"recovery,omitempty"`
}

// UserData is what a sign-in shows of its user.
type UserData struct {
	FirstName *string `json:"first_name"`
	LastName  *string `json:"last_name"`
	ImageURL  string  `json:"image_url"`
	HasImage  bool    `json:"has_image"`
}

// Factor is a strategy that the user may prove.
type Factor struct {
	Strategy       string `json:"strategy"`
	SafeIdentifier string `json:"safe_identifier,omitempty"`
	PhoneNumberID  string `json:"phone_number_id,omitempty"`
	Primary        *bool  `json:"primary,omitempty"`
	Default        *bool  `json:"default,omitempty"`
}

// Reverification is a step-up.
type Reverification struct {
	Object                   string        `json:"object"`
	Level                    string        `json:"level"`
	Status                   string        `json:"status"`
	SupportedFirstFactors    []Factor      `json:"supported_first_factors" null:"true"`
	SupportedSecondFactors   []Factor      `json:"supported_second_factors" null:"true"`
	FirstFactorVerification  *Verification `json:"first_factor_verification"`
	SecondFactorVerification *Verification `json:"second_factor_verification"`
	Session                  Session       `json:"session"`
}

// SessionActivity is a session in the list of a user's devices.
type SessionActivity struct {
	Session
	LatestActivity Activity `json:"latest_activity"`
}

// Milliseconds returns a time, or nil for never.
func Milliseconds(at account.Instant) *int64 {
	if at == 0 {
		return nil
	}
	n := int64(at)
	return &n
}

// Nullable returns a text, or nil for an empty one.
func Nullable(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// Object returns a JSON object, which is empty for nil.
func Object(raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return json.RawMessage("{}")
	}
	return raw
}
