package frontend

import (
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// SignInRecoveryCreate is POST /v1/client/sign_ins/{sign_in_id}/recovery.
func SignInRecoveryCreate() operation.Operation {
	return row("sign-in-recovery-create", "POST /v1/client/sign_ins/{sign_in_id}/recovery",
		"Ask to remove the second factors, after days in which the owner may cancel", operation.Writes|operation.Counts, requestRecovery,
		operation.NotFound, []apierr.Code{apierr.FeatureNotEnabled, apierr.TooManyRequests, apierr.UserLocked, apierr.UserBanned, apierr.VerificationStrategyInvalid})
}

// MeRecoveryCancel is DELETE /v1/me/recovery.
func MeRecoveryCancel() operation.Operation {
	return row("me-recovery-cancel", "DELETE /v1/me/recovery",
		"Cancel the removal of the second factors", operation.Writes, cancelRecovery,
		sensitive, notPending, operation.NotFound)
}

func requestRecovery(c *operation.Call, in signInInput) (Wrapped[wire.SignIn], error) {
	r, err := c.Service.MFA.RequestRecovery(c, c.Caller, in.ID)
	return signIn(c, r, err)
}

func cancelRecovery(c *operation.Call, _ operation.Empty) (Wrapped[wire.DeletedObject], error) {
	r, err := c.Service.MFA.CancelRecovery(c, c.Caller)
	if err != nil {
		return Wrapped[wire.DeletedObject]{}, err
	}
	return wrap(c, wire.DeletedObject{Object: "recovery", ID: r.User.WireID(), Deleted: true}, r.Snapshot), nil
}
