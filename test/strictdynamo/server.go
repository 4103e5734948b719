// Package strictdynamo stands between a client and a DynamoDB-compatible process, and is as strict
// as DynamoDB: it enforces the limits of requests and does what a table may do at any moment.
// Transactions conflict, requests are throttled, items are deleted at their time to live, indexes
// are behind, and a batch of reads is no snapshot. Each rule has its source beside it.
package strictdynamo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Config says what a table does by chance. The limits of requests always hold.
type Config struct {
	// Endpoint is the URL of the DynamoDB-compatible process.
	Endpoint string
	// Now is the time by which items expire and tokens are forgotten.
	Now func() time.Time
	// Chance decides. With nil nothing happens by chance.
	Chance *rand.Rand
	// Throttled is how many of a thousand requests are throttled, or parts of them.
	Throttled int
	// Behind makes reads of an index see a write only after another read of it, or with Chance after
	// some dozens.
	Behind bool
	// TimeToLive is the attribute by which the table deletes items, or "". One request in eight finds
	// that an expired item has just been deleted.
	TimeToLive string
}

// Counts are what happened by chance or by conflict.
type Counts struct{ Conflicts, Throttled, Expired, Behind, Repeated int }

// Server is the stand-in: an [http.Handler] for DynamoDB's JSON protocol. It is safe for concurrent
// use.
type Server struct {
	Config
	next http.Client

	mu     sync.Mutex
	tables schemas
	// held counts the transactions that hold an item, and touched the single writes under way.
	held, touched map[string]int
	tokens        map[string]*tokenUse
	ends          map[string]expiring
	counts        Counts

	behind sync.Mutex // held during a read of an index that is behind
	late   map[string][]attributes
}

// New returns a stand-in.
func New(c Config) *Server {
	return &Server{
		Config: c, tables: schemas{}, held: map[string]int{}, touched: map[string]int{}, tokens: map[string]*tokenUse{}, ends: map[string]expiring{},
		late: map[string][]attributes{},
		next: http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
}

// Counts returns what happened so far.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}

// count adds to a count.
func (s *Server) count(of func(*Counts) *int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*of(&s.counts)++
}

// happens decides by chance, and reports true in n of a thousand cases.
func (s *Server) happens(n int) bool { return n > 0 && s.chance(1000) < n }

// chance returns a random number below n. Without [Config.Chance] it returns n, so that nothing
// happens.
func (s *Server) chance(n int) int {
	if s.Chance == nil {
		return n
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Chance.IntN(n)
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		invalid("unreadable request").write(w)
		return
	}
	_, action, _ := strings.Cut(q.Header.Get("X-Amz-Target"), ".")
	r := &request{action: action, body: body, header: q.Header}
	// Requests of streams have no rules here, and a new table is known to none.
	if strings.HasPrefix(q.Header.Get("X-Amz-Target"), "DynamoDBStreams") || action == "CreateTable" {
		s.passOn(q.Context(), w, r)
		return
	}
	if err := json.Unmarshal(body, r); err != nil {
		invalid("the request is no JSON: %v", err).write(w)
		return
	}
	if err := s.learn(q.Context(), r); err != nil {
		(&refusal{code: "ResourceNotFoundException", message: err.Error()}).write(w)
		return
	}
	s.expireSome(q.Context())
	s.mu.Lock()
	f := check(r, s.tables)
	s.mu.Unlock()
	if f == nil {
		f = s.throttle(r)
	}
	if f != nil {
		f.write(w)
		return
	}
	s.perform(q.Context(), w, r)
}

func (s *Server) perform(ctx context.Context, w http.ResponseWriter, r *request) {
	var a answer
	var err error
	switch r.action {
	case "TransactWriteItems":
		a, err = s.transact(ctx, r)
	case "PutItem", "UpdateItem", "DeleteItem":
		a, err = s.single(ctx, r)
	case "BatchGetItem":
		a, err = s.batch(ctx, r)
	case "Query", "Scan":
		a, err = s.page(ctx, r)
	default:
		a, err = s.forward(ctx, r, r.body)
	}
	if err != nil {
		reply(w, http.StatusInternalServerError, map[string]string{"__type": "InternalServerError", "message": err.Error()})
		return
	}
	if a.refused != nil {
		a.refused.write(w)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// answer is what a client gets: a refusal, or a status with a body.
type answer struct {
	refused *refusal
	status  int
	body    []byte
}

// forward sends a body to the process as the operation of r.
func (s *Server) forward(ctx context.Context, r *request, body []byte) (answer, error) {
	return s.send(ctx, r.header, r.header.Get("X-Amz-Target"), body)
}

func (s *Server) send(ctx context.Context, header http.Header, target string, body []byte) (answer, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Endpoint, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	for _, name := range []string{"Authorization", "X-Amz-Date", "Content-Type"} {
		q.Header.Set(name, header.Get(name))
	}
	q.Header.Set("X-Amz-Target", target)
	res, err := s.next.Do(q)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	out, err := io.ReadAll(res.Body)
	return answer{status: res.StatusCode, body: out}, err
}

const api = "DynamoDB_20120810."

// ask sends a request of the stand-in's own and decodes the answer. A refusal is an error.
func (s *Server) ask(ctx context.Context, r *request, action string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	a, err := s.send(ctx, r.header, api+action, body)
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return fmt.Errorf("%s: %s", action, a.body)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(a.body, out)
}

// passOn sends a request to the process without a check. After a CreateTable it remembers the
// table, and makes its [mirror] if indexes are behind.
func (s *Server) passOn(ctx context.Context, w http.ResponseWriter, r *request) {
	a, err := s.forward(ctx, r, r.body)
	if err == nil && a.status == http.StatusOK && r.action == "CreateTable" {
		var table string
		var keys schema
		if table, keys, err = parseSchema(r.body); err == nil {
			err = s.know(ctx, r, table, keys)
		}
	}
	if err != nil {
		reply(w, http.StatusInternalServerError, map[string]string{"__type": "InternalServerError", "message": err.Error()})
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// know remembers the keys of a new table, and makes its [mirror] if indexes are behind.
func (s *Server) know(ctx context.Context, r *request, table string, keys schema) error {
	if s.Behind {
		var in map[string]any
		if err := json.Unmarshal(r.body, &in); err != nil {
			return err
		}
		in["TableName"] = mirror(table)
		if err := s.ask(ctx, r, "CreateTable", in, nil); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tables[table] = keys
	return nil
}

// learn asks for the keys of tables that were not made through the stand-in.
func (s *Server) learn(ctx context.Context, r *request) error {
	parts, _ := r.writes()
	tables := []string{r.TableName}
	for _, w := range parts {
		tables = append(tables, w.TableName)
	}
	for table := range r.RequestItems {
		tables = append(tables, table)
	}
	for _, table := range tables {
		s.mu.Lock()
		_, known := s.tables[table]
		s.mu.Unlock()
		if known || table == "" || r.action == "DescribeTable" || s.Behind {
			continue
		}
		var out struct{ Table json.RawMessage }
		if err := s.ask(ctx, r, "DescribeTable", map[string]string{"TableName": table}, &out); err != nil {
			return err
		}
		_, keys, err := parseSchema(out.Table)
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.tables[table] = keys
		s.mu.Unlock()
	}
	return nil
}
