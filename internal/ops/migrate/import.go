package migrate

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"filippo.io/age"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/migration"
)

// importTogether is how many bytes the lines of the users have that are created at once, so that
// their commits share one write to the disk. A line counts as importShare bytes at least.
const (
	importTogether = 16 << 20
	importShare    = importTogether / 256
)

// ImportResult counts the users of an import.
type ImportResult struct {
	Users, Created, Existing, Refused int
	SettingsApplied                   bool // the instance took the file's settings
	Parts                             int  // that were imported
	More                              bool // another part follows
}

// Add adds the counts of the next part.
func (r *ImportResult) Add(part ImportResult) {
	r.Users, r.Created, r.Existing, r.Refused = r.Users+part.Users, r.Created+part.Created, r.Existing+part.Existing, r.Refused+part.Refused
	r.SettingsApplied = r.SettingsApplied || part.SettingsApplied
	r.Parts, r.More = r.Parts+part.Parts, part.More
}

// errFile is returned for a file that this package did not write, or did not finish.
var errFile = errors.New("this is not a complete export")

// ErrKey is returned by [Import] when no identity opens the file.
var ErrKey = errors.New("no identity of this file opens the export")

// Import creates the users of a part of an export; parts are counted from 1. It creates up to 256
// users at once, and holds at most 16 MB of their lines. It leaves existing users as they are, so
// that an interrupted import can be repeated. A refused line is reported by number and user id, and
// does not end the import.
//
// age does not authenticate the writer of a file: import only your own files.
func Import(ctx context.Context, from io.Reader, identities []age.Identity, s *domain.Service, part int, report io.Writer) (ImportResult, error) {
	open, err := age.Decrypt(from, identities...)
	if no := (*age.NoIdentityMatchError)(nil); errors.As(err, &no) {
		return ImportResult{}, ErrKey
	}
	if err != nil {
		return ImportResult{}, fmt.Errorf("%w: %w", errFile, err)
	}
	run := &importRun{service: s, part: part, report: report, room: semaphore.NewWeighted(importTogether)}
	group, ctx := errgroup.WithContext(ctx)
	run.group = group
	err = run.lines(ctx, open)
	// What began is finished: the first error of a user is that of the import.
	if failed := group.Wait(); failed != nil {
		err = failed
	}
	return run.result, err
}

// importRun is an import in progress.
type importRun struct {
	service *domain.Service
	group   *errgroup.Group
	room    *semaphore.Weighted
	part    int

	mu     sync.Mutex
	report io.Writer
	result ImportResult
}

// lines imports every line of the file.
func (r *importRun) lines(ctx context.Context, open io.Reader) error {
	lines := bufio.NewScanner(open)
	lines.Buffer(nil, lineLimit)
	users, whole := 0, false
	for n := 1; lines.Scan(); n++ {
		var err error
		switch text := lines.Bytes(); {
		case whole:
			err = errFile
		case n == 1:
			err = r.begin(ctx, text)
		case isUser(text):
			users++
			err = r.start(ctx, n, bytes.Clone(text))
		default:
			whole, err = true, r.end(text, users)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%w: %w", errFile, err)
	}
	if !whole {
		return errFile
	}
	return nil
}

// isUser reports whether a line is a user. It looks at the beginning, as [Export] writes it, before
// it reads a line of another order.
func isUser(text []byte) bool {
	if bytes.HasPrefix(text, []byte(`{"object":"`+kindUser+`"`)) {
		return true
	}
	var l struct {
		Object string `json:"object"`
	}
	return json.Unmarshal(text, &l) == nil && l.Object == kindUser
}

func parse(text []byte) (l line, err error) {
	if json.Unmarshal(text, &l) != nil {
		return l, errFile // the error's text may hold a secret
	}
	return l, nil
}

// end reads the last line, which counts the users before it.
func (r *importRun) end(text []byte, users int) error {
	l, err := parse(text)
	if err == nil && (l.Object != kindEnd || l.Users == nil || *l.Users != users) {
		err = errFile
	}
	if err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.result.Parts, r.result.More = 1, l.More
	}
	return err
}

func (r *importRun) begin(ctx context.Context, text []byte) error {
	l, err := parse(text)
	if err != nil {
		return err
	}
	if l.Object != kindHead || l.ExportedSettings == nil {
		return errFile
	}
	if l.Version != format {
		return fmt.Errorf("the export has format %d, this program reads format %d", l.Version, format)
	}
	if max(l.Part, 1) != r.part { // exports of earlier versions have one part, without a number
		return fmt.Errorf("this is part %d of the export, not %d", max(l.Part, 1), r.part)
	}
	r.result.SettingsApplied, err = r.service.Migration.ImportSettings(ctx, *l.ExportedSettings)
	return err
}

// start imports the user of a line beside others, once there is room for it.
func (r *importRun) start(ctx context.Context, n int, text []byte) error {
	size := int64(max(len(text), importShare))
	if err := r.room.Acquire(ctx, size); err != nil {
		return err
	}
	r.group.Go(func() error {
		defer r.room.Release(size)
		if err := r.user(ctx, n, text); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		return nil
	})
	return nil
}

func (r *importRun) user(ctx context.Context, n int, text []byte) error {
	l, err := parse(text)
	if err != nil || l.Object != kindUser || l.Export == nil {
		return errFile
	}
	err = r.service.Migration.ImportUser(ctx, *l.Export)
	var refused *apierr.Error
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil:
		r.result.Created++
	case errors.Is(err, migration.ErrUserExists):
		r.result.Existing++
	case errors.As(err, &refused):
		r.result.Refused++
		_, _ = fmt.Fprintf(r.report, "line %d (%.40q) refused: %v\n", n, l.ID, refused)
	default:
		return err
	}
	r.result.Users++
	return nil
}
