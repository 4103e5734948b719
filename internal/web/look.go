package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/countersign-mfa/countersign/internal/web/appearance"
)

// look is how the pages look at the moment, made ready to be written.
type look struct {
	appearance.Brand
	style     string
	logo      string // the origin of the logo when it is not ours
	catalogue catalogue
}

func newLook(b appearance.Brand) (*look, error) {
	if err := appearance.Check(b); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	style, err := accentStyle(b.Accent)
	if err != nil {
		return nil, err
	}
	return &look{Brand: b, style: style, logo: b.LogoOrigin(), catalogue: newCatalogue(b.Texts)}, nil
}

const (
	// lookCached is how long the pages go on with a look before they ask again, and how long they wait after an answer that did not come.
	lookCached = 5 * time.Second
	// lookWait is how long a visitor waits for it at most. What was known before is shown then.
	lookWait = 2 * time.Second
	lookMost = 128 << 10
)

// looks keeps the look. The settings' brand lies over the deployment's, and is asked for as every SDK does, at the environment: so the pages need neither
// the store nor a key for it.
type looks struct {
	deployed appearance.Brand
	backend  http.Handler // nil when there are no settings to ask
	url      string
	now      func() time.Time

	current atomic.Pointer[look]
	asking  sync.Mutex
	until   atomic.Int64 // unix nanoseconds; 0 when it was never asked
	said    []byte       // the settings' brand as it was answered last
}

func newLooks(c Config) (*looks, error) {
	l := &looks{deployed: c.Brand, backend: c.Backend, url: c.PublicURL, now: c.Now}
	made, err := newLook(c.Brand)
	l.current.Store(made)
	return l, err
}

// get returns the look. One visitor asks for news and all others go on with what is known; only at the very first time they wait too, so that nobody sees
// the pages change their face.
func (l *looks) get(ctx context.Context) *look {
	if l.backend == nil || l.fresh() {
		return l.current.Load()
	}
	if l.until.Load() == 0 {
		l.asking.Lock()
	} else if !l.asking.TryLock() {
		return l.current.Load()
	}
	defer l.asking.Unlock()
	if !l.fresh() {
		l.ask(ctx)
		l.until.Store(l.now().Add(lookCached).UnixNano())
	}
	return l.current.Load()
}

// fresh also distrusts an end that lies too far away: then the clock went back.
func (l *looks) fresh() bool {
	left := time.Duration(l.until.Load() - l.now().UnixNano())
	return left > 0 && left <= lookCached
}

// forget makes the next page ask.
func (l *looks) forget() {
	if l.until.Load() != 0 {
		l.until.Store(1)
	}
}

// ask takes over what the settings say. An answer that does not come, or that makes no sense to this version of the pages, changes nothing.
func (l *looks) ask(ctx context.Context) {
	// A visitor who leaves early does not take the answer from the others.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookWait)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, l.url+"/v1/environment", http.NoBody)
	if err != nil {
		return
	}
	w := &reply{header: http.Header{}}
	l.backend.ServeHTTP(w, r)
	var environment struct {
		Appearance json.RawMessage `json:"appearance"`
	}
	if w.status != http.StatusOK || w.cut || json.Unmarshal(w.body.Bytes(), &environment) != nil || bytes.Equal(environment.Appearance, l.said) && l.said != nil {
		return
	}
	var set appearance.Brand
	if len(environment.Appearance) > 0 && json.Unmarshal(environment.Appearance, &set) != nil {
		return
	}
	if made, err := newLook(appearance.Known(set).Over(l.deployed)); err == nil {
		l.said = environment.Appearance
		l.current.Store(made)
	}
}

// reply is an answer of the backend, kept up to a size.
type reply struct {
	header http.Header
	status int
	body   bytes.Buffer
	cut    bool
}

func (r *reply) Header() http.Header { return r.header }

func (r *reply) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *reply) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	if r.body.Len()+len(b) > lookMost {
		r.cut = true
		return len(b), nil
	}
	return r.body.Write(b)
}
