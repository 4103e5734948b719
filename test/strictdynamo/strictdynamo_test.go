package strictdynamo_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/test/strictdynamo"
)

// process stands in for the DynamoDB-compatible process: it answers every request alike.
type process struct {
	mu    sync.Mutex
	asked []string
	// answer returns the body of an answer. It may wait.
	answer func(action string) string
}

func (p *process) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	p.mu.Lock()
	p.asked = append(p.asked, action+" "+string(body))
	p.mu.Unlock()
	text := `{}`
	if p.answer != nil {
		text = p.answer(action)
	}
	_, _ = io.WriteString(w, text)
}

// table is a table with a key, and an index with a number as its sort key.
const table = `{"TableName":"t","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"xs","AttributeType":"S"},{"AttributeName":"xe","AttributeType":"B"}],
	"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],
	"GlobalSecondaryIndexes":[{"IndexName":"i","KeySchema":[{"AttributeName":"xs","KeyType":"HASH"},{"AttributeName":"xe","KeyType":"RANGE"}]}]}`

// world is a stand-in with a table, in front of a process.
type world struct {
	*testing.T
	*strictdynamo.Server
	process *process
}

func newWorld(t *testing.T, c strictdynamo.Config) *world {
	t.Helper()
	p := &process{}
	behind := httptest.NewServer(p)
	t.Cleanup(behind.Close)
	c.Endpoint = behind.URL
	if c.Now == nil {
		c.Now = time.Now
	}
	w := &world{t, strictdynamo.New(c), p}
	if got, _ := w.ask("CreateTable", table); got != "" {
		t.Fatal(got)
	}
	return w
}

// ask sends a request and returns the kind of error, or "", and the answer's body.
func (w *world) ask(action, body string) (failed string, answer map[string]json.RawMessage) {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+action)
	res := httptest.NewRecorder()
	w.ServeHTTP(res, r)
	if err := json.Unmarshal(res.Body.Bytes(), &answer); err != nil {
		w.Errorf("%s: %q: %v", action, res.Body, err)
	}
	var kind string
	_ = json.Unmarshal(answer["__type"], &kind)
	_, failed, _ = strings.Cut(kind, "#")
	return failed, answer
}

func text(n int) string { return strings.Repeat("x", n) }

func encoded(n int) string { return base64.StdEncoding.EncodeToString([]byte(text(n))) }

func put(attributes string) string { return `{"TableName":"t","Item":{` + attributes + `}}` }

func part(pk string) string { return `{"Put":` + put(`"pk":{"S":"`+pk+`"}`) + `}` }

func parts(n int) string {
	var all []string
	for i := range n {
		all = append(all, part(fmt.Sprint(i)))
	}
	return `{"TransactItems":[` + strings.Join(all, ",") + `]}`
}

func keys(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`{"pk":{"S":"%d"}}`, i))
	}
	return `{"RequestItems":{"t":{"Keys":[` + strings.Join(all, ",") + `]}}}`
}

func conditional(condition, values string) string {
	return `{"TableName":"t","Item":{"pk":{"S":"a"}},"ConditionExpression":"` + condition + `"` + values + `}`
}

// TestTheLimitsOfRequests: what is at a limit passes, what is beyond it is a ValidationException
// and reaches no table.
func TestTheLimitsOfRequests(t *testing.T) {
	big := func(n int) string { return `"pk":{"S":"a"},"d":{"S":"` + text(n-len("pk")-len("a")-len("d")) + `"}` }
	inParts := func(n, each int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(`{"Put":%s}`, put(fmt.Sprintf(`"pk":{"S":"%03d"},"d":{"S":"%s"}`, i, text(each-6)))))
		}
		return `{"TransactItems":[` + strings.Join(all, ",") + `]}`
	}
	for name, c := range map[string]struct{ action, right, wrong string }{
		"an item's size":          {"PutItem", put(big(400 << 10)), put(big(400<<10 + 1))},
		"a partition key":         {"GetItem", `{"TableName":"t","Key":{"pk":{"S":"` + text(2048) + `"}}}`, `{"TableName":"t","Key":{"pk":{"S":"` + text(2049) + `"}}}`},
		"a new partition key":     {"PutItem", put(`"pk":{"S":"` + text(2048) + `"}`), put(`"pk":{"S":"` + text(2049) + `"}`)},
		"an index's sort key":     {"PutItem", put(`"pk":{"S":"a"},"xe":{"B":"` + encoded(1024) + `"}`), put(`"pk":{"S":"a"},"xe":{"B":"` + encoded(1025) + `"}`)},
		"an empty key":            {"PutItem", put(`"pk":{"S":"a"},"d":{"S":""}`), put(`"pk":{"S":""}`)},
		"an empty key of a index": {"PutItem", put(`"pk":{"S":"a"}`), put(`"pk":{"S":"a"},"xs":{"S":""}`)},
		"a key's type":            {"PutItem", put(`"pk":{"S":"1"}`), put(`"pk":{"N":"1"}`)},
		"an index key's type":     {"PutItem", put(`"pk":{"S":"1"},"xs":{"S":"1"}`), put(`"pk":{"S":"1"},"xs":{"N":"1"}`)},
		"no key":                  {"PutItem", put(`"pk":{"S":"1"}`), put(`"xs":{"S":"1"}`)},
		"more than the key":       {"DeleteItem", `{"TableName":"t","Key":{"pk":{"S":"a"}}}`, `{"TableName":"t","Key":{"pk":{"S":"a"},"xs":{"S":"a"}}}`},
		"parts of a transaction":  {"TransactWriteItems", parts(100), parts(101)},
		"no parts":                {"TransactWriteItems", parts(1), parts(0)},
		"one item twice":          {"TransactWriteItems", `{"TransactItems":[` + part("a") + `,` + part("b") + `]}`, `{"TransactItems":[` + part("a") + `,` + part("a") + `]}`},
		"a transaction's size":    {"TransactWriteItems", inParts(16, 256<<10), inParts(16, 256<<10+1)},
		"a token":                 {"TransactWriteItems", strings.Replace(parts(1), `{`, `{"ClientRequestToken":"`+text(36)+`",`, 1), strings.Replace(parts(1), `{`, `{"ClientRequestToken":"`+text(37)+`",`, 1)},
		"keys of a batch":         {"BatchGetItem", keys(100), keys(101)},
		"no key in a batch":       {"BatchGetItem", keys(1), keys(0)},
		"one key twice":           {"BatchGetItem", keys(2), strings.Replace(keys(2), `"1"`, `"0"`, 1)},
		"an expression":           {"PutItem", conditional("v = v"+strings.Repeat(" ", 4091), ""), conditional("v = v"+strings.Repeat(" ", 4092), "")},
		"a reserved word":         {"PutItem", conditional("attribute_not_exists(pk)", ""), conditional("attribute_not_exists(data)", "")},
		"another case of it":      {"PutItem", conditional("#t = v", `,"ExpressionAttributeNames":{"#t":"ttl"}`), conditional("Ttl = v", "")},
		"an undefined value":      {"PutItem", conditional("v = :v", `,"ExpressionAttributeValues":{":v":{"N":"1"}}`), conditional("v = :v", "")},
		"an unused value":         {"PutItem", conditional("v = :v", `,"ExpressionAttributeValues":{":v":{"N":"1"}}`), conditional("v = :v", `,"ExpressionAttributeValues":{":v":{"N":"1"},":w":{"N":"1"}}`)},
		"a placeholder's length":  {"PutItem", conditional("v = :"+text(254), `,"ExpressionAttributeValues":{":`+text(254)+`":{"N":"1"}}`), conditional("v = :"+text(255), `,"ExpressionAttributeValues":{":`+text(255)+`":{"N":"1"}}`)},
		"a consistent index":      {"Query", `{"TableName":"t","IndexName":"i"}`, `{"TableName":"t","IndexName":"i","ConsistentRead":true}`},
		"no JSON":                 {"GetItem", `{"TableName":"t","Key":{"pk":{"S":"a"}}}`, `{`},
	} {
		w := newWorld(t, strictdynamo.Config{})
		if got, _ := w.ask(c.action, c.right); got != "" {
			t.Errorf("%s: a right one is a %s", name, got)
		}
		before := len(w.process.asked)
		if got, _ := w.ask(c.action, c.wrong); got != "ValidationException" {
			t.Errorf("%s: a wrong one is %q", name, got)
		}
		if len(w.process.asked) != before {
			t.Errorf("%s: a wrong one reaches the table", name)
		}
	}
}

// TestConflicts: while a transaction is under way, another one and a single write of its items are
// refused; reads, and writes of other items, are not.
func TestConflicts(t *testing.T) {
	w := newWorld(t, strictdynamo.Config{})
	entered, leave := make(chan bool), make(chan bool)
	w.process.answer = func(action string) string {
		if action == "TransactWriteItems" {
			entered <- true
			<-leave
		}
		return `{}`
	}
	done := make(chan string)
	go func() {
		failed, _ := w.ask("TransactWriteItems", parts(2))
		done <- failed
	}()
	<-entered
	for action, c := range map[string]struct{ body, want string }{
		"TransactWriteItems": {`{"TransactItems":[` + part("x") + `,` + part("1") + `]}`, "TransactionCanceledException"},
		"PutItem":            {put(`"pk":{"S":"0"}`), "TransactionConflictException"},
		"UpdateItem":         {`{"TableName":"t","Key":{"pk":{"S":"0"}}}`, "TransactionConflictException"},
		"DeleteItem":         {`{"TableName":"t","Key":{"pk":{"S":"2"}}}`, ""},
		"GetItem":            {`{"TableName":"t","Key":{"pk":{"S":"0"}}}`, ""},
	} {
		failed, answer := w.ask(action, c.body)
		if failed != c.want {
			t.Errorf("%s: %q, want %q", action, failed, c.want)
		}
		if failed == "TransactionCanceledException" && string(answer["CancellationReasons"]) != `[{"Code":"None"},{"Code":"TransactionConflict"}]` {
			t.Errorf("it is cancelled for %s", answer["CancellationReasons"])
		}
	}
	leave <- true
	if failed := <-done; failed != "" {
		t.Errorf("the first transaction: %s", failed)
	}
	w.process.answer = nil
	if failed, _ := w.ask("PutItem", put(`"pk":{"S":"0"}`)); failed != "" {
		t.Errorf("after it: %s", failed)
	}
}

// TestTokens: a repeated transaction is not carried out again for ten minutes. Another request with
// the token is refused meanwhile.
func TestTokens(t *testing.T) {
	now := time.Now()
	w := newWorld(t, strictdynamo.Config{Now: func() time.Time { return now }})
	with := func(body string) string { return strings.Replace(body, `{`, `{"ClientRequestToken":"a",`, 1) }
	for _, c := range []struct {
		after time.Duration
		body  string
		want  string
		done  int
	}{
		{0, parts(1), "", 1},
		{10 * time.Minute, parts(1), "", 1},
		{0, parts(2), "IdempotentParameterMismatchException", 1},
		{time.Second, parts(2), "", 2},
		{0, parts(2), "", 2},
	} {
		now = now.Add(c.after)
		failed, _ := w.ask("TransactWriteItems", with(c.body))
		if done := len(w.process.asked) - 1; failed != c.want || done != c.done {
			t.Errorf("%q, carried out %d times; want %q, %d", failed, done, c.want, c.done)
		}
	}
	if strings.Contains(strings.Join(w.process.asked, " "), "ClientRequestToken") {
		t.Error("the process keeps tokens too")
	}
}

// TestThrottling: throttled requests reach no table. A transaction is cancelled for it.
func TestThrottling(t *testing.T) {
	w := newWorld(t, strictdynamo.Config{Throttled: 1000, Chance: rand.New(rand.NewPCG(1, 2))})
	seen := map[string]bool{}
	for range 40 {
		for _, c := range [][2]string{{"GetItem", `{"TableName":"t","Key":{"pk":{"S":"a"}}}`}, {"Query", `{"TableName":"t","IndexName":"i"}`}, {"TransactWriteItems", parts(1)}} {
			failed, answer := w.ask(c[0], c[1])
			seen[c[0]+" "+failed+string(answer["CancellationReasons"])] = true
		}
	}
	for _, want := range []string{
		"GetItem ThrottlingException", "GetItem ProvisionedThroughputExceededException", "Query ProvisionedThroughputExceededException",
		`TransactWriteItems TransactionCanceledException[{"Code":"ThrottlingError"}]`, `TransactWriteItems TransactionCanceledException[{"Code":"ProvisionedThroughputExceeded"}]`,
	} {
		if !seen[want] {
			t.Errorf("never %s: %v", want, seen)
		}
	}
	if len(w.process.asked) != 1 {
		t.Errorf("the process was asked %d times", len(w.process.asked))
	}
}

// TestPages: an answer has at most 1 MB of a list, and 16 MB of a batch. The rest is named.
func TestPages(t *testing.T) {
	w := newWorld(t, strictdynamo.Config{})
	big := func(pk int) string {
		return fmt.Sprintf(`{"pk":{"S":"%d"},"xs":{"S":"s"},"xe":{"B":"MQ=="},"d":{"S":"%s"}}`, pk, text(300<<10))
	}
	w.process.answer = func(action string) string {
		if action == "GetItem" {
			return `{"Item":` + big(1) + `}`
		}
		return `{"Count":4,"Items":[` + strings.Join([]string{big(1), big(2), big(3), big(4)}, ",") + `]}`
	}
	for action, want := range map[string]string{"Scan": `{"pk":{"S":"3"}}`, "Query": `{"pk":{"S":"3"},"xe":{"B":"MQ=="},"xs":{"S":"s"}}`} {
		index := map[string]string{"Query": `,"IndexName":"i"`}[action]
		_, answer := w.ask(action, `{"TableName":"t"`+index+`}`)
		if string(answer["Count"]) != "3" || string(answer["LastEvaluatedKey"]) != want {
			t.Errorf("%s: %s, then %s", action, answer["Count"], answer["LastEvaluatedKey"])
		}
	}
	_, answer := w.ask("BatchGetItem", keys(60))
	var out struct {
		Responses       map[string][]any
		UnprocessedKeys map[string]struct{ Keys []any }
	}
	text, _ := json.Marshal(answer)
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	if read, left := len(out.Responses["t"]), len(out.UnprocessedKeys["t"].Keys); read != 54 || left != 6 {
		t.Errorf("%d items, %d left", read, left)
	}
}

// TestTimeToLive: an item is deleted after the time that the last write set, as a number, and only
// then. A time that lies five years back is ignored.
func TestTimeToLive(t *testing.T) {
	now := time.Unix(2_000_000_000, 0)
	w := newWorld(t, strictdynamo.Config{TimeToLive: "ttl", Now: func() time.Time { return now }})
	at := func(pk, ttl string) {
		if failed, _ := w.ask("PutItem", put(`"pk":{"S":"`+pk+`"},"ttl":`+ttl)); failed != "" {
			t.Fatal(failed)
		}
	}
	at("due", `{"N":"2000000100"}`)
	at("later", `{"N":"2000000200"}`)
	at("text", `{"S":"2000000100"}`)
	at("past", `{"N":"1000"}`)
	at("moved", `{"N":"2000000100"}`)
	at("moved", `{"N":"2000000200"}`)
	at("kept", `{"N":"2000000100"}`)
	if failed, _ := w.ask("PutItem", put(`"pk":{"S":"kept"}`)); failed != "" {
		t.Fatal(failed)
	}
	update := `{"TableName":"t","Key":{"pk":{"S":"counter"}},"UpdateExpression":"ADD n :n SET #t = :t","ExpressionAttributeNames":{"#t":"ttl"},"ExpressionAttributeValues":{":n":{"N":"1"},":t":{"N":"2000000100"}}}`
	if failed, _ := w.ask("UpdateItem", update); failed != "" {
		t.Fatal(failed)
	}
	for _, c := range []struct {
		at   int64
		want int
	}{{2_000_000_100, 0}, {2_000_000_101, 2}, {2_000_000_201, 4}, {2_100_000_000, 4}} {
		now = time.Unix(c.at, 0)
		if err := w.ExpireAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		deleted := 0
		for _, asked := range w.process.asked {
			if strings.HasPrefix(asked, "DeleteItem") {
				deleted++
			}
		}
		if deleted != c.want {
			t.Errorf("at %d: %d deleted, want %d", c.at, deleted, c.want)
		}
	}
}
