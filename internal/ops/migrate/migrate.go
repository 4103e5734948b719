// Package migrate moves users with all their factors from one instance to another, or to another
// program. The file has JSON lines and is always encrypted to a recipient with age, because every
// line holds secrets.
//
// The first line names the format and has the settings; each further line is a user; the last one
// counts them. A large export has several such files, its parts. docs/use/moving-away.md specifies
// the format.
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
	"github.com/countersign-mfa/countersign/internal/domain/migration"
	"github.com/countersign-mfa/countersign/internal/store"
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
	*migration.Export
	Users *int `json:"users,omitempty"` // in the last line
	More  bool `json:"more,omitempty"`  // in the last line: another part follows
}

type head struct {
	Version    int             `json:"version,omitempty"`
	Part       int             `json:"part,omitempty"` // from 1 on
	ExportedAt account.Instant `json:"exported_at,omitempty"`
	*migration.ExportedSettings
}

// Progress is how far an export is: what its whole parts hold, and where the next one begins.
type Progress struct {
	Parts int            `json:"parts"`
	After store.Position `json:"after,omitempty"`
	Users int            `json:"users"`
	// WithoutCodes counts users whose backup codes could not be exported.
	WithoutCodes int `json:"without_codes,omitempty"`
}

// Whole reports whether no part is missing.
func (p Progress) Whole() bool { return p.Parts > 0 && p.After == "" }

// Export writes the part after those that are done, encrypted: at least most users, if so many are
// left. It holds one page of users at a time. A user who changes meanwhile is exported as before or
// after the change. The part is complete only when Export returns nil; age detects a file that was
// cut off.
func Export(ctx context.Context, to io.Writer, recipients []age.Recipient, s *domain.Service, now time.Time, done Progress, most int) (Progress, error) {
	sealed, err := age.Encrypt(to, recipients...)
	if err != nil {
		return done, fmt.Errorf("encrypt: %w", err)
	}
	settings, err := s.Migration.ExportSettings(ctx)
	if err != nil {
		return done, err
	}
	next := done
	next.Parts++
	out := json.NewEncoder(sealed)
	if err := out.Encode(line{Object: kindHead, head: head{format, next.Parts, account.At(now), &settings}}); err != nil {
		return done, fmt.Errorf("write: %w", err)
	}
	users := 0
	next.After, err = s.Migration.ExportUsers(ctx, done.After, most, func(p migration.Export, left error) error {
		if left != nil {
			next.WithoutCodes++
		}
		users++
		if err := out.Encode(line{Object: kindUser, Export: &p}); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		return nil
	})
	if err != nil {
		return done, err
	}
	next.Users += users
	if err := errors.Join(out.Encode(line{Object: kindEnd, Users: &users, More: !next.Whole()}), sealed.Close()); err != nil {
		return done, fmt.Errorf("write: %w", err)
	}
	return next, nil
}
