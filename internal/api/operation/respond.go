package operation

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// JSONType is the content type of answers. It has no charset, because Clerk's server SDK compares
// the whole header and takes anything else for text.
const JSONType = "application/json"

// NoContent is the answer of an operation without a body: status 204.
type NoContent struct{}

// Document is an answer that is JSON already.
type Document []byte

// MarshalJSON returns the document itself.
func (d Document) MarshalJSON() ([]byte, error) { return d, nil }

// Former is an answer that has one of several forms, of which Forms returns zero values.
type Former interface{ Forms() []any }

// Redirect is an answer that sends the browser to another address: status 307.
type Redirect struct{ To string }

func write(w http.ResponseWriter, status int, body any) error {
	switch body := body.(type) {
	case NoContent:
		w.WriteHeader(http.StatusNoContent)
		return nil
	case Redirect:
		w.Header().Set("Location", body.To)
		w.WriteHeader(http.StatusTemporaryRedirect)
		return nil
	}
	data, ready := body.(Document) // encoding/json would write it in another form
	if !ready {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return fmt.Errorf("encode answer: %w", err)
		}
	}
	w.Header().Set("Content-Type", JSONType)
	w.WriteHeader(status)
	_, _ = w.Write(data)
	return nil
}
