package clerkimport

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/api/backend"
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/crypto/password"
	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/numberplan"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// trial is the Backend API over a store in memory. It refuses users for the same reasons as the
// target, except that it does not know the target's users.
type trial struct {
	handler http.Handler
	service *domain.Service
}

func newTrial(key secret.Value, plans *numberplan.Plan, now func() time.Time) (*trial, error) {
	var master seal.Key
	if _, err := io.ReadFull(rand.Reader, master[:]); err != nil {
		return nil, fmt.Errorf("random key: %w", err)
	}
	ring, err := seal.NewRing(1, map[uint32]seal.Key{1: master}, rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("trial: %w", err)
	}
	const origin = "http://localhost"
	service, err := domain.New(domain.Config{
		Store: store.NewMemory(), Sender: noSender{}, Ring: ring, Passwords: password.New(password.Params{Memory: 64, Time: 1, Threads: 1}, rand.Reader),
		Numbers: plans.Parse, Now: now, Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }, Rand: rand.Reader,
		Issuer: origin, AppName: "dry run", SMSHost: "localhost",
	})
	if err != nil {
		return nil, fmt.Errorf("trial: %w", err)
	}
	handler, err := api.New(api.Config{
		Instance: operation.Instance{Service: service, PublicURL: origin, PublishableKey: "pk_test_", AppName: "dry run", Development: true},
		Accepts:  api.OneKey(key), Address: func(*http.Request) netip.Addr { return netip.IPv6Loopback() }, Log: slog.New(slog.DiscardHandler),
	}, backend.UsersCreate())
	if err != nil {
		return nil, fmt.Errorf("trial: %w", err)
	}
	return &trial{handler, service}, nil
}

// change sets the settings of the trial.
func (t *trial) change(ctx context.Context, s settings) error {
	_, err := t.service.Settings.Change(ctx, s.apply)
	if err != nil {
		return fmt.Errorf("trial: %w", err)
	}
	return nil
}

// settings returns the settings of a new server.
func (t *trial) settings(ctx context.Context) (settings, error) {
	set, err := t.service.Engine.Settings(ctx)
	if err != nil {
		return settings{}, fmt.Errorf("trial: %w", err)
	}
	return settings{set.SMSCode, set.AuthenticatorApp, set.BackupCodes, set.SMSCountries}, nil
}

// noSender sends no text messages: creating users needs none.
type noSender struct{}

func (noSender) Send(context.Context, tx.Message) error { return errors.New("a dry run sends nothing") }

// RoundTrip implements [http.RoundTripper]. It calls the handler directly.
func (t *trial) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &response{header: http.Header{}, status: http.StatusOK}
	t.handler.ServeHTTP(w, r)
	return &http.Response{StatusCode: w.status, Header: w.header, Body: io.NopCloser(&w.body), Request: r}, nil
}

// response is an answer in memory.
type response struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *response) Header() http.Header         { return w.header }
func (w *response) WriteHeader(status int)      { w.status = status }
func (w *response) Write(p []byte) (int, error) { return w.body.Write(p) }
