package clerkimport

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/numberplan"
)

// Config is the configuration of an import.
type Config struct {
	// Input is the path of a file of JSON lines, State the path of the state file.
	Input, State string
	URL          string
	SecretKey    secret.Value
	// DryRun creates the users on a server in memory instead, and writes no state file.
	DryRun bool
	// Missing says what to do with a user whose password or authenticator app cannot be imported.
	Missing Missing
	// Numbers are the numbering plans by which a dry run, and an import with [CreateWithout], read
	// phone numbers: those of the target. Nil means those of this build.
	Numbers *numberplan.Plan

	Out io.Writer
	// Refused, unless nil, is called with each refused line, which is then not printed to Out.
	Refused func(line int, id, why string)
	// Progress, unless nil, is called after each line, in the order of the file.
	Progress func(done Result, total int)
	Now      func() time.Time
	Pause    func(context.Context, time.Duration) error
	// Send sends the requests; nil means a transport that keeps a connection for each request that
	// waits for its answer.
	Send http.RoundTripper
}

// Missing says what to do with a user whose password or authenticator app is missing from the
// input, or has a form that Countersign cannot use.
type Missing int

// The values of [Missing].
const (
	// RefuseMissing refuses the user, so that no account becomes weaker unnoticed.
	RefuseMissing Missing = iota
	// CreateWithout creates the user without the password or app.
	CreateWithout
)

// Result counts lines whose users were created or refused, or that are empty. Before counts users
// that an earlier run created.
type Result struct {
	Lines, Created, Before, Refused int
}

// ErrInterrupted is returned when the context ends. Running the import again continues it.
var ErrInterrupted = errors.New("interrupted; run the same command again to continue")

// run is an import in progress.
type run struct {
	Config
	Result
	server server
	state  *state
	total  int
	// each calls a function with the text of each user.
	each func(io.Reader, func([]byte) error) error
	seen map[string]int // from key to line
	left map[string]int // from what was not imported to the number of users
	// settings are known in a dry run and with [CreateWithout]. blocked counts users of a dry run by
	// the reason why a second factor of theirs could not be used under the settings.
	settings settings
	blocked  map[string]int
	// planned counts the lines that were read. window is those of them that are not sent.
	planned int
	window  window
}

// Run imports the users of the input. It prints and counts lines that cannot be imported; the error
// is about the import as a whole.
func Run(ctx context.Context, c Config) (res Result, err error) {
	r := &run{Config: c, seen: map[string]int{}, left: map[string]int{}, blocked: map[string]int{}, state: newState()}
	if r.Numbers == nil {
		r.Numbers = numberplan.BuiltIn()
	}
	in, err := os.Open(c.Input) //nolint:gosec // the operator names the file
	if err != nil {
		return Result{}, fmt.Errorf("input: %w", err)
	}
	defer func() { _ = in.Close() }()
	if r.total, r.each, err = measure(in); err != nil {
		return Result{}, err
	}
	if r.total == 0 {
		return Result{}, errors.New("input: the file is empty")
	}
	if err := r.open(ctx); err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, r.state.close()) }()
	err = r.all(ctx, in)
	r.summary()
	return r.Result, err
}

// open chooses the server and reads the state file.
func (r *run) open(ctx context.Context) error {
	r.server = server{url: r.URL, key: r.SecretKey, send: r.Send, pause: r.Pause, out: r.Out}
	if r.server.send == nil {
		r.server.send = &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: together, IdleConnTimeout: time.Minute}
	}
	if r.DryRun {
		return r.openTrial(ctx)
	}
	var err error
	if r.Missing == CreateWithout {
		if r.settings, err = r.server.settings(ctx); err != nil {
			return fmt.Errorf("settings of %s: %w", r.URL, err)
		}
	}
	r.state, err = openState(r.State, r.URL)
	return err
}

// openTrial replaces the target by a server in memory that has the target's settings.
func (r *run) openTrial(ctx context.Context) error {
	trial, err := newTrial(r.SecretKey, r.Numbers, r.Now)
	if err != nil {
		return err
	}
	found, problem := r.server.settings(ctx)
	switch {
	case ctx.Err() != nil:
		return ErrInterrupted
	case problem != nil:
		_, _ = fmt.Fprintf(r.Out, "cannot read the settings of %s (%v); using those of a new server\n", r.URL, problem)
		found, err = trial.settings(ctx)
	default:
		err = trial.change(ctx, found)
	}
	r.settings, r.server.send = found, trial
	return err
}

// lines counts the lines of a file, and seeks back to its start.
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

// measure counts the users of a file, one in each line or one array of all. It seeks back to the
// start, and returns what reads the users.
func measure(in *os.File) (total int, each func(io.Reader, func([]byte) error) error, err error) {
	start := bufio.NewReader(in)
	if isWide(start) {
		return 0, nil, errors.New("input: the file is in UTF-16 or UTF-32: write it in UTF-8")
	}
	array := isArray(start)
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return 0, nil, fmt.Errorf("input: %w", err)
	}
	if !array {
		total, err = lines(in)
		return total, eachLine, err
	}
	if err := eachOfArray(in, func([]byte) error { total++; return nil }); err != nil {
		return 0, nil, err
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return 0, nil, fmt.Errorf("input: %w", err)
	}
	return total, eachOfArray, nil
}

// isWide reports whether a text is in UTF-16 or UTF-32, as the redirections of Windows PowerShell
// write it. Both begin with a byte order mark or have a zero byte among the first two.
func isWide(in *bufio.Reader) bool {
	start, _ := in.Peek(2)
	return slices.Contains(start, 0) || string(start) == "\xff\xfe" || string(start) == "\xfe\xff"
}

// isArray reports whether a text begins with a bracket.
func isArray(in *bufio.Reader) bool {
	skipMark(in)
	for {
		b, err := in.ReadByte()
		if err != nil || !bytes.ContainsRune([]byte(" \t\r\n"), rune(b)) {
			return err == nil && b == '['
		}
	}
}

// skipMark skips a byte order mark. Editors on Windows write it, and RFC 8259 section 8.1 lets
// readers ignore it.
func skipMark(in *bufio.Reader) {
	if start, _ := in.Peek(len(byteOrderMark)); string(start) == byteOrderMark {
		_, _ = in.Discard(len(byteOrderMark))
	}
}

// eachLine calls do with each line of a file.
func eachLine(in io.Reader, do func([]byte) error) error {
	reader := bufio.NewReader(in)
	skipMark(reader)
	for {
		line, end := reader.ReadBytes('\n')
		if end != nil && !errors.Is(end, io.EOF) {
			return fmt.Errorf("input: %w", end)
		}
		if len(line) > 0 {
			if err := do(line); err != nil {
				return err
			}
		}
		if end != nil {
			return nil
		}
	}
}

// eachOfArray calls do with each element of a file that is one array.
func eachOfArray(in io.Reader, do func([]byte) error) error {
	reader := bufio.NewReader(in)
	skipMark(reader)
	elements := json.NewDecoder(reader)
	if _, err := elements.Token(); err != nil {
		return errors.New("input: the array is not JSON")
	}
	for n := 1; elements.More(); n++ {
		var user json.RawMessage
		if err := elements.Decode(&user); err != nil { // the decoder's error quotes the input
			return fmt.Errorf("input: the array is not JSON after %d users", n-1)
		}
		if err := do(user); err != nil {
			return err
		}
	}
	if _, err := elements.Token(); err != nil {
		return errors.New("input: the array has no end")
	}
	// Pages of an API that were put behind each other are several arrays.
	if _, err := elements.Token(); !errors.Is(err, io.EOF) {
		return errors.New("input: something follows the array: write one array, or one user a line")
	}
	return nil
}

// byteOrderMark is the signature of a file in UTF-8: U+FEFF.
const byteOrderMark = "\ufeff"

// all imports every user of the input.
func (r *run) all(ctx context.Context, in io.Reader) error {
	ended := false
	err := r.each(in, func(text []byte) error {
		err := ctx.Err()
		if err != nil {
			err = ErrInterrupted
		} else {
			err = r.line(ctx, text)
		}
		ended = err != nil
		return err
	})
	switch {
	case ended:
		return err
	case ctx.Err() != nil:
		return ErrInterrupted
	}
	return errors.Join(r.flush(ctx), err)
}

func (r *run) summary() {
	created := "created"
	if r.DryRun {
		created = "would be created"
	}
	_, _ = fmt.Fprintf(r.Out, "%d of %d lines: %d %s, %d created before, %d refused\n", r.Lines, r.total, r.Created, created, r.Before, r.Result.Refused)
	for _, what := range slices.Sorted(maps.Keys(r.left)) {
		_, _ = fmt.Fprintf(r.Out, "not imported: %s (users: %d)\n", what, r.left[what])
	}
	r.summarizeBlocked()
}
