package api

import (
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// UsersCreate is the row of users-create: create a user, or import one with its factors.
func UsersCreate() Operation {
	return row(Backend, "users-create", post, "/v1/users", "Create a user, or import one with its factors", Writes|Numbers, createUser, join(imported, unreached)...)
}

// UsersList is the row of users-list: list users.
func UsersList() Operation {
	return row(Backend, "users-list", get, "/v1/users", "List users", Lists, listUsers, apierr.FormParamValueInvalid)
}

// UsersCount is the row of users-count: count users.
func UsersCount() Operation {
	return row(Backend, "users-count", get, "/v1/users/count", "Count users", Lists, countUsers)
}

// UserGet is the row of user-get: a user.
func UserGet() Operation {
	return row(Backend, "user-get", get, pathUser, "A user", 0, getUser, missing...)
}

// UserAuditEventsList is the row of user-audit-events-list: what was done to a user, newest first.
func UserAuditEventsList() Operation {
	return row(Backend, "user-audit-events-list", get, pathUser+"/audit_events", "What was done to a user, newest first", 0, listAuditEvents,
		join(missing, []apierr.Code{apierr.FormParamValueInvalid})...)
}

// UserExport is the row of user-export: everything that is held about a user, but secrets.
func UserExport() Operation {
	return row(Backend, "user-export", get, pathUser+"/export", "Everything that is held about a user, but secrets", 0, exportUser, missing...)
}

// UserUpdate is the row of user-update: change a user.
func UserUpdate() Operation {
	return row(Backend, "user-update", patch, pathUser, "Change a user", Writes, updateUser, join(missing, imported)...)
}

// UserDelete is the row of user-delete: delete a user.
func UserDelete() Operation {
	return row(Backend, "user-delete", remove, pathUser, "Delete a user", Writes|Deletes, deleteUser, missing...)
}

// UserLock is the row of user-lock: lock a user for an hour.
func UserLock() Operation {
	return row(Backend, "user-lock", post, pathUser+"/lock", "Lock a user for an hour", Writes, lockUser, missing...)
}

// UserUnlock is the row of user-unlock: end every lock of a user.
func UserUnlock() Operation {
	return row(Backend, "user-unlock", post, pathUser+"/unlock", "End every lock of a user", Writes, unlockUser, missing...)
}

// UserBan is the row of user-ban: keep a user out and end its sessions.
func UserBan() Operation {
	return row(Backend, "user-ban", post, pathUser+"/ban", "Keep a user out and end its sessions", Writes, banUser(true), missing...)
}

// UserUnban is the row of user-unban: let a user in again.
func UserUnban() Operation {
	return row(Backend, "user-unban", post, pathUser+"/unban", "Let a user in again", Writes, banUser(false), missing...)
}

// UserTOTPVerify is the row of user-totp-verify: check an authenticator or backup code and use it up.
func UserTOTPVerify() Operation {
	return row(Backend, "user-totp-verify", post, pathUser+"/verify_totp",
		"Check an authenticator or backup code and use it up", Writes, verifyTOTP, join(missing, guessed, []apierr.Code{apierr.TOTPDisabled})...)
}

// UserPasswordVerify is the row of user-password-verify: check a password.
func UserPasswordVerify() Operation {
	return row(Backend, "user-password-verify", post, pathUser+"/verify_password",
		"Check a password", Writes, verifyPassword,
		join(missing, passworded, []apierr.Code{apierr.NoPasswordSet, apierr.FormParamNil, apierr.TooManyRequests, apierr.UserLocked})...)
}

// UserMFADelete is the row of user-mfa-delete: remove every second factor.
func UserMFADelete() Operation {
	return row(Backend, "user-mfa-delete", remove, pathUser+"/mfa", "Remove every second factor", Writes, removeMFA, missing...)
}

// UserTOTPDelete is the row of user-totp-delete: remove the authenticator app.
func UserTOTPDelete() Operation {
	return row(Backend, "user-totp-delete", remove, pathUser+"/totp", "Remove the authenticator app", Writes, removeTOTP, missing...)
}

// UserBackupCodeDelete is the row of user-backup-code-delete: remove the backup codes.
func UserBackupCodeDelete() Operation {
	return row(Backend, "user-backup-code-delete", remove, pathUser+"/backup_code", "Remove the backup codes", Writes, removeBackupCodes, missing...)
}
