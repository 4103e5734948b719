package rotation

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

// EdgeResource is the type of the custom resource that prepares CloudFront's secret.
const EdgeResource = "Custom::Edge"

// edgeProperties are the properties of a custom resource of the type [EdgeResource].
type edgeProperties struct {
	Name    string // the stack's: two stacks on one table have a secret each
	Secret  string // ARN in Secrets Manager
	Version string // id of the secret's version, which CloudFormation gives to CloudFront
}

// Versions are the versions of a secret in Secrets Manager. A version never changes.
type Versions interface {
	// Get returns a version, or the zero value when there is none.
	Get(ctx context.Context, id string) (secret.Value, error)
	// Put stores a new version.
	Put(ctx context.Context, id string, value secret.Value) error
}

// edge makes the version of CloudFront's secret that a deployment names, unless it exists, and puts
// its hash into the keyring. Only after that does CloudFormation give the version to CloudFront.
//
// A schedule could not do that: CloudFormation "doesn't retrieve the value of the dynamic reference
// unless a change is made to the dynamic reference itself"
// (https://repost.aws/knowledge-center/cloudformation-stack-update-secrets), and a function that
// changes the distribution itself could lead all requests elsewhere. A deployment that is rolled
// back asks for the version before, which still exists.
func (r *Rotator) edge(ctx context.Context, e cfn.Event) (id string, data map[string]any, err error) {
	p := edgeProperties{Name: text(e, "Name"), Secret: text(e, "Secret"), Version: text(e, "Version")}
	id = "edge-of-" + p.Name
	switch {
	case e.RequestType == cfn.RequestDelete: // the distribution is gone by now
		return id, nil, r.Keys.ForgetEdge(ctx, p.Name)
	case p.Name == "" || p.Secret == "" || p.Version == "":
		return id, nil, errors.New("properties of CloudFront's secret are malformed")
	}
	versions := r.Versions(p.Secret)
	value, err := versions.Get(ctx, p.Version)
	if err != nil {
		return id, nil, err
	}
	if value.IsZero() {
		value = secret.New(rand.Text() + rand.Text()) // 260 bits
		if err := versions.Put(ctx, p.Version, value); err != nil {
			return id, nil, err
		}
	}
	return id, nil, r.Keys.SetEdge(ctx, p.Name, value)
}

func text(e cfn.Event, property string) string {
	value, _ := e.ResourceProperties[property].(string)
	return value
}
