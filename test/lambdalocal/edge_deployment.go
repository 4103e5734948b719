package lambdalocal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost/rotation"
)

// edgeARN is the ARN of the secret by which CloudFront proves itself.
const edgeARN = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:edge"

// CallerHeader names the address of a test's caller, which all come from this machine. The front
// takes it for the address of the connection and removes it.
const CallerHeader = "X-Test-Caller"

// PutEdge puts CloudFront in front of the gateway, as a deployment does: keys-rotate makes the
// secret, then the distribution gets it, and the functions are told the mode. It comes before the
// first request.
func (d *Deployment) PutEdge(ctx context.Context, mode string) error {
	d.edgeMode = mode
	secret, err := d.EdgeSecret(ctx, 1)
	if err != nil {
		return err
	}
	if d.Edge, err = NewEdge(d.Gateway, secret, time.Now); err != nil {
		return err
	}
	d.front = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if from := r.Header.Get(CallerHeader); from != "" {
			r.RemoteAddr = from
		}
		r.Header.Del(CallerHeader)
		d.Edge.ServeHTTP(w, r)
	}))
	d.URL = d.front.URL
	return nil
}

// EdgeSecret runs keys-rotate as a deployment with this number of the secret does, and returns the
// version that CloudFormation would give to CloudFront.
func (d *Deployment) EdgeSecret(ctx context.Context, number int) (string, error) {
	version := fmt.Sprintf("countersign-edge-secret-version-%08d", number)
	if _, err := d.custom(ctx, plan.Rotate, "Update", rotation.EdgeResource, map[string]any{"Name": "local", "Secret": edgeARN, "Version": version}); err != nil {
		return "", err
	}
	text := d.Stub.SecretVersion(edgeARN, version)
	if text == "" {
		return "", errors.New("keys-rotate made no secret of CloudFront")
	}
	return text, nil
}
