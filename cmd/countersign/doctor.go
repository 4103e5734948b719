package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/client"
	"github.com/countersign-mfa/countersign/cmd/internal/cli"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/numberplan"
)

type doctorCmd struct {
	cli.Target `embed:""`
	AppURL     string `name:"app-url" placeholder:"URL" help:"Address of the application's pages, to try its origin and cookies too."`
	cli.JSON   `embed:""`
}

// Help implements [kong.HelpProvider].
func (doctorCmd) Help() string {
	return `The command only reads. It fails if a check fails; a warning is for you to judge.

  NAME doctor
  COUNTERSIGN_SECRET_KEY=… NAME doctor https://auth.example.com --app-url https://app.example.com`
}

// checkup is one run of the command.
type checkup struct {
	*doctorCmd
	server   *client.Client
	settings struct {
		Environment string   `json:"environment_type"`
		TestMode    bool     `json:"test_mode"`
		SMSCode     bool     `json:"sms_code"`
		App         bool     `json:"authenticator_app"`
		IPLimits    bool     `json:"ip_limits"`
		Countries   []string `json:"sms_countries"`

		NumberingPlans string `json:"numbering_plans"`
	}
}

// warning is a finding that may be intended.
type warning struct{ error }

// note is a detail of a check that succeeded.
type note struct{ error }

var errSkipped = errors.New("give --app-url to try this")

// checked is the JSON result of a check.
type checked struct {
	Check  string `json:"check"`
	State  string `json:"state"`
	Detail string `json:"detail,omitempty"`
}

// Run makes all checks whose preconditions hold.
func (d *doctorCmd) Run(ctx context.Context) error {
	address, key, err := d.Resolve()
	if err != nil {
		return err
	}
	if u, err := url.Parse(d.AppURL); d.AppURL != "" && (err != nil || u.Host == "") {
		return cli.Usagef("--app-url %q is no address: write one such as http://localhost:3000", d.AppURL)
	}
	c := &checkup{doctorCmd: d, server: client.New(address, key.Reveal(), 1)}
	failed := 0
	for _, check := range []struct {
		name string
		try  func(context.Context) error
	}{
		{"the server answers, and its clock is right", c.answers},
		{"the server accepts the key of the Backend API", c.accepts},
		{"the server publishes keys for session tokens", c.publishes},
		{"a second factor can be used", c.factors},
		{"the server reads new phone numbers", c.numbers},
		{"the settings fit the environment", c.fits},
		{"the server allows the application's origin", c.origin},
		{"a browser sends the server's cookies from the application", c.cookies},
	} {
		err := d.Explain(check.try(ctx))
		state := "ok"
		switch {
		case errors.Is(err, errSkipped):
			state = "skipped"
		case errors.As(err, new(note)):
		case errors.As(err, new(warning)):
			state = "warning"
		case err != nil:
			state = "FAILED"
			failed++
		}
		d.show(check.name, state, err)
		if failed > 0 && c.settings.Environment == "" {
			break // without an answer or a key no other check is possible
		}
	}
	if failed > 0 {
		return fmt.Errorf("%s failed", cli.Count(failed, "check"))
	}
	return nil
}

func (d *doctorCmd) show(check, state string, err error) {
	detail := ""
	if err != nil {
		detail = err.Error()
	}
	text := fmt.Sprintf("%-8s %s\n", state, check)
	if detail != "" {
		text += fmt.Sprintf("%-8s %s\n", "", detail)
	}
	d.Print(checked{check, strings.ToLower(state), detail}, "%s", text)
}

// answers also compares the clocks, because an authenticator app's codes depend on its own clock.
func (c *checkup) answers(ctx context.Context) error {
	status, header, err := c.get(ctx, "/healthz", "")
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("GET /healthz answers %d", status)
	}
	at, err := http.ParseTime(header.Get("Date"))
	remedy := ""
	var moved struct{ Now time.Time }
	if c.server.Call(ctx, http.MethodGet, "/dev/clock", nil, &moved) == nil { // a development server
		at, err = moved.Now, nil
		remedy = fmt.Sprintf(`: set it right with PATCH /dev/clock {"advance_seconds": %d}`, int(time.Since(at).Round(time.Second).Seconds()))
	}
	if off := time.Since(at).Abs(); err == nil && off > totp.Period {
		return fmt.Errorf("its clock and this one differ by %v, so codes of authenticator apps are refused%s", off.Round(time.Second), remedy)
	}
	return nil
}

// get sends a request as a browser of an origin and returns the answer's status and header.
func (c *checkup) get(ctx context.Context, path, origin string) (int, http.Header, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.server.URL+path, nil)
	if err != nil {
		return 0, nil, err
	}
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	res, err := c.server.HTTP.Do(r)
	if err != nil {
		return 0, nil, err
	}
	return res.StatusCode, res.Header, res.Body.Close()
}

func (c *checkup) accepts(ctx context.Context) error {
	return c.server.Call(ctx, http.MethodGet, "/v1/instance", nil, &c.settings)
}

func (c *checkup) publishes(ctx context.Context) error {
	var set struct{ Keys []json.RawMessage }
	err := c.server.Call(ctx, http.MethodGet, "/.well-known/jwks.json", nil, &set)
	if err == nil && len(set.Keys) == 0 {
		err = errors.New("there is none, so no application can verify a session")
	}
	return err
}

func (c *checkup) factors(context.Context) error {
	s := c.settings
	if !s.App && (!s.SMSCode || len(s.Countries) == 0) {
		return errors.New("authenticator_app is off, and no SMS code is sent: sms_code is off or sms_countries is empty")
	}
	return nil
}

// numbers notes the age of the server's numbering plans, and that of this command's where they
// differ: a newer release may know ranges that the server refuses.
func (c *checkup) numbers(context.Context) error {
	own := numberplan.BuiltIn().String()
	switch served := c.settings.NumberingPlans; served {
	case "":
		return warning{fmt.Errorf("the server does not say the age of its numbering plans; this command has %s", own)}
	case own:
		return note{errors.New(served)}
	default:
		return note{fmt.Errorf("the server has %s; this command has %s", served, own)}
	}
}

func (c *checkup) fits(context.Context) error {
	switch s := c.settings; {
	case s.Environment == "development":
		return nil
	case s.TestMode:
		return errors.New("test_mode is on in production: the codes of test numbers are published")
	case !s.IPLimits:
		return warning{errors.New("ip_limits is off: one address may try as often as it likes")}
	}
	return nil
}

func (c *checkup) origin(ctx context.Context) error {
	if c.AppURL == "" {
		return errSkipped
	}
	app, _ := url.Parse(c.AppURL)
	origin := app.Scheme + "://" + app.Host
	_, header, err := c.get(ctx, "/v1/environment", origin)
	if err == nil && header.Get("Access-Control-Allow-Origin") != origin {
		err = fmt.Errorf("add %s to allowed_origins with PATCH /v1/instance", origin)
	}
	return err
}

// cookies compares the last two labels of the host names, which is right for most domains.
func (c *checkup) cookies(context.Context) error {
	if c.AppURL == "" {
		return errSkipped
	}
	app, _ := url.Parse(c.AppURL)
	own, _ := url.Parse(c.server.URL)
	if site(app) != site(own) {
		return warning{fmt.Errorf("%s and %s are different sites, whose cookies browsers keep apart: give the server a name under the application's domain, or a path of it", app.Host, own.Host)}
	}
	return nil
}

func site(u *url.URL) string {
	host := u.Hostname()
	if net.ParseIP(host) == nil {
		labels := strings.Split(host, ".")
		host = strings.Join(labels[max(0, len(labels)-2):], ".")
	}
	return u.Scheme + "://" + host
}
