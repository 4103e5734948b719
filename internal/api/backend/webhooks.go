package backend

import (
	"time"

	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/webhook"
)

// endpointCodes are the codes for an invalid endpoint.
var endpointCodes = []apierr.Code{apierr.FormParamFormatInvalid, apierr.FormParamValueInvalid}

// WebhookEndpointsList is GET /v1/webhook_endpoints.
func WebhookEndpointsList() operation.Operation {
	return row("webhook-endpoints-list", "GET /v1/webhook_endpoints", "Where webhooks go", 0, listEndpoints)
}

// WebhookEndpointCreate is POST /v1/webhook_endpoints.
func WebhookEndpointCreate() operation.Operation {
	return row("webhook-endpoint-create", "POST /v1/webhook_endpoints",
		"Have webhooks sent somewhere; shows the secret, once", operation.Writes, createEndpoint,
		endpointCodes)
}

// WebhookEndpointUpdate is PATCH /v1/webhook_endpoints/{endpoint_id}.
func WebhookEndpointUpdate() operation.Operation {
	return row("webhook-endpoint-update", "PATCH /v1/webhook_endpoints/{endpoint_id}",
		"Change a webhook endpoint", operation.Writes, updateEndpoint,
		operation.NotFound, endpointCodes)
}

// WebhookEndpointDelete is DELETE /v1/webhook_endpoints/{endpoint_id}.
func WebhookEndpointDelete() operation.Operation {
	return row("webhook-endpoint-delete", "DELETE /v1/webhook_endpoints/{endpoint_id}",
		"Remove a webhook endpoint", operation.Writes|operation.Deletes, deleteEndpoint,
		operation.NotFound)
}

// WebhookEndpointSecretRotate is POST /v1/webhook_endpoints/{endpoint_id}/rotate_secret.
func WebhookEndpointSecretRotate() operation.Operation {
	return row("webhook-endpoint-secret-rotate", "POST /v1/webhook_endpoints/{endpoint_id}/rotate_secret",
		"A new secret, shown once; the one before signs too for a day", operation.Writes, rotateEndpoint,
		operation.NotFound)
}

// WebhookEndpointReplay is POST /v1/webhook_endpoints/{endpoint_id}/replay.
func WebhookEndpointReplay() operation.Operation {
	return row("webhook-endpoint-replay", "POST /v1/webhook_endpoints/{endpoint_id}/replay",
		"Deliver again what happened since a time", operation.Writes|operation.Latest, replayEndpoint,
		operation.NotFound, []apierr.Code{apierr.FormParamMissing, apierr.FormParamValueInvalid})
}

// WebhookEndpointDeliveriesList is GET /v1/webhook_endpoints/{endpoint_id}/deliveries.
func WebhookEndpointDeliveriesList() operation.Operation {
	return row("webhook-endpoint-deliveries-list", "GET /v1/webhook_endpoints/{endpoint_id}/deliveries",
		"The last 50 tries to deliver to an endpoint, newest first", 0, listDeliveries,
		operation.NotFound)
}

// WebhookEndpointTest is POST /v1/webhook_endpoints/{endpoint_id}/test.
func WebhookEndpointTest() operation.Operation {
	return row("webhook-endpoint-test", "POST /v1/webhook_endpoints/{endpoint_id}/test",
		"Deliver a test event", operation.Writes, testEndpoint,
		operation.NotFound)
}

// WebhookEndpoint is a URL that webhooks are posted to.
type WebhookEndpoint struct {
	Object      string   `json:"object"`
	ID          string   `json:"id"`
	URL         string   `json:"url"`
	Description string   `json:"description"`
	Events      []string `json:"events"` // none: all
	Disabled    bool     `json:"disabled"`
	// Secret signs the webhooks. Only the answer that created it shows it.
	Secret    *string `json:"secret,omitempty"`
	CreatedAt int64   `json:"created_at"`
	UpdatedAt int64   `json:"updated_at"`
}

// WebhookEndpoints is the list of all endpoints.
type WebhookEndpoints struct {
	Data       []WebhookEndpoint `json:"data"`
	TotalCount int               `json:"total_count"`
}

func presentEndpoint(e account.Endpoint, value secret.Value) WebhookEndpoint {
	out := WebhookEndpoint{
		Object: "webhook_endpoint", ID: e.WireID(), URL: e.URL, Description: e.Description, Events: []string{}, Disabled: e.Disabled,
		CreatedAt: int64(e.CreatedAt), UpdatedAt: int64(e.UpdatedAt),
	}
	for _, name := range e.Events {
		out.Events = append(out.Events, string(name))
	}
	if !value.IsZero() {
		shown := value.Reveal()
		out.Secret = &shown
	}
	return out
}

func endpointAnswer(r *webhook.EndpointResult, err error) (WebhookEndpoint, error) {
	if err != nil {
		return WebhookEndpoint{}, err
	}
	return presentEndpoint(r.Endpoint, r.Secret), nil
}

func listEndpoints(c *operation.Call, _ operation.Empty) (WebhookEndpoints, error) {
	all, err := c.Service.Webhooks.Endpoints(c)
	if err != nil {
		return WebhookEndpoints{}, err
	}
	out := WebhookEndpoints{Data: []WebhookEndpoint{}, TotalCount: len(all)}
	for _, e := range all {
		out.Data = append(out.Data, presentEndpoint(e, secret.Value{}))
	}
	return out, nil
}

// hookEvent is a type of event that webhooks tell.
type hookEvent string

// Values implements [operation.Enumerated].
func (hookEvent) Values() []string {
	var out []string
	for _, kind := range eventtype.All() {
		if !kind.Routine && !kind.LogOnly {
			out = append(out, string(kind.Name))
		}
	}
	return out
}

type endpointInput struct {
	URL         *string     `body:"url" rules:"required format=uri" doc:"https on port 443; in development also http on this machine"`
	Description *string     `body:"description" rules:"length=..200"`
	Events      []hookEvent `body:"events" doc:"none means all"`
	Disabled    *bool       `body:"disabled"`
}

func (in endpointInput) change() webhook.EndpointChange {
	out := webhook.EndpointChange{URL: in.URL, Description: in.Description, Disabled: in.Disabled}
	if in.Events != nil {
		names := make([]eventtype.Name, len(in.Events))
		for i, name := range in.Events {
			names[i] = eventtype.Name(name)
		}
		out.Events = &names
	}
	return out
}

func createEndpoint(c *operation.Call, in endpointInput) (WebhookEndpoint, error) {
	return endpointAnswer(c.Service.Webhooks.CreateEndpoint(c, in.change()))
}

type endpointChangeInput struct {
	ID          string      `path:"endpoint_id"`
	URL         *string     `body:"url" rules:"format=uri" doc:"https on port 443; in development also http on this machine"`
	Description *string     `body:"description" rules:"length=..200"`
	Events      []hookEvent `body:"events" doc:"none means all"`
	Disabled    *bool       `body:"disabled"`
}

func updateEndpoint(c *operation.Call, in endpointChangeInput) (WebhookEndpoint, error) {
	return endpointAnswer(c.Service.Webhooks.ChangeEndpoint(c, in.ID, endpointInput{in.URL, in.Description, in.Events, in.Disabled}.change()))
}

type endpointID struct {
	ID string `path:"endpoint_id"`
}

func deleteEndpoint(c *operation.Call, in endpointID) (wire.DeletedObject, error) {
	_, err := c.Service.Webhooks.DeleteEndpoint(c, in.ID)
	return wire.DeletedObject{Object: "webhook_endpoint", ID: in.ID, Deleted: true}, err
}

func rotateEndpoint(c *operation.Call, in endpointID) (WebhookEndpoint, error) {
	return endpointAnswer(c.Service.Webhooks.RotateEndpoint(c, in.ID))
}

// WebhookTest is the event that tries an endpoint.
type WebhookTest struct {
	Object string `json:"object"`
	ID     string `json:"id"`
	Type   string `json:"type"`
}

func testEndpoint(c *operation.Call, in endpointID) (WebhookTest, error) {
	id, err := c.Service.Webhooks.TestEndpoint(c, in.ID)
	return WebhookTest{"event", id, string(eventtype.HookTest)}, err
}

type replayInput struct {
	ID    string `path:"endpoint_id"`
	Since *int   `body:"since" rules:"min=0 max=1125899906842624" doc:"milliseconds since 1970; required without event_id"`
	Until *int   `body:"until" rules:"min=0 max=1125899906842624" doc:"milliseconds since 1970; now, if it is missing"`
	Event string `body:"event_id" rules:"pattern=^evt_[0-9a-v]{26}$" doc:"the one event to deliver again, without since and until"`
}

// WebhookReplay is the number of events that are delivered again. Until is where a long replay
// stopped: the next call goes on there.
type WebhookReplay struct {
	Object string `json:"object"`
	Count  int    `json:"count"`
	Until  *int64 `json:"until"`
}

func replayEndpoint(c *operation.Call, in replayInput) (WebhookReplay, error) {
	switch {
	case in.Event != "" && (in.Since != nil || in.Until != nil):
		return WebhookReplay{}, apierr.New(apierr.FormParamValueInvalid).Param("event_id")
	case in.Event != "":
		return WebhookReplay{Object: "webhook_replay", Count: 1}, c.Service.Webhooks.ResendEvent(c, in.ID, in.Event)
	case in.Since == nil:
		return WebhookReplay{}, apierr.New(apierr.FormParamMissing).Param("since")
	}
	until := c.Service.Now()
	if in.Until != nil {
		until = time.UnixMilli(int64(*in.Until))
	}
	count, reached, err := c.Service.Webhooks.ReplayEndpoint(c, in.ID, time.UnixMilli(int64(*in.Since)), until)
	if err != nil {
		return WebhookReplay{}, err
	}
	out := WebhookReplay{Object: "webhook_replay", Count: count}
	if !reached.IsZero() {
		at := reached.UnixMilli()
		out.Until = &at
	}
	return out, nil
}

// WebhookDelivery is a try to deliver one event to an endpoint.
type WebhookDelivery struct {
	Object  string `json:"object"`
	EventID string `json:"event_id"`
	Type    string `json:"type"`
	Attempt int    `json:"attempt"` // counted from 1
	Status  string `json:"status"`  // delivered or failed
	// HTTPStatus is the status code of the answer, null without an answer.
	HTTPStatus *int `json:"http_status"`
	// Reason is why the try failed: status, timeout, address, name, certificate, connection or
	// unsigned.
	Reason     *string `json:"reason"`
	DurationMS int     `json:"duration_ms"`
	CreatedAt  int64   `json:"created_at"`
	// NextAttemptAt is when the event is tried again; null if it is delivered, given up or was tried
	// since.
	NextAttemptAt *int64 `json:"next_attempt_at"`
}

// WebhookDeliveries are the last tries of an endpoint.
type WebhookDeliveries struct {
	Data       []WebhookDelivery `json:"data"`
	TotalCount int               `json:"total_count"`
}

func listDeliveries(c *operation.Call, in endpointID) (WebhookDeliveries, error) {
	tries, err := c.Service.Webhooks.Tries(c, in.ID)
	if err != nil {
		return WebhookDeliveries{}, err
	}
	out := WebhookDeliveries{Data: []WebhookDelivery{}, TotalCount: len(tries)}
	for _, one := range tries {
		shown := WebhookDelivery{
			Object: "webhook_delivery", EventID: one.Event, Type: one.Name, Attempt: one.Number, Status: "delivered", Reason: wire.Nullable(string(one.Problem)),
			DurationMS: one.Took, CreatedAt: one.At, NextAttemptAt: wire.Milliseconds(one.Next),
		}
		if one.Problem != "" {
			shown.Status = "failed"
		}
		if one.Status != 0 {
			shown.HTTPStatus = &one.Status
		}
		out.Data = append(out.Data, shown)
	}
	return out, nil
}
