package backend

import (
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// EmailAddressCreate is POST /v1/email_addresses.
func EmailAddressCreate() operation.Operation {
	return row("email-address-create", "POST /v1/email_addresses",
		"Add an e-mail address to a user", operation.Writes|operation.Deletes, createUserEmail,
		operation.NotFound, []apierr.Code{apierr.FormIdentifierExists, apierr.SessionClaimsTooLarge})
}

// EmailAddressGet is GET /v1/email_addresses/{email_address_id}.
func EmailAddressGet() operation.Operation {
	return row("email-address-get", "GET /v1/email_addresses/{email_address_id}", "An e-mail address", 0, getUserEmail, operation.NotFound)
}

// EmailAddressUpdate is PATCH /v1/email_addresses/{email_address_id}.
func EmailAddressUpdate() operation.Operation {
	return row("email-address-update", "PATCH /v1/email_addresses/{email_address_id}",
		"Verify an e-mail address or make it the primary one", operation.Writes|operation.Deletes, updateUserEmail,
		operation.NotFound, []apierr.Code{apierr.FormIdentifierExists, apierr.SessionClaimsTooLarge})
}

// EmailAddressDelete is DELETE /v1/email_addresses/{email_address_id}.
func EmailAddressDelete() operation.Operation {
	return row("email-address-delete", "DELETE /v1/email_addresses/{email_address_id}",
		"Remove an e-mail address", operation.Writes|operation.Deletes, deleteUserEmail,
		operation.NotFound, []apierr.Code{apierr.SessionClaimsTooLarge})
}

// UserEmailAddressReplace is PUT /v1/users/{user_id}/email_address.
func UserEmailAddressReplace() operation.Operation {
	return row("user-email-address-replace", "PUT /v1/users/{user_id}/email_address",
		"Give a user one e-mail address in place of all", operation.Writes|operation.Deletes, replaceUserEmails,
		operation.NotFound, []apierr.Code{apierr.FormIdentifierExists, apierr.SessionClaimsTooLarge})
}

// emailState is what a request may set of an e-mail address. Countersign sends no e-mail, so it
// notifies no former address.
type emailState struct {
	_        operation.Ignored `body:"notify_primary_email_address_changed"`
	Verified *bool             `body:"verified" doc:"the user signs in with the address, and no other user can have it"`
	Primary  *bool             `body:"primary" doc:"only a verified address; without a choice the first verified one is primary"`
}

type emailCreateInput struct {
	emailState
	UserID  string `body:"user_id" rules:"required"`
	Address string `body:"email_address" rules:"required format=email"`
}

type emailInput struct {
	ID string `path:"email_address_id"`
}

type emailUpdateInput struct {
	emailInput
	emailState
}

// replacedState is what a request may set of the one identifier that a user keeps.
type replacedState struct {
	Status string `body:"identification_status" rules:"one=verified|unverified default=verified" doc:"unverified: no identifier, and not primary"`
}

// verified returns the state that the identifier gets; a verified one is primary.
func (in replacedState) verified() *bool {
	return new(in.Status == "verified")
}

type emailReplaceInput struct {
	_ operation.Ignored `body:"notify_primary_email_address_changed"`
	replacedState
	UserID  string `path:"user_id"`
	Address string `body:"email_address" rules:"required format=email"`
}

func (in *emailState) change() admin.EmailChange {
	return admin.EmailChange{Verified: in.Verified, Primary: in.Primary}
}

func userEmail(e *account.Email, err error) (wire.EmailAddress, error) {
	if err != nil {
		return wire.EmailAddress{}, err
	}
	return wire.NewEmailAddress(e), nil
}

func createUserEmail(c *operation.Call, in emailCreateInput) (wire.EmailAddress, error) {
	return userEmail(c.Service.Admin.AddUserEmail(c, in.UserID, in.Address, in.change()))
}

func replaceUserEmails(c *operation.Call, in emailReplaceInput) (wire.EmailAddress, error) {
	verified := in.verified()
	return userEmail(c.Service.Admin.ReplaceUserEmails(c, in.UserID, in.Address, admin.EmailChange{Verified: verified, Primary: verified}))
}

func getUserEmail(c *operation.Call, in emailInput) (wire.EmailAddress, error) {
	return userEmail(c.Service.Admin.UserEmail(c, in.ID))
}

func updateUserEmail(c *operation.Call, in emailUpdateInput) (wire.EmailAddress, error) {
	return userEmail(c.Service.Admin.ChangeUserEmail(c, in.ID, in.change()))
}

func deleteUserEmail(c *operation.Call, in emailInput) (wire.DeletedObject, error) {
	return wire.DeletedObject{Object: "email_address", ID: in.ID, Deleted: true}, c.Service.Admin.DeleteUserEmail(c, in.ID)
}
