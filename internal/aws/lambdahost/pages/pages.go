// Package pages serves the hosted pages from a function. The pages call the API as every client
// does. Only the dashboard needs the Backend API key, and counters in the table.
package pages

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/countersign-mfa/countersign/internal/api/reference"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/aws/secretsmanager"
	"github.com/countersign-mfa/countersign/internal/crypto/keyring"
	"github.com/countersign-mfa/countersign/internal/store/dynamo"
	"github.com/countersign-mfa/countersign/internal/web"
	"github.com/countersign-mfa/countersign/internal/web/dashauth"
)

// backendLimit is how long the pages wait for an answer of the Backend API: as long as a function
// may take.
const backendLimit = 10 * time.Second

// Serve is the main function of pages.
func Serve() {
	lambdahost.Run(func(ctx context.Context, e lambdahost.Environment) (any, error) {
		h, err := Handler(ctx, e)
		return lambdahost.Handle(h), err
	})
}

// Handler returns the handler of the pages and of the API reference.
func Handler(ctx context.Context, e lambdahost.Environment) (http.Handler, error) {
	c := web.Config{PublicURL: e.URL, Origins: e.Origins, Now: time.Now}
	if e.Appearance != "" {
		if err := json.Unmarshal([]byte(e.Appearance), &c.Appearance); err != nil {
			return nil, fmt.Errorf("%s is not an appearance: %w", lambdahost.EnvAppearance, err)
		}
	}
	if c.Appearance.Name == "" {
		c.Appearance.Name = e.AppName
	}
	to, err := url.Parse(e.URL)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", lambdahost.EnvURL, err)
	}
	c.Backend = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }, Transport: lambdahost.OneRequest(backendLimit)}
	key := newKeyCache(secretsmanager.FromEnvironment(e).Get, time.Now)
	if _, err := key.get(ctx); err != nil {
		return nil, err
	}
	c.SecretKey, c.Address = key.get, lambdahost.Address
	table := dynamo.New(dynamodb.NewFromConfig(e.AWS()), e.Table, time.Now)
	c.DashboardState = dashauth.New(table, time.Now)
	c.Documents = map[string]web.DocumentFunc{reference.Path: reference.Page(e.URL)}
	pages, err := web.Handler(c)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+reference.OpenAPIPath, reference.OpenAPI())
	mux.Handle("/", pages)
	// The hashes of CloudFront's secrets need no key: this function may open none.
	edge := lambdahost.Edge{Mode: e.Edge, Accepts: keyring.New(table, nil, time.Now).AcceptsEdge, Log: slog.New(lambdahost.Lines(os.Stdout))}
	return edge.Handler(mux), nil
}
