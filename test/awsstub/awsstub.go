// Package awsstub stands in for the AWS services that functions call, so that the real binaries
// run without an account. It implements the used parts of KMS, SNS, CloudWatch Logs and Secrets
// Manager, and passes DynamoDB requests on to a compatible server. It records each call with its
// caller, which tests compare with the functions' grants. It is for development and tests.
package awsstub

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// Call is one request as IAM sees it.
type Call struct {
	// Caller is the access key id of the request's signature; the harness gives every function its
	// own.
	Caller string
	// Action is the IAM action, as in "dynamodb:PutItem". Each part of a transaction is a call.
	Action string
	// Index is the index that a query names, if any.
	Index string
	// Units are the capacity units that DynamoDB would bill. Those of a transaction are on its first
	// call.
	Units float64
}

// SMS is a message that SNS would have sent.
type SMS struct{ Number, Message string }

// Server answers as the services do. It is an [http.Handler], safe for concurrent use.
type Server struct {
	dynamo http.Handler

	mu       sync.Mutex
	calls    []Call
	messages []SMS
	account  SMSAccount
	failures []string // lines of SNS's log
	spent    float64  // by messages, in US dollars
	second   int64    // the second of the last message
	inSecond int
	groups   map[string]bool // log groups
	secrets  map[string]string
}

// New returns a server that passes DynamoDB requests on to the endpoint.
func New(dynamoEndpoint string) (*Server, error) {
	to, err := url.Parse(dynamoEndpoint)
	if err != nil {
		return nil, err
	}
	s := &Server{secrets: map[string]string{}, groups: map[string]bool{}}
	s.dynamo = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }, ModifyResponse: s.bill}
	return s, nil
}

// Calls returns all calls since the start, in order.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call(nil), s.calls...)
}

// SMS returns the sent messages, in order.
func (s *Server) SMS() []SMS {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]SMS(nil), s.messages...)
}

// SecretVersion returns a version of a secret, as CloudFormation resolves a reference to it.
func (s *Server) SecretVersion(id, version string) string { return s.Secret(versionKey(id, version)) }

// Secret returns the value of a secret, as Secrets Manager holds it.
func (s *Server) Secret(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.secrets[id]
}

// SetSecret stores the value of a secret.
func (s *Server) SetSecret(id, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[id] = value
}

// note records calls and returns the index of the first.
func (s *Server) note(c ...Call) (at int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, c...)
	return len(s.calls) - len(c)
}

var credential = regexp.MustCompile(`Credential=([^/,]+)/`)

func callerOf(r *http.Request) string {
	m := credential.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil {
		return ""
	}
	return m[1]
}

// ServeHTTP recognises the service by the form of the request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const limit = 8 << 20
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		fault(w, "SerializationException")
		return
	}
	target := r.Header.Get("X-Amz-Target")
	service, action, _ := strings.Cut(target, ".")
	switch {
	case strings.HasPrefix(service, "DynamoDBStreams"): // Lambda's reads are not billed
		s.note(dynamoCalls(callerOf(r), action, body)...)
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.dynamo.ServeHTTP(w, r)
	case strings.HasPrefix(service, "DynamoDB"):
		at := s.note(dynamoCalls(callerOf(r), action, body)...)
		s.dynamo.ServeHTTP(w, metered(r, body, at))
	case service == "TrentService":
		s.note(Call{Caller: callerOf(r), Action: "kms:" + action})
		s.kms(w, action, body)
	case service == "secretsmanager":
		s.note(Call{Caller: callerOf(r), Action: "secretsmanager:" + action})
		s.secretsManager(w, action, body)
	case target == "AWSEvents.PutEvents":
		s.note(Call{Caller: callerOf(r), Action: "events:PutEvents"})
		reply(w, map[string]any{"FailedEntryCount": 0, "Entries": []map[string]string{{"EventId": "1"}}})
	case service == "Logs_20140328":
		s.note(Call{Caller: callerOf(r), Action: "logs:" + action})
		s.logs(w, action, body)
	case target == "":
		s.sns(w, callerOf(r), body)
	default:
		fault(w, "UnknownOperationException")
	}
}

// dynamoCalls returns the actions that IAM checks for a request: for a transaction, those of its
// parts.
func dynamoCalls(caller, action string, body []byte) []Call {
	var in struct {
		IndexName     string
		TransactItems []map[string]json.RawMessage
	}
	_ = json.Unmarshal(body, &in)
	if action != "TransactWriteItems" {
		return []Call{{Caller: caller, Action: "dynamodb:" + action, Index: in.IndexName}}
	}
	parts := map[string]string{"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
	var calls []Call
	for _, item := range in.TransactItems {
		for part := range item {
			calls = append(calls, Call{Caller: caller, Action: "dynamodb:" + parts[part]})
		}
	}
	return calls
}

func (s *Server) secretsManager(w http.ResponseWriter, action string, body []byte) {
	var in struct {
		SecretID string `json:"SecretId"`
		Text     string `json:"SecretString"`
		Version  string `json:"VersionId"`
		Token    string `json:"ClientRequestToken"`
	}
	if err := json.Unmarshal(body, &in); err != nil || in.SecretID == "" {
		fault(w, "InvalidRequestException")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch action {
	case "GetSecretValue":
		key := in.SecretID
		if in.Version != "" {
			key = versionKey(in.SecretID, in.Version)
		}
		text, ok := s.secrets[key]
		if !ok {
			fault(w, "ResourceNotFoundException")
			return
		}
		reply(w, map[string]any{"ARN": in.SecretID, "SecretString": text})
	case "PutSecretValue":
		// "Length Constraints: Minimum length of 32. Maximum length of 64", "This value becomes the
		// VersionId of the new version", and a version that exists with another value: "the request fails
		// because you can't modify a secret version" (Secrets Manager's API reference, PutSecretValue).
		if n := len(in.Token); n < 32 || n > 64 {
			fault(w, "InvalidParameterException")
			return
		}
		key := versionKey(in.SecretID, in.Token)
		if text, ok := s.secrets[key]; ok && text != in.Text {
			fault(w, "ResourceExistsException")
			return
		}
		s.secrets[in.SecretID], s.secrets[key] = in.Text, in.Text
		reply(w, map[string]any{"ARN": in.SecretID, "VersionId": in.Token})
	default:
		fault(w, "UnknownOperationException")
	}
}

// versionKey is the key of a version of a secret among all secrets.
func versionKey(id, version string) string { return id + " version " + version }

func reply(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(body)
}

func fault(w http.ResponseWriter, code string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": "the stand-in refuses"})
}
