// Package local runs everything in one process, for development: the API, the pages, an outbox
// instead of SMS, development endpoints and a clock that can be moved. No Lambda function links it.
package local

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/reference"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/clock"
	"github.com/countersign-mfa/countersign/internal/crypto/keyring"
	"github.com/countersign-mfa/countersign/internal/crypto/password"
	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/sessiontoken"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/directory"
	"github.com/countersign-mfa/countersign/internal/domain/numberplan"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/domain/webhook"
	"github.com/countersign-mfa/countersign/internal/local/outbox"
	"github.com/countersign-mfa/countersign/internal/standardwebhook"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/internal/store/boltstore"
	"github.com/countersign-mfa/countersign/internal/web"
	"github.com/countersign-mfa/countersign/internal/web/appearance"
	"github.com/countersign-mfa/countersign/internal/web/dashauth"
)

// Config are the parameters of [Open].
type Config struct {
	// Dir holds the data: the store and the master key. Open creates it when it does not exist.
	Dir       string
	PublicURL string
	AppName   string
	// SecretKey is the Backend API key. If empty, it is the data directory's after a rotation, or
	// else [DefaultKey].
	SecretKey secret.Value
	// Appearance is how the pages look; its name is AppName unless it has one.
	Appearance appearance.Appearance
	// Now returns the time of the wall clock; development can move the app's clock away from it.
	Now func() time.Time
	Log *slog.Logger
	// Numbers are the numbering plans of new numbers; nil means those of this build.
	Numbers *numberplan.Plan
	// Passwords is the cost of new password digests; zero means the default.
	Passwords password.Params
}

// App is everything in one process.
type App struct {
	Config
	Service *domain.Service
	Outbox  *outbox.Outbox
	// PublishableKey belongs in the application's settings.
	PublishableKey string
	// Fresh is true when the data directory was empty.
	Fresh bool

	clock  *clock.Clock
	keys   *keyring.Keyring
	secret *secretFile
	bolt   *boltstore.Store
	faulty *store.Faulty
	faults atomic.Pointer[faults]
	hooks  *webhook.Dispatcher
	api    *api.API
	mux    *http.ServeMux
	pages  http.Handler

	// seeding is true while the demo users are created, which the log does not mention.
	seeding bool
}

// Open opens the data directory and seeds it when it is empty.
func Open(ctx context.Context, c Config) (*App, error) {
	if c.Passwords == (password.Params{}) {
		c.Passwords = password.DefaultParams
	}
	if c.Numbers == nil {
		c.Numbers = numberplan.BuiltIn()
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("%q is not a URL", c.PublicURL)
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	file, fresh, err := openFile(filepath.Join(c.Dir, keyFile))
	if err != nil {
		return nil, err
	}
	a := &App{Config: c, Fresh: fresh, clock: clock.Movable(c.Now), PublishableKey: publishableKey}
	a.bolt, err = boltstore.Open(filepath.Join(c.Dir, dataFile), boltstore.Options{Now: a.clock.Now})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", filepath.Join(c.Dir, dataFile), err)
	}
	a.Outbox = outbox.New(a.clock.Now)
	a.faulty = store.NewFaulty(a.bolt)
	a.keys = keyring.New(a.bolt, file, a.clock.Now)
	if err := a.wire(ctx, u.Hostname()); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	if err := a.seed(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("seed: %w", err), a.Close())
	}
	return a, nil
}

// ErrInUse means that another process has the data directory open.
var ErrInUse = boltstore.ErrInUse

// Files of a data directory.
const (
	dataFile = "countersign.db"
	keyFile  = "master.key"
)

// Compact rewrites the data without deleted records. No server may use the directory.
func Compact(dir string, now func() time.Time) error {
	return boltstore.Compact(filepath.Join(dir, dataFile), boltstore.Options{Now: now})
}

// Data is a data directory that is open for an export or import. It serves no requests.
type Data struct {
	Store *boltstore.Store
	Keys  *keyring.Keyring
}

// OpenData opens an existing data directory.
func OpenData(ctx context.Context, dir string, now func() time.Time) (*Data, error) {
	if _, err := os.Stat(filepath.Join(dir, keyFile)); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	return MakeData(ctx, dir, now)
}

// MakeData opens a data directory, and creates it when it does not exist.
func MakeData(ctx context.Context, dir string, now func() time.Time) (*Data, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	file, _, err := openFile(filepath.Join(dir, keyFile))
	if err != nil {
		return nil, err
	}
	bolt, err := boltstore.Open(filepath.Join(dir, dataFile), boltstore.Options{Now: now})
	if err != nil {
		return nil, err
	}
	d := &Data{bolt, keyring.New(bolt, file, now)}
	if err := d.Keys.Prepare(ctx); err != nil {
		return nil, errors.Join(err, bolt.Close())
	}
	return d, nil
}

// publishableKey names a host that is never contacted. Its form makes Clerk's SDKs use the
// development-browser flow.
var publishableKey = "pk_test_" + base64.RawStdEncoding.EncodeToString([]byte("countersign-local-1.clerk.accounts.dev$"))

func (a *App) wire(ctx context.Context, host string) error {
	if err := a.keys.Prepare(ctx); err != nil {
		return err
	}
	if err := a.openKey(ctx); err != nil {
		return err
	}
	ring, err := a.keys.Open(ctx)
	if err != nil {
		return err
	}
	service, err := domain.New(domain.Config{
		Store: a.faulty, Sender: a.Outbox, Ring: ring, Passwords: password.New(a.Passwords, rand.Reader), Numbers: a.Numbers.Parse, Now: a.clock.Now, Pause: clock.Pause,
		Rand: rand.Reader, Issuer: a.PublicURL, AppName: a.AppName, SMSHost: host, Loopback: true,
		Notify: a.logEvent,
	})
	if err != nil {
		return err
	}
	a.Service = service
	a.hooks = &webhook.Dispatcher{Service: service.Webhooks, Endpoints: standardwebhook.New(standardwebhook.LoopbackToo), Describe: wire.EventBody,
		Report: func(f webhook.Failure) { a.Log.Warn("webhook failed", f.Attrs()...) }}
	a.api, err = api.New(api.Config{
		Instance: operation.Instance{
			Service: service, PublicURL: a.PublicURL, PublishableKey: a.PublishableKey, AppName: a.AppName, NumberingPlans: a.Numbers.String(), Development: true,
		},
		Accepts: a.keys.Accepts, Address: remote, Log: a.Log,
	}, api.Operations()...)
	if err != nil {
		return err
	}
	if a.Appearance.Name == "" {
		a.Appearance.Name = a.AppName
	}
	pages, err := web.Handler(web.Config{
		PublicURL: a.PublicURL, Appearance: a.Appearance, SecretKey: a.secret.Get, DashboardState: dashauth.New(a.faulty, a.clock.Now), Address: a.limited, Backend: a.api, Now: a.clock.Now, Development: true,
		Faults: a.activeFaults, Documents: a.documents(),
	})
	if err != nil {
		return err
	}
	a.pages = pages
	a.mux = a.routes(pages)
	a.mux.Handle("GET "+reference.OpenAPIPath, reference.OpenAPI())
	return nil
}

func (a *App) logEvent(e account.Event) {
	if !a.seeding {
		a.Log.Info("event", "name", e.Name, "user", e.User)
	}
}

// Close closes the store.
func (a *App) Close() error { return a.bolt.Close() }

// cleanupEvery is how often the scheduled cleanup runs.
const cleanupEvery = time.Hour

// Cleanup runs the scheduled cleanup until the context ends.
func (a *App) Cleanup(ctx context.Context) {
	for ctx.Err() == nil {
		if r, err := a.cleanup(ctx); err != nil && ctx.Err() == nil {
			a.Log.Error("cleanup failed", "error", err.Error())
		} else if r.Found > 0 {
			a.Log.Info("cleanup", "found", r.Found, "changed", r.Changed, "deleted", r.Deleted, "unreadable", r.Unreadable)
		}
		if err := errors.Join(a.keys.RotateIfDue(ctx), a.keys.Refresh(ctx), a.Service.Tokens.RotateSigningKey(ctx, sessiontoken.KeyLife)); err != nil && ctx.Err() == nil {
			a.Log.Error("key rotation failed", "error", err.Error())
		}
		_ = clock.Pause(ctx, cleanupEvery)
	}
}

// cleanup runs until nothing is left to clean.
func (a *App) cleanup(ctx context.Context) (admin.CleanupResult, error) {
	for sum := (admin.CleanupResult{}); ; {
		r, err := a.Service.Admin.Cleanup(ctx, 5000)
		sum.Add(r)
		if err != nil || !r.More {
			return sum, err
		}
	}
}

// migrateEvery is how often the work on users of an earlier release goes on after a fault, or
// because a part of it is to be done later.
const migrateEvery = time.Minute

// progressEvery is after how many users the work on them is logged.
const progressEvery = 10_000

// Migrate puts users of an earlier release into the lists of users, until none is left or the
// context ends.
func (a *App) Migrate(ctx context.Context) {
	logged := 0
	for ctx.Err() == nil {
		p, err := a.Service.Migrator().Migrate(ctx, func(p directory.Progress) bool {
			if p.Moved/progressEvery > logged/progressEvery {
				a.Log.Info("users are put into the lists", "seen", p.Seen)
			}
			logged = p.Moved
			return true
		})
		switch {
		case err != nil && ctx.Err() == nil:
			a.Log.Error("users are not in the lists yet", "seen", p.Seen, "error", err.Error())
		case p.Moved+p.Unreadable > 0:
			a.Log.Info("users are in the lists", "moved", p.Moved, "unreadable", p.Unreadable, "identifiers of other users", p.Taken)
		}
		if p.Done {
			return
		}
		_ = clock.Pause(ctx, migrateEvery)
	}
}

// deliverEvery is how often the worker looks for due webhooks. The store is this process's own, so
// looking costs little.
const deliverEvery = time.Second

// Deliver sends webhooks until the context ends.
func (a *App) Deliver(ctx context.Context) {
	for ctx.Err() == nil {
		if err := a.DeliverDue(ctx); err != nil && ctx.Err() == nil {
			a.Log.Error("delivery failed", "error", err.Error())
		}
		_ = clock.Pause(ctx, deliverEvery)
	}
}

// DeliverDue sends the webhooks that are due by the development clock.
func (a *App) DeliverDue(ctx context.Context) error {
	for {
		r, err := a.hooks.Run(ctx, 100)
		if r.Found > 0 {
			a.Log.Info("webhooks", "delivered", r.Delivered, "failed", r.Failed, "given_up", r.GivenUp)
		}
		if err != nil || !r.More {
			return err
		}
	}
}

// countEvery is how often the worker counts what happened. The journal is this process's own.
const countEvery = time.Second

// Count counts what happened for the statistics, until the context ends.
func (a *App) Count(ctx context.Context) {
	for ctx.Err() == nil {
		if err := a.Service.Admin.CountJournal(ctx, a.bolt); err != nil && ctx.Err() == nil {
			a.Log.Error("counting failed", "error", err.Error())
		}
		_ = clock.Pause(ctx, countEvery)
	}
}

// limited returns the peer's address if the settings limit guesses by address. Otherwise it returns
// the zero address, which has no limit.
func (a *App) limited(r *http.Request) netip.Addr {
	if set, err := a.Service.Engine.Settings(r.Context()); err == nil && !set.IPLimits {
		return netip.Addr{}
	}
	return remote(r)
}

// remote returns the peer's address. No proxy is expected in front of this process.
func remote(r *http.Request) netip.Addr { return tx.ParseAddress(r.RemoteAddr) }

// openFile reads the key that wraps all others, or makes one in a fresh directory.
func openFile(path string) (keyring.File, bool, error) {
	var none keyring.File
	var key seal.Key
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the directory
	fresh := errors.Is(err, fs.ErrNotExist)
	switch {
	case fresh:
		if _, err := rand.Read(key[:]); err != nil {
			return none, false, fmt.Errorf("make master key: %w", err)
		}
		if err := os.WriteFile(path, []byte(hex.EncodeToString(key[:])+"\n"), 0o600); err != nil {
			return none, false, fmt.Errorf("data directory: %w", err)
		}
	case err != nil:
		return none, false, fmt.Errorf("data directory: %w", err)
	default:
		raw, err := hex.DecodeString(strings.TrimSpace(string(text)))
		if err != nil || len(raw) != len(key) {
			return none, false, fmt.Errorf("%s is not a master key of 64 hexadecimal digits", path)
		}
		copy(key[:], raw)
	}
	ring, err := seal.NewRing(1, map[uint32]seal.Key{1: key}, rand.Reader)
	return keyring.File{Ring: ring, Rand: rand.Reader}, fresh, err
}
