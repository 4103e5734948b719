package api

import "github.com/countersign-mfa/countersign/internal/domain/apierr"

const (
	pathEndpoints = "/v1/webhook_endpoints"
	pathEndpoint  = "/v1/webhook_endpoints/{endpoint_id}"
)

// endpointCodes are what the body of an endpoint may be refused with.
var endpointCodes = []apierr.Code{apierr.FormParamMissing, apierr.FormParamFormatInvalid, apierr.FormParamValueInvalid}

// EventsList is the row of events-list: what was done in the instance, newest first.
func EventsList() Operation {
	return row(Backend, "events-list", get, "/v1/events", "What was done in the last 30 days, newest first", Latest, listEvents, apierr.FormParamValueInvalid)
}

// WebhookEndpointsList is the row of webhook-endpoints-list: where webhooks go.
func WebhookEndpointsList() Operation {
	return row(Backend, "webhook-endpoints-list", get, pathEndpoints, "Where webhooks go", 0, listEndpoints)
}

// WebhookEndpointCreate is the row of webhook-endpoint-create: have webhooks sent somewhere.
func WebhookEndpointCreate() Operation {
	return row(Backend, "webhook-endpoint-create", post, pathEndpoints, "Have webhooks sent somewhere; shows the secret, once", Writes, createEndpoint, endpointCodes...)
}

// WebhookEndpointUpdate is the row of webhook-endpoint-update: change an endpoint.
func WebhookEndpointUpdate() Operation {
	return row(Backend, "webhook-endpoint-update", patch, pathEndpoint, "Change a webhook endpoint", Writes, updateEndpoint, join(missing, endpointCodes)...)
}

// WebhookEndpointDelete is the row of webhook-endpoint-delete: remove an endpoint.
func WebhookEndpointDelete() Operation {
	return row(Backend, "webhook-endpoint-delete", remove, pathEndpoint, "Remove a webhook endpoint", Writes, deleteEndpoint, missing...)
}

// WebhookEndpointSecretRotate is the row of webhook-endpoint-secret-rotate: a new secret.
func WebhookEndpointSecretRotate() Operation {
	return row(Backend, "webhook-endpoint-secret-rotate", post, pathEndpoint+"/rotate_secret",
		"A new secret, shown once; the one before signs too for a day", Writes, rotateEndpoint, missing...)
}

// WebhookEndpointReplay is the row of webhook-endpoint-replay: deliver again.
func WebhookEndpointReplay() Operation {
	return row(Backend, "webhook-endpoint-replay", post, pathEndpoint+"/replay", "Deliver again what happened since a time", Writes|Latest, replayEndpoint,
		join(missing, []apierr.Code{apierr.FormParamMissing})...)
}

// WebhookEndpointTest is the row of webhook-endpoint-test: deliver a test event.
func WebhookEndpointTest() Operation {
	return row(Backend, "webhook-endpoint-test", post, pathEndpoint+"/test", "Deliver a test event", Writes, testEndpoint, missing...)
}
