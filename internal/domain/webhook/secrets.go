package webhook

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// secretPrefix begins a secret in the form of Standard Webhooks.
const secretPrefix = "whsec_"

// Secret is an opened secret that signs webhooks until it ends.
type Secret struct {
	Value secret.Value
	Ends  account.Instant // 0: never
}

// OpenSecrets returns the secrets of an endpoint that have not ended, newest first. It leaves out
// those that do not open under the keys of the engine.
func OpenSecrets(s *tx.Engine, e *account.Endpoint) []Secret {
	var out []Secret
	now := account.At(s.Now())
	for _, sealed := range e.Secrets {
		if sealed.Ends != 0 && sealed.Ends <= now {
			continue
		}
		if value, err := s.Ring.Open(hookOwner(e), sealed.Sealed); err == nil {
			out = append(out, Secret{value, sealed.Ends})
		}
	}
	return out
}

// SealSecrets replaces the secrets of an endpoint, sealed under the keys of the engine. It returns
// [apierr.FormParamValueInvalid] for one that is not in the form of Standard Webhooks.
func SealSecrets(s *tx.Engine, e *account.Endpoint, secrets []Secret) error {
	e.Secrets = nil
	for _, one := range secrets {
		text, named := strings.CutPrefix(one.Value.Reveal(), secretPrefix)
		if key, err := base64.StdEncoding.DecodeString(text); !named || err != nil || len(key) == 0 {
			return apierr.New(apierr.FormParamValueInvalid).Param("webhook_secrets")
		}
		sealed, err := s.Ring.Seal(hookOwner(e), one.Value)
		if err != nil {
			return fmt.Errorf("seal webhook secret: %w", err)
		}
		e.Secrets = append(e.Secrets, account.HookSecret{Sealed: sealed, Ends: one.Ends})
	}
	return nil
}
