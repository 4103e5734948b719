package frontend

import (
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
)

// MePhoneNumbersList is GET /v1/me/phone_numbers.
func MePhoneNumbersList() operation.Operation {
	return row("me-phone-numbers-list", "GET /v1/me/phone_numbers", "The user's numbers", 0, listPhones)
}

// MePhoneNumberCreate is POST /v1/me/phone_numbers.
func MePhoneNumberCreate() operation.Operation {
	return row("me-phone-number-create", "POST /v1/me/phone_numbers",
		"Add a number", operation.Writes|operation.Numbers, createPhone,
		sensitive, []apierr.Code{apierr.FormParamNil, apierr.FormParamFormatInvalid,
			apierr.FormIdentifierExists, apierr.TooManyUnverifiedIdentifications,
			apierr.UnsupportedCountryCode, apierr.FeatureNotEnabled, apierr.TooManyRequests})
}

// MePhoneNumberGet is GET /v1/me/phone_numbers/{phone_number_id}.
func MePhoneNumberGet() operation.Operation {
	return row("me-phone-number-get", "GET /v1/me/phone_numbers/{phone_number_id}", "A number", 0, getPhone, operation.NotFound)
}

// MePhoneNumberPrepare is POST /v1/me/phone_numbers/{phone_number_id}/prepare_verification.
func MePhoneNumberPrepare() operation.Operation {
	return row("me-phone-number-prepare", "POST /v1/me/phone_numbers/{phone_number_id}/prepare_verification",
		"Send the code that verifies a number", operation.Writes|operation.SendsSMS|operation.Counts, preparePhone,
		operation.NotFound, sent, []apierr.Code{apierr.VerificationAlreadyVerified})
}

// MePhoneNumberAttempt is POST /v1/me/phone_numbers/{phone_number_id}/attempt_verification.
func MePhoneNumberAttempt() operation.Operation {
	return row("me-phone-number-attempt", "POST /v1/me/phone_numbers/{phone_number_id}/attempt_verification",
		"Verify a number", operation.Writes|operation.Deletes|operation.Counts, attemptPhone,
		operation.NotFound, sensitive, operation.WrongCode, []apierr.Code{apierr.VerificationAlreadyVerified,
			apierr.FormIdentifierExists})
}

// MePhoneNumberUpdate is PATCH /v1/me/phone_numbers/{phone_number_id}.
func MePhoneNumberUpdate() operation.Operation {
	return row("me-phone-number-update", "PATCH /v1/me/phone_numbers/{phone_number_id}",
		"Reserve a number for the second factor, make it the default, or name it", operation.Writes|operation.Deletes, updatePhone,
		operation.NotFound, sensitive, notPending, lastFactor, operation.InvalidParam, misnamed,
		[]apierr.Code{apierr.IdentificationUpdateSecondFactorUnverified, apierr.FormDisableDefaultSecondFactorNotAllowed,
			apierr.FeatureNotEnabled, apierr.UnsupportedCountryCode})
}

// MePhoneNumberDelete is DELETE /v1/me/phone_numbers/{phone_number_id}.
func MePhoneNumberDelete() operation.Operation {
	return row("me-phone-number-delete", "DELETE /v1/me/phone_numbers/{phone_number_id}",
		"Remove a number", operation.Writes|operation.Deletes, deletePhone,
		operation.NotFound, sensitive, notPending, lastFactor)
}

func listPhones(c *operation.Call, _ operation.Empty) ([]wire.PhoneNumber, error) {
	r, err := c.Service.Sessions.Me(c, c.Caller)
	if err != nil {
		return nil, err
	}
	return wire.NewUser(r.User, r.Snapshot.Now).PhoneNumbers, nil
}

func phone(c *operation.Call, r *mfa.PhoneResult, err error) (Wrapped[wire.PhoneNumber], error) {
	if err != nil {
		return Wrapped[wire.PhoneNumber]{}, err
	}
	return wrap(c, wire.NewPhoneNumber(r.Phone, r.BackupCodes, r.Snapshot.Now), r.Snapshot), nil
}

type phoneCreateInput struct {
	Number   string           `body:"phone_number" rules:"nonempty format=phone" doc:"E.164, or as the region writes it"`
	Region   operation.Region `body:"region"`
	Reserved bool             `body:"reserved_for_second_factor"`
}

func createPhone(c *operation.Call, in phoneCreateInput) (Wrapped[wire.PhoneNumber], error) {
	r, err := c.Service.MFA.AddPhone(c, c.Caller, mfa.PhoneInput{Number: in.Number, Region: string(in.Region), Reserved: in.Reserved})
	return phone(c, r, err)
}

type phoneInput struct {
	ID string `path:"phone_number_id"`
}

func getPhone(c *operation.Call, in phoneInput) (Wrapped[wire.PhoneNumber], error) {
	r, err := c.Service.MFA.Phone(c, c.Caller, in.ID)
	return phone(c, r, err)
}

type phonePrepareInput struct {
	ID       string `path:"phone_number_id"`
	Strategy string `body:"strategy"`
}

func preparePhone(c *operation.Call, in phonePrepareInput) (Wrapped[wire.PhoneNumber], error) {
	r, err := c.Service.MFA.PreparePhone(c, c.Caller, in.ID, account.Strategy(in.Strategy))
	return phone(c, r, err)
}

type phoneAttemptInput struct {
	ID   string       `path:"phone_number_id"`
	Code secret.Value `body:"code" rules:"nonempty"`
}

func attemptPhone(c *operation.Call, in phoneAttemptInput) (Wrapped[wire.PhoneNumber], error) {
	r, err := c.Service.MFA.AttemptPhone(c, c.Caller, in.ID, mfa.Proof{Code: in.Code})
	return phone(c, r, err)
}

type phoneUpdateInput struct {
	ID       string  `path:"phone_number_id"`
	Reserved *bool   `body:"reserved_for_second_factor"`
	Default  *bool   `body:"default_second_factor"`
	Name     *string `body:"name" rules:"length=..100 format=name" doc:"the user's name for the number, in a request of its own; empty removes it"`
}

// misnamed are the codes for a wrong name of a factor.
var misnamed = []apierr.Code{apierr.FormParamFormatInvalid, apierr.FormParamMaxLengthExceeded}

func updatePhone(c *operation.Call, in phoneUpdateInput) (Wrapped[wire.PhoneNumber], error) {
	if in.Name != nil {
		if in.Reserved != nil || in.Default != nil {
			return phone(c, nil, apierr.New(apierr.FormParamValueInvalid).Param("name").Explain("A name is changed by a request of its own."))
		}
		r, err := c.Service.MFA.NamePhone(c, c.Caller, in.ID, *in.Name)
		return phone(c, r, err)
	}
	r, err := c.Service.MFA.ChangePhone(c, c.Caller, in.ID, mfa.PhoneChange{Reserved: in.Reserved, Default: in.Default})
	return phone(c, r, err)
}

func deletePhone(c *operation.Call, in phoneInput) (Wrapped[wire.DeletedObject], error) {
	r, err := c.Service.MFA.DeletePhone(c, c.Caller, in.ID)
	if err != nil {
		return Wrapped[wire.DeletedObject]{}, err
	}
	return wrap(c, wire.DeletedObject{Object: "phone_number", ID: in.ID, Deleted: true}, r.Snapshot), nil
}
