package backend

import (
	"encoding/json"
	"time"

	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// imported are the codes for imported data of a user that is not valid.
var imported = []apierr.Code{
	apierr.FormIdentifierExists, apierr.FormPasswordLengthTooShort, apierr.FormPasswordLengthTooLong, apierr.InvalidTOTPSecretCode,
	apierr.FormParamFormatInvalid, apierr.FormParamValueInvalid,
}

// metadataTooLarge are the codes for metadata, and for claims made of it, beyond their limits.
var metadataTooLarge = []apierr.Code{apierr.FormParamExceedsAllowedSize, apierr.SessionClaimsTooLarge}

// UsersCreate is POST /v1/users.
func UsersCreate() operation.Operation {
	return row("users-create", "POST /v1/users",
		"Create a user, or import one with its factors", operation.Writes|operation.Numbers|operation.Limited, createUser,
		imported, metadataTooLarge, unreached)
}

// UserGet is GET /v1/users/{user_id}.
func UserGet() operation.Operation {
	return row("user-get", "GET /v1/users/{user_id}", "A user", 0, getUser, operation.NotFound)
}

// UserUpdate is PATCH /v1/users/{user_id}.
func UserUpdate() operation.Operation {
	return row("user-update", "PATCH /v1/users/{user_id}",
		"Change a user", operation.Writes|operation.Deletes, updateUser,
		operation.NotFound, imported, metadataTooLarge)
}

// UserMetadataMerge is PATCH /v1/users/{user_id}/metadata.
func UserMetadataMerge() operation.Operation {
	return row("user-metadata-merge", "PATCH /v1/users/{user_id}/metadata",
		"Merge into a user's metadata; null removes a key", operation.Writes, mergeMetadata,
		operation.NotFound, metadataTooLarge)
}

// UserMetadataReplace is PUT /v1/users/{user_id}/metadata.
func UserMetadataReplace() operation.Operation {
	return row("user-metadata-replace", "PUT /v1/users/{user_id}/metadata",
		"Replace a user's metadata", operation.Writes, replaceMetadata,
		operation.NotFound, metadataTooLarge)
}

// UserDelete is DELETE /v1/users/{user_id}.
func UserDelete() operation.Operation {
	return row("user-delete", "DELETE /v1/users/{user_id}",
		"Delete a user", operation.Writes|operation.Deletes|operation.Limited, deleteUser,
		operation.NotFound)
}

// UserLock is POST /v1/users/{user_id}/lock.
func UserLock() operation.Operation {
	return row("user-lock", "POST /v1/users/{user_id}/lock",
		"Lock a user for an hour", operation.Writes, lockUser,
		operation.NotFound)
}

// UserUnlock is POST /v1/users/{user_id}/unlock.
func UserUnlock() operation.Operation {
	return row("user-unlock", "POST /v1/users/{user_id}/unlock",
		"End every lock of a user", operation.Writes, unlockUser,
		operation.NotFound)
}

// UserBan is POST /v1/users/{user_id}/ban.
func UserBan() operation.Operation {
	return row("user-ban", "POST /v1/users/{user_id}/ban",
		"Keep a user out and end its sessions", operation.Writes|operation.Deletes, banUser,
		operation.NotFound)
}

// UserUnban is POST /v1/users/{user_id}/unban.
func UserUnban() operation.Operation {
	return row("user-unban", "POST /v1/users/{user_id}/unban",
		"Let a user in again", operation.Writes|operation.Deletes, unbanUser,
		operation.NotFound)
}

// UsersBan is POST /v1/users/ban.
func UsersBan() operation.Operation {
	return row("users-ban", "POST /v1/users/ban",
		"Ban up to 50 users", operation.Writes|operation.Deletes, banUsers,
		operation.NotFound)
}

// UsersUnban is POST /v1/users/unban.
func UsersUnban() operation.Operation {
	return row("users-unban", "POST /v1/users/unban",
		"Let up to 50 users in again", operation.Writes|operation.Deletes, unbanUsers,
		operation.NotFound)
}

func adminUser(c *operation.Call, u *account.User, err error) (wire.AdminUser, error) {
	if err != nil {
		return wire.AdminUser{}, err
	}
	return wire.NewAdminUser(u, account.At(c.Service.Now())), nil
}

// IgnoredOfUsers are Clerk's parameters of a user without a meaning here: see
// docs/use/divergences.md.
type IgnoredOfUsers struct {
	_ operation.Ignored `body:"bypass_client_trust create_organization_enabled create_organizations_limit delete_self_enabled legal_accepted_at locale skip_legal_checks"`
}

type userCreateInput struct {
	IgnoredOfUsers
	_           operation.Ignored `body:"skip_user_requirement"`
	Emails      []string          `body:"email_address" rules:"items=..10 format=email"`
	Phones      []string          `body:"phone_number" rules:"items=..10 format=phone" doc:"E.164, or as the region writes it; verified from the start"`
	Region      operation.Region  `body:"region"`
	PhoneStatus []string          `body:"phone_number_identification_status" rules:"one=verified|reserved" doc:"per number; reserved for the second factor"`
	Username    string            `body:"username" rules:"format=username"`
	FirstName   string            `body:"first_name" rules:"length=..256 format=name"`
	LastName    string            `body:"last_name" rules:"length=..256 format=name"`
	ExternalID  string            `body:"external_id" rules:"length=..256"`
	Password    secret.Value      `body:"password" rules:"format=password"`
	Digest      string            `body:"password_digest" rules:"format=password-digest"`
	Hasher      string            `body:"password_hasher" rules:"one=bcrypt|argon2i|argon2id"`
	SkipChecks  bool              `body:"skip_password_checks"`
	SkipNeed    bool              `body:"skip_password_requirement"`
	TOTPSecret  secret.Value      `body:"totp_secret" rules:"format=base32" doc:"base 32; enables the authenticator app"`
	BackupCodes []secret.Value    `body:"backup_codes" rules:"items=..20 format=backup-code" doc:"plain or bcrypt"`
	Public      json.RawMessage   `body:"public_metadata" doc:"all metadata of the user together: at most 8 KiB"`
	Private     json.RawMessage   `body:"private_metadata" doc:"all metadata of the user together: at most 8 KiB"`
	Unsafe      json.RawMessage   `body:"unsafe_metadata" doc:"all metadata of the user together: at most 8 KiB"`
	CreatedAt   *time.Time        `body:"created_at" doc:"when the user signed up elsewhere"`
	Banned      bool              `body:"banned"`
	Locked      bool              `body:"locked" doc:"for an hour"`
	requirement
}

// requirement is the part of a request that marks a user as one who has to have a second factor.
type requirement struct {
	MFARequired *bool `body:"mfa_required" doc:"the user needs a second factor, whatever the settings say"`
	MFAFrom     *int  `body:"mfa_required_from" rules:"min=1000000000000 max=9999999999999" doc:"milliseconds since 1970: from when on; absent: now, or after the setting's mfa_grace_days"`
}

func (in requirement) change() admin.MFARequirement {
	out := admin.MFARequirement{Required: in.MFARequired}
	if in.MFAFrom != nil {
		out.From = new(account.Instant(*in.MFAFrom))
	}
	return out
}

func createUser(c *operation.Call, in userCreateInput) (wire.AdminUser, error) {
	input := admin.UserInput{
		Username: in.Username, FirstName: in.FirstName, LastName: in.LastName, ExternalID: in.ExternalID, Emails: in.Emails, Region: string(in.Region),
		Password: in.Password, PasswordDigest: in.Digest, PasswordHasher: in.Hasher, SkipPasswordChecks: in.SkipChecks,
		TOTPSecret: in.TOTPSecret, BackupCodes: in.BackupCodes, Public: in.Public, Private: in.Private, Unsafe: in.Unsafe,
		Banned: in.Banned, Locked: in.Locked, Required: in.change(),
	}
	if in.CreatedAt != nil {
		input.CreatedAt = account.At(*in.CreatedAt)
	}
	for i, number := range in.Phones {
		if i < len(in.PhoneStatus) && in.PhoneStatus[i] == "reserved" {
			input.ReservedPhones = append(input.ReservedPhones, number)
		} else {
			input.Phones = append(input.Phones, number)
		}
	}
	u, err := c.Service.Admin.CreateUser(c, input)
	return adminUser(c, u, err)
}

type userInput struct {
	ID string `path:"user_id"`
}

func getUser(c *operation.Call, in userInput) (wire.AdminUser, error) {
	u, err := c.Service.Admin.User(c, in.ID)
	return adminUser(c, u, err)
}

type userUpdateInput struct {
	IgnoredOfUsers
	_             operation.Ignored `body:"notify_primary_email_address_changed profile_image_id"`
	ID            string            `path:"user_id"`
	Username      *string           `body:"username" rules:"format=username"`
	FirstName     *string           `body:"first_name" rules:"length=..256 format=name"`
	LastName      *string           `body:"last_name" rules:"length=..256 format=name"`
	ExternalID    *string           `body:"external_id" rules:"length=..256"`
	Password      *secret.Value     `body:"password" rules:"format=password"`
	Digest        string            `body:"password_digest" rules:"format=password-digest"`
	Hasher        string            `body:"password_hasher" rules:"one=bcrypt|argon2i|argon2id"`
	SkipChecks    bool              `body:"skip_password_checks"`
	SignOutOthers bool              `body:"sign_out_of_other_sessions"`
	TOTPSecret    *secret.Value     `body:"totp_secret" rules:"format=base32"`
	BackupCodes   []secret.Value    `body:"backup_codes" rules:"items=..20 format=backup-code"`
	Public        json.RawMessage   `body:"public_metadata" doc:"all metadata of the user together: at most 8 KiB"`
	Private       json.RawMessage   `body:"private_metadata" doc:"all metadata of the user together: at most 8 KiB"`
	Unsafe        json.RawMessage   `body:"unsafe_metadata" doc:"all metadata of the user together: at most 8 KiB"`
	requirement
}

func updateUser(c *operation.Call, in userUpdateInput) (wire.AdminUser, error) {
	u, err := c.Service.Admin.UpdateUser(c, in.ID, admin.UserChange{
		Username: in.Username, FirstName: in.FirstName, LastName: in.LastName, ExternalID: in.ExternalID, Password: in.Password,
		PasswordDigest: in.Digest, PasswordHasher: in.Hasher, SkipPasswordChecks: in.SkipChecks, SignOutOthers: in.SignOutOthers,
		TOTPSecret: in.TOTPSecret, BackupCodes: in.BackupCodes, Public: in.Public, Private: in.Private, Unsafe: in.Unsafe,
		Required: in.change(),
	})
	return adminUser(c, u, err)
}

type metadataInput struct {
	ID      string          `path:"user_id"`
	Public  json.RawMessage `body:"public_metadata" doc:"all metadata of the user together: at most 8 KiB"`
	Private json.RawMessage `body:"private_metadata" doc:"all metadata of the user together: at most 8 KiB"`
	Unsafe  json.RawMessage `body:"unsafe_metadata" doc:"all metadata of the user together: at most 8 KiB"`
}

func (in metadataInput) parts() admin.Metadata {
	return admin.Metadata{Public: in.Public, Private: in.Private, Unsafe: in.Unsafe}
}

func mergeMetadata(c *operation.Call, in metadataInput) (wire.AdminUser, error) {
	u, err := c.Service.Admin.MergeMetadata(c, in.ID, in.parts())
	return adminUser(c, u, err)
}

func replaceMetadata(c *operation.Call, in metadataInput) (wire.AdminUser, error) {
	u, err := c.Service.Admin.ReplaceMetadata(c, in.ID, in.parts())
	return adminUser(c, u, err)
}

func deleteUser(c *operation.Call, in userInput) (wire.DeletedObject, error) {
	return wire.DeletedObject{Object: "user", ID: in.ID, Deleted: true}, c.Service.Admin.DeleteUser(c, in.ID)
}

func lockUser(c *operation.Call, in userInput) (wire.AdminUser, error) {
	u, err := c.Service.Admin.Lock(c, in.ID)
	return adminUser(c, u, err)
}

func unlockUser(c *operation.Call, in userInput) (wire.AdminUser, error) {
	u, err := c.Service.Admin.Unlock(c, in.ID)
	return adminUser(c, u, err)
}

func banUser(c *operation.Call, in userInput) (wire.AdminUser, error) {
	u, err := c.Service.Admin.Ban(c, in.ID)
	return adminUser(c, u, err)
}

func unbanUser(c *operation.Call, in userInput) (wire.AdminUser, error) {
	u, err := c.Service.Admin.Unban(c, in.ID)
	return adminUser(c, u, err)
}

type usersInput struct {
	IDs []string `body:"user_ids" rules:"required items=1..50"`
}

func banUsers(c *operation.Call, in usersInput) ([]wire.AdminUser, error) {
	all, err := c.Service.Admin.BanAll(c, in.IDs)
	return adminUsers(c, all, err)
}

func unbanUsers(c *operation.Call, in usersInput) ([]wire.AdminUser, error) {
	all, err := c.Service.Admin.UnbanAll(c, in.IDs)
	return adminUsers(c, all, err)
}

func adminUsers(c *operation.Call, all []*account.User, err error) ([]wire.AdminUser, error) {
	if err != nil {
		return nil, err
	}
	now := account.At(c.Service.Now())
	shown := make([]wire.AdminUser, len(all))
	for i, u := range all {
		shown[i] = wire.NewAdminUser(u, now)
	}
	return shown, nil
}
