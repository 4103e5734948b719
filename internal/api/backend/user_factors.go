package backend

import (
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// UserTOTPVerify is POST /v1/users/{user_id}/verify_totp.
func UserTOTPVerify() operation.Operation {
	return row("user-totp-verify", "POST /v1/users/{user_id}/verify_totp",
		"Check an authenticator or backup code and use it up", operation.Writes|operation.Deletes|operation.Counts, verifyTOTP,
		operation.NotFound, operation.WrongCode, []apierr.Code{apierr.TOTPDisabled})
}

// UserPasswordVerify is POST /v1/users/{user_id}/verify_password.
func UserPasswordVerify() operation.Operation {
	return row("user-password-verify", "POST /v1/users/{user_id}/verify_password",
		"Check a password", operation.Writes, verifyPassword,
		operation.NotFound, operation.WrongPassword, []apierr.Code{apierr.NoPasswordSet,
			apierr.TooManyRequests, apierr.UserLocked})
}

// UserMFADelete is DELETE /v1/users/{user_id}/mfa.
func UserMFADelete() operation.Operation {
	return row("user-mfa-delete", "DELETE /v1/users/{user_id}/mfa",
		"Remove every second factor and passkey", operation.Writes|operation.Deletes, removeMFA,
		operation.NotFound)
}

// UserRecoveryCancel is DELETE /v1/users/{user_id}/recovery.
func UserRecoveryCancel() operation.Operation {
	return row("user-recovery-cancel", "DELETE /v1/users/{user_id}/recovery",
		"Cancel the removal of the second factors that the user asked for", operation.Writes, cancelRecovery,
		operation.NotFound)
}

// UserTOTPDelete is DELETE /v1/users/{user_id}/totp.
func UserTOTPDelete() operation.Operation {
	return row("user-totp-delete", "DELETE /v1/users/{user_id}/totp",
		"Remove the authenticator app", operation.Writes|operation.Deletes, removeTOTP,
		operation.NotFound)
}

// UserBackupCodeDelete is DELETE /v1/users/{user_id}/backup_code.
func UserBackupCodeDelete() operation.Operation {
	return row("user-backup-code-delete", "DELETE /v1/users/{user_id}/backup_code",
		"Remove the backup codes", operation.Writes, removeBackupCodes,
		operation.NotFound)
}

// UserPasskeyDelete is DELETE /v1/users/{user_id}/passkeys/{passkey_identification_id}.
func UserPasskeyDelete() operation.Operation {
	return row("user-passkey-delete", "DELETE /v1/users/{user_id}/passkeys/{passkey_identification_id}",
		"Remove a passkey", operation.Writes|operation.Deletes, removePasskey,
		operation.NotFound)
}

// VerifiedCode is the answer to a right code.
type VerifiedCode struct {
	Verified bool   `json:"verified"`
	CodeType string `json:"code_type"`
}

type userCodeInput struct {
	ID   string       `path:"user_id"`
	Code secret.Value `body:"code" rules:"nonempty" doc:"of the authenticator app, or a backup code, which is used up"`
}

func verifyTOTP(c *operation.Call, in userCodeInput) (VerifiedCode, error) {
	by, err := c.Service.Admin.VerifyTOTP(c, in.ID, in.Code)
	return VerifiedCode{Verified: true, CodeType: string(by)}, err
}

// Verified is the answer to a right password.
type Verified struct {
	Verified bool `json:"verified"`
}

type userPasswordInput struct {
	ID       string       `path:"user_id"`
	Password secret.Value `body:"password" rules:"nonempty"`
}

func verifyPassword(c *operation.Call, in userPasswordInput) (Verified, error) {
	return Verified{Verified: true}, c.Service.Admin.VerifyPassword(c, in.ID, in.Password)
}

// UserID names the user whose factor was removed.
type UserID struct {
	UserID string `json:"user_id"`
}

func removeMFA(c *operation.Call, in userInput) (UserID, error) {
	_, err := c.Service.Admin.RemoveMFA(c, in.ID)
	return UserID{in.ID}, err
}

func cancelRecovery(c *operation.Call, in userInput) (wire.DeletedObject, error) {
	_, err := c.Service.Admin.CancelRecovery(c, in.ID)
	return wire.DeletedObject{Object: "recovery", ID: in.ID, Deleted: true}, err
}

func removeTOTP(c *operation.Call, in userInput) (UserID, error) {
	_, err := c.Service.Admin.RemoveTOTP(c, in.ID)
	return UserID{in.ID}, err
}

func removeBackupCodes(c *operation.Call, in userInput) (UserID, error) {
	_, err := c.Service.Admin.RemoveBackupCodes(c, in.ID)
	return UserID{in.ID}, err
}

type userPasskeyInput struct {
	ID      string `path:"user_id"`
	Passkey string `path:"passkey_identification_id"`
}

func removePasskey(c *operation.Call, in userPasskeyInput) (wire.DeletedObject, error) {
	return wire.DeletedObject{Object: "passkey", ID: in.Passkey, Deleted: true}, c.Service.Admin.RemovePasskey(c, in.ID, in.Passkey)
}
