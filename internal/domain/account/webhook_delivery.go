package account

import (
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/language"
)

// DeliveryRecord says where the events of a journal's record still have to go. Both have the same id.
type DeliveryRecord struct {
	Base
	To []DeliveryTarget `json:"d"`
	// Language is the one that who acted reads; a notice is in it.
	Language language.Tag `json:"g,omitempty"`
}

type DeliveryTarget struct {
	ID    string  `json:"i"` // of an endpoint, or targetBus
	Tries int     `json:"n,omitempty"`
	Next  Instant `json:"x"`
	Done  int     `json:"o,omitempty"` // how many of the record's events it has
}

func (d *DeliveryRecord) NextExpiry() time.Time {
	next := d.To[0].Next
	for _, to := range d.To {
		next = min(next, to.Next)
	}
	return next.Time()
}

func (d *DeliveryRecord) Target(id string) *DeliveryTarget {
	for i := range d.To {
		if d.To[i].ID == id {
			return &d.To[i]
		}
	}
	return nil
}

// IsFor says whether an act is for an endpoint: a test is for its own only, and that an endpoint does not answer is not told to endpoints.
func (a StoredEvent) IsFor(e *Endpoint) bool {
	switch a.Name {
	case EventHookFailed:
		return false
	case EventHookTest:
		return a.Subject == e.WireID()
	}
	return true
}
