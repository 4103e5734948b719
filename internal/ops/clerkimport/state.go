package clerkimport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// state is the state file. Its first line names the server. Before the users of a window are
// created, the import appends a line with their keys; afterwards, one line for each created or
// refused user. A crash leaves at most an incomplete last line. The file holds user ids and
// identifiers, but no secrets.
type state struct {
	file *os.File
	done map[string]string // from key to the id on the server
	// begun holds the keys of users that an earlier run began to create, without a line that says
	// how it ended: the process ended before, or the answer was lost.
	begun map[string]bool
}

func newState() *state { return &state{done: map[string]string{}, begun: map[string]bool{}} }

type stateLine struct {
	Server string   `json:"server,omitempty"`
	Begun  []string `json:"begun,omitempty"`
	From   string   `json:"from,omitempty"`
	To     string   `json:"to,omitempty"`
	// Refused is the key of a user that the server refused, and that no run can have created.
	Refused string `json:"refused,omitempty"`
}

// openState reads the state file, or creates it. The state file of another server is an error.
func openState(name, server string) (*state, error) {
	s := newState()
	var err error
	if s.file, err = os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600); err != nil { //nolint:gosec // the operator names the file
		return nil, fmt.Errorf("state file: %w", err)
	}
	if err := s.load(name, server); err != nil {
		return nil, errors.Join(err, s.file.Close())
	}
	return s, nil
}

// load locks and reads the file, and goes to the end of its last whole line.
func (s *state) load(name, server string) error {
	if err := lock(s.file); errors.Is(err, errLocked) {
		return fmt.Errorf("%s is in use by another import: wait until that ends", name)
	} else if err != nil {
		return fmt.Errorf("lock state file: %w", err)
	}
	text, err := io.ReadAll(s.file)
	if err != nil {
		return fmt.Errorf("state file: %w", err)
	}
	whole := text[:bytes.LastIndexByte(text, '\n')+1]
	if err := s.read(whole, server, name); err != nil {
		return err
	}
	// The user of an incomplete line has begun, so the line may go.
	if err := s.file.Truncate(int64(len(whole))); err != nil {
		return fmt.Errorf("state file: %w", err)
	}
	if _, err := s.file.Seek(int64(len(whole)), io.SeekStart); err != nil {
		return fmt.Errorf("state file: %w", err)
	}
	if len(whole) == 0 {
		return s.write(stateLine{Server: server})
	}
	return nil
}

func (s *state) read(text []byte, server, name string) error {
	for i, line := range bytes.Split(text, []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		var l stateLine
		if err := json.Unmarshal(line, &l); err != nil || (i == 0) != (l.Server != "") {
			return fmt.Errorf("%s is not a state file of an import: choose another with --state", name)
		}
		if i == 0 && l.Server != server {
			return fmt.Errorf("%s belongs to an import to %s: choose another with --state", name, l.Server)
		}
		for _, key := range l.Begun {
			s.begun[key] = true
		}
		if l.From != "" {
			s.done[l.From] = l.To
			delete(s.begun, l.From)
		}
		delete(s.begun, l.Refused)
	}
	return nil
}

func (s *state) write(l stateLine) error {
	text, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("encode state: %w", err)
	}
	if _, err := s.file.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("state file: %w", err)
	}
	return nil
}

// begin writes that users are about to be created. The line is on the disk before the first of them
// is sent, so that it outlives a loss of power.
func (s *state) begin(keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	if err := s.write(stateLine{Begun: keys}); err != nil {
		return err
	}
	if err := s.file.Sync(); err != nil {
		return fmt.Errorf("state file: %w", err)
	}
	return nil
}

// refuse writes that the server refused a user, and that the user is not of this import.
func (s *state) refuse(key string) error { return s.write(stateLine{Refused: key}) }

// record writes that a user was created.
func (s *state) record(from, to string) error {
	s.done[from] = to
	return s.write(stateLine{From: from, To: to})
}

func (s *state) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
