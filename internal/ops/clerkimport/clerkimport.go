package clerkimport

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

// Config says what to import and where.
type Config struct {
	// Input is a file of JSON lines; State remembers what was done of it.
	Input, State string
	URL          string
	SecretKey    secret.Value
	// DryRun asks a server in memory instead, which forgets everything, and leaves no state.
	DryRun bool
	// Incomplete creates users whose password or authenticator app is missing from the file or cannot be used here.
	Incomplete bool

	Out io.Writer
	// Progress hears after each line how far the import is; nil hears nothing.
	Progress func(done Result, total int)
	Now      func() time.Time
	Pause    func(context.Context, time.Duration) error
	// Send sends requests; nil is [http.DefaultTransport].
	Send http.RoundTripper
}

// Result counts lines.
type Result struct {
	Lines, Created, Before, Refused int
}

// ErrInterrupted is the end of an import that was asked to stop: the same call goes on with it.
var ErrInterrupted = errors.New("interrupted; the same command goes on where it stopped")

// run is an import under way.
type run struct {
	Config
	Result
	server server
	state  *state
	total  int
	seen   map[string]int // key -> line
	left   map[string]int // what stayed behind -> users
	// settings are the target's, and blocked counts users by why a second factor could not be proved. Both are of a dry run.
	settings settings
	blocked  map[string]int
	// lost is true while an earlier run may have created users without noting them.
	lost bool
}

// Run imports. Lines that cannot be imported are printed and counted; an error is about the import as a whole.
func Run(ctx context.Context, c Config) (res Result, err error) {
	r := &run{Config: c, seen: map[string]int{}, left: map[string]int{}, blocked: map[string]int{}, state: &state{done: map[string]string{}}}
	in, err := os.Open(c.Input) //nolint:gosec // the operator names the file
	if err != nil {
		return Result{}, fmt.Errorf("input: %w", err)
	}
	defer func() { _ = in.Close() }()
	if r.total, err = lines(in); err != nil {
		return Result{}, err
	}
	if err := r.open(ctx); err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, r.state.close()) }()
	err = r.all(ctx, in)
	r.summary()
	return r.Result, err
}

// open chooses the server, and reads what was done before.
func (r *run) open(ctx context.Context) error {
	r.server = server{url: r.URL, key: r.SecretKey, send: r.Send, pause: r.Pause, out: r.Out}
	if r.server.send == nil {
		r.server.send = http.DefaultTransport
	}
	if r.DryRun {
		return r.try(ctx)
	}
	var err error
	if r.state, err = openState(r.State, r.URL); err != nil {
		return err
	}
	r.lost = r.state.resumed
	return nil
}

// try puts a server in memory in the place of the target, with the target's settings.
func (r *run) try(ctx context.Context) error {
	trial, err := newTrial(r.SecretKey, r.Now)
	if err != nil {
		return err
	}
	found, problem := r.server.settings(ctx)
	switch {
	case ctx.Err() != nil:
		return ErrInterrupted
	case problem != nil:
		_, _ = fmt.Fprintf(r.Out, "the settings of %s are not known (%v); those of a new server are taken\n", r.URL, problem)
		found, err = trial.settings(ctx)
	default:
		err = trial.take(ctx, found)
	}
	r.settings, r.server.send = found, trial
	return err
}

// lines counts, so that progress has an end, and goes back to the start.
func lines(in *os.File) (int, error) {
	n, buffer := 0, make([]byte, 64<<10)
	last := byte('\n')
	for {
		got, err := in.Read(buffer)
		if got > 0 {
			n += bytes.Count(buffer[:got], []byte("\n"))
			last = buffer[got-1]
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, fmt.Errorf("input: %w", err)
		}
	}
	if last != '\n' {
		n++
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return 0, fmt.Errorf("input: %w", err)
	}
	return n, nil
}

func (r *run) all(ctx context.Context, in io.Reader) error {
	reader := bufio.NewReader(in)
	for {
		if ctx.Err() != nil {
			return ErrInterrupted
		}
		line, end := reader.ReadBytes('\n')
		if end != nil && !errors.Is(end, io.EOF) {
			return fmt.Errorf("input: %w", end)
		}
		if len(line) > 0 {
			if err := r.line(ctx, line); err != nil {
				return err
			}
		}
		if end != nil {
			return nil
		}
		if r.Progress != nil {
			r.Progress(r.Result, r.total)
		}
	}
}

// line imports one user. Its error ends the import.
func (r *run) line(ctx context.Context, text []byte) error {
	r.Lines++
	if len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	s, err := read(text)
	if err == nil {
		err = r.user(ctx, s)
	}
	var why refusal
	switch {
	case errors.As(err, &why):
		r.Refused++
		_, _ = fmt.Fprintf(r.Out, "line %d%s refused: %s\n", r.Lines, s.name(), why)
		return nil
	case err != nil && ctx.Err() != nil:
		return ErrInterrupted
	case err != nil:
		return fmt.Errorf("line %d: %w", r.Lines, err)
	}
	return nil
}

func (r *run) user(ctx context.Context, s source) error {
	p, err := s.plan(r.Incomplete)
	if err != nil {
		return err
	}
	if before, ok := r.seen[p.key]; ok {
		return twice(before)
	}
	r.seen[p.key] = r.Lines
	if _, ok := r.state.done[p.key]; ok {
		r.Before++
		return nil
	}
	id, there, err := r.server.create(ctx, p, r.lost)
	if r.DryRun {
		r.warn(s, p, err != nil)
	}
	if err != nil {
		return err
	}
	if there {
		r.Before++
	} else {
		r.Created++
		r.lost = false // users are created in the order of the lines: what was not noted came before this one
		for _, what := range p.left {
			r.left[what]++
		}
	}
	if r.DryRun {
		return nil
	}
	return r.state.note(p.key, id)
}

func (r *run) summary() {
	created := "created"
	if r.DryRun {
		created = "would be created"
	}
	_, _ = fmt.Fprintf(r.Out, "%d of %d lines: %d %s, %d created before, %d refused\n", r.Lines, r.total, r.Created, created, r.Before, r.Refused)
	for _, what := range slices.Sorted(maps.Keys(r.left)) {
		_, _ = fmt.Fprintf(r.Out, "left behind by %d: %s\n", r.left[what], what)
	}
	r.sumUp()
}
