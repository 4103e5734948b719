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

// preparedAppearance is how the pages look at the moment, made ready to be written.
type preparedAppearance struct {
	appearance.Appearance
	style     string
	logo      string // the origin of the logo when it is not ours
	catalogue catalogue
}

func prepareAppearance(b appearance.Appearance) (*preparedAppearance, error) {
	if err := appearance.Check(b); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	style, err := accentStyle(b.Accent)
	if err != nil {
		return nil, err
	}
	return &preparedAppearance{Appearance: b, style: style, logo: b.LogoOrigin(), catalogue: newCatalogue(b.Texts)}, nil
}

const (
	// appearanceMaxAge is how long the pages go on with an appearance before they ask again, and how long they wait after an answer that did not come.
	appearanceMaxAge = 5 * time.Second
	// appearanceTimeout is how long a visitor waits for it at most. What was known before is shown then.
	appearanceTimeout  = 2 * time.Second
	appearanceMaxBytes = 128 << 10
)

// appearances keeps the appearance. The settings' appearance lies over the deployment's, and is asked for as every SDK does, at the environment: so the pages need neither
// the store nor a key for it.
type appearanceCache struct {
	deployed appearance.Appearance
	backend  http.Handler // nil when there are no settings to ask
	url      string
	now      func() time.Time

	current    atomic.Pointer[preparedAppearance]
	fetching   sync.Mutex
	expires    atomic.Int64 // unix nanoseconds; 0 when it was never asked
	lastAnswer []byte       // the settings' appearance as it was answered last
}

func newAppearanceCache(c Config) (*appearanceCache, error) {
	l := &appearanceCache{deployed: c.Appearance, backend: c.Backend, url: c.PublicURL, now: c.Now}
	made, err := prepareAppearance(c.Appearance)
	l.current.Store(made)
	return l, err
}

// get returns the appearance. One visitor asks for news and all others go on with what is known; only at the very first time they wait too, so that nobody sees
// the pages change their face.
func (l *appearanceCache) get(ctx context.Context) *preparedAppearance {
	if l.backend == nil || l.fresh() {
		return l.current.Load()
	}
	if l.expires.Load() == 0 {
		l.fetching.Lock()
	} else if !l.fetching.TryLock() {
		return l.current.Load()
	}
	defer l.fetching.Unlock()
	if !l.fresh() {
		l.fetch(ctx)
		l.expires.Store(l.now().Add(appearanceMaxAge).UnixNano())
	}
	return l.current.Load()
}

// fresh also distrusts an end that lies too far away: then the clock went back.
func (l *appearanceCache) fresh() bool {
	left := time.Duration(l.expires.Load() - l.now().UnixNano())
	return left > 0 && left <= appearanceMaxAge
}

// invalidate makes the next page ask.
func (l *appearanceCache) invalidate() {
	if l.expires.Load() != 0 {
		l.expires.Store(1)
	}
}

// fetch takes over what the settings say. An answer that does not come, or that makes no sense to this version of the pages, changes nothing.
func (l *appearanceCache) fetch(ctx context.Context) {
	// A visitor who leaves early does not take the answer from the others.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), appearanceTimeout)
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
	if w.status != http.StatusOK || w.cut || json.Unmarshal(w.body.Bytes(), &environment) != nil || bytes.Equal(environment.Appearance, l.lastAnswer) && l.lastAnswer != nil {
		return
	}
	var set appearance.Appearance
	if len(environment.Appearance) > 0 && json.Unmarshal(environment.Appearance, &set) != nil {
		return
	}
	if made, err := prepareAppearance(appearance.DropUnknownTexts(set).Override(l.deployed)); err == nil {
		l.lastAnswer = environment.Appearance
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
	if r.body.Len()+len(b) > appearanceMaxBytes {
		r.cut = true
		return len(b), nil
	}
	return r.body.Write(b)
}
