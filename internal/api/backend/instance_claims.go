package backend

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/claims"
)

// parseClaims returns the request's template of session claims as it is stored: compact, or nil for
// none or {}.
func (in instanceInput) parseClaims() (json.RawMessage, error) {
	if in.SessionClaims == nil {
		return nil, nil //nolint:nilnil // nothing was asked for, which is fine
	}
	var text bytes.Buffer
	if err := json.Compact(&text, in.SessionClaims); err != nil {
		return nil, fmt.Errorf("session claims: %w", err)
	}
	_, err := claims.Parse(text.Bytes())
	if wrong := (*claims.Error)(nil); errors.As(err, &wrong) {
		return nil, apierr.New(apierr.FormParamValueInvalid).Param("session_claims").Explain(wrong.Sentence)
	}
	if err != nil || text.String() == "{}" {
		return nil, err
	}
	return text.Bytes(), nil
}
