package rotation

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	awssecretsmanager "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/aws/secretsmanager"
	"github.com/countersign-mfa/countersign/internal/crypto/keyring"
	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/store"
)

// oneSecret is a Secrets Manager with one secret.
type oneSecret struct {
	held string
	puts int
	away bool
}

var errAway = errors.New("no answer")

func (s *oneSecret) GetSecretValue(context.Context, *awssecretsmanager.GetSecretValueInput, ...func(*awssecretsmanager.Options)) (*awssecretsmanager.GetSecretValueOutput, error) {
	switch {
	case s.away:
		return nil, errAway
	case s.held == "":
		return nil, &types.ResourceNotFoundException{}
	}
	return &awssecretsmanager.GetSecretValueOutput{SecretString: &s.held}, nil
}

func (s *oneSecret) PutSecretValue(_ context.Context, in *awssecretsmanager.PutSecretValueInput, _ ...func(*awssecretsmanager.Options)) (*awssecretsmanager.PutSecretValueOutput, error) {
	s.held, s.puts = *in.SecretString, s.puts+1
	return &awssecretsmanager.PutSecretValueOutput{}, nil
}

func rotator(t *testing.T) (*Rotator, *oneSecret) {
	t.Helper()
	ring, err := seal.NewRing(1, map[uint32]seal.Key{1: {8}}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	log, memory, held := slog.New(slog.DiscardHandler), store.NewMemory(), &oneSecret{}
	return &Rotator{&lambdahost.Deployment{
		Environment: lambdahost.Environment{Table: "table", Secret: "arn", URL: "https://clerk.example.com", AppName: "Example", SMSHost: "example.com"},
		Store:       memory, Keys: keyring.New(memory, keyring.File{Ring: ring, Rand: rand.Reader}, time.Now), Log: log, Meter: lambdahost.NewMeter(log, "table", time.Now),
	}, secretsmanager.New(held, "arn"), nil}, held
}

// properties returns the custom resource's properties as CloudFormation sends them: JSON in which
// all values are strings.
func properties(countries, required string) map[string]any {
	var p map[string]any
	if err := json.Unmarshal(fmt.Appendf(nil, `{"Settings":{"Countries":%s,"MFARequired":%q}}`, countries, required), &p); err != nil {
		panic(err)
	}
	return p
}

// TestDeploymentsAndSettings: the first deployment applies the configuration. A deployment with the
// same configuration keeps the team's later changes; one with another configuration applies it. A
// deletion changes nothing.
func TestDeploymentsAndSettings(t *testing.T) {
	r, _ := rotator(t)
	ctx := t.Context()
	run := func(kind cfn.RequestType, now, before map[string]any) {
		t.Helper()
		id, _, err := r.deploy(ctx, cfn.Event{RequestType: kind, ResourceProperties: now, OldResourceProperties: before})
		if err != nil || id != "keys-of-table" {
			t.Fatalf("%s: %q, %v", kind, id, err)
		}
	}
	want := func(when, countries string, required bool) {
		t.Helper()
		s, err := r.Service(ctx, lambdahost.Deps{})
		if err != nil {
			t.Fatal(err)
		}
		set, err := s.Engine.Settings(ctx)
		if err != nil || fmt.Sprint(set.SMSCountries) != countries || set.MFARequired != required {
			t.Errorf("%s: countries %v, required %v, %v; want %s, %v", when, set.SMSCountries, set.MFARequired, err, countries, required)
		}
	}
	first := properties(`["DE","AT"]`, "true")
	run(cfn.RequestCreate, first, nil)
	want("made", "[DE AT]", true)
	s, err := r.Service(ctx, lambdahost.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Settings.Change(ctx, func(set *account.Settings) { set.SMSCountries, set.MFARequired = []string{"FR"}, false }); err != nil {
		t.Fatal(err)
	}
	run(cfn.RequestUpdate, properties(`["DE","AT"]`, "true"), first)
	want("deployed again as it was", "[FR]", false)
	run(cfn.RequestUpdate, properties(`["DE"]`, "true"), first)
	want("deployed with another configuration", "[DE]", true)
	run(cfn.RequestUpdate, properties(`["DE"]`, "false"), properties(`["DE"]`, "true"))
	want("no longer required", "[DE]", false)
	run(cfn.RequestDelete, properties(`["IT"]`, "true"), nil)
	want("deleted", "[DE]", false)
}

// TestADeploymentMakesWhatIsMissing: a master key, a signing key and the Backend API key, once. A
// second deployment makes none.
func TestADeploymentMakesWhatIsMissing(t *testing.T) {
	r, held := rotator(t)
	ctx := t.Context()
	e := cfn.Event{RequestType: cfn.RequestCreate, ResourceProperties: properties(`["US"]`, "false")}
	for range 2 {
		if _, _, err := r.deploy(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	accepted, err := r.Keys.Accepts(ctx, secret.New(held.held))
	if err != nil {
		t.Fatal(err)
	}
	if len(held.held) < len("sk_live_")+40 || held.held[:8] != "sk_live_" || held.puts != 1 || !accepted {
		t.Errorf("%d keys of the Backend API were made, one of %d characters", held.puts, len(held.held))
	}
	s, err := r.Service(ctx, lambdahost.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	if keys, err := s.Tokens.PublishedKeys(ctx); err != nil || len(keys) != 1 {
		t.Errorf("%d signing keys, %v", len(keys), err)
	}
	held.away = true
	if _, _, err := r.deploy(ctx, e); err == nil || errors.Is(err, errAway) {
		t.Errorf("while Secrets Manager is away: %v", err)
	}
}

// TestADeletionMakesNoKeys: the end of a stack makes no key and reads none.
func TestADeletionMakesNoKeys(t *testing.T) {
	r, held := rotator(t)
	if _, _, err := r.deploy(t.Context(), cfn.Event{RequestType: cfn.RequestDelete}); err != nil || held.puts != 0 {
		t.Errorf("%d keys, %v", held.puts, err)
	}
	if _, err := r.Keys.Open(t.Context()); !errors.Is(err, keyring.ErrEmpty) {
		t.Errorf("%v", err)
	}
}

// TestADeploymentThatFails: each request to the table fails in turn. The next try of the deployment
// makes all that is missing, once.
func TestADeploymentThatFails(t *testing.T) {
	if testing.Short() {
		t.Skip("makes many RSA keys")
	}
	e := cfn.Event{RequestType: cfn.RequestCreate, ResourceProperties: properties(`["DE"]`, "true")}
	for what, fault := range map[string]func(int) store.Fault{
		"read": store.FailGet, "commit": store.FailCommit, "commit whose answer is lost": store.LoseCommit,
	} {
		t.Run(what, func(t *testing.T) {
			ring, err := seal.NewRing(1, map[uint32]seal.Key{1: {8}}, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			failed := 0
			for n := 1; ; n++ {
				r, held := rotator(t)
				table := store.NewFaulty(r.Store)
				r.Store = table
				r.Keys = keyring.New(table, keyring.File{Ring: ring, Rand: rand.Reader}, time.Now)
				table.Inject(fault(n))
				_, _, err := r.deploy(t.Context(), e)
				if table.Pending() == 1 {
					break
				}
				if err != nil {
					failed++
				}
				if _, _, err := r.deploy(t.Context(), e); err != nil {
					t.Fatalf("%s %d failed, and then the next deployment: %v", what, n, err)
				}
				r.checkDeployed(t, held)
			}
			if failed == 0 {
				t.Error("no deployment failed")
			}
		})
	}
}

// checkDeployed checks that there is one signing key, that the key in the secret is accepted, and
// that the settings are those of the configuration.
func (r *Rotator) checkDeployed(t *testing.T, held *oneSecret) {
	t.Helper()
	s, err := r.Service(t.Context(), lambdahost.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	if keys, err := s.Tokens.PublishedKeys(t.Context()); err != nil || len(keys) != 1 {
		t.Errorf("%d signing keys, %v", len(keys), err)
	}
	if accepted, err := r.Keys.Accepts(t.Context(), secret.New(held.held)); err != nil || !accepted {
		t.Errorf("the key in the secret is not accepted, %v", err)
	}
	if set, err := s.Engine.Settings(t.Context()); err != nil || !slices.Equal(set.SMSCountries, []string{"DE"}) || !set.MFARequired {
		t.Errorf("settings %v, %v", set, err)
	}
}
