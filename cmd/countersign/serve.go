package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/countersign-mfa/countersign/cmd/internal/cli"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/local"
	"github.com/countersign-mfa/countersign/internal/web/appearance"
)

type serveCmd struct {
	Listen     string `env:"COUNTERSIGN_LISTEN" default:"localhost:8080" placeholder:"HOST:PORT" help:"Address to listen on."`
	Data       string `env:"COUNTERSIGN_DATA" default:".countersign" type:"path" placeholder:"DIR" help:"Directory of the data; made when it does not exist."`
	URL        string `env:"COUNTERSIGN_URL" placeholder:"URL" help:"Public URL, when it is not the address."`
	App        string `env:"COUNTERSIGN_APP_NAME" default:"Countersign" placeholder:"NAME" help:"Name shown in authenticator apps and messages."`
	Appearance string `env:"COUNTERSIGN_APPEARANCE_FILE" type:"path" placeholder:"FILE" help:"JSON file with name, logo, accent, support and texts of the pages: see docs/use/pages.md."`
	Exposed    bool   `env:"COUNTERSIGN_EXPOSED" help:"Allow an address that other machines can reach. This is a development server: any client there can sign in as any user."`
	numbers    `embed:""`
	cli.Key    `embed:""`
}

// Help implements [kong.HelpProvider].
func (serveCmd) Help() string {
	return `The first start makes the directory .countersign with demo users. Ctrl-C stops the server and keeps
the data.

  NAME serve
  NAME serve --listen localhost:9090 --data /srv/mfa`
}

// Run serves until an interrupt.
func (s *serveCmd) Run(ctx context.Context) error {
	if err := s.checkLoopback(); err != nil {
		return err
	}
	key, err := s.Given()
	if err != nil {
		return err
	}
	pages, err := readAppearance(s.Appearance)
	if err != nil {
		return err
	}
	plans, err := s.plans()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return listenError(s.Listen, err)
	}
	defer listener.Close()
	if s.URL == "" {
		s.URL = "http://" + address(s.Listen, listener)
	}
	app, err := local.Open(ctx, local.Config{
		Dir: s.Data, PublicURL: s.URL, AppName: s.App, SecretKey: key, Appearance: pages, Numbers: plans, Now: time.Now,
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return plain(s.Data, err)
	}
	if err := s.checkKey(app); err != nil {
		return errors.Join(err, app.Close())
	}
	s.greet(app)
	return errors.Join(run(ctx, listener, app), app.Close())
}

// readAppearance reads the file of --appearance. It refuses unknown names, so that a typing mistake
// does not go unnoticed.
func readAppearance(name string) (appearance.Appearance, error) {
	var read appearance.Appearance
	if name == "" {
		return read, nil
	}
	text, err := os.ReadFile(name) //nolint:gosec // the operator names the file
	if err != nil {
		return read, cli.Usagef("--appearance: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&read); err != nil {
		return read, cli.Usagef("--appearance %s: %w", name, err)
	}
	return read, nil
}

// address returns the host of the flag and the port that the server listens on.
func address(given string, l net.Listener) string {
	host, _, _ := net.SplitHostPort(given)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return net.JoinHostPort(host, port)
}

func (s *serveCmd) checkLoopback() error {
	host, port, err := net.SplitHostPort(s.Listen)
	if err != nil {
		return cli.Usagef("--listen %q is not host:port", s.Listen)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return cli.Usagef("--listen %s: %q is not a port: write a number from 0 to 65535", s.Listen, port)
	}
	ip, err := netip.ParseAddr(host)
	if s.Exposed || host == "localhost" || err == nil && ip.IsLoopback() {
		return nil
	}
	return cli.Usagef("--listen %s can be reached from other machines; add --exposed if that is meant", s.Listen)
}

// checkKey refuses the published key where other machines can reach the server.
func (s *serveCmd) checkKey(app *local.App) error {
	if !s.Exposed && thisMachine(s.URL) || !app.Key().Equal(secret.New(local.DefaultKey)) {
		return nil
	}
	return cli.Usagef("other machines can reach this server, and its key %s is published: put another one into %s, for example from openssl rand -hex 32", local.DefaultKey, cli.KeyEnv)
}

// thisMachine reports whether a URL leads to a loopback address.
func thisMachine(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost") || err == nil && ip.IsLoopback()
}

func listenError(on string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is in use; stop what runs there or choose another address with --listen", on)
	}
	if errors.Is(err, syscall.EACCES) {
		return fmt.Errorf("%s needs more rights; choose a port above 1023 with --listen", on)
	}
	return fmt.Errorf("--listen %s: %w", on, err)
}

// plain returns an error of a data directory as one readable line.
func plain(dir string, err error) error {
	if errors.Is(err, local.ErrInUse) {
		return fmt.Errorf("%s is in use by a running server: stop it first, or choose another directory with --data", dir)
	}
	var path *os.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("%s: %w (choose another directory with --data)", path.Path, path.Err)
	}
	return err
}

func (s *serveCmd) greet(app *local.App) {
	where, err := filepath.Abs(s.Data)
	if err != nil {
		where = s.Data
	}
	state := "Data as you left them in"
	if app.Fresh {
		state = "New data in"
	}
	fmt.Printf("Countersign runs on %s\n\n", s.URL)
	fmt.Printf("  %s %s\n  Backend API key    %s\n  Publishable key    %s\n  Demo users, outbox %s/\n  New phone numbers  %s\n\nCtrl-C stops it.\n", state, where, app.Key().Reveal(), app.PublishableKey, s.URL, app.Numbers)
}

// stopTime is how long running requests may take when the server stops.
const stopTime = 5 * time.Second

func run(ctx context.Context, l net.Listener, app *local.App) error {
	background, stop := context.WithCancel(ctx)
	defer stop()
	var jobs sync.WaitGroup
	jobs.Go(func() { app.Cleanup(background) })
	jobs.Go(func() { app.Deliver(background) })
	jobs.Go(func() { app.Count(background) })
	jobs.Go(func() { app.Migrate(background) })
	server := &http.Server{
		Handler: app, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 15 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 32 << 10,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		err = server.Shutdown(late)
		fmt.Println("\nStopped. Your data are kept.")
	}
	stop()
	jobs.Wait()
	return err
}
