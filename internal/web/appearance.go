package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/countersign-mfa/countersign/internal/web/appearance"
)

// preparedAppearance is an appearance with what every page derives from it and from the settings.
type preparedAppearance struct {
	appearance.Appearance
	origins   []string // allowed_origins of the settings
	style     string
	logo      string // the origin of the logo, or "" for the pages' own
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
	// appearanceMaxAge is the time between two fetches of the appearance, failed ones included.
	appearanceMaxAge = 5 * time.Second
	// appearanceTimeout limits a fetch. After it the page shows the appearance that is cached.
	appearanceTimeout  = 2 * time.Second
	appearanceMaxBytes = 128 << 10
)

// appearanceCache holds the appearance: that of the settings over that of the deployment. It reads
// the settings from GET /v1/environment, as every SDK does, so the pages need neither store nor
// key.
type appearanceCache struct {
	deployed appearance.Appearance
	backend  http.Handler // nil without settings
	url      string
	now      func() time.Time

	current    atomic.Pointer[preparedAppearance]
	fetching   sync.Mutex
	expires    atomic.Int64 // Unix nanoseconds; 0 before the first fetch
	lastAnswer []byte       // the last appearance of the settings, as JSON
}

func newAppearanceCache(c Config) (*appearanceCache, error) {
	cache := &appearanceCache{deployed: c.Appearance, backend: c.Backend, url: c.PublicURL, now: c.Now}
	made, err := prepareAppearance(c.Appearance)
	cache.current.Store(made)
	return cache, err
}

// get returns the appearance. One request refreshes it while all others use the cached one. Before
// the first fetch every request waits, so that no visitor sees the appearance change.
func (c *appearanceCache) get(ctx context.Context) *preparedAppearance {
	if c.backend == nil || c.fresh() {
		return c.current.Load()
	}
	if c.expires.Load() == 0 {
		c.fetching.Lock()
	} else if !c.fetching.TryLock() {
		return c.current.Load()
	}
	defer c.fetching.Unlock()
	if !c.fresh() {
		c.fetch(ctx)
		c.expires.Store(c.now().Add(appearanceMaxAge).UnixNano())
	}
	return c.current.Load()
}

// fresh says whether the cache may be used. An expiry further away than the maximum age does not
// count: the clock went back.
func (c *appearanceCache) fresh() bool {
	left := time.Duration(c.expires.Load() - c.now().UnixNano())
	return left > 0 && left <= appearanceMaxAge
}

// invalidate makes the next request refresh the cache.
func (c *appearanceCache) invalidate() {
	if c.expires.Load() != 0 {
		c.expires.Store(1)
	}
}

// fetch reads the appearance of the settings. A missing or invalid answer leaves the cache
// unchanged.
func (c *appearanceCache) fetch(ctx context.Context) {
	// A visitor who leaves early must not cancel the refresh that the others wait for.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), appearanceTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/v1/environment", http.NoBody)
	if err != nil {
		return
	}
	w := &reply{header: http.Header{}}
	c.backend.ServeHTTP(w, r)
	var environment struct {
		Appearance json.RawMessage `json:"appearance"`
		Origins    []string        `json:"allowed_origins"`
	}
	if w.status != http.StatusOK || w.cut || json.Unmarshal(w.body.Bytes(), &environment) != nil {
		return
	}
	if c.lastAnswer != nil && bytes.Equal(environment.Appearance, c.lastAnswer) && slices.Equal(environment.Origins, c.current.Load().origins) {
		return
	}
	var set appearance.Appearance
	if len(environment.Appearance) > 0 && json.Unmarshal(environment.Appearance, &set) != nil {
		return
	}
	if made, err := prepareAppearance(appearance.DropUnknownTexts(set).Override(c.deployed)); err == nil {
		c.lastAnswer, made.origins = environment.Appearance, environment.Origins
		c.current.Store(made)
	}
}

// reply keeps an answer of the backend, up to appearanceMaxBytes.
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
