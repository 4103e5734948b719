package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/test/lambdalocal"
)

// bootstrapsCmd builds one binary that is the bootstrap of every function.
type bootstrapsCmd struct {
	Dir string `arg:"" help:"Directory for the binary, and for a link to it for each function."`
}

// Run builds.
func (b *bootstrapsCmd) Run(ctx context.Context) error {
	return lambdalocal.BuildAny(ctx, ".", b.Dir)
}

// serveCmd serves a whole deployment on this machine.
type serveCmd struct {
	Bootstraps string `required:"" placeholder:"DIR" help:"Directory that the command bootstraps has filled."`
	Slash      string `enum:"strict,literal,strips,tolerates" default:"literal" help:"How the gateway treats a slash at the end of a path: ${enum}. Nothing is documented; literal helps least."`
	EnvVars    string `placeholder:"FILE" help:"Write the functions' environments to this file, for sam local invoke --env-vars."`
	SecretKey  string `env:"COUNTERSIGN_SECRET_KEY" placeholder:"KEY" help:"Key of the Backend API; by default that of the fixtures."`
}

// Run serves until an interrupt: the stand-in of the gateway, and behind it every function as a
// process of its own that starts on first use. The functions log to the standard error.
func (s *serveCmd) Run(ctx context.Context, c *commands) error {
	d, err := deployFrom(ctx, s.Bootstraps, c.Dynamo, cmp.Or(s.SecretKey, fixtureKey), os.Stderr)
	if err != nil {
		return err
	}
	defer d.Stop()
	d.Treat(lambdalocal.Slash(s.Slash))
	if s.EnvVars != "" {
		if err := writeEnvironments(s.EnvVars, d); err != nil {
			return err
		}
	}
	control := httptest.NewServer(&lambdalocal.Control{Deployment: d})
	defer control.Close()
	fmt.Printf("Countersign runs on %s\nControl         %s\nPublishable key %s\n", d.URL, control.URL, lambdalocal.PublishableKey)
	<-ctx.Done()
	return nil
}

// writeEnvironments writes the file that `sam local invoke --env-vars` reads: values for the
// variables that the template declares. SAM itself sets the credentials, so the stand-ins do not
// know the caller.
func writeEnvironments(file string, d *lambdalocal.Deployment) error {
	variables := map[string]string{}
	for _, f := range plan.Functions() {
		for _, line := range d.Environment(f.Name) {
			if name, value, _ := strings.Cut(line, "="); name == "AWS_ENDPOINT_URL" || strings.HasPrefix(name, "COUNTERSIGN_") {
				variables[name] = value
			}
		}
	}
	text, err := json.MarshalIndent(map[string]any{"Parameters": variables}, "", "  ")
	if err != nil {
		return fmt.Errorf("environments: %w", err)
	}
	return os.WriteFile(file, append(text, '\n'), 0o600)
}
