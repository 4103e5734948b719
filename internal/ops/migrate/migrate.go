// Package migrate moves users with all their factors from one instance to another, or to another
// program. The file has JSON lines and is always encrypted to a recipient with age, because every
// line holds secrets.
//
// The first line names the format and has the settings; each further line is a user; the last one
// counts them. docs/use/moving-away.md specifies the format.
package migrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"filippo.io/age"

	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
)

// format is the version of the file format.
const format = 1

// lineLimit is the longest line, in bytes.
const lineLimit = 4 << 20

// Kinds of lines.
const (
	kindHead = "countersign_export"
	kindUser = "user"
	kindEnd  = "end"
)

// line is one line of the file.
type line struct {
	Object string `json:"object"`
	head
	*admin.Export
	Users *int `json:"users,omitempty"` // in the last line
}

type head struct {
	Version    int               `json:"version,omitempty"`
	ExportedAt account.Instant   `json:"exported_at,omitempty"`
	Settings   *account.Settings `json:"settings,omitempty"`
}

// ExportResult counts what an export holds.
type ExportResult struct {
	Users int
	// WithoutCodes counts users whose backup codes could not be exported.
	WithoutCodes int
}

// Export writes every user, encrypted. It holds one page of users at a time. A user who changes
// meanwhile is exported as before or after the change. The file is complete only when Export
// returns nil; age detects a file that was cut off.
func Export(ctx context.Context, to io.Writer, recipients []age.Recipient, s *domain.Service, now time.Time) (done ExportResult, err error) {
	sealed, err := age.Encrypt(to, recipients...)
	if err != nil {
		return done, fmt.Errorf("encrypt: %w", err)
	}
	settings, err := s.Engine.Settings(ctx)
	if err != nil {
		return done, err
	}
	settings.Trail = nil
	out := json.NewEncoder(sealed)
	if err := out.Encode(line{Object: kindHead, head: head{format, account.At(now), &settings}}); err != nil {
		return done, fmt.Errorf("write: %w", err)
	}
	err = s.Admin.ExportUsers(ctx, func(p admin.Export, left error) error {
		if left != nil {
			done.WithoutCodes++
		}
		done.Users++
		if err := out.Encode(line{Object: kindUser, Export: &p}); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		return nil
	})
	if err != nil {
		return done, err
	}
	if err := errors.Join(out.Encode(line{Object: kindEnd, Users: &done.Users}), sealed.Close()); err != nil {
		return done, fmt.Errorf("write: %w", err)
	}
	return done, nil
}
