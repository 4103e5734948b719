// Command lambda runs the functions' real bootstraps on this machine, against stand-ins for AWS. It
// invokes one function with an event, or measures several.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/countersign-mfa/countersign/cmd/internal/cli"
	"github.com/countersign-mfa/countersign/test/lambdalocal"
)

type commands struct {
	Dynamo     string        `env:"DYNAMODB_ENDPOINT" placeholder:"URL" help:"Address of a DynamoDB-compatible server; scripts/with-dynamodb.sh starts one."`
	Invoke     invokeCmd     `cmd:"" help:"Run one function with an event and print its answer."`
	Serve      serveCmd      `cmd:"" help:"Serve the gateway and all functions until an interrupt."`
	Bootstraps bootstrapsCmd `cmd:"" help:"Build one binary that is every function, for serve."`
	Figures    figuresCmd    `cmd:"" help:"Measure sizes, starts and invocations."`
}

type invokeCmd struct {
	Function string `arg:"" help:"Name of the function: a folder of functions."`
	Event    string `short:"e" placeholder:"FILE" help:"File with the event; by default events/<function>.json."`
}

// fixtureKey is the Backend API key of the fixtures, and therefore of each run.
const fixtureKey = "sk_live_fixture"

func main() {
	cli.Main(cli.Program{
		Name:  "lambda",
		About: "Run the functions' real bootstraps on this machine.",
		Examples: `
make invoke F=user-totp-verify
make figures
go run ./cmd/lambda bootstraps bin/anyfunction
scripts/with-dynamodb.sh go run ./cmd/lambda serve --bootstraps bin/anyfunction
`,
	}, &commands{})
}

// binaries is the directory of the bootstraps for this machine.
var binaries = filepath.Join("bin", "functions")

func deploy(ctx context.Context, endpoint, secretKey string, log io.Writer) (*lambdalocal.Deployment, error) {
	return deployFrom(ctx, binaries, endpoint, secretKey, log)
}

func deployFrom(ctx context.Context, from, endpoint, secretKey string, log io.Writer) (*lambdalocal.Deployment, error) {
	if endpoint == "" {
		return nil, errors.New("DYNAMODB_ENDPOINT names no DynamoDB-compatible server; scripts/with-dynamodb.sh starts one")
	}
	dir, err := filepath.Abs(from)
	if err != nil {
		return nil, err
	}
	return lambdalocal.Deploy(ctx, endpoint, "invoke-"+time.Now().Format("150405.000000000"), dir, secretKey, log)
}

// Run builds the function and keys-rotate, deploys them here, and invokes.
func (i *invokeCmd) Run(ctx context.Context, c *commands) error {
	if i.Event == "" {
		i.Event = filepath.Join("events", i.Function+".json")
	}
	event, err := os.ReadFile(i.Event)
	if err != nil {
		return fmt.Errorf("no such event: %w", err)
	}
	if _, err := os.Stat(filepath.Join("functions", i.Function, "main.go")); err != nil {
		return fmt.Errorf("there is no function %q; see the folders of functions", i.Function)
	}
	if err := lambdalocal.Build(ctx, ".", binaries, i.Function, "keys-rotate"); err != nil {
		return err
	}
	d, err := deploy(ctx, c.Dynamo, fixtureKey, os.Stderr)
	if err != nil {
		return err
	}
	defer d.Stop()
	answer, err := d.Invoke(ctx, i.Function, event)
	if err != nil {
		return err
	}
	var pretty bytes.Buffer
	if json.Indent(&pretty, answer, "", "  ") != nil {
		return errors.New("the answer is no JSON")
	}
	fmt.Println(pretty.String())
	for _, call := range d.Stub.Calls() {
		if call.Caller == i.Function {
			fmt.Fprintln(os.Stderr, "called", call.Action)
		}
	}
	return nil
}
