package rotation_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	awssecretsmanager "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost/rotation"
	"github.com/countersign-mfa/countersign/internal/aws/secretsmanager"
	"github.com/countersign-mfa/countersign/internal/crypto/keyring"
	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/store"
)

// manager is a Secrets Manager with one secret, which has no value at first.
type manager struct {
	text *string
	down bool
}

var errDown = errors.New("no answer for sk_live_that_was_sent")

func (m *manager) GetSecretValue(context.Context, *awssecretsmanager.GetSecretValueInput, ...func(*awssecretsmanager.Options)) (*awssecretsmanager.GetSecretValueOutput, error) {
	switch {
	case m.down:
		return nil, errDown
	case m.text == nil:
		return nil, &types.ResourceNotFoundException{}
	}
	return &awssecretsmanager.GetSecretValueOutput{SecretString: m.text}, nil
}

func (m *manager) PutSecretValue(_ context.Context, in *awssecretsmanager.PutSecretValueInput, _ ...func(*awssecretsmanager.Options)) (*awssecretsmanager.PutSecretValueOutput, error) {
	if m.down {
		return nil, errDown
	}
	m.text = in.SecretString
	return &awssecretsmanager.PutSecretValueOutput{}, nil
}

// stack is a deployment without AWS: its functions share a store and a clock.
type stack struct {
	*testing.T
	manager  manager
	store    store.Store
	wrapper  keyring.File
	now      time.Time
	log      bytes.Buffer
	rotator  *rotation.Rotator
	answered chan map[string]any // the answers to CloudFormation
	url      string
}

func newStack(t *testing.T) *stack {
	ring, err := seal.NewRing(1, map[uint32]seal.Key{1: {8}}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := &stack{T: t, store: store.NewMemory(), wrapper: keyring.File{Ring: ring, Rand: rand.Reader}, now: time.Unix(1_800_000_000, 0), answered: make(chan map[string]any, 9)}
	s.rotator = &rotation.Rotator{Deployment: s.function(), Secret: secretsmanager.New(&s.manager, "arn")}
	cloud := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		var said map[string]any
		_ = json.Unmarshal(text, &said)
		s.answered <- said
	}))
	t.Cleanup(cloud.Close)
	s.url = cloud.URL
	return s
}

// function returns the deployment of one function.
func (s *stack) function() *lambdahost.Deployment {
	log := slog.New(slog.NewJSONHandler(&s.log, nil))
	now := func() time.Time { return s.now }
	return &lambdahost.Deployment{
		Environment: lambdahost.Environment{Table: "users", URL: "https://api.example", AppName: "Example", SMSHost: "example.com"},
		Store:       s.store, Keys: keyring.New(s.store, s.wrapper, now), Log: log, Meter: lambdahost.NewMeter(log, "users", now),
	}
}

func (s *stack) invoke(event string) (any, error) {
	return s.rotator.Handle(s.Context(), []byte(event))
}

// deploy acts as CloudFormation, with the settings before and after.
func (s *stack) deploy(kind, was, is string) (status string) {
	s.Helper()
	event := `{"RequestType":"` + kind + `","ResponseURL":"` + s.url + `","StackId":"s","RequestId":"r","LogicalResourceId":"Keys",` +
		`"ResourceProperties":{"Settings":` + is + `},"OldResourceProperties":{"Settings":` + was + `}}`
	if _, err := s.invoke(event); err != nil {
		s.Fatal(err)
	}
	status, _ = (<-s.answered)["Status"].(string)
	return status
}

func (s *stack) settings() account.Settings {
	s.Helper()
	set, err := s.service().Engine.Settings(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	return set
}

// key returns the Backend API key as Secrets Manager holds it.
func (s *stack) key() secret.Value {
	s.Helper()
	if s.manager.text == nil {
		s.Fatal("there is no secret key")
	}
	return secret.New(*s.manager.text)
}

func (s *stack) accepts(when string, f *lambdahost.Deployment, key secret.Value, want bool) {
	s.Helper()
	if got, err := f.Keys.Accepts(s.Context(), key); err != nil || got != want {
		s.Errorf("%s: accepted %v (%v), want %v", when, got, err, want)
	}
}

const (
	none    = `null`
	germany = `{"Countries":["DE"],"MFARequired":"true"}`
	france  = `{"Countries":["FR"],"MFARequired":"false"}`
)

func TestDeploy(t *testing.T) {
	s := newStack(t)
	if got := s.deploy("Create", none, germany); got != "SUCCESS" {
		t.Fatalf("the first deployment: %s", got)
	}
	first := s.key()
	if !strings.HasPrefix(first.Reveal(), "sk_live_") || len(first.Reveal()) < 60 {
		t.Error("the secret key is too short, or no live one")
	}
	s.accepts("after the first deployment", s.function(), first, true)
	if set := s.settings(); len(set.SMSCountries) != 1 || set.SMSCountries[0] != "DE" || !set.MFARequired {
		t.Errorf("settings %+v", set)
	}
	if !strings.Contains(s.log.String(), `"KeyAgeDays":0`) {
		t.Error("the first deployment does not report the age of the key")
	}
	if _, err := s.service().Settings.Change(t.Context(), func(set *account.Settings) { set.MFARequired = false }); err != nil {
		t.Fatal(err)
	}
	if got := s.deploy("Update", germany, germany); got != "SUCCESS" || !s.key().Equal(first) || s.settings().MFARequired {
		t.Errorf("an update without a change: %s, or it changed the key or what the team had set since", got)
	}
	if got := s.deploy("Update", germany, france); got != "SUCCESS" || s.settings().SMSCountries[0] != "FR" {
		t.Errorf("an update of the settings: %s, %+v", got, s.settings())
	}
	if got := s.deploy("Update", france, `"nonsense"`); got != "FAILED" || s.settings().SMSCountries[0] != "FR" {
		t.Errorf("settings of another form: %s, %+v", got, s.settings())
	}
	if got := s.deploy("Delete", none, none); got != "SUCCESS" {
		t.Errorf("deleting: %s", got)
	}
	s.accepts("after deleting", s.function(), first, true)
	s.manager.down = true
	if got := s.deploy("Update", none, germany); got != "FAILED" {
		t.Errorf("without Secrets Manager: %s", got)
	}
}

func (s *stack) service() *domain.Service {
	s.Helper()
	service, err := s.function().Service(s.Context(), lambdahost.Deps{})
	if err != nil {
		s.Fatal(err)
	}
	return service
}

// TestRevoke: after {"rotate":"revoke"} every function refuses the old key within a minute, and the
// new key is in Secrets Manager.
func TestRevoke(t *testing.T) {
	s := newStack(t)
	s.deploy("Create", none, germany)
	leaked, warm := s.key(), s.function()
	s.accepts("before", warm, leaked, true)
	if _, err := s.invoke(`{"rotate":"revoke"}`); err != nil {
		t.Fatal(err)
	}
	s.accepts("a function that starts now", s.function(), leaked, false)
	s.now = s.now.Add(time.Minute)
	s.accepts("a function that is warm, a minute later", warm, leaked, false)
	s.accepts("the new key", warm, s.key(), true)
	if s.key().Equal(leaked) {
		t.Error("Secrets Manager holds the leaked key")
	}
	if _, err := s.invoke(`{"rotate":"due"}`); err != nil {
		t.Errorf("the schedule after it: %v", err)
	}
	s.accepts("after the schedule's run", s.function(), leaked, false)
	if strings.Contains(s.log.String(), "sk_live") {
		t.Error("a secret key is in the log")
	}
}

// TestSecret: the function accepts the key in Secrets Manager, and reveals nothing of it.
func TestSecret(t *testing.T) {
	s := newStack(t)
	s.deploy("Create", none, germany)
	first, own := s.key(), " sk_live_of_the_team\n"
	s.manager.text = &own
	if _, err := s.invoke(`{"rotate":"due"}`); err != nil {
		t.Fatal(err)
	}
	s.accepts("the team's own key", s.function(), secret.New(strings.TrimSpace(own)), true)
	s.accepts("the key before it, for a day", s.function(), first, true)
	if _, err := s.invoke(`{"rotate":"now","new_secret":true}`); err != nil {
		t.Fatal(err)
	}
	s.accepts("a new key", s.function(), s.key(), true)
	s.now = s.now.Add(24 * time.Hour)
	s.accepts("the key before, a day later", s.function(), first, false)
	s.manager.down = true
	for _, request := range []string{`{"rotate":"due"}`, `{"rotate":"now","new_secret":true}`, `{"rotate":"revoke"}`} {
		if _, err := s.invoke(request); err == nil || strings.Contains(err.Error(), "sk_live") {
			t.Errorf("%s without Secrets Manager: %v", request, err)
		}
	}
}

func TestRotate(t *testing.T) {
	s := newStack(t)
	if _, err := s.invoke(`{"rotate":"due"}`); !errors.Is(err, keyring.ErrEmpty) {
		t.Errorf("before the first deployment: %v", err)
	}
	s.deploy("Create", none, germany)
	s.now = s.now.Add(365 * 24 * time.Hour)
	if got, err := s.invoke(`{"rotate":"due"}`); err != nil || got.(rotation.Result).KeyAgeDays != 365 {
		t.Errorf("a year later: %v (%v)", got, err)
	}
	s.now = s.now.Add(time.Hour) // from now on the new master key seals
	if got, err := s.invoke(`{"rotate":"due"}`); err != nil || got.(rotation.Result).KeyAgeDays != 0 {
		t.Errorf("an hour after the master key was replaced: %v (%v)", got, err)
	}
	if !strings.Contains(s.log.String(), `"KeyAgeDays":365`) {
		t.Error("the age of the key is not measured")
	}
	for _, event := range []string{`{}`, `nonsense`, `{"rotate":"never"}`, `{"rotate":"revoke","sole":"secret_key"}`, `{"RequestType":7,"rotate":""}`} {
		if got, err := s.invoke(event); !errors.Is(err, lambdahost.ErrEvent) {
			t.Errorf("%s: %v (%v), want ErrEvent", event, got, err)
		}
	}
}
