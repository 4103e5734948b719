package admin

import (
	"context"
	"encoding/json"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/mergepatch"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// Metadata are the parts of a user's metadata in a request; nil leaves a part as it is.
type Metadata struct{ Public, Private, Unsafe json.RawMessage }

// MergeMetadata merges each part into the user's, as [account.MergeMetadata] does. The error is
// form_param_exceeds_allowed_size if the result is too large.
func (s *Service) MergeMetadata(ctx context.Context, id string, in Metadata) (*account.User, error) {
	return s.changeMetadata(ctx, id, in, func(u *account.User) error {
		for _, part := range []struct {
			of    *json.RawMessage
			patch json.RawMessage
		}{{&u.Public, in.Public}, {&u.Private, in.Private}, {&u.Unsafe, in.Unsafe}} {
			if part.patch == nil {
				continue
			}
			merged, err := mergepatch.Merge(*part.of, part.patch)
			if err != nil {
				return err
			}
			*part.of = merged
		}
		return nil
	})
}

// ReplaceMetadata replaces the given parts of a user's metadata. The error is
// form_param_exceeds_allowed_size if the result is too large.
func (s *Service) ReplaceMetadata(ctx context.Context, id string, in Metadata) (*account.User, error) {
	return s.changeMetadata(ctx, id, in, func(u *account.User) error {
		in.replaceIn(u)
		return nil
	})
}

func (in Metadata) replaceIn(u *account.User) {
	for _, part := range []struct {
		of *json.RawMessage
		is json.RawMessage
	}{{&u.Public, in.Public}, {&u.Private, in.Private}, {&u.Unsafe, in.Unsafe}} {
		if part.is != nil {
			*part.of = part.is
		}
	}
}

// changeMetadata runs a change of a user's metadata and records it. It refuses metadata, and claims
// of session tokens, that become too large.
func (s *Service) changeMetadata(ctx context.Context, id string, in Metadata, change func(*account.User) error) (*account.User, error) {
	return s.AdminUser(ctx, id, func(t *tx.Tx, u *account.User) error {
		err := sessions.KeepClaims(t, u, func() error {
			if err := change(u); err != nil {
				return err
			}
			return CheckMetadata(u, in)
		})
		if err != nil {
			return err
		}
		u.Touch(t.Now)
		audit.Record(t, u, eventtype.UserUpdated, account.Subject{})
		return nil
	})
}
