package api

import (
	"github.com/countersign-mfa/countersign/internal/api/backend"
	"github.com/countersign-mfa/countersign/internal/api/frontend"
	"github.com/countersign-mfa/countersign/internal/api/operation"
)

// Operations returns the table of operations. The local server, the functions, the infrastructure,
// the OpenAPI document and the fixtures derive from it or are compared with it.
func Operations() []operation.Operation {
	rows := Rows()
	all := make([]operation.Operation, len(rows))
	for i, row := range rows {
		all[i] = row()
	}
	return all
}

// Rows returns the constructors of the table's rows. Each is a function of its own, so that a
// Lambda function links no more than its operation needs.
func Rows() []func() operation.Operation {
	return []func() operation.Operation{
		frontend.JWKSGet, frontend.OpenIDConfigurationGet, frontend.AppleAssociationGet, frontend.AssetLinksGet, frontend.HealthGet, frontend.ClientHandshake,
		frontend.EnvironmentGet, frontend.EnvironmentPatch, frontend.DevBrowserCreate, frontend.ClientGet, frontend.ClientCreate, frontend.ClientPut, frontend.ClientDelete, frontend.ClientSessionsDelete,
		frontend.SignInCreate, frontend.SignInGet, frontend.SignInFirstFactorPrepare, frontend.SignInFirstFactorAttempt, frontend.SignInSecondFactorPrepare,
		frontend.SignInSecondFactorAttempt, frontend.SignInRecoveryCreate,
		frontend.SessionGet, frontend.SessionTouch, frontend.SessionTokenCreate, frontend.SessionEnd, frontend.SessionRemove, frontend.SessionReverificationCreate,
		frontend.SessionReverificationFirstFactorPrepare, frontend.SessionReverificationFirstFactorAttempt, frontend.SessionReverificationSecondFactorPrepare,
		frontend.SessionReverificationSecondFactorAttempt, frontend.MeSessionsList, frontend.MeSessionsActiveList, frontend.MeSessionRevoke, frontend.MeSessionsRevokeOthers, frontend.MeRememberedDevicesList, frontend.MeRememberedDeviceDelete, frontend.MeRememberedDevicesDelete, frontend.MeAuditEventsList, frontend.MeRecoveryCancel,
		frontend.MeGet, frontend.MeUpdate, frontend.MeMetadataMerge, frontend.MeDelete, frontend.MePasswordChange, frontend.MePasswordRemove, frontend.MeOrganizationMembershipsList, frontend.MeOrganizationInvitationsList, frontend.MeOrganizationSuggestionsList, frontend.MePhoneNumbersList, frontend.MePhoneNumberCreate, frontend.MePhoneNumberGet, frontend.MePhoneNumberPrepare, frontend.MePhoneNumberAttempt,
		frontend.MePhoneNumberUpdate, frontend.MePhoneNumberDelete, frontend.MeTOTPCreate, frontend.MeTOTPAttempt, frontend.MeTOTPUpdate, frontend.MeTOTPDelete, frontend.MeBackupCodesCreate,
		frontend.MePasskeyCreate, frontend.MePasskeyGet, frontend.MePasskeyAttempt, frontend.MePasskeyUpdate, frontend.MePasskeyDelete,
		backend.UsersCreate, backend.UsersList, backend.UsersCount, backend.UserGet, backend.UserExport, backend.UserAuditEventsList, backend.UserUpdate, backend.UserMetadataMerge, backend.UserMetadataReplace, backend.UserDelete, backend.UserLock, backend.UserUnlock, backend.UserBan, backend.UserUnban, backend.UsersBan, backend.UsersUnban, backend.UserTOTPVerify,
		backend.UserPasswordVerify, backend.UserMFADelete, backend.UserRecoveryCancel, backend.UserTOTPDelete, backend.UserBackupCodeDelete, backend.UserPasskeyDelete, backend.UserRememberedDevicesList, backend.UserRememberedDeviceDelete,
		backend.EmailAddressCreate, backend.EmailAddressGet, backend.EmailAddressUpdate, backend.EmailAddressDelete, backend.UserEmailAddressReplace, backend.UserPhoneNumberReplace,
		backend.PhoneNumberCreate, backend.PhoneNumberGet, backend.PhoneNumberUpdate, backend.PhoneNumberPrepare, backend.PhoneNumberAttempt, backend.PhoneNumberDelete, backend.SignInTokenCreate, backend.SignInTokenRevoke, backend.SessionsList, backend.AdminSessionCreate,
		backend.AdminSessionGet, backend.AdminSessionRevoke, backend.AdminSessionTokenCreate, backend.JWKSGet, backend.TestingTokenCreate, backend.HandshakePayloadGet, backend.InstanceGet, backend.InstanceAuditEventsList, backend.InstanceUpdate,
		backend.SMSMessagesList, backend.SMSUsageGet, backend.StatisticsGet,
		backend.EventsList, backend.WebhookEndpointsList, backend.WebhookEndpointCreate, backend.WebhookEndpointUpdate, backend.WebhookEndpointDelete, backend.WebhookEndpointSecretRotate,
		backend.WebhookEndpointReplay, backend.WebhookEndpointDeliveriesList, backend.WebhookEndpointTest,
	}
}
