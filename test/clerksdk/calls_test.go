package clerksdk_test

import (
	"context"
	"errors"
	"fmt"
	"go/build"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/clerk/clerk-sdk-go/v2"
	"github.com/clerk/clerk-sdk-go/v2/user"
	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/api"
)

const sdk = "github.com/clerk/clerk-sdk-go/v2"

// works is the result of a call that has a meaning here: a test made the call and checked its
// answer.
const works = "works"

// recorder is the transport of the SDK's clients. It notes the calls of the SDK with a right
// answer, and the requests since [recorder.take].
type recorder struct {
	mu      sync.Mutex
	worked  map[string]bool
	touched []string
}

var method = regexp.MustCompile(`^` + regexp.QuoteMeta(sdk) + `/(\w+)\.\(\*Client\)\.(\w+)$`)

// called returns the outermost method of the SDK on the stack: user.List itself calls user.Count.
func called() string {
	pc := make([]uintptr, 64)
	frames := runtime.CallersFrames(pc[:runtime.Callers(1, pc)])
	name := ""
	for {
		f, more := frames.Next()
		if m := method.FindStringSubmatch(f.Function); m != nil {
			name = m[1] + "." + m[2]
		}
		if !more {
			return name
		}
	}
}

// RoundTrip implements [http.RoundTripper].
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	name := called()
	res, err := http.DefaultTransport.RoundTrip(req)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.touched = append(r.touched, req.Method+" "+req.URL.Path)
	if err == nil && res.StatusCode < http.StatusBadRequest && name != "" {
		r.worked[name] = true
	}
	return res, err
}

// take returns the requests since the last call of take.
func (r *recorder) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.touched
	r.touched = nil
	return out
}

// methods returns the exported methods of the SDK's clients by the names that a program writes.
func methods(config *clerk.ClientConfig) map[string]reflect.Value {
	all := map[string]reflect.Value{}
	for name, client := range clients(config) {
		v := reflect.ValueOf(client)
		for i := range v.NumMethod() {
			all[name+"."+v.Type().Method(i).Name] = v.Method(i)
		}
	}
	return all
}

// TestEveryClientIsListed compares clients with the packages of the SDK.
func TestEveryClientIsListed(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.ImportPath}} {{.Dir}}", sdk+"/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for line := range strings.Lines(string(out)) {
		path, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
		files, err := build.ImportDir(dir, 0)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(files.GoFiles, "client.go") && path != sdk {
			want = append(want, files.Name)
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(clients(&clerk.ClientConfig{})))); diff != "" || len(want) < 30 {
		t.Errorf("clients (-SDK +table):\n%s", diff)
	}
}

// unjourneyed are calls of operations that no journey makes, with the reason.
var unjourneyed = map[string]string{
	"user.DeletePasskey": "the user needs an authenticator, which the tests of the API have",
}

// missing is an id that names no record.
const missing = "none_2Zt1Wq"

// invent returns an argument of a type: texts are ids that do not exist.
func invent(t reflect.Type) reflect.Value {
	switch {
	case t.Kind() == reflect.String:
		return reflect.ValueOf(missing).Convert(t)
	case t == reflect.TypeFor[multipart.File]():
		return reflect.ValueOf(image{strings.NewReader("no image")})
	case t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct:
		p := reflect.New(t.Elem())
		for i := range t.Elem().NumField() {
			if f := t.Elem().Field(i); f.IsExported() && (f.Type.Kind() == reflect.String || f.Type.Kind() == reflect.Interface) {
				p.Elem().Field(i).Set(invent(f.Type))
			}
		}
		return p
	}
	return reflect.Zero(t)
}

// image implements [multipart.File].
type image struct{ *strings.Reader }

func (image) Close() error { return nil }

// refusal makes a call without a meaning here, and returns its error in a few words. A call without
// an error, or with an error of another form, is an error of the test.
func refusal(t *testing.T, call reflect.Value) string {
	t.Helper()
	args := []reflect.Value{reflect.ValueOf(t.Context())}
	for i := 1; i < call.Type().NumIn(); i++ {
		args = append(args, invent(call.Type().In(i)))
	}
	out := call.Call(args)
	err, _ := out[len(out)-1].Interface().(error)
	var refused *clerk.APIErrorResponse
	switch {
	case err == nil:
		t.Error("it succeeds, and no test checks its answer")
	case !errors.As(err, &refused):
		t.Errorf("the error is not of Clerk's form: %v", err)
	case refused.HTTPStatusCode < 400 || refused.HTTPStatusCode > 499 || len(refused.Errors) != 1 || refused.Errors[0].Message == "" || refused.TraceID == "":
		t.Errorf("a strange error: %v", err)
	default:
		return fmt.Sprintf("%d %s", refused.HTTPStatusCode, refused.Errors[0].Code)
	}
	return ""
}

// TestGo makes every call of the SDK for Go. The journeys make the calls that have a meaning here
// and check their answers. Every other call must be refused with Clerk's error.
func TestGo(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the server")
	}
	s := start(t)
	r := &recorder{worked: map[string]bool{}}
	config := s.config(r)
	results := map[string]string{}
	for _, j := range journeys {
		t.Run(j.name, func(t *testing.T) { j.run(&journey{server: &server{T: t, url: s.url}, config: config}) })
		for _, function := range j.functions {
			results[function] = works
		}
	}
	routes := http.NewServeMux()
	for _, op := range api.Operations() {
		routes.HandleFunc(op.Method+" "+op.Path, func(http.ResponseWriter, *http.Request) {})
	}
	for name, call := range methods(config) {
		if r.worked[name] {
			results[name] = works
			continue
		}
		t.Run(name, func(t *testing.T) {
			r.take()
			if name == "user.CreateTOTP" { // Clerk removed the operation; the SDK sends no request
				if _, err := (&user.Client{}).CreateTOTP(context.Background(), missing); err != nil {
					t.Error(err)
				}
				results[name] = "no request"
				return
			}
			results[name] = refusal(t, call)
			for _, request := range r.take() {
				verb, path, _ := strings.Cut(request, " ")
				if _, pattern := routes.Handler(&http.Request{Method: verb, URL: &url.URL{Path: path}}); pattern != "" && unjourneyed[name] == "" {
					t.Errorf("%s is an operation, and no journey makes this call", pattern)
				}
			}
		})
	}
	compare(t, "calls/go.txt", results)
}

// compare compares the results of calls with a file of one line for each call, or writes the file.
func compare(t *testing.T, name string, results map[string]string) {
	t.Helper()
	var b strings.Builder
	for _, call := range slices.Sorted(maps.Keys(results)) {
		fmt.Fprintf(&b, "%s\t%s\n", call, results[call])
	}
	if *update && !t.Failed() {
		if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(filepath.Clean(name))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(text), b.String()); diff != "" {
		t.Errorf("%s (-file +calls), write it with go test ./test/clerksdk -update:\n%s", name, diff)
	}
}
