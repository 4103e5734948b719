package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
)

// JSON lets a command print its result as JSON: one object a line.
type JSON struct {
	JSON bool `name:"json" help:"Print JSON for programs, one object a line."`
}

// Text returns the destination of text for people: standard output, or standard error with --json.
func (j JSON) Text() io.Writer {
	if j.JSON {
		return os.Stderr
	}
	return os.Stdout
}

// Print prints a result: the text, or with --json the object.
func (j JSON) Print(result any, format string, args ...any) {
	if j.JSON {
		_ = json.NewEncoder(os.Stdout).Encode(result)
		return
	}
	fmt.Printf(format, args...)
}

// Count returns a number with a noun: "1 check", "2 checks".
func Count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// Pauses between two lines of progress: on a terminal, where each replaces the previous line, and
// in a log.
const (
	terminalPause = 200 * time.Millisecond
	logPause      = 10 * time.Second
)

// Progress reports on standard error how far long work is.
type Progress struct {
	out      io.Writer
	now      func() time.Time
	terminal bool
	next     time.Time
	shown    bool
}

// NewProgress returns a Progress whose first line is shown after a pause.
func NewProgress() *Progress {
	p := &Progress{out: os.Stderr, now: time.Now, terminal: Terminal(os.Stderr)}
	p.wait()
	return p
}

// Terminal reports whether the file is a terminal.
func Terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (p *Progress) wait() {
	pause := logPause
	if p.terminal {
		pause = terminalPause
	}
	p.next = p.now().Add(pause)
}

// Tell shows a line, unless the last line is too recent.
func (p *Progress) Tell(format string, args ...any) {
	if p.now().Before(p.next) {
		return
	}
	p.wait()
	p.shown = true
	before, after := "", "\n"
	if p.terminal {
		before, after = "\r\x1b[K", ""
	}
	_, _ = fmt.Fprintf(p.out, before+format+after, args...)
}

// End removes the line from a terminal.
func (p *Progress) End() {
	if p.terminal && p.shown {
		_, _ = fmt.Fprint(p.out, "\r\x1b[K")
	}
}

// Reader returns a reader that reports how much of size bytes was read.
func (p *Progress) Reader(r io.Reader, size int64) io.Reader {
	return &meter{reader: r, tell: func(n int64) { p.Tell("%d%% of %.1f MB", 100*n/max(size, 1), megabytes(size)) }}
}

// Writer returns a writer that reports how much was written.
func (p *Progress) Writer(w io.Writer) io.Writer {
	return &meter{writer: w, tell: func(n int64) { p.Tell("%.1f MB written", megabytes(n)) }}
}

func megabytes(n int64) float64 { return float64(n) / 1e6 }

// meter counts the bytes that pass.
type meter struct {
	reader io.Reader
	writer io.Writer
	n      int64
	tell   func(int64)
}

func (m *meter) Read(b []byte) (int, error) {
	n, err := m.reader.Read(b)
	m.n += int64(n)
	m.tell(m.n)
	return n, err
}

func (m *meter) Write(b []byte) (int, error) {
	n, err := m.writer.Write(b)
	m.n += int64(n)
	m.tell(m.n)
	return n, err
}

// Tick shows how long work has taken so far, until the function that it returns is called.
func (p *Progress) Tick(work string) (end func()) {
	began, done, ended := p.now(), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(terminalPause)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				p.End()
				return
			case <-ticker.C:
				p.Tell("%s, %.0f s", work, p.now().Sub(began).Seconds())
			}
		}
	}()
	return func() { close(done); <-ended }
}
