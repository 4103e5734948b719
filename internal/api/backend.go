package api

import (
	"encoding/json"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
)

// AdminUser is an account as the Backend API shows it.
type AdminUser struct {
	User
	PrivateMetadata json.RawMessage `json:"private_metadata"`
}

func presentAdminUser(u *account.User, now account.Instant) AdminUser {
	return AdminUser{User: presentUser(u, now), PrivateMetadata: object(u.Private)}
}

func (a *API) adminUser(u *account.User, err error) (AdminUser, error) {
	if err != nil {
		return AdminUser{}, err
	}
	return presentAdminUser(u, account.At(a.Service.Engine.Now())), nil
}

type userCreateInput struct {
	Emails      []string        `body:"email_address"`
	Phones      []string        `body:"phone_number" doc:"E.164; verified from the start"`
	PhoneStatus []string        `body:"phone_number_identification_status" doc:"per number: verified or reserved (for the second factor)"`
	Username    string          `body:"username"`
	FirstName   string          `body:"first_name"`
	LastName    string          `body:"last_name"`
	ExternalID  string          `body:"external_id"`
	Password    secret.Value    `body:"password"`
	Digest      string          `body:"password_digest"`
	Hasher      string          `body:"password_hasher" doc:"bcrypt, argon2i or argon2id"`
	SkipChecks  bool            `body:"skip_password_checks"`
	SkipNeed    bool            `body:"skip_password_requirement"`
	TOTPSecret  secret.Value    `body:"totp_secret" doc:"base 32; enables the authenticator app"`
	BackupCodes []secret.Value  `body:"backup_codes" doc:"plain or bcrypt"`
	Public      json.RawMessage `body:"public_metadata"`
	Private     json.RawMessage `body:"private_metadata"`
	Unsafe      json.RawMessage `body:"unsafe_metadata"`
	CreatedAt   string          `body:"created_at" doc:"RFC 3339, when the user signed up elsewhere"`
	Banned      bool            `body:"banned"`
	Locked      bool            `body:"locked" doc:"for an hour"`
}

func createUser(a *API, c *call, in userCreateInput) (AdminUser, error) {
	input := admin.UserInput{
		Username: in.Username, FirstName: in.FirstName, LastName: in.LastName, ExternalID: in.ExternalID, Emails: in.Emails,
		Password: in.Password, PasswordDigest: in.Digest, PasswordHasher: in.Hasher, SkipPasswordChecks: in.SkipChecks,
		TOTPSecret: in.TOTPSecret, BackupCodes: in.BackupCodes, Public: in.Public, Private: in.Private, Unsafe: in.Unsafe,
		Banned: in.Banned, Locked: in.Locked,
	}
	if in.CreatedAt != "" {
		created, err := time.Parse(time.RFC3339, in.CreatedAt)
		if err != nil {
			return AdminUser{}, apierr.New(apierr.FormParamFormatInvalid).Param("created_at")
		}
		input.CreatedAt = account.At(created)
	}
	for i, number := range in.Phones {
		status := ""
		if i < len(in.PhoneStatus) {
			status = in.PhoneStatus[i]
		}
		switch status {
		case "", "verified":
			input.Phones = append(input.Phones, number)
		case "reserved":
			input.ReservedPhones = append(input.ReservedPhones, number)
		default:
			return AdminUser{}, apierr.New(apierr.FormParamValueInvalid).Param("phone_number_identification_status")
		}
	}
	u, err := a.Service.Admin.CreateUser(c, input)
	return a.adminUser(u, err)
}

type userInput struct {
	ID string `path:"user_id"`
}

func getUser(a *API, c *call, in userInput) (AdminUser, error) {
	u, err := a.Service.Admin.User(c, in.ID)
	return a.adminUser(u, err)
}

type userUpdateInput struct {
	ID            string          `path:"user_id"`
	Username      *string         `body:"username"`
	FirstName     *string         `body:"first_name"`
	LastName      *string         `body:"last_name"`
	ExternalID    *string         `body:"external_id"`
	Password      *secret.Value   `body:"password"`
	Digest        string          `body:"password_digest"`
	Hasher        string          `body:"password_hasher"`
	SkipChecks    bool            `body:"skip_password_checks"`
	SignOutOthers bool            `body:"sign_out_of_other_sessions"`
	TOTPSecret    *secret.Value   `body:"totp_secret"`
	BackupCodes   []secret.Value  `body:"backup_codes"`
	Public        json.RawMessage `body:"public_metadata"`
	Private       json.RawMessage `body:"private_metadata"`
	Unsafe        json.RawMessage `body:"unsafe_metadata"`
}

func updateUser(a *API, c *call, in userUpdateInput) (AdminUser, error) {
	u, err := a.Service.Admin.UpdateUser(c, in.ID, admin.UserChange{
		Username: in.Username, FirstName: in.FirstName, LastName: in.LastName, ExternalID: in.ExternalID, Password: in.Password,
		PasswordDigest: in.Digest, PasswordHasher: in.Hasher, SkipPasswordChecks: in.SkipChecks, SignOutOthers: in.SignOutOthers,
		TOTPSecret: in.TOTPSecret, BackupCodes: in.BackupCodes, Public: in.Public, Private: in.Private, Unsafe: in.Unsafe,
	})
	return a.adminUser(u, err)
}

func deleteUser(a *API, c *call, in userInput) (DeletedObject, error) {
	return DeletedObject{Object: "user", ID: in.ID, Deleted: true}, a.Service.Admin.DeleteUser(c, in.ID)
}

func lockUser(a *API, c *call, in userInput) (AdminUser, error) {
	u, err := a.Service.Admin.Lock(c, in.ID)
	return a.adminUser(u, err)
}

func unlockUser(a *API, c *call, in userInput) (AdminUser, error) {
	u, err := a.Service.Admin.Unlock(c, in.ID)
	return a.adminUser(u, err)
}

func banUser(on bool) handler[userInput, AdminUser] {
	return func(a *API, c *call, in userInput) (AdminUser, error) {
		u, err := a.Service.Admin.Ban(c, in.ID, on)
		return a.adminUser(u, err)
	}
}

// VerifiedCode is the answer to a right code.
type VerifiedCode struct {
	Verified bool   `json:"verified"`
	CodeType string `json:"code_type"`
}

type userCodeInput struct {
	ID   string       `path:"user_id"`
	Code secret.Value `body:"code" doc:"of the authenticator app, or a backup code, which is used up"`
}

func verifyTOTP(a *API, c *call, in userCodeInput) (VerifiedCode, error) {
	by, err := a.Service.Admin.VerifyTOTP(c, in.ID, in.Code)
	return VerifiedCode{Verified: true, CodeType: string(by)}, err
}

// Verified is the answer to a right password.
type Verified struct {
	Verified bool `json:"verified"`
}

type userPasswordInput struct {
	ID       string       `path:"user_id"`
	Password secret.Value `body:"password"`
}

func verifyPassword(a *API, c *call, in userPasswordInput) (Verified, error) {
	return Verified{Verified: true}, a.Service.Admin.VerifyPassword(c, in.ID, in.Password)
}

// UserID names the user that lost a factor.
type UserID struct {
	UserID string `json:"user_id"`
}

func removeMFA(a *API, c *call, in userInput) (UserID, error) {
	_, err := a.Service.Admin.RemoveMFA(c, in.ID)
	return UserID{in.ID}, err
}

func removeTOTP(a *API, c *call, in userInput) (UserID, error) {
	_, err := a.Service.Admin.RemoveTOTP(c, in.ID)
	return UserID{in.ID}, err
}

func removeBackupCodes(a *API, c *call, in userInput) (UserID, error) {
	_, err := a.Service.Admin.RemoveBackupCodes(c, in.ID)
	return UserID{in.ID}, err
}

type adminPhoneCreateInput struct {
	UserID   string `body:"user_id"`
	Number   string `body:"phone_number"`
	Verified *bool  `body:"verified"`
	Primary  *bool  `body:"primary"`
	Reserved *bool  `body:"reserved_for_second_factor"`
}

func (a *API) adminPhone(r *mfa.PhoneResult, err error) (PhoneNumber, error) {
	if err != nil {
		return PhoneNumber{}, err
	}
	return presentPhone(r.Phone, nil, account.At(a.Service.Engine.Now())), nil
}

func createUserPhone(a *API, c *call, in adminPhoneCreateInput) (PhoneNumber, error) {
	r, err := a.Service.Admin.AddUserPhone(c, in.UserID, in.Number, admin.PhoneChange{Verified: in.Verified, Primary: in.Primary, Reserved: in.Reserved})
	return a.adminPhone(r, err)
}

func getUserPhone(a *API, c *call, in phoneInput) (PhoneNumber, error) {
	r, err := a.Service.Admin.UserPhone(c, in.ID)
	return a.adminPhone(r, err)
}

type adminPhoneUpdateInput struct {
	ID       string `path:"phone_number_id"`
	Verified *bool  `body:"verified"`
	Primary  *bool  `body:"primary"`
	Reserved *bool  `body:"reserved_for_second_factor"`
	Default  *bool  `body:"default_second_factor"`
}

func updateUserPhone(a *API, c *call, in adminPhoneUpdateInput) (PhoneNumber, error) {
	r, err := a.Service.Admin.ChangeUserPhone(c, in.ID, admin.PhoneChange{Verified: in.Verified, Primary: in.Primary, Reserved: in.Reserved, Default: in.Default})
	return a.adminPhone(r, err)
}

func deleteUserPhone(a *API, c *call, in phoneInput) (DeletedObject, error) {
	_, err := a.Service.Admin.DeleteUserPhone(c, in.ID)
	return DeletedObject{Object: "phone_number", ID: in.ID, Deleted: true}, err
}
