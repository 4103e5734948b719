// Package webhook delivers the events of a commit: to endpoints by webhook, to the event bus, and
// to the user by SMS.
//
// Endpoints and bus get every event at least once. [StageDelivery] stores the delivery in the
// commit of the events, so neither can be lost. [Dispatcher.Run] finds the deliveries that are
// due, leases each, sends it and stores the outcome. A failed delivery is repeated for days, then
// given up.
package webhook

import "github.com/countersign-mfa/countersign/internal/domain/tx"

// Service carries out the operations on endpoints and deliveries. It is safe for concurrent use.
type Service struct {
	*tx.Engine
}
