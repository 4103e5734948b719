package frontend

import (
	"encoding/json"

	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/profile"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
)

var (
	metadataTooLarge = []apierr.Code{apierr.FormParamExceedsAllowedSize, apierr.SessionClaimsTooLarge}
	// passwordCompared are the codes for the comparison of the current password.
	passwordCompared = []apierr.Code{
		apierr.FormPasswordIncorrect, apierr.NoPasswordSet, apierr.TooManyRequests, apierr.UserLocked,
	}
)

// MeGet is GET /v1/me.
func MeGet() operation.Operation {
	return row("me-get", "GET /v1/me", "The user", 0, getMe)
}

// MeUpdate is PATCH /v1/me.
func MeUpdate() operation.Operation {
	return row("me-update", "PATCH /v1/me",
		"Change names, username, primary number and address", operation.Writes|operation.Deletes|operation.Limited, updateMe,
		sensitive, notPending, metadataTooLarge, []apierr.Code{apierr.FormIdentifierExists,
			apierr.FormUsernameInvalidCharacter, apierr.FormUsernameInvalidLength,
			apierr.FormUsernameNeedsNonNumberChar, apierr.FormParamMaxLengthExceeded,
			apierr.FormParamValueInvalid, apierr.LastRequiredIdentificationDeletionFailed,
			apierr.TooManyRequests})
}

// MeMetadataMerge is PATCH /v1/me/metadata.
func MeMetadataMerge() operation.Operation {
	return row("me-metadata-merge", "PATCH /v1/me/metadata",
		"Merge into the unsafe metadata; null removes a key", operation.Writes, mergeOwnMetadata,
		notPending, metadataTooLarge, []apierr.Code{apierr.FormParamMissing, apierr.FormParamTypeInvalid})
}

// MeDelete is DELETE /v1/me.
func MeDelete() operation.Operation {
	return row("me-delete", "DELETE /v1/me",
		"Delete the user, if the settings allow it", operation.Writes|operation.Deletes|operation.Limited, deleteMe,
		sensitive, notPending, []apierr.Code{apierr.UserDeleteSelfNotEnabled})
}

// MePasswordChange is POST /v1/me/change_password.
func MePasswordChange() operation.Operation {
	return row("me-password-change", "POST /v1/me/change_password",
		"Change the password, or set the first one", operation.Writes|operation.Counts, changePassword,
		sensitive, notPending, passwordCompared,
		[]apierr.Code{apierr.FormParamNil, apierr.FormPasswordLengthTooShort, apierr.FormPasswordLengthTooLong})
}

// MePasswordRemove is POST /v1/me/remove_password.
func MePasswordRemove() operation.Operation {
	return row("me-password-remove", "POST /v1/me/remove_password",
		"Remove the password of a user who can sign in without it", operation.Writes|operation.Counts, removePassword,
		sensitive, notPending, passwordCompared, []apierr.Code{apierr.PasswordRequired})
}

// MeAuditEventsList is GET /v1/me/audit_events.
func MeAuditEventsList() operation.Operation {
	return row("me-audit-events-list", "GET /v1/me/audit_events",
		"What was done to the user of late, newest first", 0, listOwnAuditEvents,
		notPending)
}

func getMe(c *operation.Call, _ operation.Empty) (Wrapped[wire.User], error) {
	r, err := c.Service.Sessions.Me(c, c.Caller)
	return user(c, r, err)
}

func user(c *operation.Call, r *sessions.Result, err error) (Wrapped[wire.User], error) {
	if err != nil {
		return Wrapped[wire.User]{}, err
	}
	return wrap(c, wire.NewUser(r.User, r.Snapshot.Now), r.Snapshot), nil
}

type meUpdateInput struct {
	FirstName    *string         `body:"first_name" rules:"length=..256 format=name"`
	LastName     *string         `body:"last_name" rules:"length=..256 format=name"`
	Username     *string         `body:"username" rules:"format=username-or-empty" doc:"empty removes it; a change needs a recent proof"`
	PrimaryPhone *string         `body:"primary_phone_number_id" rules:"format=id" doc:"a verified number; a change needs a recent proof"`
	PrimaryEmail *string         `body:"primary_email_address_id" rules:"format=id" doc:"a verified address; a change needs a recent proof"`
	Unsafe       json.RawMessage `body:"unsafe_metadata" doc:"replaces the unsafe metadata; all metadata of the user together: at most 8 KiB"`
}

func updateMe(c *operation.Call, in meUpdateInput) (Wrapped[wire.User], error) {
	r, err := c.Service.Profile.ChangeProfile(c, c.Caller, profile.Change{
		FirstName: in.FirstName, LastName: in.LastName, Username: in.Username, PrimaryPhone: in.PrimaryPhone, PrimaryEmail: in.PrimaryEmail, Unsafe: in.Unsafe,
	})
	return user(c, r, err)
}

type ownMetadataInput struct {
	Unsafe json.RawMessage `body:"unsafe_metadata" rules:"required" doc:"merged at any depth; all metadata of the user together: at most 8 KiB"`
}

func mergeOwnMetadata(c *operation.Call, in ownMetadataInput) (Wrapped[wire.User], error) {
	r, err := c.Service.Profile.MergeMetadata(c, c.Caller, in.Unsafe)
	return user(c, r, err)
}

func deleteMe(c *operation.Call, _ operation.Empty) (Wrapped[wire.DeletedObject], error) {
	r, err := c.Service.Profile.Delete(c, c.Caller)
	if err != nil {
		return Wrapped[wire.DeletedObject]{}, err
	}
	return wrap(c, wire.DeletedObject{Object: "user", ID: r.ID, Deleted: true}, r.Snapshot), nil
}

type passwordChangeInput struct {
	Current       secret.Value `body:"current_password" doc:"compared if given"`
	New           secret.Value `body:"new_password" rules:"nonempty" doc:"at least 8 characters, at most 128 bytes"`
	SignOutOthers bool         `body:"sign_out_of_other_sessions"`
}

func changePassword(c *operation.Call, in passwordChangeInput) (Wrapped[wire.User], error) {
	r, err := c.Service.MFA.ChangePassword(c, c.Caller, mfa.PasswordChange{Current: in.Current, New: in.New, SignOutOthers: in.SignOutOthers})
	return user(c, r, err)
}

type passwordRemoveInput struct {
	Current secret.Value `body:"current_password" doc:"compared if given"`
}

func removePassword(c *operation.Call, in passwordRemoveInput) (Wrapped[wire.User], error) {
	r, err := c.Service.MFA.RemovePassword(c, c.Caller, in.Current)
	return user(c, r, err)
}

func listOwnAuditEvents(c *operation.Call, _ operation.Empty) ([]wire.AuditEvent, error) {
	trail, _, err := c.Service.Sessions.OwnAuditTrail(c, c.Caller)
	if err != nil {
		return nil, err
	}
	return wire.NewOwnAuditEvents(trail), nil
}
