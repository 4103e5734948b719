package watch

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// logged renders the access log as the gateway does: it replaces each variable by its value, and
// one without a value by a hyphen. Values in quotes are escaped; a public report has such lines
// (DataBiosphere/azul issue 4348), AWS's documents are silent.
func logged(values map[string]string) string {
	return regexp.MustCompile(`\$context\.[a-zA-Z.]+`).ReplaceAllStringFunc(AccessLog(), func(name string) string {
		value, ok := values[strings.TrimPrefix(name, "$context.")]
		if !ok {
			return "-"
		}
		if name == "$context.error.messageString" { // "The quoted value of $context.error.message"
			return strconv.Quote(value)
		}
		text, _ := json.Marshal(value)
		return string(text[1 : len(text)-1])
	})
}

// TestTheAccessLogIsJSON on every line: of a right answer, of a throttled request, of a failed
// function, and with quotes and backslashes in messages. The messages are those of
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-lambda.html
func TestTheAccessLogIsJSON(t *testing.T) {
	for name, c := range map[string]struct {
		values map[string]string
		want   map[string]string
	}{
		"a right answer": {
			map[string]string{"routeKey": "GET /v1/me", "status": "200", "responseLatency": "12", "integrationLatency": "11", "integrationStatus": "200", "identity.sourceIp": "2001:db8::1"},
			map[string]string{"route": "GET /v1/me", "status": "200", "latency_ms": "12", "function_ms": "11", "function_status": "200", "ip": "2001:db8::1", "error": "-", "function_error": "-"},
		},
		"throttled by the gateway": {
			map[string]string{"routeKey": "GET /v1/me", "status": "429", "error.message": "Too Many Requests"},
			map[string]string{"status": "429", "error": "Too Many Requests", "function_ms": "-"},
		},
		"no permission to invoke": {
			map[string]string{"status": "500", "error.message": "Internal Server Error", "integrationErrorMessage": "The IAM role configured on the integration or API Gateway doesn't have permissions to call the integration. Check the permissions and try again."},
			map[string]string{"status": "500", "error": "Internal Server Error"},
		},
		"quotes and backslashes": {
			map[string]string{"status": "500", "error.message": `a "quoted" \ word`, "integrationErrorMessage": `Lambda body contains the wrong type for field "headers"`},
			map[string]string{"error": `a "quoted" \ word`, "function_error": `Lambda body contains the wrong type for field "headers"`},
		},
	} {
		var line map[string]string
		if err := json.Unmarshal([]byte(logged(c.values)), &line); err != nil {
			t.Errorf("%s: %v: %s", name, err, logged(c.values))
			continue
		}
		for field, want := range c.want {
			if line[field] != want {
				t.Errorf("%s: %s is %q, want %q", name, field, line[field], want)
			}
		}
	}
	if strings.Contains(AccessLog(), "\n") || len(AccessLog()) > 3000 { // the limit is 3 KB
		t.Error("the format is longer than a line")
	}
}

// TestTheAccessLogIsNotPrivate: no variable holds a query, a body, a cookie, a header or a path's
// values, in which secrets travel.
func TestTheAccessLogIsNotPrivate(t *testing.T) {
	allowed := []string{
		"requestId", "requestTimeEpoch", "apiId", "routeKey", "status", "responseLatency", "integrationLatency", "integrationStatus", "identity.sourceIp", "error.message", "integrationErrorMessage",
	}
	for _, name := range regexp.MustCompile(`\$[a-zA-Z.]+`).FindAllString(AccessLog(), -1) {
		if !slices.Contains(allowed, strings.TrimPrefix(name, "$context.")) {
			t.Errorf("%s is logged", name)
		}
	}
}

// matches reports whether a line matches a filter's pattern, which compares one field with a text.
// A * at the end of the text stands for anything.
func matches(t *testing.T, pattern, line string) bool {
	t.Helper()
	m := regexp.MustCompile(`^\{ \$\.(\w+) = "([^"*]*)(\*?)" \}$`).FindStringSubmatch(pattern)
	if m == nil {
		t.Fatalf("not a pattern: %s", pattern)
	}
	var fields map[string]string
	if json.Unmarshal([]byte(line), &fields) != nil {
		return false
	}
	value, ok := fields[m[1]]
	return ok && (value == m[2] || m[3] != "" && strings.HasPrefix(value, m[2]))
}

// TestFilters: 5xx of a route and throttled functions are counted, and nothing else. Each filter's
// dimensions are fields of the line, and an alarm watches its metric.
func TestFilters(t *testing.T) {
	for _, c := range []struct {
		values map[string]string
		want   string
	}{
		{map[string]string{"status": "200", "integrationStatus": "200"}, "[]"},
		{map[string]string{"status": "429"}, "[]"},
		{map[string]string{"status": "422", "integrationStatus": "200"}, "[]"},
		{map[string]string{"status": "503", "integrationStatus": "200"}, "[RouteErrors]"},
		{map[string]string{"status": "500", "integrationStatus": "429"}, "[FunctionsThrottled RouteErrors]"},
	} {
		var got []string
		for _, f := range Filters() {
			if matches(t, f.Pattern, logged(c.values)) {
				got = append(got, f.Metric)
			}
		}
		slices.Sort(got)
		if fmt.Sprint(got) != c.want {
			t.Errorf("%v counts for %v, want %s", c.values, got, c.want)
		}
	}
	text, err := json.Marshal(Alarms(budget))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range Filters() {
		if !strings.Contains(string(text), f.Metric) {
			t.Errorf("no alarm watches %s", f.Metric)
		}
		for _, of := range f.Dimensions {
			if !slices.Contains(fieldsOf(GatewayLog, t), strings.TrimPrefix(of, "$.")) {
				t.Errorf("%s has no field %s", f.Metric, of)
			}
		}
	}
}

// fieldsOf returns the fields that a log has: those of the access log's format, or the keys that
// our code logs.
func fieldsOf(log Log, t *testing.T) []string {
	t.Helper()
	if log == GatewayLog {
		var names []string
		for _, f := range accessFields {
			names = append(names, f.name)
		}
		return names
	}
	found := map[string]bool{"time": true, "level": true, "msg": true} // of log/slog
	for _, dir := range []string{"internal/api", "internal/aws/lambdahost", "internal/aws/lambdahost/deliver", "internal/aws/lambdahost/rotation"} {
		files, err := filepath.Glob(filepath.Join("..", "..", dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", dir, err)
		}
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				keys(t, file, found)
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// keys adds the keys of log attributes in a file: the first argument of slog.String and the others,
// and each second one of Info, Warn and Error after the message.
func keys(t *testing.T, file string, found map[string]bool) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, text, 0)
	if err != nil {
		t.Fatal(err)
	}
	literal := func(e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			name, _ := strconv.Unquote(lit.Value)
			found[name] = true
		}
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		to, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		from, _ := to.X.(*ast.Ident)
		switch {
		case from != nil && from.Name == "slog" && len(call.Args) == 2:
			literal(call.Args[0])
		case slices.Contains([]string{"Info", "Warn", "Error"}, to.Sel.Name):
			for i := 1; i < len(call.Args); i += 2 {
				literal(call.Args[i])
			}
		}
		return true
	})
}

// words of Logs Insights that are not fields.
var words = regexp.MustCompile(`^(fields|filter|stats|sort|limit|by|as|and|or|like|desc|asc|count|pct|bin|\d\w*)$`)

// TestQueries: each query is made of known commands, and names only fields that its log has, or
// that the query itself made with "as".
func TestQueries(t *testing.T) {
	command := regexp.MustCompile(`^(fields|filter|stats|sort|limit) `)
	quoted := regexp.MustCompile(`'[^']*'|/[^/]*/`)
	for _, q := range Queries() {
		known := fieldsOf(q.Log, t)
		for _, part := range strings.Split(q.Text, " | ") {
			if !command.MatchString(part) {
				t.Errorf("%s: %q is no command", q.Name, part)
			}
		}
		bare := quoted.ReplaceAllString(q.Text, "")
		for _, m := range regexp.MustCompile(` as (\w+)`).FindAllStringSubmatch(bare, -1) {
			known = append(known, m[1])
		}
		for _, name := range regexp.MustCompile(`@?\w+`).FindAllString(bare, -1) {
			if !words.MatchString(name) && !slices.Contains(known, name) && name != "@timestamp" && name != "@logStream" {
				t.Errorf("%s: its log has no field %s; it has %v", q.Name, name, known)
			}
		}
	}
}
