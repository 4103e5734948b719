package frontend

import (
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/passkeys"
)

// MePasskeyCreate is POST /v1/me/passkeys.
func MePasskeyCreate() operation.Operation {
	return row("me-passkey-create", "POST /v1/me/passkeys",
		"Begin to enrol a passkey", operation.Writes, createPasskey,
		sensitive, notPending, []apierr.Code{apierr.FeatureNotEnabled, apierr.OriginInvalid, apierr.PasskeyQuotaExceeded})
}

// MePasskeyGet is GET /v1/me/passkeys/{passkey_id}.
func MePasskeyGet() operation.Operation {
	return row("me-passkey-get", "GET /v1/me/passkeys/{passkey_id}", "A passkey", 0, getPasskey, operation.NotFound)
}

// MePasskeyAttempt is POST /v1/me/passkeys/{passkey_id}/attempt_verification.
func MePasskeyAttempt() operation.Operation {
	return row("me-passkey-attempt", "POST /v1/me/passkeys/{passkey_id}/attempt_verification",
		"Complete the enrolment of a passkey", operation.Writes|operation.Counts, attemptPasskey,
		operation.NotFound, sensitive, notPending, []apierr.Code{apierr.FeatureNotEnabled, apierr.OriginInvalid,
			apierr.PasskeyInvalidPublicKeyCredential, apierr.PasskeyRegistrationFailure, apierr.VerificationAlreadyVerified,
			apierr.VerificationExpired, apierr.TooManyRequests})
}

// MePasskeyUpdate is PATCH /v1/me/passkeys/{passkey_id}.
func MePasskeyUpdate() operation.Operation {
	return row("me-passkey-update", "PATCH /v1/me/passkeys/{passkey_id}",
		"Name a passkey", operation.Writes, updatePasskey,
		operation.NotFound, notPending, []apierr.Code{apierr.FormParamFormatInvalid, apierr.PasskeyIdentificationNotVerified})
}

// MePasskeyDelete is DELETE /v1/me/passkeys/{passkey_id}.
func MePasskeyDelete() operation.Operation {
	return row("me-passkey-delete", "DELETE /v1/me/passkeys/{passkey_id}",
		"Remove a passkey, or end its enrolment", operation.Writes|operation.Deletes, deletePasskey,
		operation.NotFound, sensitive, notPending)
}

func passkey(c *operation.Call, r *passkeys.Result, err error) (Wrapped[wire.Passkey], error) {
	if err != nil {
		return Wrapped[wire.Passkey]{}, err
	}
	return wrap(c, wire.NewPasskey(r), r.Snapshot), nil
}

func createPasskey(c *operation.Call, _ operation.Empty) (Wrapped[wire.Passkey], error) {
	r, err := c.Service.Passkeys.Create(c, c.Caller)
	return passkey(c, r, err)
}

type passkeyInput struct {
	ID string `path:"passkey_id"`
}

func getPasskey(c *operation.Call, in passkeyInput) (Wrapped[wire.Passkey], error) {
	r, err := c.Service.Passkeys.Passkey(c, c.Caller, in.ID)
	return passkey(c, r, err)
}

type passkeyAttemptInput struct {
	ID         string       `path:"passkey_id"`
	Strategy   string       `body:"strategy" rules:"one=passkey"`
	Credential secret.Value `body:"public_key_credential" rules:"nonempty" doc:"the browser's answer, as JSON"`
}

func attemptPasskey(c *operation.Call, in passkeyAttemptInput) (Wrapped[wire.Passkey], error) {
	r, err := c.Service.Passkeys.Confirm(c, c.Caller, in.ID, in.Credential.Reveal(), wire.PasskeyName(c.Caller.Agent))
	return passkey(c, r, err)
}

type passkeyUpdateInput struct {
	ID   string `path:"passkey_id"`
	Name string `body:"name" rules:"nonempty length=1..64 format=name"`
}

func updatePasskey(c *operation.Call, in passkeyUpdateInput) (Wrapped[wire.Passkey], error) {
	r, err := c.Service.Passkeys.Rename(c, c.Caller, in.ID, in.Name)
	return passkey(c, r, err)
}

func deletePasskey(c *operation.Call, in passkeyInput) (Wrapped[wire.DeletedObject], error) {
	r, err := c.Service.Passkeys.Delete(c, c.Caller, in.ID)
	if err != nil {
		return Wrapped[wire.DeletedObject]{}, err
	}
	return wrap(c, wire.DeletedObject{Object: "passkey", ID: in.ID, Deleted: true}, r.Snapshot), nil
}
