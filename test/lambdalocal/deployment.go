package lambdalocal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

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
	// URL is the gateway's, or CloudFront's in front of it.
	URL string
	// SecretKey is the Backend API key.
	SecretKey string
	// EventBus is the name of the bus in the functions' environment; "" is none.
	EventBus string
	// NumberRanges are ranges in the environment of the functions that take new numbers; "" is none.
	NumberRanges string
	// Gateway is the URL of the gateway, also behind CloudFront.
	Gateway string
	// Edge is CloudFront, if [Deployment.PutEdge] put it in front.
	Edge *Edge

	edgeMode string
	front    *httptest.Server
	table    string
	dir      string
	services *httptest.Server
	gateway  *httptest.Server
	api      *Gateway
	log      io.Writer
	ctx      context.Context

	mu      sync.Mutex
	running []*Runtime
	idle    map[string][]*Runtime // of each function, the execution environments without work
}

// secretARN is the ARN of the secret with the Backend API key.
const secretARN = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:local"

// PublishableKey is the key of the applications. It names api.example.com, with padding, as
// Fn::Base64 makes it. With a proxy URL no client asks that host.
const PublishableKey = "pk_live_YXBpLmV4YW1wbGUuY29tJA=="

const region = "eu-central-1"

// gatewayWait is how long the gateway waits for a function: a second longer than the function may
// take, as in the template.
const gatewayWait = 11 * time.Second

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
	d := &Deployment{Stub: stub, table: table, dir: dir, log: log, ctx: ctx, idle: map[string][]*Runtime{}}
	if secretKey != "" {
		stub.SetSecret(secretARN, secretKey)
	}
	d.services = httptest.NewServer(stub)
	gateway, err := NewGateway(GatewayConfig{
		Routes: plan.Routes(), Slash: Strict, Wait: gatewayWait, Invoke: func(r *http.Request, function string, event []byte) ([]byte, error) {
			return d.Invoke(r.Context(), function, event)
		},
	})
	if err != nil {
		return nil, err
	}
	d.api, d.gateway = gateway, httptest.NewServer(gateway)
	_, port, err := net.SplitHostPort(d.gateway.Listener.Addr().String())
	if err != nil {
		return nil, fmt.Errorf("address of the gateway: %w", err)
	}
	d.URL = "http://localhost:" + port // browsers keep the cookies of localhost for all ports
	d.Gateway = d.URL
	if err := d.prepare(ctx); err != nil {
		d.Stop()
		return nil, err
	}
	return d, nil
}

// prepare runs keys-rotate, as the custom resource of the stack does.
func (d *Deployment) prepare(ctx context.Context) error {
	settings := map[string]any{"Settings": map[string]any{"Countries": []string{"US", "CA"}, "MFARequired": "false"}}
	if _, err := d.custom(ctx, plan.Rotate, "Create", "Custom::Keys", settings); err != nil {
		return err
	}
	d.SecretKey = d.Stub.Secret(secretARN)
	if d.SecretKey == "" {
		return errors.New("keys-rotate made no secret key")
	}
	return nil
}

// Treat says how the gateway treats a slash at the end of a path; before, it is [Strict]. It is for
// the time before the first request.
func (d *Deployment) Treat(s Slash) { d.api.Slash = s }

// custom runs the function of a custom resource, as CloudFormation does, and returns its data.
func (d *Deployment) custom(ctx context.Context, job plan.Job, request, kind string, properties map[string]any) (map[string]any, error) {
	type answer struct {
		Status, Reason string
		Data           map[string]any
	}
	answers := make(chan answer, 1)
	cloudFormation := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var a answer
		_ = json.NewDecoder(r.Body).Decode(&a)
		answers <- a
	}))
	defer cloudFormation.Close()
	event, err := json.Marshal(map[string]any{
		"RequestType": request, "RequestId": "1", "StackId": "local", "LogicalResourceId": "Local", "ResourceType": kind, "PhysicalResourceId": "local",
		"ResponseURL": cloudFormation.URL, "ResourceProperties": properties,
	})
	if err != nil {
		return nil, fmt.Errorf("event of CloudFormation: %w", err)
	}
	if _, err := d.Invoke(ctx, string(job), event); err != nil {
		return nil, err
	}
	a := <-answers
	if a.Status != "SUCCESS" {
		return nil, fmt.Errorf("%s says to CloudFormation: %s %s", job, a.Status, a.Reason)
	}
	return a.Data, nil
}

// Environment returns the environment of a function. The access key names the function, so that the
// stand-ins know the caller.
func (d *Deployment) Environment(function string) []string {
	values := map[string]string{
		lambdahost.EnvTable: d.table, lambdahost.EnvKey: "arn:aws:kms:eu-central-1:111122223333:key/local", lambdahost.EnvURL: d.URL, lambdahost.EnvAppName: "Example",
		lambdahost.EnvPublishableKey: PublishableKey, lambdahost.EnvOrigins: "https://app.example.com", lambdahost.EnvSMSHost: "app.example.com",
		lambdahost.EnvMaxPrice: "0.1", lambdahost.EnvSecret: secretARN, lambdahost.EnvEventBus: d.EventBus, lambdahost.EnvEdge: d.edgeMode,
		lambdahost.EnvNumberRanges: d.NumberRanges,
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

// Invoke passes an event to a function, in an idle execution environment or in a new one: an
// environment runs one invocation at a time. The invocation goes on when the caller no longer
// waits. An environment that ended or took too long is not used again.
func (d *Deployment) Invoke(ctx context.Context, function string, event []byte) ([]byte, error) {
	r, err := d.take(function)
	if err != nil {
		return nil, err
	}
	answer, err := r.Invoke(context.WithoutCancel(ctx), event)
	if errors.Is(err, errLost) {
		r.Stop()
		return nil, err
	}
	d.mu.Lock()
	d.idle[function] = append(d.idle[function], r)
	d.mu.Unlock()
	return answer, err
}

// take returns an execution environment without work.
func (d *Deployment) take(function string) (*Runtime, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := len(d.idle[function]); n > 0 {
		r := d.idle[function][n-1]
		d.idle[function] = d.idle[function][:n-1]
		return r, nil
	}
	r, err := d.Start(d.ctx, function)
	if err == nil {
		d.running = append(d.running, r)
	}
	return r, err
}

// Restart ends the idle execution environments, as Lambda does at any time. The next ones read the
// settings anew, which warm functions do every ten seconds.
func (d *Deployment) Restart() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for function, idle := range d.idle {
		for _, r := range idle {
			r.Stop()
		}
		delete(d.idle, function)
	}
}

// Stop ends everything.
func (d *Deployment) Stop() {
	if d.front != nil {
		d.front.Close()
	}
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

// anyFunction is the name of the binary of BuildAny.
const anyFunction = "anyfunction"

// BuildAny builds one binary that is the bootstrap of every function: package anyfunction. Each
// function has a link to it in dir.
func BuildAny(ctx context.Context, root, dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("bootstraps: %w", err)
	}
	if err := bundle.BuildFile(ctx, filepath.Join(root, "test", "lambdalocal", anyFunction, "main.go"), filepath.Join(dir, anyFunction)); err != nil {
		return err
	}
	for _, f := range plan.Functions() {
		if err := os.Symlink(anyFunction, filepath.Join(dir, f.Name)); err != nil && !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("bootstraps: %w", err)
		}
	}
	return nil
}
