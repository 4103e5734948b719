package migrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/countersign-mfa/countersign/internal/domain"
)

// PartUsers is how many users a part of an export has at least, if so many are left.
const PartUsers = 100_000

// Files are the files of an export: the first part has the name, the others .2, .3 and so on. While
// the export is not whole, a file .state tells where to go on. It holds no secret.
type Files struct {
	Name string
	// Source names the store that is exported.
	Source string
	// Recipients are public age keys.
	Recipients []string
	// PartUsers is how many users a part has at least, if so many are left.
	PartUsers int
	// Wrap returns a writer that reports progress.
	Wrap func(io.Writer) io.Writer
}

// PartName returns the name of a part, counted from 1.
func PartName(name string, part int) string {
	if part == 1 {
		return name
	}
	return name + "." + strconv.Itoa(part)
}

// fileState is the content of the state file.
type fileState struct {
	Source     string   `json:"source"`
	Recipients []string `json:"recipients"`
	Progress
}

func (f Files) stateName() string { return f.Name + ".state" }

// Export writes all parts that are missing. An interrupted export goes on after its last whole
// part, when it is called again with the same source and recipients. A first part that fails is
// removed.
func (f Files) Export(ctx context.Context, s *domain.Service, now time.Time) (Progress, error) {
	recipients, err := age.ParseRecipients(strings.NewReader(strings.Join(f.Recipients, "\n")))
	if err != nil {
		return Progress{}, fmt.Errorf("recipients: %w", err)
	}
	done, err := f.begin()
	if err != nil {
		return done, err
	}
	for !done.Whole() {
		if done, err = f.exportPart(ctx, recipients, s, now, done); err == nil {
			err = f.keep(done)
		}
		if err != nil {
			return done, errors.Join(err, f.abandon(done))
		}
	}
	return done, os.Remove(f.stateName())
}

// begin reads the state of an interrupted export, or writes that of a new one.
func (f Files) begin() (Progress, error) {
	text, err := os.ReadFile(f.stateName())
	if errors.Is(err, fs.ErrNotExist) {
		file, err := os.OpenFile(f.Name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return Progress{}, fmt.Errorf("output: %w", err)
		}
		return Progress{}, errors.Join(file.Close(), f.keep(Progress{}))
	}
	if err != nil {
		return Progress{}, fmt.Errorf("state file: %w", err)
	}
	var was fileState
	if json.Unmarshal(text, &was) != nil {
		return Progress{}, fmt.Errorf("%s is not the state of an export; remove it and the export to begin again", f.stateName())
	}
	if was.Source != f.Source || !slices.Equal(was.Recipients, f.Recipients) {
		return Progress{}, fmt.Errorf("%s belongs to an interrupted export of %s to other recipients or from another store; remove it and the export to begin again", f.stateName(), was.Source)
	}
	return was.Progress, nil
}

// keep replaces the state file.
func (f Files) keep(done Progress) error {
	text, err := json.Marshal(fileState{f.Source, f.Recipients, done})
	if err != nil {
		return fmt.Errorf("encode state: %w", err)
	}
	next := f.stateName() + ".new"
	if err := os.WriteFile(next, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("state file: %w", err)
	}
	return os.Rename(next, f.stateName())
}

// abandon removes the part that failed. Without a whole part it removes the state file too.
func (f Files) abandon(done Progress) error {
	err := os.Remove(PartName(f.Name, done.Parts+1))
	if done.Parts == 0 {
		err = errors.Join(err, os.Remove(f.stateName()))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// exportPart writes one part, in place of what an interrupted run left of it.
func (f Files) exportPart(ctx context.Context, recipients []age.Recipient, s *domain.Service, now time.Time, done Progress) (Progress, error) {
	file, err := os.OpenFile(PartName(f.Name, done.Parts+1), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return done, fmt.Errorf("output: %w", err)
	}
	next, err := Export(ctx, f.Wrap(file), recipients, s, now, done, f.PartUsers)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return done, err
	}
	return next, nil
}

// ImportFiles imports all parts of an export. wrap returns a reader that reports how much of so
// many bytes was read.
func ImportFiles(ctx context.Context, name string, identities []age.Identity, s *domain.Service, report io.Writer, wrap func(io.Reader, int64) io.Reader) (ImportResult, error) {
	var sum ImportResult
	for {
		part, err := importFile(ctx, PartName(name, sum.Parts+1), identities, s, sum.Parts+1, report, wrap)
		sum.Add(part)
		if err != nil && sum.Parts > 0 {
			err = fmt.Errorf("part %d: %w", sum.Parts+1, err)
		}
		if err != nil || !part.More {
			return sum, err
		}
	}
}

func importFile(ctx context.Context, name string, identities []age.Identity, s *domain.Service, part int, report io.Writer, wrap func(io.Reader, int64) io.Reader) (ImportResult, error) {
	file, err := os.Open(filepath.Clean(name))
	if err != nil {
		return ImportResult{}, fmt.Errorf("input: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return ImportResult{}, fmt.Errorf("input: %w", err)
	}
	return Import(ctx, wrap(file, info.Size()), identities, s, part, report)
}
