package local

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/countersign-mfa/countersign/internal/api/reference"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/local/guide"
	"github.com/countersign-mfa/countersign/internal/web"
)

func (a *App) routes(pages http.Handler) *http.ServeMux {
	mux := http.NewServeMux()
	for _, path := range append(web.Paths(), web.PhonePath) {
		mux.Handle(path, pages)
	}
	for path := range a.documents() {
		mux.Handle("GET "+path, pages)
	}
	mux.HandleFunc("GET /dev/sms", a.listMessages)
	mux.HandleFunc("GET /dev/clock", a.getClock)
	mux.HandleFunc("PATCH /dev/clock", a.moveClock)
	mux.HandleFunc("GET /dev/instance", a.serveInstance)
	mux.HandleFunc("PATCH /dev/instance", a.serveInstance)
	mux.HandleFunc("POST /dev/sessions/{id}/age", a.ageSession)
	mux.HandleFunc("GET /dev/faults", a.getFaults)
	mux.HandleFunc("POST /dev/faults", a.setFaults)
	mux.HandleFunc("POST /dev/keys", a.rotateKeys)
	mux.HandleFunc("POST /dev/sign-in", a.signInAs)
	mux.HandleFunc("POST /dev/sign-out", a.signOut)
	mux.HandleFunc("GET "+guide.Root+"/docs/use/pages/{file}", a.picture)
	return mux
}

// documents are the pages of this package, by path.
func (a *App) documents() map[string]web.DocumentFunc {
	return map[string]web.DocumentFunc{
		"/{$}": a.home, guide.Root: a.readme, guide.Root + "/{file...}": a.readme, reference.Path: reference.Page(a.PublicURL),
	}
}

func (a *App) answer(w http.ResponseWriter, body any, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if err != nil {
		e := apierr.From(err)
		w.WriteHeader(wire.Status(e.Code()))
		body = wire.NewEnvelope(e, "")
	}
	_ = json.NewEncoder(w).Encode(body)
}

func read(r *http.Request, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 64<<10))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return apierr.New(apierr.RequestBodyInvalid)
	}
	return nil
}

func (a *App) listMessages(w http.ResponseWriter, r *http.Request) {
	a.answer(w, map[string]any{"messages": a.Outbox.Messages(r.URL.Query().Get("phone_number"))}, nil)
}

func (a *App) getClock(w http.ResponseWriter, _ *http.Request) {
	a.answer(w, map[string]string{"now": a.clock.Now().UTC().Format(time.RFC3339)}, nil)
}

func (a *App) moveClock(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Seconds int64 `json:"advance_seconds"`
	}
	if err := read(r, &in); err != nil {
		a.answer(w, nil, err)
		return
	}
	total := time.Duration(in.Seconds) * time.Second
	for step := max(clockStep, total/mostClockSteps); total != 0; {
		next := min(total, step)
		a.clock.Advance(next)
		total -= next
		if _, err := a.cleanup(r.Context()); err != nil { // what would have run meanwhile
			a.answer(w, nil, err)
			return
		}
	}
	a.getClock(w, r)
}

// A moved clock advances by clockStep, or by more so that there are about mostClockSteps, and runs
// the cleanup after each: a recovery sends a reminder each day.
const (
	clockStep      = 6 * time.Hour
	mostClockSteps = 200
)

// serveInstance does the same as /v1/instance, for the page /dev/phone, which has no key.
func (a *App) serveInstance(w http.ResponseWriter, r *http.Request) {
	inner := r.Clone(r.Context())
	inner.URL.Path, inner.RequestURI = "/v1/instance", "/v1/instance"
	inner.Header = http.Header{"Authorization": {"Bearer " + a.Key().Reveal()}, "Content-Type": r.Header["Content-Type"]}
	a.api.ServeHTTP(w, inner)
}

func (a *App) ageSession(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Minutes int `json:"minutes"`
	}
	err := read(r, &in)
	if err == nil {
		err = a.Service.Admin.AgeSession(r.Context(), r.PathValue("id"), time.Duration(in.Minutes)*time.Minute)
	}
	a.answer(w, map[string]bool{"ok": true}, err)
}

// faults are the simulated faults: sending SMS fails, the store is unavailable.
type faults struct {
	SMS   bool `json:"sms"`
	Store bool `json:"store"`
}

// activeFaults returns the names of the simulated faults that are active.
func (a *App) activeFaults() []string {
	var active []string
	if now := a.faults.Load(); now != nil {
		if now.SMS {
			active = append(active, "sms")
		}
		if now.Store {
			active = append(active, "store")
		}
	}
	return active
}

func (a *App) getFaults(w http.ResponseWriter, _ *http.Request) {
	now := a.faults.Load()
	if now == nil {
		now = &faults{}
	}
	a.answer(w, now, nil)
}

// setFaults begins the faults that are set and ends the others.
func (a *App) setFaults(w http.ResponseWriter, r *http.Request) {
	var in faults
	if err := read(r, &in); err != nil {
		a.answer(w, nil, err)
		return
	}
	a.Outbox.Recover()
	a.faulty.Recover()
	if in.SMS {
		a.Outbox.Fail()
	}
	if in.Store {
		a.faulty.Throttle()
	}
	a.faults.Store(&in)
	a.answer(w, in, nil)
}
