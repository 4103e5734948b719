package apierr

// The codes of the catalogue.
const (
	FormParamMissing                           Code = "form_param_missing"
	FormParamNil                               Code = "form_param_nil"
	FormParamFormatInvalid                     Code = "form_param_format_invalid"
	FormParamValueInvalid                      Code = "form_param_value_invalid"
	FormParamTypeInvalid                       Code = "form_param_type_invalid"
	FormParamUnknown                           Code = "form_param_unknown"
	FormParamDuplicate                         Code = "form_param_duplicate"
	FormParamArraySizeExceeded                 Code = "form_param_array_size_exceeded"
	FormParamMaxLengthExceeded                 Code = "form_param_max_length_exceeded"
	FormParamExceedsAllowedSize                Code = "form_param_exceeds_allowed_size"
	FormUsernameInvalidCharacter               Code = "form_username_invalid_character"
	FormUsernameInvalidLength                  Code = "form_username_invalid_length"
	FormUsernameNeedsNonNumberChar             Code = "form_username_needs_non_number_char"
	FormCodeIncorrect                          Code = "form_code_incorrect"
	FormIdentifierExists                       Code = "form_identifier_exists"
	FormIdentifierNotFound                     Code = "form_identifier_not_found"
	FormPasswordIncorrect                      Code = "form_password_incorrect"
	FormPasswordOrIdentifierIncorrect          Code = "form_password_or_identifier_incorrect"
	FormPasswordLengthTooShort                 Code = "form_password_length_too_short"
	FormPasswordLengthTooLong                  Code = "form_password_length_too_long"
	FormDisableDefaultSecondFactorNotAllowed   Code = "form_disable_default_second_factor_not_allowed"
	InvalidTOTPSecretCode                      Code = "invalid_totp_secret_code"
	VerificationExpired                        Code = "verification_expired"
	VerificationFailed                         Code = "verification_failed"
	VerificationMissing                        Code = "verification_missing"
	VerificationAlreadyVerified                Code = "verification_already_verified"
	VerificationStrategyInvalid                Code = "verification_strategy_invalid"
	VerificationCodeTooManyRequests            Code = "verification_code_too_many_requests"
	TooManyRequests                            Code = "too_many_requests"
	UserLocked                                 Code = "user_locked"
	UserBanned                                 Code = "user_banned"
	FeatureNotEnabled                          Code = "feature_not_enabled"
	StrategyForUserInvalid                     Code = "strategy_for_user_invalid"
	TOTPAlreadyEnabled                         Code = "totp_already_enabled"
	TOTPDisabled                               Code = "totp_disabled"
	BackupCodesNotAvailable                    Code = "backup_codes_not_available"
	NoPasswordSet                              Code = "no_password_set"
	PasswordRequired                           Code = "password_required"
	UserDeleteSelfNotEnabled                   Code = "user_delete_self_not_enabled"
	LastRequiredIdentificationDeletionFailed   Code = "last_required_identification_deletion_failed"
	SessionReverificationRequired              Code = "session_reverification_required"
	SessionReverificationMissing               Code = "session_reverification_missing"
	InvalidActionForSessionReverification      Code = "invalid_action_for_session_reverification"
	IdentificationUpdateSecondFactorUnverified Code = "identification_update_second_factor_unverified"
	SecondFactorDeletionNotAllowed             Code = "second_factor_deletion_not_allowed"
	TooManyUnverifiedIdentifications           Code = "too_many_unverified_identifications"
	UnsupportedCountryCode                     Code = "unsupported_country_code"
	SMSSendError                               Code = "sms_send_error"
	SessionExists                              Code = "session_exists"
	TicketInvalidCode                          Code = "ticket_invalid_code"
	TicketExpiredCode                          Code = "ticket_expired_code"
	SignInTokenAlreadyUsedCode                 Code = "sign_in_token_already_used_code"
	SignInTokenRevokedCode                     Code = "sign_in_token_revoked_code"
	SignInTokenCannotBeUsedCode                Code = "sign_in_token_cannot_be_used_code"
	SignInTokenCannotBeRevokedCode             Code = "sign_in_token_cannot_be_revoked_code"
	NoPasskeysFoundForUser                     Code = "no_passkeys_found_for_user"
	PasskeyAuthenticationFailure               Code = "passkey_authentication_failure"
	PasskeyIdentificationNotVerified           Code = "passkey_identification_not_verified"
	PasskeyInvalidPublicKeyCredential          Code = "passkey_invalid_public_key_credential"
	PasskeyNotRegistered                       Code = "passkey_not_registered"
	PasskeyQuotaExceeded                       Code = "passkey_quota_exceeded"
	PasskeyRegistrationFailure                 Code = "passkey_registration_failure"
	AuthenticationInvalid                      Code = "authentication_invalid"
	AuthorizationInvalid                       Code = "authorization_invalid"
	DevBrowserUnauthenticated                  Code = "dev_browser_unauthenticated"
	ClerkKeyInvalid                            Code = "clerk_key_invalid"
	SessionClaimsTooLarge                      Code = "session_claims_too_large"
	ResourceNotFound                           Code = "resource_not_found"
	MethodNotAllowed                           Code = "method_not_allowed"
	ResourceLocked                             Code = "resource_locked"
	RequestInvalidForEnvironment               Code = "request_invalid_for_environment"
	RequestBodyInvalid                         Code = "request_body_invalid"
	RequestBodyTooLarge                        Code = "request_body_too_large"
	UnsupportedContentType                     Code = "unsupported_content_type"
	OriginInvalid                              Code = "origin_invalid"
	OriginAuthorizationHeadersConflict         Code = "origin_authorization_headers_conflict"
	InternalClerkError                         Code = "internal_clerk_error"
	ServiceUnavailable                         Code = "service_unavailable"
)

// catalogue lists every error. docs/use/errors.md is generated from it.
var catalogue = []Entry{
	{FormParamMissing, "is missing", "A parameter that this request needs is missing.",
		"a required parameter is absent"},
	{FormParamNil, "is empty", "This value must not be empty.",
		"a parameter is empty"},
	{FormParamFormatInvalid, "is invalid", "This value does not have the right form.",
		"a malformed e-mail address; a number not in E.164 or without SMS"},
	{FormParamValueInvalid, "is invalid", "This value is not one of those allowed here.",
		"a value that is not allowed"},
	{FormParamTypeInvalid, "has the wrong type", "This value has the wrong type.",
		"a value of another type"},
	{FormParamUnknown, "is unknown", "This is not a parameter of this request.",
		"a Backend API body has an unknown field"},
	{FormParamDuplicate, "is given twice", "This parameter may be given only once.",
		"a parameter occurs twice"},
	{FormParamArraySizeExceeded, "has too many values", "There are more of these than allowed.",
		"more than 10 e-mail addresses or 10 phone numbers"},
	{FormParamMaxLengthExceeded, "is too long", "This value is too long.",
		"a name, id or identifier is too long"},
	{FormParamExceedsAllowedSize, "is too large", "This value is too large.",
		"more than 8 KiB of metadata, all three kinds of a user together"},
	{FormUsernameInvalidCharacter, "has an invalid character", "A username may have letters, digits and _ - . ! # $ ^ ` ~ only.",
		"a forbidden character, such as @ or +"},
	{FormUsernameInvalidLength, "has an invalid length", "A username may have at most 64 characters.",
		"a username is too long"},
	{FormUsernameNeedsNonNumberChar, "is a number", "A username needs a character that is not a digit.",
		"a username has only digits"},
	{FormCodeIncorrect, "is incorrect", "That code is not right. Check it and try again.",
		"an SMS, app or backup code is wrong, malformed or used"},
	{FormIdentifierExists, "is taken", "This identifier is taken. Try another one.",
		"another account has the identifier"},
	{FormIdentifierNotFound, "not found", "No account was found for this identifier.",
		"unknown identifier, enumeration protection off"},
	{FormPasswordIncorrect, "is incorrect", "The password is not right. Try again.",
		"wrong password, enumeration protection off"},
	{FormPasswordOrIdentifierIncorrect, "is incorrect", "The identifier or the password is not right.",
		"wrong password or unknown identifier"},
	{FormPasswordLengthTooShort, "is too short", "Passwords need at least 8 characters.",
		"a new password is too short"},
	{FormPasswordLengthTooLong, "is too long", "Passwords may have at most 128 bytes.",
		"a new password is too long"},
	{FormDisableDefaultSecondFactorNotAllowed, "cannot be switched off", "Make another number the default instead.",
		"default_second_factor=false"},
	{InvalidTOTPSecretCode, "invalid secret", "The authenticator secret must be base 32 of 80 to 512 bits.",
		"an imported authenticator secret is malformed"},
	{VerificationExpired, "expired", "This code is too old. Ask for a new one.",
		"the code is older than ten minutes"},
	{VerificationFailed, "failed", "Too many wrong tries. Start again.",
		"five wrong codes in one verification"},
	{VerificationMissing, "missing", "Ask for a code first.",
		"no code was prepared"},
	{VerificationAlreadyVerified, "already verified", "This is verified already.",
		"it is verified already"},
	{VerificationStrategyInvalid, "invalid strategy", "This strategy does not fit the present step.",
		"the strategy does not fit the step"},
	{VerificationCodeTooManyRequests, "too many requests", "A code was sent a moment ago. Wait before asking for another.",
		"a message to that number within 30 seconds, or over a limit"},
	{TooManyRequests, "too many requests", "Too many requests. Wait before trying again.",
		"a guess during a wait, or an address over its limit"},
	{UserLocked, "account locked", "This account is locked for now after too many failed attempts. Try again later.",
		"too many wrong codes, or locked by the Backend API"},
	{UserBanned, "account banned", "This account is banned.",
		"the user is banned"},
	{FeatureNotEnabled, "not enabled", "This feature is not switched on for this instance.",
		"the method is off"},
	{StrategyForUserInvalid, "invalid strategy", "This strategy is not available for this account.",
		"the user lacks this factor, or wrong codes disabled it"},
	{TOTPAlreadyEnabled, "already enabled", "An authenticator app is enabled already. Remove it first.",
		"the user has a verified authenticator app"},
	{TOTPDisabled, "not enabled", "This user has no authenticator app.",
		"the user has no authenticator app"},
	{BackupCodesNotAvailable, "not available", "Backup codes need another second factor first.",
		"the user has no other second factor"},
	{NoPasswordSet, "no password", "This user has no password.",
		"the user has no password"},
	{PasswordRequired, "password required", "This account needs a password to sign in.",
		"the user has no other first factor here"},
	{UserDeleteSelfNotEnabled, "not enabled", "Users of this instance cannot delete their account.",
		"the setting `delete_self` is off"},
	{LastRequiredIdentificationDeletionFailed, "is needed", "This is the last identifier that this account can sign in with.",
		"the user has no other identifier"},
	{SessionReverificationRequired, "reverification required", "Confirm that it is you, then try again.",
		"a sensitive change, the last proof older than ten minutes"},
	{SessionReverificationMissing, "nothing started", "Start the reverification first.",
		"no step-up was started"},
	{InvalidActionForSessionReverification, "invalid action", "The reverification does not wait for this step.",
		"a step-up step out of order"},
	{IdentificationUpdateSecondFactorUnverified, "not verified", "Verify the number before using it as a second factor.",
		"the number is not verified, or not a second factor"},
	{SecondFactorDeletionNotAllowed, "not allowed", "A second factor is required. Add another one before removing this.",
		"the last second factor, while MFA is required"},
	{TooManyUnverifiedIdentifications, "too many", "Verify or remove a number before adding more.",
		"the user has five unverified numbers"},
	{UnsupportedCountryCode, "not supported", "Text messages to this country are not switched on.",
		"the settings do not list the country"},
	{SMSSendError, "not sent", "The message could not be sent. Try again.",
		"the SMS provider refused the message"},
	{SessionExists, "session exists", "You are signed in already.",
		"the client has a live session"},
	{TicketInvalidCode, "invalid ticket", "This ticket is not valid.",
		"an unknown or malformed ticket"},
	{TicketExpiredCode, "expired ticket", "This ticket has expired.",
		"the ticket expired"},
	{SignInTokenAlreadyUsedCode, "already used", "This ticket has been used already.",
		"the ticket was used"},
	{SignInTokenRevokedCode, "revoked", "This ticket has been revoked.",
		"the ticket was revoked"},
	{SignInTokenCannotBeUsedCode, "cannot be used", "This ticket cannot be used.",
		"the ticket's user no longer exists"},
	{SignInTokenCannotBeRevokedCode, "cannot be revoked", "Only a pending ticket can be revoked.",
		"the ticket is used, revoked or expired"},
	{NoPasskeysFoundForUser, "no passkey", "This account has no passkey that works here.",
		"the user has no usable passkey"},
	{PasskeyAuthenticationFailure, "passkey failed", "The passkey could not be verified. Try again, or use another method.",
		"wrong signature, challenge or origin, no user verification, or a counter that went back"},
	{PasskeyIdentificationNotVerified, "not verified", "Complete the setup of this passkey first.",
		"the passkey is still being enrolled"},
	{PasskeyInvalidPublicKeyCredential, "is invalid", "This is not the answer of a passkey.",
		"`public_key_credential` is malformed"},
	{PasskeyNotRegistered, "unknown passkey", "This passkey is not registered here. Use another one.",
		"no such passkey of the user, or one that is blocked"},
	{PasskeyQuotaExceeded, "too many passkeys", "An account may have ten passkeys. Remove one first.",
		"the user has ten passkeys"},
	{PasskeyRegistrationFailure, "passkey not added", "The passkey could not be added. Start again.",
		"wrong challenge or origin, no user verification, or the credential is registered already"},
	{AuthenticationInvalid, "invalid authentication", "You are not signed in.",
		"no live session of this client"},
	{AuthorizationInvalid, "not authorized", "Finish setting up multi-factor authentication first.",
		"a pending session may only enrol a factor; not through CloudFront"},
	{DevBrowserUnauthenticated, "unknown browser", "This development browser is not known.",
		"an unknown `__clerk_db_jwt`"},
	{ClerkKeyInvalid, "invalid key", "The secret key is missing or not right.",
		"no secret key, or a wrong one"},
	{SessionClaimsTooLarge, "too large", "The claims of this user are too large for a session token.",
		"`session_claims` makes more than 1,200 bytes of the user"},
	{ResourceNotFound, "not found", "Nothing was found here.",
		"an unknown path or id"},
	{MethodNotAllowed, "method not allowed", "This path does not answer this method.",
		"a known path, another method"},
	{ResourceLocked, "busy", "The resource changed at the same moment. Try again.",
		"other changes won many times in a row"},
	{RequestInvalidForEnvironment, "invalid for this environment", "This request is for development instances only.",
		"an operation for tests, with a production key"},
	{RequestBodyInvalid, "invalid body", "The body of the request could not be read.",
		"malformed form or JSON"},
	{RequestBodyTooLarge, "too large", "The body of a request may have at most 64 KiB.",
		"a body over 64 KiB"},
	{UnsupportedContentType, "unsupported content type", "Send a form to the Frontend API and JSON to the Backend API.",
		"another content type"},
	{OriginInvalid, "invalid origin", "Requests from this origin are not allowed.",
		"an `Origin` that is not allowed"},
	{OriginAuthorizationHeadersConflict, "conflicting headers", "Send either Origin or Authorization.",
		"a native request with an `Origin`"},
	{InternalClerkError, "internal error", "Something went wrong on our side.",
		"any other failure; only the log has details"},
	{ServiceUnavailable, "unavailable", "The service cannot answer now. Try again.",
		"the store is overloaded or unreachable"},
}
