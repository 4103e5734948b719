package account

import (
	"slices"
)

// Endpoint is where webhooks go. Endpoints are part of the settings, because every commit must know whether there are any.
type Endpoint struct {
	ID          string       `json:"i"`
	URL         string       `json:"w"`
	Description string       `json:"d,omitempty"`
	Events      []EventName  `json:"e,omitempty"` // none: all
	Disabled    bool         `json:"x,omitempty"`
	Secrets     []HookSecret `json:"s"` // the newest first
	CreatedAt   Instant      `json:"c"`
	UpdatedAt   Instant      `json:"u"`
}

// HookSecret is a key that signs webhooks, until it ends.
type HookSecret struct {
	Sealed []byte  `json:"s"`
	Ends   Instant `json:"e,omitempty"`
}

// WireID is the id that clients see.
func (e *Endpoint) WireID() string { return PrefixHook + e.ID }

func (e *Endpoint) Wants(name EventName) bool {
	return !e.Disabled && (len(e.Events) == 0 || slices.Contains(e.Events, name) || name == EventHookTest)
}
