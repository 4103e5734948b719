package migrate_test

import (
	"context"
	"testing"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/webhook"
	"github.com/countersign-mfa/countersign/test/mfatest"
)

// signers keeps the secrets that sign deliveries.
type signers []secret.Value

func (s *signers) Deliver(_ context.Context, d webhook.Delivery) (webhook.Answer, error) {
	*s = append(*s, d.Secrets...)
	return webhook.Answer{}, nil
}

// TestWebhookSecretsMove: an instance with keys of its own signs webhooks with the secrets of the
// instance before, also with the older one after a rotation, and moves them on.
func TestWebhookSecretsMove(t *testing.T) {
	c := mfatest.NewClock()
	old, key := newInstance(t, c), identity(t)
	url := "https://app.example.com/hooks"
	first, err := old.Webhooks.CreateEndpoint(t.Context(), webhook.EndpointChange{URL: &url, Events: &[]eventtype.Name{eventtype.UserCreated}})
	old.Must(err)
	second, err := old.Webhooks.RotateEndpoint(t.Context(), first.Endpoint.WireID())
	old.Must(err)
	file := old.export(key.Recipient())
	for range 2 {
		fresh := newInstance(t, c)
		got, _, err := fresh.restore(file, key)
		fresh.Must(err)
		if !got.SettingsApplied {
			t.Fatalf("%+v", got)
		}
		file = fresh.export(key.Recipient())
		_, err = fresh.Admin.CreateUser(t.Context(), admin.UserInput{Username: "maxine"})
		fresh.Must(err)
		var sent signers
		worker := webhook.Dispatcher{Service: fresh.Webhooks, Endpoints: &sent, Describe: func(account.Event, *account.User, account.Instant) ([]byte, error) { return nil, nil }}
		r, err := worker.Run(t.Context(), 10)
		if err != nil || r.Delivered != 1 || len(sent) != 2 || !sent[0].Equal(second.Secret) || !sent[1].Equal(first.Secret) {
			t.Fatalf("%+v with %d secrets (%v)", r, len(sent), err)
		}
	}
}

// TestAWebhookSecretOfAnotherForm: settings with a malformed secret are refused.
func TestAWebhookSecretOfAnotherForm(t *testing.T) {
	key := identity(t)
	head := `{"object":"countersign_export","version":1,"settings":{"hooks":[{"i":"a"}]},"webhook_secrets":{"a":[{"secret":"maxine"}]}}`
	if _, _, err := newInstance(t, mfatest.NewClock()).restore(encrypt(t, key, head, `{"object":"end","users":0}`), key); err == nil {
		t.Error("it was taken")
	}
}
