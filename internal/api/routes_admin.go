package api

import (
	"net/http"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// PhoneNumberCreate is the row of phone-number-create: add a number to a user.
func PhoneNumberCreate() Operation {
	return row(Backend, "phone-number-create", post, "/v1/phone_numbers",
		"Add a number to a user", Writes|Numbers, createUserPhone,
		join(missing, unreached, []apierr.Code{apierr.FormIdentifierExists, apierr.IdentificationUpdateSecondFactorUnverified})...)
}

// PhoneNumberGet is the row of phone-number-get: a number.
func PhoneNumberGet() Operation {
	return row(Backend, "phone-number-get", get, pathAdminPhone, "A number", 0, getUserPhone, missing...)
}

// PhoneNumberUpdate is the row of phone-number-update: change a number.
func PhoneNumberUpdate() Operation {
	return row(Backend, "phone-number-update", patch, pathAdminPhone,
		"Change a number", Writes, updateUserPhone,
		join(missing, unreached, []apierr.Code{apierr.FormIdentifierExists, apierr.IdentificationUpdateSecondFactorUnverified})...)
}

// PhoneNumberDelete is the row of phone-number-delete: remove a number.
func PhoneNumberDelete() Operation {
	return row(Backend, "phone-number-delete", remove, pathAdminPhone, "Remove a number", Writes|Deletes, deleteUserPhone, missing...)
}

// SignInTokenCreate is the row of sign-in-token-create: make a sign-in ticket.
func SignInTokenCreate() Operation {
	return row(Backend, "sign-in-token-create", post, "/v1/sign_in_tokens", "Make a sign-in ticket", Writes, createTicket, join(missing, invalid)...)
}

// SignInTokenRevoke is the row of sign-in-token-revoke: revoke a ticket.
func SignInTokenRevoke() Operation {
	return row(Backend, "sign-in-token-revoke", post, "/v1/sign_in_tokens/{sign_in_token_id}/revoke",
		"Revoke a ticket", Writes, revokeTicket, join(missing, []apierr.Code{apierr.SignInTokenCannotBeRevokedCode})...)
}

// SessionsList is the row of sessions-list: a user's live sessions.
func SessionsList() Operation {
	op := row(Backend, "sessions-list", get, "/v1/sessions", "A user's live sessions", 0, listSessions,
		join(missing, []apierr.Code{apierr.FormParamMissing, apierr.FormParamValueInvalid})...)
	op.Response = []AdminSession{}
	return op
}

// AdminSessionGet is the row of admin-session-get: a session.
func AdminSessionGet() Operation {
	return row(Backend, "admin-session-get", get, pathAdminSession, "A session", 0, getAnySession, missing...)
}

// AdminSessionRevoke is the row of admin-session-revoke: end a session.
func AdminSessionRevoke() Operation {
	return row(Backend, "admin-session-revoke", post, pathAdminSession+"/revoke", "End a session", Writes, revokeSession, missing...)
}

// AdminSessionTokenCreate is the row of admin-session-token-create: a session token, for tests.
func AdminSessionTokenCreate() Operation {
	return row(Backend, "admin-session-token-create", post, pathAdminSession+"/tokens", "A session token, for tests", Signs, createSessionToken, missing...)
}

// BackendJWKSGet is the row of backend-jwks-get: the keys that verify session tokens.
func BackendJWKSGet() Operation {
	return row(Backend, "backend-jwks-get", get, "/v1/jwks", "The keys that verify session tokens", Signs, getJWKS)
}

// HandshakePayloadGet is the row of handshake-payload-get: what a handshake nonce stands for, once.
func HandshakePayloadGet() Operation {
	return row(Backend, "handshake-payload-get", get, "/v1/clients/handshake_payload",
		"What a handshake nonce stands for, once", Deletes, getHandshakePayload, missing...)
}

// InstanceGet is the row of instance-get: the instance with its settings.
func InstanceGet() Operation {
	return row(Backend, "instance-get", get, "/v1/instance", "The instance with its settings", 0, getInstance)
}

// InstanceAuditEventsList is the row of instance-audit-events-list: changes of the settings, newest first.
func InstanceAuditEventsList() Operation {
	return row(Backend, "instance-audit-events-list", get, "/v1/instance/audit_events", "Changes of the settings, newest first", 0, listSettingsAuditEvents,
		apierr.FormParamValueInvalid)
}

// SMSMessagesList is the row of sms-messages-list: what the SMS guard decided on text messages, newest first.
func SMSMessagesList() Operation {
	return row(Backend, "sms-messages-list", get, "/v1/sms_messages", "What was decided on text messages, newest first", Latest, listMessages, apierr.FormParamValueInvalid)
}

// SMSUsageGet is the row of sms-usage-get: what text messages may still cost, and did.
func SMSUsageGet() Operation {
	return row(Backend, "sms-usage-get", get, "/v1/sms_usage", "Limits and costs of text messages, and what was used today", 0, getSMSUsage)
}

// InstanceUpdate is the row of instance-update: change the settings.
func InstanceUpdate() Operation {
	op := row(Backend, "instance-update", patch, "/v1/instance", "Change the settings", Writes, updateInstance, invalid...)
	op.Status, op.Response = http.StatusNoContent, nil
	return op
}

// StatisticsGet is the row of statistics-get: what happened day by day.
func StatisticsGet() Operation {
	return row(Backend, "statistics-get", get, "/v1/statistics", "What happened day by day", Lists|Latest, getStatistics, apierr.FormParamValueInvalid)
}
