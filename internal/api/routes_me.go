package api

import (
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// MeGet is the row of me-get: the user.
func MeGet() Operation {
	return row(Frontend, "me-get", get, "/v1/me", "The user", Signs, getMe)
}

// MePhoneNumbersList is the row of me-phone-numbers-list: the user's numbers.
func MePhoneNumbersList() Operation {
	return row(Frontend, "me-phone-numbers-list", get, pathPhones, "The user's numbers", Signs, listPhones)
}

// MePhoneNumberCreate is the row of me-phone-number-create: add a number.
func MePhoneNumberCreate() Operation {
	return row(Frontend, "me-phone-number-create", post, pathPhones,
		"Add a number", Writes|Numbers|Signs, createPhone,
		join(sensitive, []apierr.Code{apierr.FormParamNil, apierr.FormParamFormatInvalid, apierr.FormIdentifierExists,
			apierr.TooManyUnverifiedIdentifications, apierr.UnsupportedCountryCode, apierr.FeatureNotEnabled, apierr.TooManyRequests})...)
}

// MePhoneNumberGet is the row of me-phone-number-get: a number.
func MePhoneNumberGet() Operation {
	return row(Frontend, "me-phone-number-get", get, pathPhone, "A number", Signs, getPhone, missing...)
}

// MePhoneNumberPrepare is the row of me-phone-number-prepare: send the code that verifies a number.
func MePhoneNumberPrepare() Operation {
	return row(Frontend, "me-phone-number-prepare", post, pathPhone+"/prepare_verification",
		"Send the code that verifies a number", Writes|SendsSMS|Counts|Signs, preparePhone,
		join(missing, sent, []apierr.Code{apierr.VerificationAlreadyVerified})...)
}

// MePhoneNumberAttempt is the row of me-phone-number-attempt: verify a number.
func MePhoneNumberAttempt() Operation {
	return row(Frontend, "me-phone-number-attempt", post, pathPhone+"/attempt_verification",
		"Verify a number", Writes|Counts|Signs, attemptPhone,
		join(missing, sensitive, guessed, []apierr.Code{apierr.VerificationAlreadyVerified, apierr.FormIdentifierExists})...)
}

// MePhoneNumberUpdate is the row of me-phone-number-update: reserve a number for the second factor, or make it the default.
func MePhoneNumberUpdate() Operation {
	return row(Frontend, "me-phone-number-update", patch, pathPhone,
		"Reserve a number for the second factor, or make it the default", Writes|Signs, updatePhone,
		join(missing, sensitive, notPending, lastFactor, unverified, []apierr.Code{
			apierr.UnsupportedCountryCode, apierr.FormParamFormatInvalid, apierr.FormParamValueInvalid,
		})...)
}

// MePhoneNumberDelete is the row of me-phone-number-delete: remove a number.
func MePhoneNumberDelete() Operation {
	return row(Frontend, "me-phone-number-delete", remove, pathPhone, "Remove a number", Writes|Deletes|Signs, deletePhone, join(missing, sensitive, notPending, lastFactor)...)
}

// MeTOTPCreate is the row of me-totp-create: begin to enrol an authenticator app.
func MeTOTPCreate() Operation {
	return row(Frontend, "me-totp-create", post, "/v1/me/totp",
		"Begin to enrol an authenticator app", Writes|Signs, createTOTP,
		join(sensitive, []apierr.Code{apierr.TOTPAlreadyEnabled, apierr.FeatureNotEnabled})...)
}

// MeTOTPAttempt is the row of me-totp-attempt: verify the authenticator app.
func MeTOTPAttempt() Operation {
	return row(Frontend, "me-totp-attempt", post, "/v1/me/totp/attempt_verification",
		"Verify the authenticator app", Writes|Counts|Signs, attemptTOTP,
		join(missing, sensitive, []apierr.Code{apierr.FormCodeIncorrect, apierr.FormParamNil, apierr.VerificationAlreadyVerified,
			apierr.FeatureNotEnabled, apierr.TooManyRequests})...)
}

// MeTOTPDelete is the row of me-totp-delete: remove the authenticator app.
func MeTOTPDelete() Operation {
	return row(Frontend, "me-totp-delete", remove, "/v1/me/totp",
		"Remove the authenticator app", Writes|Signs, deleteTOTP, join(missing, sensitive, notPending, lastFactor)...)
}

// MeBackupCodesCreate is the row of me-backup-codes-create: replace the backup codes.
func MeBackupCodesCreate() Operation {
	return row(Frontend, "me-backup-codes-create", post, "/v1/me/backup_codes",
		"Replace the backup codes", Writes|Signs, createBackupCodes,
		join(sensitive, []apierr.Code{apierr.BackupCodesNotAvailable, apierr.FeatureNotEnabled})...)
}
