package lambdalocal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/countersign-mfa/countersign/infra/bundle"
	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/store/dynamo"
	"github.com/countersign-mfa/countersign/test/awsstub"
)

// Deployment is a whole deployment on this machine: real bootstraps, real requests of the SDK,
// stand-ins for the services.
type Deployment struct {
	// Stub stands in for AWS and records the calls of each function.
	Stub *awsstub.Server
	// URL is the gateway's.
	URL string
	// SecretKey is the Backend API key.
	SecretKey string
	// EventBus is the name of the bus in the functions' environment; "" is none.
	EventBus string

	table    string
	dir      string
	services *httptest.Server
	gateway  *httptest.Server
	log      io.Writer
	ctx      context.Context

	mu      sync.Mutex
	running map[string]*Runtime
}

// secretARN is the ARN of the secret with the Backend API key.
const secretARN = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:local"

const region = "eu-central-1"

// Deploy creates a table at a DynamoDB-compatible endpoint, starts stand-ins and gateway, and runs
// keys-rotate as CloudFormation would. Bootstraps in dir, built by [Build], start on first use and
// log to log. With an empty secretKey, keys-rotate makes one.
func Deploy(ctx context.Context, dynamoEndpoint, table, dir, secretKey string, log io.Writer) (*Deployment, error) {
	stub, err := awsstub.New(dynamoEndpoint)
	if err != nil {
		return nil, err
	}
	client := dynamodb.New(dynamodb.Options{BaseEndpoint: &dynamoEndpoint, Region: region, Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")})
	if _, err := client.CreateTable(ctx, dynamo.Schema(table)); err != nil {
		return nil, fmt.Errorf("create table: %w", err)
	}
	d := &Deployment{Stub: stub, table: table, dir: dir, log: log, ctx: ctx, running: map[string]*Runtime{}}
	if secretKey != "" {
		stub.SetSecret(secretARN, secretKey)
	}
	d.services = httptest.NewServer(stub)
	gateway, err := NewGateway(GatewayConfig{
		Routes: plan.Routes(), Slash: Strict, Invoke: func(r *http.Request, function string, event []byte) ([]byte, error) {
			return d.Invoke(r.Context(), function, event)
		},
	})
	if err != nil {
		return nil, err
	}
	d.gateway = httptest.NewServer(gateway)
	d.URL = d.gateway.URL
	if err := d.prepare(ctx); err != nil {
		d.Stop()
		return nil, err
	}
	return d, nil
}

// prepare runs keys-rotate, as the custom resource of the stack does.
func (d *Deployment) prepare(ctx context.Context) error {
	status := make(chan string, 1)
	cloudFormation := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var answer struct{ Status, Reason string }
		_ = json.NewDecoder(r.Body).Decode(&answer)
		status <- strings.TrimSpace(answer.Status + " " + answer.Reason)
	}))
	defer cloudFormation.Close()
	event, err := json.Marshal(map[string]any{
		"RequestType": "Create", "RequestId": "1", "StackId": "local", "LogicalResourceId": "Keys", "ResourceType": "Custom::Keys",
		"ResponseURL": cloudFormation.URL, "ResourceProperties": map[string]any{"Settings": map[string]any{"Countries": []string{"US", "CA"}, "MFARequired": "false"}},
	})
	if err != nil {
		return fmt.Errorf("event of CloudFormation: %w", err)
	}
	if _, err := d.Invoke(ctx, string(plan.Rotate), event); err != nil {
		return err
	}
	if got := <-status; got != "SUCCESS" {
		return fmt.Errorf("keys-rotate says to CloudFormation: %s", got)
	}
	d.SecretKey = d.Stub.Secret(secretARN)
	if d.SecretKey == "" {
		return errors.New("keys-rotate made no secret key")
	}
	return nil
}

// Environment returns the environment of a function. The access key names the function, so that the
// stand-ins know the caller.
func (d *Deployment) Environment(function string) []string {
	values := map[string]string{
		lambdahost.EnvTable: d.table, lambdahost.EnvKey: "arn:aws:kms:eu-central-1:111122223333:key/local", lambdahost.EnvURL: d.URL, lambdahost.EnvAppName: "Example",
		lambdahost.EnvPublishableKey: "pk_live_bG9jYWxob3N0JA", lambdahost.EnvOrigins: "https://app.example.com", lambdahost.EnvSMSHost: "app.example.com",
		lambdahost.EnvMaxPrice: "0.1", lambdahost.EnvSecret: secretARN, lambdahost.EnvEventBus: d.EventBus,
	}
	env := []string{"AWS_REGION=" + region, "AWS_ACCESS_KEY_ID=" + function, "AWS_SECRET_ACCESS_KEY=local", "AWS_ENDPOINT_URL=" + d.services.URL}
	for _, f := range plan.Functions() {
		if f.Name == function {
			for _, name := range f.Variables() {
				env = append(env, name+"="+values[name])
			}
		}
	}
	return env
}

// Start starts another execution environment of a function.
func (d *Deployment) Start(ctx context.Context, function string) (*Runtime, error) {
	return Start(ctx, function, filepath.Join(d.dir, function), d.Environment(function), d.log)
}

// Invoke passes an event to a function, in its running execution environment or in a new one.
func (d *Deployment) Invoke(ctx context.Context, function string, event []byte) ([]byte, error) {
	d.mu.Lock()
	r := d.running[function]
	if r == nil {
		var err error
		if r, err = d.Start(d.ctx, function); err != nil {
			d.mu.Unlock()
			return nil, err
		}
		d.running[function] = r
	}
	d.mu.Unlock()
	return r.Invoke(ctx, event)
}

// Stop ends everything.
func (d *Deployment) Stop() {
	d.gateway.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.running {
		r.Stop()
	}
	d.services.Close()
}

// Build builds all functions for this machine.
func Build(ctx context.Context, root, dir string, names ...string) error {
	if len(names) == 0 {
		for _, f := range plan.Functions() {
			names = append(names, f.Name)
		}
	}
	if runtime.GOOS != "linux" {
		_, _ = fmt.Fprintln(os.Stderr, "bootstraps are built for linux and may not run here")
	}
	return bundle.Build(ctx, root, runtime.GOARCH, dir, names...)
}
