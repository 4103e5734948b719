// Package rotation makes and rotates a deployment's keys: master keys, signing keys and the Backend
// API key. The infrastructure runs it on each deployment or change, and a schedule runs it daily.
// No other function makes keys.
package rotation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/aws/secretsmanager"
	"github.com/countersign-mfa/countersign/internal/crypto/keyring"
	"github.com/countersign-mfa/countersign/internal/crypto/sessiontoken"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/account"
)

// Request is the schedule's input, or an operator's.
type Request = keyring.Request

// Result has the age of the current master key.
type Result struct {
	KeyAgeDays float64 `json:"key_age_days"`
}

// Settings are the instance's settings in the infrastructure's configuration. A deployment applies
// them when the configuration changed. Until then an administrator's changes stay.
type Settings struct {
	Countries   []string `json:"Countries"`
	MFARequired string   `json:"MFARequired"` // "true" or "false": CloudFormation sends strings only
}

// Rotator makes and rotates the keys.
type Rotator struct {
	*lambdahost.Deployment
	Secret keyring.SecretStore
	// Versions returns the secret with an ARN.
	Versions func(arn string) Versions
}

// Serve is the main function of keys-rotate.
func Serve() {
	lambdahost.Run(func(_ context.Context, e lambdahost.Environment) (any, error) {
		if e.Secret == "" {
			return nil, fmt.Errorf("%s is not set", lambdahost.EnvSecret)
		}
		versions := func(arn string) Versions { return secretsmanager.VersionsOf(e, arn) }
		return (&Rotator{lambdahost.Connect(e), secretsmanager.FromEnvironment(e), versions}).Handle, nil
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
		if e.ResourceType == EdgeResource {
			return cfn.LambdaWrap(r.edge)(ctx, e)
		}
		return cfn.LambdaWrap(r.deploy)(ctx, e)
	}
	in, err := keyring.ParseRequest(event)
	if err != nil {
		return nil, lambdahost.ErrEvent
	}
	return r.rotate(ctx, in)
}

// deploy makes missing keys and applies settings that changed. Deleting the stack deletes no key,
// because the table outlives it.
func (r *Rotator) deploy(ctx context.Context, e cfn.Event) (id string, data map[string]any, err error) {
	id = "keys-of-" + r.Table
	if e.RequestType == cfn.RequestDelete {
		return id, nil, nil
	}
	if err := r.Keys.Prepare(ctx); err != nil {
		return id, nil, err
	}
	service, err := r.Service(ctx, lambdahost.Deps{})
	if err != nil {
		return id, nil, err
	}
	if err := service.Tokens.RotateSigningKey(ctx, sessiontoken.KeyLife); err != nil {
		return id, nil, err
	}
	if err := r.keys(service.Tokens).AdoptSecret(ctx); err != nil {
		return id, nil, err
	}
	// The first data point, so that the alarm on the age has data from the first day.
	if _, err := r.report(ctx); err != nil {
		return id, nil, err
	}
	if reflect.DeepEqual(e.ResourceProperties["Settings"], e.OldResourceProperties["Settings"]) {
		return id, nil, nil
	}
	return id, nil, r.settings(ctx, service, e.ResourceProperties["Settings"])
}

func (r *Rotator) settings(ctx context.Context, service *domain.Service, property any) error {
	text, err := json.Marshal(property)
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	var s Settings
	if err := json.Unmarshal(text, &s); err != nil {
		return errors.New("settings are malformed")
	}
	_, err = service.Settings.Change(ctx, func(set *account.Settings) {
		set.SMSCountries, set.MFARequired = s.Countries, s.MFARequired == "true"
	})
	return err
}

func (r *Rotator) keys(signing keyring.Signing) *keyring.Rotator {
	return &keyring.Rotator{Keys: r.Keys, Signing: signing, SecretStore: r.Secret, Prefix: "sk_live_"}
}

func (r *Rotator) rotate(ctx context.Context, in Request) (any, error) {
	service, err := r.Service(ctx, lambdahost.Deps{})
	if err != nil {
		return nil, err
	}
	if err := r.keys(service.Tokens).Rotate(ctx, in); err != nil {
		return nil, err
	}
	return r.report(ctx)
}

// report returns the age of the current master key, and counts it for the alarm.
func (r *Rotator) report(ctx context.Context) (Result, error) {
	old, err := r.Keys.Age(ctx)
	if err != nil {
		return Result{}, err
	}
	days := old.Hours() / 24
	r.Meter.Count(lambdahost.MetricKeyAge, days)
	return Result{KeyAgeDays: days}, nil
}
