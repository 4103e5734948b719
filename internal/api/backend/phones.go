package backend

import (
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
)

// PhoneNumberCreate is POST /v1/phone_numbers.
func PhoneNumberCreate() operation.Operation {
	return row("phone-number-create", "POST /v1/phone_numbers",
		"Add a number to a user", operation.Writes|operation.Deletes|operation.Numbers, createUserPhone,
		operation.NotFound, unreached, []apierr.Code{apierr.FormIdentifierExists,
			apierr.IdentificationUpdateSecondFactorUnverified, apierr.SessionClaimsTooLarge})
}

// PhoneNumberGet is GET /v1/phone_numbers/{phone_number_id}.
func PhoneNumberGet() operation.Operation {
	return row("phone-number-get", "GET /v1/phone_numbers/{phone_number_id}", "A number", 0, getUserPhone, operation.NotFound)
}

// PhoneNumberUpdate is PATCH /v1/phone_numbers/{phone_number_id}.
func PhoneNumberUpdate() operation.Operation {
	return row("phone-number-update", "PATCH /v1/phone_numbers/{phone_number_id}",
		"Change a number", operation.Writes|operation.Deletes, updateUserPhone,
		operation.NotFound, unreached, []apierr.Code{apierr.FormIdentifierExists,
			apierr.IdentificationUpdateSecondFactorUnverified, apierr.SessionClaimsTooLarge})
}

// PhoneNumberPrepare is POST /v1/phone_numbers/{phone_number_id}/prepare_verification.
func PhoneNumberPrepare() operation.Operation {
	return row("phone-number-prepare", "POST /v1/phone_numbers/{phone_number_id}/prepare_verification",
		"Send a code to a number", operation.Writes|operation.SendsSMS|operation.Counts, prepareUserPhone,
		operation.NotFound, []apierr.Code{apierr.VerificationCodeTooManyRequests, apierr.TooManyRequests,
			apierr.UserLocked, apierr.UserBanned, apierr.FeatureNotEnabled, apierr.SMSSendError,
			apierr.UnsupportedCountryCode, apierr.VerificationFailed})
}

// PhoneNumberAttempt is POST /v1/phone_numbers/{phone_number_id}/attempt_verification.
func PhoneNumberAttempt() operation.Operation {
	return row("phone-number-attempt", "POST /v1/phone_numbers/{phone_number_id}/attempt_verification",
		"Check a code that was sent to a number, and verify the number", operation.Writes|operation.Counts, attemptUserPhone,
		operation.NotFound, []apierr.Code{apierr.VerificationAlreadyVerified, apierr.FormIdentifierExists,
			apierr.TooManyRequests, apierr.UserLocked, apierr.UserBanned, apierr.FeatureNotEnabled})
}

// PhoneNumberDelete is DELETE /v1/phone_numbers/{phone_number_id}.
func PhoneNumberDelete() operation.Operation {
	return row("phone-number-delete", "DELETE /v1/phone_numbers/{phone_number_id}",
		"Remove a number", operation.Writes|operation.Deletes, deleteUserPhone,
		operation.NotFound)
}

// UserPhoneNumberReplace is PUT /v1/users/{user_id}/phone_number.
func UserPhoneNumberReplace() operation.Operation {
	return row("user-phone-number-replace", "PUT /v1/users/{user_id}/phone_number",
		"Give a user one number in place of all; it is no second factor", operation.Writes|operation.Deletes|operation.Numbers, replaceUserPhones,
		operation.NotFound, []apierr.Code{apierr.FormIdentifierExists, apierr.SessionClaimsTooLarge})
}

type adminPhoneCreateInput struct {
	UserID   string           `body:"user_id" rules:"required"`
	Number   string           `body:"phone_number" rules:"required format=phone" doc:"E.164, or as the region writes it"`
	Region   operation.Region `body:"region"`
	Verified *bool            `body:"verified"`
	Primary  *bool            `body:"primary"`
	Reserved *bool            `body:"reserved_for_second_factor"`
}

func adminPhone(c *operation.Call, r *mfa.PhoneResult, err error) (wire.PhoneNumber, error) {
	if err != nil {
		return wire.PhoneNumber{}, err
	}
	return wire.NewPhoneNumber(r.Phone, nil, account.At(c.Service.Now())), nil
}

func createUserPhone(c *operation.Call, in adminPhoneCreateInput) (wire.PhoneNumber, error) {
	r, err := c.Service.Admin.AddUserPhone(c, in.UserID, in.Number, admin.PhoneChange{Verified: in.Verified, Primary: in.Primary, Reserved: in.Reserved, Region: string(in.Region)})
	return adminPhone(c, r, err)
}

type phoneReplaceInput struct {
	replacedState
	UserID string           `path:"user_id"`
	Number string           `body:"phone_number" rules:"required format=phone" doc:"E.164, or as the region writes it"`
	Region operation.Region `body:"region"`
}

func replaceUserPhones(c *operation.Call, in phoneReplaceInput) (wire.PhoneNumber, error) {
	verified := in.verified()
	r, err := c.Service.Admin.ReplaceUserPhones(c, in.UserID, in.Number, admin.PhoneChange{Verified: verified, Primary: verified, Reserved: new(false), Region: string(in.Region)})
	return adminPhone(c, r, err)
}

type phoneInput struct {
	ID string `path:"phone_number_id"`
}

func getUserPhone(c *operation.Call, in phoneInput) (wire.PhoneNumber, error) {
	r, err := c.Service.Admin.UserPhone(c, in.ID)
	return adminPhone(c, r, err)
}

type adminPhoneUpdateInput struct {
	ID       string `path:"phone_number_id"`
	Verified *bool  `body:"verified"`
	Primary  *bool  `body:"primary"`
	Reserved *bool  `body:"reserved_for_second_factor"`
	Default  *bool  `body:"default_second_factor"`
}

func updateUserPhone(c *operation.Call, in adminPhoneUpdateInput) (wire.PhoneNumber, error) {
	r, err := c.Service.Admin.ChangeUserPhone(c, in.ID, admin.PhoneChange{Verified: in.Verified, Primary: in.Primary, Reserved: in.Reserved, Default: in.Default})
	return adminPhone(c, r, err)
}

func prepareUserPhone(c *operation.Call, in phoneInput) (wire.PhoneVerification, error) {
	code, err := c.Service.Admin.PrepareUserPhone(c, c.Caller, in.ID)
	return phoneVerification(c, code, err)
}

type adminPhoneAttemptInput struct {
	ID             string       `path:"phone_number_id"`
	VerificationID string       `body:"verification_id" rules:"required" doc:"the id that prepare_verification answered"`
	Code           secret.Value `body:"code" rules:"required" doc:"a wrong one is no error: the status says so"`
}

func attemptUserPhone(c *operation.Call, in adminPhoneAttemptInput) (wire.PhoneVerification, error) {
	code, err := c.Service.Admin.AttemptUserPhone(c, in.ID, in.VerificationID, in.Code)
	return phoneVerification(c, code, err)
}

func phoneVerification(c *operation.Call, code *account.Code, err error) (wire.PhoneVerification, error) {
	if err != nil {
		return wire.PhoneVerification{}, err
	}
	return wire.NewPhoneVerification(code, account.At(c.Service.Now())), nil
}

func deleteUserPhone(c *operation.Call, in phoneInput) (wire.DeletedObject, error) {
	_, err := c.Service.Admin.DeleteUserPhone(c, in.ID)
	return wire.DeletedObject{Object: "phone_number", ID: in.ID, Deleted: true}, err
}
