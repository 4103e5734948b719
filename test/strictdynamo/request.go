package strictdynamo

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
)

// value is an attribute's value as it travels: its type and the JSON of the rest.
type value map[string]json.RawMessage

// attributes is an item, a key, or the values of an expression.
type attributes map[string]value

// expressions are the expressions of a request and what they name.
type expressions struct {
	ConditionExpression       string            `json:",omitempty"`
	UpdateExpression          string            `json:",omitempty"`
	KeyConditionExpression    string            `json:",omitempty"`
	FilterExpression          string            `json:",omitempty"`
	ProjectionExpression      string            `json:",omitempty"`
	ExpressionAttributeNames  map[string]string `json:",omitempty"`
	ExpressionAttributeValues attributes        `json:",omitempty"`
}

// write is a request for one item, alone or in a transaction.
type write struct {
	TableName string
	Key, Item attributes
	expressions
}

// keysOf is what a BatchGetItem asks of one table.
type keysOf struct {
	Keys           []attributes
	ConsistentRead bool
}

// request is a request of any operation.
type request struct {
	write
	IndexName          string
	ConsistentRead     bool
	ExclusiveStartKey  attributes
	RequestItems       map[string]keysOf
	TransactItems      []map[string]write
	ClientRequestToken string

	action string
	body   []byte
	header http.Header
}

// writes returns the parts of a request that change an item, with the name of each.
func (r *request) writes() (parts []write, kinds []string) {
	switch r.action {
	case "PutItem", "UpdateItem", "DeleteItem":
		return []write{r.write}, []string{r.action}
	case "TransactWriteItems":
		for _, item := range r.TransactItems {
			for kind, w := range item {
				parts, kinds = append(parts, w), append(kinds, kind)
			}
		}
	}
	return parts, kinds
}

// text returns the bytes of a string, number or binary value, and the type.
func (v value) text() (kind, text string) {
	for kind, raw := range v {
		_ = json.Unmarshal(raw, &text)
		if kind == "B" {
			decoded, _ := base64.StdEncoding.DecodeString(text)
			text = string(decoded)
		}
		return kind, text
	}
	return "", ""
}

// size returns the billed bytes of attributes: names and values, and about half a byte for each
// digit of a number.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func (a attributes) size() int {
	n := 0
	for name, v := range a {
		n += len(name)
		switch kind, text := v.text(); kind {
		case "S", "B":
			n += len(text)
		case "N":
			n += (len(text)+1)/2 + 1
		default:
			n += len(fmt.Sprint(v))
		}
	}
	return n
}

// refusal is an error answer of the service.
type refusal struct {
	code, message string
	reasons       []string // of a cancelled transaction, "" for None
}

func invalid(format string, args ...any) *refusal {
	return &refusal{code: "ValidationException", message: fmt.Sprintf(format, args...)}
}

func (f *refusal) write(w http.ResponseWriter) {
	out := map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#" + f.code, "message": f.message}
	if f.reasons != nil {
		var list []map[string]string
		for _, code := range f.reasons {
			if code == "" {
				code = "None"
			}
			list = append(list, map[string]string{"Code": code})
		}
		out["CancellationReasons"] = list
	}
	reply(w, http.StatusBadRequest, out)
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// cancelled is a transaction that was cancelled for one of its parts.
func cancelled(parts, at int, reason string) *refusal {
	f := &refusal{code: "TransactionCanceledException", message: "Transaction cancelled", reasons: make([]string, parts)}
	f.reasons[at] = reason
	return f
}
