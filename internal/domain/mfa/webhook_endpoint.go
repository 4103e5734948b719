package mfa

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// The bounds of webhooks.
const (
	endpointsMost           = 5
	endpointURLMost         = 500
	endpointDescriptionMost = 200
	hookSecretBytes         = 32
	// hookSecretsOverlap is how long the secret before still signs after a rotation, beside the new one.
	hookSecretsOverlap = 24 * time.Hour
)

// Endpoint is where webhooks go. Endpoints are part of the settings, because every commit must know whether there are any.
type Endpoint struct {
	ID          string       `json:"i"`
	URL         string       `json:"w"`
	Description string       `json:"d,omitempty"`
	Events      []EventName  `json:"e,omitempty"` // none: all
	Disabled    bool         `json:"x,omitempty"`
	Secrets     []hookSecret `json:"s"` // the newest first
	CreatedAt   Instant      `json:"c"`
	UpdatedAt   Instant      `json:"u"`
}

// hookSecret is a key that signs webhooks, until it ends.
type hookSecret struct {
	Sealed []byte  `json:"s"`
	Ends   Instant `json:"e,omitempty"`
}

// WireID is the id that clients see.
func (e *Endpoint) WireID() string { return prefixHook + e.ID }

func (e *Endpoint) wants(name EventName) bool {
	return !e.Disabled && (len(e.Events) == 0 || slices.Contains(e.Events, name) || name == EventHookTest)
}

func hookOwner(e *Endpoint) string { return "webhook/" + e.ID }

// EndpointChange is the body of a new or changed endpoint; nil leaves a field as it is.
type EndpointChange struct {
	URL, Description *string
	Events           *[]EventName
	Disabled         *bool
}

// EndpointResult is an endpoint with its secret, which only the answer that made it shows.
type EndpointResult struct {
	Endpoint Endpoint
	Secret   secret.Value
}

// Endpoints lists where webhooks go.
func (s *Service) Endpoints(ctx context.Context) ([]Endpoint, error) {
	set, err := s.Settings(ctx)
	return set.Endpoints, err
}

// CreateEndpoint adds one, with a secret of 256 bits.
func (s *Service) CreateEndpoint(ctx context.Context, in EndpointChange) (*EndpointResult, error) {
	if in.URL == nil || *in.URL == "" {
		return nil, apierr.New(apierr.FormParamMissing).Param("url")
	}
	var out EndpointResult
	_, err := s.changeSettings(ctx, func(t *txn, set *Settings) error {
		if len(set.Endpoints) >= endpointsMost {
			return apierr.New(apierr.FormParamValueInvalid).Param("url")
		}
		id, err := s.randomID()
		if err != nil {
			return err
		}
		e := Endpoint{ID: id, CreatedAt: t.now}
		if err := t.changeEndpoint(&e, in); err != nil {
			return err
		}
		value, err := t.newHookSecret(&e)
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

// ChangeEndpoint changes one.
func (s *Service) ChangeEndpoint(ctx context.Context, id string, in EndpointChange) (*EndpointResult, error) {
	return s.withEndpoint(ctx, id, func(t *txn, e *Endpoint) (secret.Value, error) { return secret.Value{}, t.changeEndpoint(e, in) })
}

// RotateEndpoint gives one a new secret. The one before signs as well for a day.
func (s *Service) RotateEndpoint(ctx context.Context, id string) (*EndpointResult, error) {
	return s.withEndpoint(ctx, id, func(t *txn, e *Endpoint) (secret.Value, error) { return t.newHookSecret(e) })
}

// DeleteEndpoint removes one. What waits to be delivered to it is dropped.
func (s *Service) DeleteEndpoint(ctx context.Context, id string) (*EndpointResult, error) {
	var out EndpointResult
	_, err := s.changeSettings(ctx, func(_ *txn, set *Settings) error {
		e := set.endpoint(id)
		if e == nil {
			return apierr.New(apierr.ResourceNotFound)
		}
		out.Endpoint = *e
		set.Endpoints = slices.DeleteFunc(slices.Clone(set.Endpoints), func(other Endpoint) bool { return other.ID == e.ID })
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

func (s *Settings) endpoint(id string) *Endpoint {
	for i := range s.Endpoints {
		if s.Endpoints[i].WireID() == id {
			return &s.Endpoints[i]
		}
	}
	return nil
}

func (s *Service) withEndpoint(ctx context.Context, id string, do func(*txn, *Endpoint) (secret.Value, error)) (*EndpointResult, error) {
	var out EndpointResult
	_, err := s.changeSettings(ctx, func(t *txn, set *Settings) error {
		set.Endpoints = slices.Clone(set.Endpoints)
		e := set.endpoint(id)
		if e == nil {
			return apierr.New(apierr.ResourceNotFound)
		}
		value, err := do(t, e)
		if err != nil {
			return err
		}
		e.UpdatedAt = e.UpdatedAt.after(t.now)
		out = EndpointResult{*e, value}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

func (t *txn) changeEndpoint(e *Endpoint, in EndpointChange) error {
	if in.URL != nil {
		if !t.s.isEndpointURL(*in.URL) {
			return apierr.New(apierr.FormParamFormatInvalid).Param("url")
		}
		e.URL = *in.URL
	}
	if in.Description != nil {
		if len(*in.Description) > endpointDescriptionMost {
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
	e.UpdatedAt = e.UpdatedAt.after(t.now)
	return nil
}

// isEndpointURL says whether a text is the URL of an endpoint: https on its own port, without credentials. Which addresses its name may lead to is
// decided when it is called, because names change. Development may post to this machine.
func (s *Service) isEndpointURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || len(text) > endpointURLMost || u.User != nil || u.Fragment != "" || u.Opaque != "" || u.Hostname() == "" {
		return false
	}
	if s.loopback && u.Scheme == "http" {
		address, err := netip.ParseAddr(u.Hostname())
		return u.Hostname() == "localhost" || err == nil && address.IsLoopback()
	}
	return u.Scheme == "https" && (u.Port() == "" || u.Port() == "443")
}

// newHookSecret makes a secret in the form of Standard Webhooks. Two are valid at a time.
func (t *txn) newHookSecret(e *Endpoint) (secret.Value, error) {
	random := make([]byte, hookSecretBytes)
	if _, err := io.ReadFull(t.s.rand, random); err != nil {
		return secret.Value{}, fmt.Errorf("read random bytes: %w", err)
	}
	value := secret.New("whsec_" + base64.StdEncoding.EncodeToString(random))
	sealed, err := t.s.ring.Seal(hookOwner(e), value)
	if err != nil {
		return secret.Value{}, fmt.Errorf("seal webhook secret: %w", err)
	}
	secrets := []hookSecret{{Sealed: sealed}}
	if len(e.Secrets) > 0 {
		before := e.Secrets[0]
		before.Ends = t.now.Add(hookSecretsOverlap)
		secrets = append(secrets, before)
	}
	e.Secrets = secrets
	return value, nil
}

// secrets opens the keys that sign now, the newest first.
func (t *txn) secrets(e *Endpoint) ([]secret.Value, error) {
	var out []secret.Value
	for _, s := range e.Secrets {
		if s.Ends != 0 && s.Ends <= t.now {
			continue
		}
		value, err := t.s.ring.Open(hookOwner(e), s.Sealed)
		if err != nil {
			return nil, fmt.Errorf("open webhook secret: %w", err)
		}
		out = append(out, value)
	}
	return out, nil
}
