// Package rotation makes and rotates a deployment's keys: the master keys, the signing keys and the Backend API's key. The infrastructure runs
// it once when it is deployed or changed, and a schedule runs it every day; it is the only function that makes keys.
package rotation

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/countersign-mfa/countersign/internal/lambdahost"
	"github.com/countersign-mfa/countersign/internal/mfa"
	"github.com/countersign-mfa/countersign/internal/secret"
)

// Request is the schedule's input, or an operator's.
type Request struct {
	// Rotate is "due" for what is old enough, "now" for the master and the signing key whatever their age, or "revoke" for the same with the old
	// signing keys gone at once.
	Rotate string `json:"rotate"`
	// NewSecret makes a new key of the Backend API; the one before is accepted for a day.
	NewSecret bool `json:"new_secret,omitempty"`
}

// Result says how old the current master key is.
type Result struct {
	KeyAgeDays float64 `json:"key_age_days"`
}

// Settings are what the infrastructure's configuration says about the instance. They are applied when a deployment makes or changes them;
// what an administrator changes afterwards stays until the configuration changes again.
type Settings struct {
	Countries   []string `json:"Countries"`
	MFARequired string   `json:"MFARequired"` // "true" or "false": CloudFormation knows only text
}

// Secrets is the part of Secrets Manager's client that is used.
type Secrets interface {
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
	PutSecretValue(context.Context, *secretsmanager.PutSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.PutSecretValueOutput, error)
}

// Rotator does it.
type Rotator struct {
	*lambdahost.Deployment
	Secrets Secrets
}

// Serve is the main of the function.
func Serve() {
	lambdahost.Run(func(_ context.Context, e lambdahost.Environment) (any, error) {
		if e.Secret == "" {
			return nil, fmt.Errorf("%s is not set", lambdahost.EnvSecret)
		}
		d := lambdahost.Connect(e)
		return (&Rotator{d, secretsmanager.NewFromConfig(d.Config)}).Handle, nil
	})
}

// Handle answers CloudFormation, the schedule and an operator.
func (r *Rotator) Handle(ctx context.Context, event json.RawMessage) (any, error) {
	var kind struct{ RequestType string }
	if err := json.Unmarshal(event, &kind); err == nil && kind.RequestType != "" {
		var e cfn.Event
		if err := json.Unmarshal(event, &e); err != nil {
			return nil, lambdahost.ErrEvent
		}
		return cfn.LambdaWrap(r.deploy)(ctx, e)
	}
	var in Request
	if err := json.Unmarshal(event, &in); err != nil || !slices.Contains([]string{"due", "now", "revoke"}, in.Rotate) {
		return nil, lambdahost.ErrEvent
	}
	return r.rotate(ctx, in)
}

// deploy makes what is missing. Deleting the deployment deletes no key: the table outlives it.
func (r *Rotator) deploy(ctx context.Context, e cfn.Event) (id string, data map[string]any, err error) {
	id = "keys-of-" + r.Table
	if e.RequestType == cfn.RequestDelete {
		return id, nil, nil
	}
	if err := r.Keys.Prepare(ctx); err != nil {
		return id, nil, err
	}
	service, err := r.Service(ctx, lambdahost.Links{})
	if err != nil {
		return id, nil, err
	}
	if err := service.RotateSigningKey(ctx, mfa.SigningKeyLife); err != nil {
		return id, nil, err
	}
	if err := r.secret(ctx, false); err != nil {
		return id, nil, err
	}
	if reflect.DeepEqual(e.ResourceProperties["Settings"], e.OldResourceProperties["Settings"]) {
		return id, nil, nil
	}
	return id, nil, r.settings(ctx, service, e.ResourceProperties["Settings"])
}

func (r *Rotator) settings(ctx context.Context, service *mfa.Service, property any) error {
	text, err := json.Marshal(property)
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	var s Settings
	if err := json.Unmarshal(text, &s); err != nil {
		return errors.New("settings have another form")
	}
	_, err = service.ChangeSettings(ctx, func(set *mfa.Settings) {
		set.SMSCountries, set.MFARequired = s.Countries, s.MFARequired == "true"
	})
	return err
}

func (r *Rotator) rotate(ctx context.Context, in Request) (any, error) {
	service, err := r.Service(ctx, lambdahost.Links{})
	if err != nil {
		return nil, err
	}
	master, signing := r.Keys.RotateIfDue, func(ctx context.Context) error { return service.RotateSigningKey(ctx, mfa.SigningKeyLife) }
	switch in.Rotate {
	case "now":
		master, signing = r.Keys.Rotate, func(ctx context.Context) error { return service.RotateSigningKey(ctx, 0) }
	case "revoke":
		master, signing = r.Keys.Rotate, service.RevokeSigningKeys
	}
	if err := errors.Join(master(ctx), signing(ctx), r.secret(ctx, in.NewSecret)); err != nil {
		return nil, err
	}
	old, err := r.Keys.Age(ctx)
	if err != nil {
		return nil, err
	}
	days := old.Hours() / 24
	r.Meter.Count(lambdahost.MetricKeyAge, days)
	return Result{KeyAgeDays: days}, nil
}

// secret lets the functions accept the key that Secrets Manager holds, after making one when there is none or a new one is wanted. Whoever
// puts another value there has it accepted at the next run.
func (r *Rotator) secret(ctx context.Context, renew bool) error {
	var value secret.Value
	held, err := r.Secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &r.Secret})
	var none *types.ResourceNotFoundException
	switch {
	case errors.As(err, &none):
	case err != nil:
		return errors.New("read the secret key: no answer from Secrets Manager")
	case held.SecretString != nil:
		value = secret.New(*held.SecretString)
	}
	if renew || value.IsZero() {
		value = secret.New("sk_live_" + rand.Text() + rand.Text())
		text := value.Reveal()
		if _, err := r.Secrets.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: &r.Secret, SecretString: &text}); err != nil {
			return errors.New("store the secret key: no answer from Secrets Manager")
		}
	}
	return r.Keys.SetSecret(ctx, value)
}
