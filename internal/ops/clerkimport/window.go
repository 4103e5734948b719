package clerkimport

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	identifiers "github.com/countersign-mfa/countersign/internal/domain/identifier"
)

const (
	// windowLines is how many lines are read before the answers of all of them are waited for, and
	// windowBytes how many bytes they have at most, if they are more than one.
	windowLines = 512
	windowBytes = 4 << 20
	// together is how many requests wait for an answer at once.
	together = 32
)

// entry is one line of a window, with what becomes of it.
type entry struct {
	number int
	source source
	person *person // nil for a line that is not sent
	err    error   // a [refusal] of the line, or an error that ends the import
	done   outcome
	id     string // of the user on the server
	// notCreated is set for a refused line whose user no run of this import can have created.
	notCreated bool
}

// outcome is what became of a line that was not refused.
type outcome int

const (
	skipped outcome = iota // an empty line
	unsent
	created
	createdBefore
)

// window is the lines that are sent together. No two of them share an identifier, so that the
// earlier line of the file always wins.
type window struct {
	entries []*entry
	bytes   int
	names   map[string]bool // identifiers in the form in which the server compares them
}

// names returns the identifiers of a user, each as a text with its kind. Two texts are equal if the
// server gives the identifier to one user only.
func (p *person) names() []string {
	var names []string
	if p.body.ExternalID != "" {
		names = append(names, "external_id "+p.body.ExternalID)
	}
	if p.body.Username != "" {
		names = append(names, "username "+identifiers.Normal(identifiers.Username, p.body.Username))
	}
	for _, e := range p.body.Emails {
		names = append(names, "email "+identifiers.Normal(identifiers.Email, e))
	}
	for _, n := range p.body.Phones {
		names = append(names, "phone "+numberForm(n))
	}
	return names
}

// meets reports whether a line of the window has an identifier of a user.
func (w *window) meets(p *person) bool {
	for _, n := range p.names() {
		if w.names[n] {
			return true
		}
	}
	return false
}

// full reports whether the window takes no more lines.
func (w *window) full() bool { return len(w.entries) >= windowLines || w.bytes >= windowBytes }

// add adds a line.
func (w *window) add(e *entry, size int) {
	w.entries, w.bytes = append(w.entries, e), w.bytes+size
	if e.person == nil {
		return
	}
	if w.names == nil {
		w.names = map[string]bool{}
	}
	for _, n := range e.person.names() {
		w.names[n] = true
	}
}

// plan decides what is sent of a line.
func (r *run) plan(text []byte) *entry {
	r.planned++
	e := &entry{number: r.planned}
	if len(bytes.TrimSpace(text)) == 0 {
		return e
	}
	if e.source, e.err = read(text); e.err != nil {
		return e
	}
	var p *person
	if p, e.err = e.source.plan(r.Missing); e.err != nil {
		return e
	}
	if r.Missing == CreateWithout {
		if e.err = p.leaveNumbers(r.rules()); e.err != nil {
			return e
		}
	}
	if before, ok := r.seen[p.key]; ok {
		e.err = repeated(before)
		return e
	}
	r.seen[p.key] = e.number
	if _, ok := r.state.done[p.key]; ok {
		e.done = createdBefore
		return e
	}
	e.person, e.done = p, unsent
	return e
}

// line plans a line and adds it to the window. It sends the window when it is full, and before a
// line that shares an identifier with the window.
func (r *run) line(ctx context.Context, text []byte) error {
	e := r.plan(text)
	if e.person != nil && r.window.meets(e.person) {
		if err := r.flush(ctx); err != nil {
			return err
		}
	}
	r.window.add(e, len(text))
	if r.window.full() {
		return r.flush(ctx)
	}
	return nil
}

// flush sends the lines of the window side by side, waits for all of them, and then reports and
// records them in the order of the file. An error ends the import; users that were created are
// recorded before it is returned.
func (r *run) flush(ctx context.Context) error {
	w := r.window
	r.window = window{}
	if err := r.begin(w); err != nil {
		return err
	}
	group, sending := errgroup.WithContext(ctx)
	group.SetLimit(together)
	for _, e := range w.entries {
		if e.person != nil {
			group.Go(func() error { return r.send(sending, e) })
		}
	}
	_ = group.Wait() // each entry has its own error
	var ends error
	for _, e := range w.entries {
		// The error that ends the import is returned rather than ErrInterrupted, which stands for the
		// lines that were not sent because of it.
		if err := r.finish(e); ends == nil || errors.Is(ends, ErrInterrupted) && err != nil {
			ends = err
		}
	}
	return ends
}

// begin writes to the state file that the users of a window are about to be created.
func (r *run) begin(w window) error {
	if r.DryRun {
		return nil
	}
	var keys []string
	for _, e := range w.entries {
		if e.person != nil && !r.state.begun[e.person.key] {
			keys = append(keys, e.person.key)
		}
	}
	return r.state.begin(keys)
}

// send creates the user of an entry. The error of a line that ends the import is returned, and
// keeps the lines from being sent that are still waiting.
func (r *run) send(ctx context.Context, e *entry) error {
	if ctx.Err() != nil {
		return nil
	}
	before := createdNone
	if r.state.begun[e.person.key] {
		before = mayHaveCreated
	}
	id, before, err := r.server.create(ctx, e.person, before)
	var why refusal
	switch {
	case errors.As(err, &why):
		e.err, e.notCreated = err, before == createdNone
		return nil
	case err != nil && ctx.Err() != nil:
		return nil // the import ends for another reason
	case err != nil:
		e.err = err
		return err
	}
	e.id, e.done = id, created
	if before == hasCreated {
		e.done = createdBefore
	}
	return nil
}

// finish counts, reports and records a line of a window. An error ends the import.
func (r *run) finish(e *entry) error {
	err := e.err
	if e.person != nil && r.DryRun && (e.done == created || err != nil) {
		err = r.reportBlocked(e, err)
	}
	var why refusal
	switch {
	case errors.As(err, &why):
		r.Result.Refused++
		r.reportRefused(e, why)
	case err != nil:
		return fmt.Errorf("line %d: %w", e.number, err)
	case e.done == unsent:
		return ErrInterrupted
	case e.done == createdBefore:
		r.Before++
	case e.done == created:
		r.Created++
		for _, what := range e.person.left {
			r.left[what]++
		}
	}
	r.Lines++
	if err := r.record(e); err != nil {
		return err
	}
	if r.Progress != nil {
		r.Progress(r.Result, r.total)
	}
	return nil
}

// record writes to the state file what became of a line that was sent.
func (r *run) record(e *entry) error {
	switch {
	case r.DryRun:
		return nil
	case e.id != "":
		return r.state.record(e.person.key, e.id)
	case e.notCreated:
		return r.state.refuse(e.person.key)
	}
	return nil
}

// reportRefused reports a line that was refused.
func (r *run) reportRefused(e *entry, why refusal) {
	if r.Config.Refused != nil {
		r.Config.Refused(e.number, e.source.ID, string(why))
		return
	}
	_, _ = fmt.Fprintf(r.Out, "line %d%s refused: %s\n", e.number, e.source.name(), why)
}
