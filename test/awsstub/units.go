package awsstub

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

type billed struct{}

// metered returns the request to DynamoDB with a request for its consumed capacity.
func metered(r *http.Request, body []byte, at int) *http.Request {
	var in map[string]any
	if json.Unmarshal(body, &in) == nil {
		in["ReturnConsumedCapacity"] = "TOTAL"
		if with, err := json.Marshal(in); err == nil {
			body = with
		}
	}
	r = r.Clone(context.WithValue(r.Context(), billed{}, at))
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.Header.Del("Content-Length")
	return r
}

// bill adds the units of a request to its call. It removes them from the client's answer, and the
// checksum that no longer matches.
func (s *Server) bill(res *http.Response) error {
	at, ok := res.Request.Context().Value(billed{}).(int)
	if !ok {
		return nil
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("answer of the store: %w", err)
	}
	_ = res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(body))
	res.Header.Del("X-Amz-Crc32")
	var out struct{ ConsumedCapacity json.RawMessage }
	if json.Unmarshal(body, &out) != nil || out.ConsumedCapacity == nil {
		return nil
	}
	type cost struct{ CapacityUnits float64 }
	var one cost
	var more []cost
	if json.Unmarshal(out.ConsumedCapacity, &one) == nil {
		more = append(more, one)
	} else {
		_ = json.Unmarshal(out.ConsumedCapacity, &more)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range more {
		s.calls[at].Units += c.CapacityUnits
	}
	return nil
}
