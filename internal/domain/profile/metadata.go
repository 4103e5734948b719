package profile

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/mergepatch"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// MergeMetadata merges a JSON object into the unsafe metadata of the caller's user, as
// [account.MergeMetadata] does.
func (s *Service) MergeMetadata(ctx context.Context, from tx.Caller, unsafe json.RawMessage) (*sessions.Result, error) {
	if unsafe == nil {
		return nil, apierr.New(apierr.FormParamMissing).Param("unsafe_metadata")
	}
	return s.change(ctx, from, func(t *tx.Tx, caller *tx.SignedIn) (bool, error) {
		u := caller.User
		merged, err := mergepatch.Merge(u.Unsafe, unsafe)
		if err != nil {
			return false, err
		}
		if before := u.Unsafe; bytes.Equal(merged, before) || before == nil && string(merged) == "{}" {
			return false, nil
		}
		return true, sessions.KeepClaims(t, u, func() error {
			u.Unsafe = merged
			return admin.CheckMetadata(u, admin.Metadata{Unsafe: unsafe})
		})
	})
}
