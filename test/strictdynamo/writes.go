package strictdynamo

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"runtime"
	"time"
)

// tokenLife: "A client request token is valid for 10 minutes after the first request that uses it
// is completed. After 10 minutes, any request with the same client token is treated as a new
// request."
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
const tokenLife = 10 * time.Minute

// tokenUse is the first request with a token.
type tokenUse struct {
	parts    string
	underWay bool
	done     time.Time
}

// throttle refuses a request by chance. A transaction is then cancelled: "ThrottlingError",
// "ProvisionedThroughputExceeded" are codes of its reasons.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
//
// A write is also refused when an index cannot follow: "If the write activity on the index exceeds
// its capacity, the base table is throttled".
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html
func (s *Server) throttle(r *request) *refusal {
	if !s.happens(s.Throttled) {
		return nil
	}
	s.count(func(c *Counts) *int { return &c.Throttled })
	if parts, _ := r.writes(); r.action == "TransactWriteItems" {
		reason := "ThrottlingError"
		if s.chance(2) == 0 {
			reason = "ProvisionedThroughputExceeded"
		}
		return cancelled(len(parts), s.chance(len(parts)), reason)
	}
	code := "ThrottlingException"
	if s.chance(2) == 0 {
		code = "ProvisionedThroughputExceededException"
	}
	return &refusal{code: code, message: "The level of configured provisioned throughput for the table or one of its indexes was exceeded"}
}

// single changes one item. "A PutItem, UpdateItem, or DeleteItem request for an item conflicts with
// an ongoing TransactWriteItems request that includes the same item": TransactionConflictException.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
func (s *Server) single(ctx context.Context, r *request) (answer, error) {
	at, ok := s.touch(r.write)
	if !ok {
		return answer{refused: &refusal{code: "TransactionConflictException", message: "Transaction is ongoing for the item"}}, nil
	}
	defer s.release(s.touched, at)
	a, err := s.forward(ctx, r, r.body)
	if err == nil && a.status == http.StatusOK {
		s.changed(r.write, r.action)
	}
	return a, err
}

func (s *Server) touch(w write) (at string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at = s.tables.itemOf(w)
	if s.held[at] > 0 {
		s.counts.Conflicts++
		return at, false
	}
	s.touched[at]++
	return at, true
}

func (s *Server) release(from map[string]int, items ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, at := range items {
		if from[at]--; from[at] == 0 {
			delete(from, at)
		}
	}
}

// transact carries out a transaction, unless one of its items is part of another request under way:
// "TransactionConflict" is then its reason.
func (s *Server) transact(ctx context.Context, r *request) (answer, error) {
	if a, known := s.begin(r); known {
		return a, nil
	}
	a, err := s.transactOnce(ctx, r)
	s.end(r, err == nil && a.refused == nil && a.status == http.StatusOK)
	return a, err
}

func (s *Server) transactOnce(ctx context.Context, r *request) (answer, error) {
	parts, kinds := r.writes()
	items, f := s.hold(parts)
	if f != nil {
		return answer{refused: f}, nil
	}
	defer s.release(s.held, items...)
	runtime.Gosched() // so that transactions of one item overlap
	body, err := withoutToken(r.body)
	if err != nil {
		return answer{}, err
	}
	a, err := s.forward(ctx, r, body)
	if err == nil && a.status == http.StatusOK {
		for i, w := range parts {
			s.changed(w, kinds[i])
		}
	}
	return a, err
}

// hold marks all items of a transaction as in use, or refuses it and names those that another
// request uses.
func (s *Server) hold(parts []write) (items []string, f *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	reasons := make([]string, len(parts))
	for i, w := range parts {
		at := s.tables.itemOf(w)
		items = append(items, at)
		if s.held[at] > 0 || s.touched[at] > 0 {
			reasons[i] = "TransactionConflict"
			f = &refusal{code: "TransactionCanceledException", message: "Transaction cancelled", reasons: reasons}
		}
	}
	if f != nil {
		s.counts.Conflicts++
		return nil, f
	}
	for _, at := range items {
		s.held[at]++
	}
	return items, nil
}

// begin answers a transaction whose token was used within [tokenLife]: with success when it is the
// same request, with IdempotentParameterMismatchException when it is another one, and with
// TransactionInProgressException while the first is under way.
func (s *Server) begin(r *request) (a answer, known bool) {
	if r.ClientRequestToken == "" {
		return answer{}, false
	}
	text, _ := json.Marshal(r.TransactItems)
	s.mu.Lock()
	defer s.mu.Unlock()
	use := s.tokens[r.ClientRequestToken]
	switch {
	case use == nil || !use.underWay && s.Now().Sub(use.done) > tokenLife:
		s.tokens[r.ClientRequestToken] = &tokenUse{parts: string(text), underWay: true}
		return answer{}, false
	case use.parts != string(text):
		return answer{refused: &refusal{code: "IdempotentParameterMismatchException", message: "The token was used for another request"}}, true
	case use.underWay:
		return answer{refused: &refusal{code: "TransactionInProgressException", message: "The transaction is in progress"}}, true
	}
	s.counts.Repeated++
	return answer{status: http.StatusOK, body: []byte(`{}`)}, true
}

// end remembers a transaction that was stored; a cancelled one may be sent again.
func (s *Server) end(r *request, stored bool) {
	if r.ClientRequestToken == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !stored {
		delete(s.tokens, r.ClientRequestToken)
		return
	}
	use := s.tokens[r.ClientRequestToken]
	use.underWay, use.done = false, s.Now()
}

// withoutToken removes the token from a request. [Server.begin] applies the rules of tokens, and
// the process must not apply its own to a repeated request.
func withoutToken(body []byte) ([]byte, error) {
	var in map[string]json.RawMessage
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&in); err != nil {
		return nil, err
	}
	delete(in, "ClientRequestToken")
	return json.Marshal(in)
}
