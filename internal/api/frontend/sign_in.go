package frontend

import (
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
)

// SignInCreate is POST /v1/client/sign_ins.
func SignInCreate() operation.Operation {
	return row("sign-in-create", "POST /v1/client/sign_ins",
		"Begin to sign in, with a ticket, a password, a passkey or an identifier", operation.Writes|operation.Counts, createSignIn,
		operation.WrongPassword, []apierr.Code{apierr.FormIdentifierNotFound, apierr.FormParamMissing,
			apierr.FormParamValueInvalid, apierr.SessionExists, apierr.TicketInvalidCode,
			apierr.TicketExpiredCode, apierr.SignInTokenAlreadyUsedCode,
			apierr.SignInTokenRevokedCode, apierr.SignInTokenCannotBeUsedCode, apierr.UserLocked,
			apierr.UserBanned, apierr.TooManyRequests, apierr.StrategyForUserInvalid, apierr.FeatureNotEnabled, apierr.OriginInvalid})
}

// SignInGet is GET /v1/client/sign_ins/{sign_in_id}.
func SignInGet() operation.Operation {
	return row("sign-in-get", "GET /v1/client/sign_ins/{sign_in_id}", "The sign-in in progress", 0, getSignIn, operation.NotFound)
}

// SignInFirstFactorPrepare is POST /v1/client/sign_ins/{sign_in_id}/prepare_first_factor.
func SignInFirstFactorPrepare() operation.Operation {
	return row("sign-in-first-factor-prepare", "POST /v1/client/sign_ins/{sign_in_id}/prepare_first_factor",
		"Send a first-factor code, or ask for a passkey", operation.Writes|operation.SendsSMS|operation.Counts, prepareFirstFactor,
		operation.NotFound, sent, asked)
}

// SignInFirstFactorAttempt is POST /v1/client/sign_ins/{sign_in_id}/attempt_first_factor.
func SignInFirstFactorAttempt() operation.Operation {
	return row("sign-in-first-factor-attempt", "POST /v1/client/sign_ins/{sign_in_id}/attempt_first_factor",
		"Prove the first factor", operation.Writes|operation.Counts, attemptFirstFactor,
		operation.NotFound, operation.WrongPassword, operation.WrongCode, answered, []apierr.Code{apierr.VerificationAlreadyVerified})
}

// SignInSecondFactorPrepare is POST /v1/client/sign_ins/{sign_in_id}/prepare_second_factor.
func SignInSecondFactorPrepare() operation.Operation {
	return row("sign-in-second-factor-prepare", "POST /v1/client/sign_ins/{sign_in_id}/prepare_second_factor",
		"Send a second-factor code, or ask for a passkey", operation.Writes|operation.SendsSMS|operation.Counts, prepareSecondFactor,
		operation.NotFound, sent, asked)
}

// SignInSecondFactorAttempt is POST /v1/client/sign_ins/{sign_in_id}/attempt_second_factor.
func SignInSecondFactorAttempt() operation.Operation {
	return row("sign-in-second-factor-attempt", "POST /v1/client/sign_ins/{sign_in_id}/attempt_second_factor",
		"Prove the second factor", operation.Writes|operation.Deletes|operation.Counts, attemptSecondFactor,
		operation.NotFound, operation.WrongCode, answered)
}

func signIn(c *operation.Call, r *mfa.SignInResult, err error) (Wrapped[wire.SignIn], error) {
	if err != nil {
		return Wrapped[wire.SignIn]{}, err
	}
	return wrap(c, wire.NewSignIn(r.SignIn, r.User, r.Snapshot), r.Snapshot), nil
}

type signInCreateInput struct {
	Strategy   string       `body:"strategy" doc:"password, phone_code, passkey or ticket; may be left out with a password"`
	Identifier string       `body:"identifier" doc:"an e-mail address, a verified number or a username"`
	Password   secret.Value `body:"password"`
	Ticket     secret.Value `body:"ticket" doc:"a sign-in token of the Backend API"`
}

func createSignIn(c *operation.Call, in signInCreateInput) (Wrapped[wire.SignIn], error) {
	r, err := c.Service.MFA.CreateSignIn(c, c.Caller, mfa.SignInInput{
		Strategy: account.Strategy(in.Strategy), Identifier: in.Identifier, Password: in.Password, Ticket: in.Ticket,
	})
	return signIn(c, r, err)
}

type signInInput struct {
	ID string `path:"sign_in_id"`
}

func getSignIn(c *operation.Call, in signInInput) (Wrapped[wire.SignIn], error) {
	r, err := c.Service.MFA.SignIn(c, c.Caller, in.ID)
	return signIn(c, r, err)
}

type signInPrepareInput struct {
	ID       string `path:"sign_in_id"`
	Strategy string `body:"strategy"`
	PhoneID  string `body:"phone_number_id"`
}

func prepareFirstFactor(c *operation.Call, in signInPrepareInput) (Wrapped[wire.SignIn], error) {
	r, err := c.Service.MFA.PrepareFirstFactor(c, c.Caller, in.ID, account.Strategy(in.Strategy), in.PhoneID)
	return signIn(c, r, err)
}

func prepareSecondFactor(c *operation.Call, in signInPrepareInput) (Wrapped[wire.SignIn], error) {
	r, err := c.Service.MFA.PrepareSecondFactor(c, c.Caller, in.ID, account.Strategy(in.Strategy), in.PhoneID)
	return signIn(c, r, err)
}

type signInFirstInput struct {
	ID         string       `path:"sign_in_id"`
	Strategy   string       `body:"strategy"`
	Password   secret.Value `body:"password"`
	Code       secret.Value `body:"code"`
	Credential secret.Value `body:"public_key_credential" doc:"the browser's answer of a passkey, as JSON"`
}

func attemptFirstFactor(c *operation.Call, in signInFirstInput) (Wrapped[wire.SignIn], error) {
	r, err := c.Service.MFA.AttemptFirstFactor(c, c.Caller, in.ID, mfa.Proof{Strategy: account.Strategy(in.Strategy), Password: in.Password, Code: in.Code, Credential: in.Credential})
	return signIn(c, r, err)
}

type signInSecondInput struct {
	ID         string       `path:"sign_in_id"`
	Strategy   string       `body:"strategy"`
	Code       secret.Value `body:"code"`
	Credential secret.Value `body:"public_key_credential" doc:"the browser's answer of a passkey, as JSON"`
	Remember   bool         `body:"remember_device" doc:"ours: the person asks to sign in here without a second factor for remember_device_days"`
}

func attemptSecondFactor(c *operation.Call, in signInSecondInput) (Wrapped[wire.SignIn], error) {
	r, err := c.Service.MFA.AttemptSecondFactor(c, c.Caller, in.ID, mfa.Proof{Strategy: account.Strategy(in.Strategy), Code: in.Code, Credential: in.Credential, Remember: in.Remember})
	return signIn(c, r, err)
}
