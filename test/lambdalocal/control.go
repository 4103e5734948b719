package lambdalocal

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
)

// mostAhead is how far the clock of [Control] may go ahead of the functions' clock. A function
// accepts the code of the next step of an authenticator app (RFC 6238 section 5.2).
const mostAhead = 31 * time.Second

// codeAtEnd is the code in the last line of a text message.
var codeAtEnd = regexp.MustCompile(`#(\d{6})$`)

// Control answers what browser tests ask beside the API, in the form of the development endpoints
// of the local server: sent messages, the time, an older session, and functions that start anew.
type Control struct {
	*Deployment
	mu    sync.Mutex
	ahead time.Duration
}

// ServeHTTP implements [http.Handler].
func (c *Control) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sms", func(w http.ResponseWriter, r *http.Request) {
		reply(w, map[string]any{"messages": c.messages(r.URL.Query().Get("phone_number"))}, nil)
	})
	mux.HandleFunc("GET /clock", func(w http.ResponseWriter, _ *http.Request) { reply(w, c.clock(), nil) })
	mux.HandleFunc("PATCH /clock", c.move)
	mux.HandleFunc("POST /restart", func(w http.ResponseWriter, _ *http.Request) {
		c.Restart()
		reply(w, map[string]any{}, nil)
	})
	mux.HandleFunc("POST /sessions/{id}/age", c.age)
	mux.ServeHTTP(w, r)
}

func reply(w http.ResponseWriter, answer any, err error) {
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// message is a sent text message.
type message struct {
	PhoneNumber string `json:"phone_number"`
	Text        string `json:"text"`
	Code        string `json:"code"`
}

func (c *Control) messages(number string) []message {
	found := []message{}
	for _, sms := range c.Stub.SMS() {
		if number != "" && sms.Number != number {
			continue
		}
		m := message{PhoneNumber: sms.Number, Text: sms.Message}
		if code := codeAtEnd.FindStringSubmatch(sms.Message); code != nil {
			m.Code = code[1]
		}
		found = append(found, m)
	}
	return found
}

func (c *Control) clock() map[string]any {
	c.mu.Lock()
	defer c.mu.Unlock()
	return map[string]any{"now": time.Now().Add(c.ahead)}
}

// move sets the clock ahead, by one step of authenticator apps and no further. The functions' clock
// is the machine's and cannot be moved, so it serves for the next code of an app only.
func (c *Control) move(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Seconds float64 `json:"advance_seconds"`
	}
	err := json.NewDecoder(r.Body).Decode(&in)
	by := time.Duration(in.Seconds * float64(time.Second))
	if err == nil && by > mostAhead {
		err = fmt.Errorf("the functions' clock cannot be moved: %v is too far", by)
	}
	if err == nil {
		c.mu.Lock()
		c.ahead = min(c.ahead+by, mostAhead)
		c.mu.Unlock()
	}
	reply(w, c.clock(), err)
}

// age makes the factors of a session older.
func (c *Control) age(w http.ResponseWriter, r *http.Request) {
	var in struct{ Minutes int }
	err := json.NewDecoder(r.Body).Decode(&in)
	if err == nil {
		err = c.ageSession(r.Context(), r.PathValue("id"), time.Duration(in.Minutes)*time.Minute)
	}
	reply(w, map[string]any{}, err)
}

// ageSession changes the record as a function would, with the deployment's keys.
func (c *Control) ageSession(ctx context.Context, session string, by time.Duration) error {
	values := map[string]string{}
	for _, line := range c.Environment("me-get") {
		name, value, _ := strings.Cut(line, "=")
		values[name] = value
	}
	values["AWS_ACCESS_KEY_ID"] = "control"
	e, err := lambdahost.ReadEnvironment(func(name string) string { return values[name] })
	if err != nil {
		return err
	}
	service, err := lambdahost.Connect(e).Service(ctx, lambdahost.Deps{})
	if err != nil {
		return err
	}
	return service.Admin.AgeSession(ctx, session, by)
}
