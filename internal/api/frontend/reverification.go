package frontend

import (
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
)

// reverified are the codes for a step-up that does not expect the request.
var reverified = []apierr.Code{apierr.SessionReverificationMissing, apierr.InvalidActionForSessionReverification}

// SessionReverificationCreate is POST /v1/client/sessions/{session_id}/verify.
func SessionReverificationCreate() operation.Operation {
	return row("session-reverification-create", "POST /v1/client/sessions/{session_id}/verify",
		"Begin a step-up", operation.Writes, startReverification,
		[]apierr.Code{apierr.FormParamValueInvalid})
}

// SessionReverificationFirstFactorPrepare is
// POST /v1/client/sessions/{session_id}/verify/prepare_first_factor.
func SessionReverificationFirstFactorPrepare() operation.Operation {
	return row("session-reverification-first-factor-prepare", "POST /v1/client/sessions/{session_id}/verify/prepare_first_factor",
		"Send a first-factor code, or ask for a passkey", operation.Writes|operation.SendsSMS|operation.Counts, prepareReverificationFirstFactor,
		reverified, sent, asked)
}

// SessionReverificationFirstFactorAttempt is
// POST /v1/client/sessions/{session_id}/verify/attempt_first_factor.
func SessionReverificationFirstFactorAttempt() operation.Operation {
	return row("session-reverification-first-factor-attempt", "POST /v1/client/sessions/{session_id}/verify/attempt_first_factor",
		"Prove the first factor again", operation.Writes|operation.Counts, attemptReverificationFirstFactor,
		reverified, operation.WrongPassword, operation.WrongCode, ticketed, answered)
}

// SessionReverificationSecondFactorPrepare is
// POST /v1/client/sessions/{session_id}/verify/prepare_second_factor.
func SessionReverificationSecondFactorPrepare() operation.Operation {
	return row("session-reverification-second-factor-prepare", "POST /v1/client/sessions/{session_id}/verify/prepare_second_factor",
		"Send a second-factor code, or ask for a passkey", operation.Writes|operation.SendsSMS|operation.Counts, prepareReverificationSecondFactor,
		reverified, operation.NotFound, sent, asked)
}

// SessionReverificationSecondFactorAttempt is
// POST /v1/client/sessions/{session_id}/verify/attempt_second_factor.
func SessionReverificationSecondFactorAttempt() operation.Operation {
	return row("session-reverification-second-factor-attempt", "POST /v1/client/sessions/{session_id}/verify/attempt_second_factor",
		"Prove the second factor again", operation.Writes|operation.Deletes|operation.Counts, attemptReverificationSecondFactor,
		reverified, operation.WrongCode, answered)
}

func reverification(c *operation.Call, r *mfa.ReverificationResult, err error) (Wrapped[wire.Reverification], error) {
	if err != nil {
		return Wrapped[wire.Reverification]{}, err
	}
	return wrap(c, wire.NewReverification(r), r.Snapshot), nil
}

type startInput struct {
	ID    string `path:"session_id"`
	Level string `body:"level" rules:"required one=first_factor|second_factor|multi_factor"`
}

func startReverification(c *operation.Call, in startInput) (Wrapped[wire.Reverification], error) {
	r, err := c.Service.MFA.StartReverification(c, c.Caller, in.ID, authority.Level(in.Level))
	return reverification(c, r, err)
}

type reverifyPrepareInput struct {
	ID       string `path:"session_id"`
	Strategy string `body:"strategy"`
	PhoneID  string `body:"phone_number_id"`
}

func prepareReverificationFirstFactor(c *operation.Call, in reverifyPrepareInput) (Wrapped[wire.Reverification], error) {
	r, err := c.Service.MFA.PrepareReverificationFirstFactor(c, c.Caller, in.ID, account.Strategy(in.Strategy), in.PhoneID)
	return reverification(c, r, err)
}

func prepareReverificationSecondFactor(c *operation.Call, in reverifyPrepareInput) (Wrapped[wire.Reverification], error) {
	r, err := c.Service.MFA.PrepareReverificationSecondFactor(c, c.Caller, in.ID, account.Strategy(in.Strategy), in.PhoneID)
	return reverification(c, r, err)
}

type reverifyAttemptInput struct {
	ID         string       `path:"session_id"`
	Strategy   string       `body:"strategy"`
	Password   secret.Value `body:"password"`
	Code       secret.Value `body:"code"`
	Ticket     secret.Value `body:"ticket" doc:"a sign-in token of the same user, at most ten minutes old"`
	Credential secret.Value `body:"public_key_credential" doc:"the browser's answer of a passkey, as JSON"`
}

func attemptReverificationFirstFactor(c *operation.Call, in reverifyAttemptInput) (Wrapped[wire.Reverification], error) {
	proof := mfa.Proof{Strategy: account.Strategy(in.Strategy), Password: in.Password, Code: in.Code, Ticket: in.Ticket, Credential: in.Credential}
	r, err := c.Service.MFA.AttemptReverificationFirstFactor(c, c.Caller, in.ID, proof)
	return reverification(c, r, err)
}

type reverifySecondInput struct {
	ID         string       `path:"session_id"`
	Strategy   string       `body:"strategy"`
	Code       secret.Value `body:"code"`
	Credential secret.Value `body:"public_key_credential" doc:"the browser's answer of a passkey, as JSON"`
}

func attemptReverificationSecondFactor(c *operation.Call, in reverifySecondInput) (Wrapped[wire.Reverification], error) {
	proof := mfa.Proof{Strategy: account.Strategy(in.Strategy), Code: in.Code, Credential: in.Credential}
	r, err := c.Service.MFA.AttemptReverificationSecondFactor(c, c.Caller, in.ID, proof)
	return reverification(c, r, err)
}
