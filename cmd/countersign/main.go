// Countersign is multi-factor authentication that a team owns.
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
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/countersign-mfa/countersign"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/local"
	"github.com/countersign-mfa/countersign/internal/web/appearance"
)

type commands struct {
	Serve   serve            `cmd:"" default:"withargs" help:"Run everything on this machine, with an embedded store and demo users."`
	Code    code             `cmd:"" help:"Play an authenticator app: print the code of a secret given on standard input."`
	Load    loadCommand      `cmd:"" help:"Measure a server of its own on this machine."`
	Smoke   smokeCmd         `cmd:"" help:"Try a deployment with a throw-away user: enrol an authenticator app, sign in with it."`
	Export  exportCmd        `cmd:"" help:"Move users out: all of them with all their factors, in a file encrypted with age. See docs/use/moving-away.md."`
	Import  importCmd        `cmd:"" help:"Move users in: from Clerk, or from another Countersign. See docs/use/moving-from-clerk.md and docs/use/moving-away.md."`
	Compact compactCmd       `cmd:"" help:"Rewrite a data directory without what was deleted from it. Stop its server first."`
	Budget  budgetCmd        `cmd:"" help:"Compute the chance that somebody who knows a password guesses the second factor, or simulate it."`
	Attack  attackCmd        `cmd:"" help:"Attack a deployment with throw-away users; on a development server its clock is moved, and moved back at the end."`
	Version kong.VersionFlag `help:"Print the version."`
}

type serve struct {
	Listen   string `default:"localhost:8080" help:"Address to listen on."`
	Data     string `default:".countersign" type:"path" help:"Directory of the data; made when it does not exist."`
	URL      string `help:"Public URL, when it is not the address."`
	App      string `default:"Countersign" help:"Name shown in authenticator apps and messages."`
	Brand    string `type:"path" help:"JSON file with name, logo, accent, support and texts of the pages: see docs/use/pages.md."`
	Exposed  bool   `help:"Allow an address that other machines can reach. This is a development server: anybody there can sign in as anybody."`
	keyFlags `embed:""`
}

func main() {
	var c commands
	parser := kong.Must(&c, kong.Name("countersign"), kong.Description("Multi-factor authentication that a team owns."), kong.Vars{"version": countersign.Version})
	command, err := parser.Parse(os.Args[1:])
	if err == nil {
		err = command.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "countersign:", err)
		os.Exit(1)
	}
}

// Run serves until it is interrupted.
func (s *serve) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := s.checkLoopback(); err != nil {
		return err
	}
	key, err := s.given()
	if err != nil {
		return err
	}
	look, err := readBrand(s.Brand)
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
		Dir: s.Data, PublicURL: s.URL, AppName: s.App, SecretKey: key, Brand: look, Now: time.Now,
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return plain(err)
	}
	if err := s.checkKey(app); err != nil {
		return errors.Join(err, app.Close())
	}
	s.greet(app)
	return errors.Join(run(ctx, listener, app), app.Close())
}

// readBrand reads how the pages look. A word that means nothing is an error, so that nobody wonders why it does nothing.
func readBrand(name string) (appearance.Brand, error) {
	var read appearance.Brand
	if name == "" {
		return read, nil
	}
	text, err := os.ReadFile(name) //nolint:gosec // the operator names the file
	if err != nil {
		return read, fmt.Errorf("--brand: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&read); err != nil {
		return read, fmt.Errorf("--brand %s: %w", name, err)
	}
	return read, nil
}

// address is what people type: the host they gave and the port that was taken.
func address(given string, l net.Listener) string {
	host, _, _ := net.SplitHostPort(given)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return net.JoinHostPort(host, port)
}

func (s *serve) checkLoopback() error {
	host, _, err := net.SplitHostPort(s.Listen)
	if err != nil {
		return fmt.Errorf("--listen %q is not host:port", s.Listen)
	}
	ip, err := netip.ParseAddr(host)
	if s.Exposed || host == "localhost" || err == nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("--listen %s can be reached from other machines; add --exposed if that is meant", s.Listen)
}

// checkKey refuses the published key where other machines can use it.
func (s *serve) checkKey(app *local.App) error {
	if !s.Exposed && thisMachine(s.URL) || !app.Key().Equal(secret.New(local.DefaultKey)) {
		return nil
	}
	return errors.New("other machines can reach this server, and everybody knows its key " + local.DefaultKey + ": put another one into " + keyEnv + ", for example from openssl rand -hex 32")
}

// thisMachine says whether a URL leads to a loopback address.
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
	return plain(err)
}

// plain is an error as one line for people.
func plain(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("%s: %w (choose another directory with --data)", path.Path, path.Err)
	}
	return err
}

func (s *serve) greet(app *local.App) {
	where, err := filepath.Abs(s.Data)
	if err != nil {
		where = s.Data
	}
	state := "Data as you left them in"
	if app.Fresh {
		state = "New data in"
	}
	fmt.Printf("Countersign runs on %s\n\n", s.URL)
	fmt.Printf("  %s %s\n  Backend API key    %s\n  Publishable key    %s\n  Demo users, outbox %s/\n\nCtrl-C stops it.\n", state, where, app.Key().Reveal(), app.PublishableKey, s.URL)
}

// stopTime is how long requests under way may take when the server stops.
const stopTime = 5 * time.Second

func run(ctx context.Context, l net.Listener, app *local.App) error {
	background, stop := context.WithCancel(ctx)
	defer stop()
	var jobs sync.WaitGroup
	jobs.Go(func() { app.Cleanup(background) })
	jobs.Go(func() { app.Deliver(background) })
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
