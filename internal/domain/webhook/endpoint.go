package webhook

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/settings"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// Limits of endpoints. Lengths are in bytes.
const (
	endpointsMost           = 5
	endpointURLMost         = 500
	hookSecretBytes         = 32
	endpointDescriptionMost = 200 // characters
	// hookSecretsOverlap is how long both the old and the new secret sign after a rotation.
	hookSecretsOverlap = 24 * time.Hour
)

func hookOwner(e *account.Endpoint) string { return "webhook/" + e.ID }

// EndpointChange creates or changes an endpoint. A nil field stays as it is.
type EndpointChange struct {
	URL, Description *string
	Events           *[]eventtype.Name
	Disabled         *bool
}

// EndpointResult is an endpoint, with its secret if the operation made one.
type EndpointResult struct {
	Endpoint account.Endpoint
	Secret   secret.Value
}

// Endpoints returns all endpoints.
func (s *Service) Endpoints(ctx context.Context) ([]account.Endpoint, error) {
	set, err := s.Settings(ctx)
	return set.Endpoints, err
}

// CreateEndpoint adds an endpoint with a new secret of 256 bits.
func (s *Service) CreateEndpoint(ctx context.Context, in EndpointChange) (*EndpointResult, error) {
	if in.URL == nil || *in.URL == "" {
		return nil, apierr.New(apierr.FormParamMissing).Param("url")
	}
	var out EndpointResult
	_, err := settings.Change(s.Engine, ctx, func(t *tx.Tx, set *account.Settings) error {
		if len(set.Endpoints) >= endpointsMost {
			return apierr.New(apierr.FormParamValueInvalid).Param("url")
		}
		id, err := s.RandomID()
		if err != nil {
			return err
		}
		e := account.Endpoint{ID: id, CreatedAt: t.Now}
		if err := changeEndpoint(t, &e, in); err != nil {
			return err
		}
		value, err := newHookSecret(t, &e)
		if err != nil {
			return err
		}
		set.Endpoints = append(slices.Clone(set.Endpoints), e)
		out = EndpointResult{e, value}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// ChangeEndpoint changes the fields of an endpoint that are not nil.
func (s *Service) ChangeEndpoint(ctx context.Context, id string, in EndpointChange) (*EndpointResult, error) {
	return s.withEndpoint(ctx, id, func(t *tx.Tx, e *account.Endpoint) (secret.Value, error) {
		return secret.Value{}, changeEndpoint(t, e, in)
	})
}

// RotateEndpoint gives an endpoint a new secret. For a day, the old one signs too.
func (s *Service) RotateEndpoint(ctx context.Context, id string) (*EndpointResult, error) {
	return s.withEndpoint(ctx, id, func(t *tx.Tx, e *account.Endpoint) (secret.Value, error) { return newHookSecret(t, e) })
}

// DeleteEndpoint removes an endpoint and its log of deliveries. Its pending deliveries are dropped.
func (s *Service) DeleteEndpoint(ctx context.Context, id string) (*EndpointResult, error) {
	var out EndpointResult
	_, err := settings.Change(s.Engine, ctx, func(t *tx.Tx, set *account.Settings) error {
		e := findEndpoint(set, id)
		if e == nil {
			return apierr.New(apierr.ResourceNotFound)
		}
		log, err := tx.Load[*account.DeliveryLog](t, logKey(e.ID))
		if err != nil {
			return err
		}
		if log != nil {
			t.Delete(log)
		}
		out.Endpoint = *e
		set.Endpoints = slices.DeleteFunc(slices.Clone(set.Endpoints), func(other account.Endpoint) bool { return other.ID == e.ID })
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

func findEndpoint(s *account.Settings, id string) *account.Endpoint {
	for i := range s.Endpoints {
		if s.Endpoints[i].WireID() == id {
			return &s.Endpoints[i]
		}
	}
	return nil
}

func (s *Service) withEndpoint(ctx context.Context, id string, do func(*tx.Tx, *account.Endpoint) (secret.Value, error)) (*EndpointResult, error) {
	var out EndpointResult
	_, err := settings.Change(s.Engine, ctx, func(t *tx.Tx, set *account.Settings) error {
		set.Endpoints = slices.Clone(set.Endpoints)
		e := findEndpoint(set, id)
		if e == nil {
			return apierr.New(apierr.ResourceNotFound)
		}
		value, err := do(t, e)
		if err != nil {
			return err
		}
		e.UpdatedAt = e.UpdatedAt.After(t.Now)
		out = EndpointResult{*e, value}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

func changeEndpoint(t *tx.Tx, e *account.Endpoint, in EndpointChange) error {
	if in.URL != nil {
		if !isEndpointURL(t.Engine, *in.URL) {
			return apierr.New(apierr.FormParamFormatInvalid).Param("url").Explain("A webhook's URL is https on port 443, without user name and fragment. In development it may also be http on this machine, such as http://localhost:3000.")
		}
		e.URL = *in.URL
	}
	if in.Description != nil {
		if utf8.RuneCountInString(*in.Description) > endpointDescriptionMost {
			return apierr.New(apierr.FormParamValueInvalid).Param("description")
		}
		e.Description = *in.Description
	}
	if in.Events != nil {
		for _, name := range *in.Events {
			if kind := name.Kind(); kind.Name == "" || kind.Routine || kind.LogOnly {
				return apierr.New(apierr.FormParamValueInvalid).Param("events")
			}
		}
		e.Events = *in.Events
	}
	if in.Disabled != nil {
		e.Disabled = *in.Disabled
	}
	e.UpdatedAt = e.UpdatedAt.After(t.Now)
	return nil
}

// isEndpointURL reports whether a webhook may be sent to a URL: https on port 443, without
// credentials. The sender checks the address that the name resolves to, because names change. In
// development the URL may be http on this machine.
func isEndpointURL(s *tx.Engine, text string) bool {
	u, err := url.Parse(text)
	if err != nil || len(text) > endpointURLMost || u.User != nil || u.Fragment != "" || u.Opaque != "" || u.Hostname() == "" {
		return false
	}
	if s.Loopback && u.Scheme == "http" {
		address, err := netip.ParseAddr(u.Hostname())
		return u.Hostname() == "localhost" || err == nil && address.IsLoopback()
	}
	return u.Scheme == "https" && (u.Port() == "" || u.Port() == "443")
}

// newHookSecret gives an endpoint a new secret, in the form of Standard Webhooks, and keeps the
// last one until it ends.
func newHookSecret(t *tx.Tx, e *account.Endpoint) (secret.Value, error) {
	random := make([]byte, hookSecretBytes)
	if _, err := io.ReadFull(t.Engine.Rand, random); err != nil {
		return secret.Value{}, fmt.Errorf("read random bytes: %w", err)
	}
	value := secret.New(secretPrefix + base64.StdEncoding.EncodeToString(random))
	sealed, err := t.Engine.Ring.Seal(hookOwner(e), value)
	if err != nil {
		return secret.Value{}, fmt.Errorf("seal webhook secret: %w", err)
	}
	secrets := []account.HookSecret{{Sealed: sealed}}
	if len(e.Secrets) > 0 {
		before := e.Secrets[0]
		before.Ends = t.Now.Add(hookSecretsOverlap)
		secrets = append(secrets, before)
	}
	e.Secrets = secrets
	return value, nil
}

// errUnsigned is returned for an endpoint whose current secret does not open under the keys of this
// instance. A rotation of the secret mends it.
var errUnsigned = errors.New("webhook: no secret of the endpoint opens; rotate_secret mends it")

// signingSecrets returns the secrets that sign now, newest first. It returns [errUnsigned] when the
// newest does not open. An older one that does not open is left out.
func signingSecrets(t *tx.Tx, e *account.Endpoint) ([]secret.Value, error) {
	var out []secret.Value
	for i, s := range e.Secrets {
		if s.Ends != 0 && s.Ends <= t.Now {
			continue
		}
		value, err := t.Engine.Ring.Open(hookOwner(e), s.Sealed)
		switch {
		case err == nil:
			out = append(out, value)
		case i == 0:
			return nil, errUnsigned
		}
	}
	if len(out) == 0 {
		return nil, errUnsigned
	}
	return out, nil
}
