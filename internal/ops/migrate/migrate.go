// Package migrate moves users with all their factors from one instance to another, or to another
// program. The file has JSON lines and is always encrypted to a recipient with age, because every
// line holds secrets.
//
// The first line names the format and has the settings; each further line is a user; the last one
// counts them. docs/use/moving-away.md specifies the format.
package migrate

import (
	"bufio"
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
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
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

// ImportResult counts the users of an import.
type ImportResult struct {
	Users, Created, Existing, Refused int
	SettingsApplied                   bool // the instance took the file's settings
}

// errFile is returned for a file that this package did not write, or did not finish.
var errFile = errors.New("this is not a complete export")

// ErrKey is returned by [Import] when no identity opens the file.
var ErrKey = errors.New("no identity of this file opens the export")

// Import creates the users of an export. It leaves existing users as they are, so that an
// interrupted import can be repeated. A refused line is reported by number and user id, and does
// not end the import.
//
// age does not authenticate the writer of a file: import only your own files.
func Import(ctx context.Context, from io.Reader, identities []age.Identity, s *domain.Service, report io.Writer) (done ImportResult, err error) {
	open, err := age.Decrypt(from, identities...)
	if no := (*age.NoIdentityMatchError)(nil); errors.As(err, &no) {
		return done, ErrKey
	}
	if err != nil {
		return done, fmt.Errorf("%w: %w", errFile, err)
	}
	lines := bufio.NewScanner(open)
	lines.Buffer(nil, lineLimit)
	whole := false
	for n := 1; lines.Scan(); n++ {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return done, fmt.Errorf("line %d: %w", n, errFile) // the error's text may hold a secret
		}
		switch {
		case n == 1:
			err = done.begin(ctx, l, s)
		case whole:
			err = errFile
		case l.Object == kindUser && l.Export != nil:
			err = done.user(ctx, n, *l.Export, s, report)
		case l.Object == kindEnd && l.Users != nil && *l.Users == done.Users:
			whole = true
		default:
			err = errFile
		}
		if err != nil {
			return done, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return done, fmt.Errorf("%w: %w", errFile, err)
	}
	if !whole {
		return done, errFile
	}
	return done, nil
}

func (r *ImportResult) begin(ctx context.Context, l line, s *domain.Service) error {
	if l.Object != kindHead || l.Settings == nil {
		return errFile
	}
	if l.Version != format {
		return fmt.Errorf("the export has format %d, this program reads format %d", l.Version, format)
	}
	var err error
	r.SettingsApplied, err = s.Admin.ImportSettings(ctx, *l.Settings)
	return err
}

func (r *ImportResult) user(ctx context.Context, n int, p admin.Export, s *domain.Service, report io.Writer) error {
	r.Users++
	err := s.Admin.ImportUser(ctx, p)
	var refused *apierr.Error
	switch {
	case err == nil:
		r.Created++
	case errors.Is(err, admin.ErrUserExists):
		r.Existing++
	case errors.As(err, &refused):
		r.Refused++
		_, _ = fmt.Fprintf(report, "line %d (%.40q) refused: %v\n", n, p.ID, refused)
	default:
		return err
	}
	return nil
}
