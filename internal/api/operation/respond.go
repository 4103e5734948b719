package operation

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
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

// WriteError answers a request with an error of the catalogue, in the form of Clerk's API. A HEAD
// request gets no body (RFC 9110 section 9.3.2).
func WriteError(w http.ResponseWriter, r *http.Request, e *apierr.Error, traceID string) {
	if after := e.RetryAfter(); after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(after/time.Second)))
	}
	data, err := json.Marshal(wire.NewEnvelope(e, traceID))
	if err != nil {
		data = []byte(`{"errors":[]}`)
	}
	w.Header().Set("Content-Type", JSONType)
	w.WriteHeader(wire.Status(e.Code()))
	if r.Method != http.MethodHead {
		_, _ = w.Write(data)
	}
}
