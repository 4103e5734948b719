package frontend

import (
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// MeTOTPCreate is POST /v1/me/totp.
func MeTOTPCreate() operation.Operation {
	return row("me-totp-create", "POST /v1/me/totp",
		"Begin to enrol an authenticator app", operation.Writes, createTOTP,
		sensitive, []apierr.Code{apierr.TOTPAlreadyEnabled, apierr.FeatureNotEnabled})
}

// MeTOTPAttempt is POST /v1/me/totp/attempt_verification.
func MeTOTPAttempt() operation.Operation {
	return row("me-totp-attempt", "POST /v1/me/totp/attempt_verification",
		"Verify the authenticator app", operation.Writes|operation.Deletes|operation.Counts, attemptTOTP,
		operation.NotFound, sensitive, []apierr.Code{apierr.FormCodeIncorrect, apierr.FormParamNil,
			apierr.VerificationAlreadyVerified, apierr.FeatureNotEnabled, apierr.TooManyRequests})
}

// MeTOTPUpdate is PATCH /v1/me/totp.
func MeTOTPUpdate() operation.Operation {
	return row("me-totp-update", "PATCH /v1/me/totp",
		"Name the authenticator app", operation.Writes, updateTOTP,
		operation.NotFound, notPending, misnamed)
}

// MeTOTPDelete is DELETE /v1/me/totp.
func MeTOTPDelete() operation.Operation {
	return row("me-totp-delete", "DELETE /v1/me/totp",
		"Remove the authenticator app", operation.Writes|operation.Deletes, deleteTOTP,
		operation.NotFound, sensitive, notPending, lastFactor)
}

func createTOTP(c *operation.Call, _ operation.Empty) (Wrapped[wire.TOTP], error) {
	r, err := c.Service.MFA.CreateTOTP(c, c.Caller)
	if err != nil {
		return Wrapped[wire.TOTP]{}, err
	}
	return wrap(c, wire.NewTOTP(r), r.Snapshot), nil
}

type codeInput struct {
	Code secret.Value `body:"code" rules:"nonempty"`
}

func attemptTOTP(c *operation.Call, in codeInput) (Wrapped[wire.TOTP], error) {
	r, err := c.Service.MFA.ConfirmTOTP(c, c.Caller, in.Code)
	if err != nil {
		return Wrapped[wire.TOTP]{}, err
	}
	return wrap(c, wire.NewTOTP(r), r.Snapshot), nil
}

type totpUpdateInput struct {
	Name string `body:"name" rules:"required clearable length=..100 format=name" doc:"the user's name for the app; empty removes it"`
}

func updateTOTP(c *operation.Call, in totpUpdateInput) (Wrapped[wire.TOTP], error) {
	r, err := c.Service.MFA.NameTOTP(c, c.Caller, in.Name)
	if err != nil {
		return Wrapped[wire.TOTP]{}, err
	}
	return wrap(c, wire.NewTOTP(r), r.Snapshot), nil
}

func deleteTOTP(c *operation.Call, _ operation.Empty) (Wrapped[wire.DeletedObject], error) {
	r, err := c.Service.MFA.DeleteTOTP(c, c.Caller)
	if err != nil {
		return Wrapped[wire.DeletedObject]{}, err
	}
	return wrap(c, wire.DeletedObject{Object: "totp", ID: r.TOTP.WireID(), Deleted: true}, r.Snapshot), nil
}
