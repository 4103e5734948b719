package clerkimport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// state is the state file: a line that names the server, then a line before the users of a window
// are created, with their keys, and one line for each created user. The import only appends to it,
// so a crash leaves at most an incomplete last line. It holds user ids and identifiers, but no
// secrets.
type state struct {
	file *os.File
	done map[string]string // from key to the id on the server
	// begun holds the keys of users that an earlier run began to create. Their creation is not
	// recorded: the process ended before, the answer was lost, or the server refused them.
	begun map[string]bool
}

func newState() *state { return &state{done: map[string]string{}, begun: map[string]bool{}} }

type stateLine struct {
	Server string   `json:"server,omitempty"`
	Begun  []string `json:"begun,omitempty"`
	From   string   `json:"from,omitempty"`
	To     string   `json:"to,omitempty"`
}

// openState reads the state file, or creates it. The state file of another server is an error.
func openState(name, server string) (*state, error) {
	s := newState()
	text, err := os.ReadFile(name) //nolint:gosec // the operator names the file
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("state file: %w", err)
	}
	whole := text[:bytes.LastIndexByte(text, '\n')+1]
	if err := s.read(whole, server, name); err != nil {
		return nil, err
	}
	if s.file, err = os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600); err != nil { //nolint:gosec // see above
		return nil, fmt.Errorf("state file: %w", err)
	}
	err = s.file.Truncate(int64(len(whole))) // the user of an incomplete line has begun
	if err == nil {
		_, err = s.file.Seek(0, 2)
	}
	if err == nil && len(whole) == 0 {
		err = s.write(stateLine{Server: server})
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("state file: %w", err), s.file.Close())
	}
	return s, nil
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

// begin writes that users are about to be created.
func (s *state) begin(keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	return s.write(stateLine{Begun: keys})
}

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
