package clerkimport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// state is the state file: a line that names the server, then one line for each created user. The
// import only appends to it, so a crash leaves at most an incomplete last line. It holds user ids
// and identifiers, but no secrets.
type state struct {
	file *os.File
	done map[string]string // from key to the id on the server
	// resumed says that an earlier run wrote the file.
	resumed bool
}

type stateLine struct {
	Server string `json:"server,omitempty"`
	From   string `json:"from,omitempty"`
	To     string `json:"to,omitempty"`
}

// openState reads the state file, or creates it. The state file of another server is an error.
func openState(name, server string) (*state, error) {
	s := &state{done: map[string]string{}}
	text, err := os.ReadFile(name) //nolint:gosec // the operator names the file
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("state file: %w", err)
	}
	whole := text[:bytes.LastIndexByte(text, '\n')+1]
	if err := s.read(whole, server, name); err != nil {
		return nil, err
	}
	s.resumed = len(whole) > 0
	if s.file, err = os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600); err != nil { //nolint:gosec // see above
		return nil, fmt.Errorf("state file: %w", err)
	}
	err = s.file.Truncate(int64(len(whole))) // the user of an incomplete line is looked up again
	if err == nil {
		_, err = s.file.Seek(0, 2)
	}
	if err == nil && !s.resumed {
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
		if l.From != "" {
			s.done[l.From] = l.To
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
