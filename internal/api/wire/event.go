package wire

import (
	"encoding/json"
	"fmt"
	"net/netip"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/settings"
)

// InstanceID is the id of the one instance.
const InstanceID = "ins_countersign"

// Event is an entry of the event log.
type Event struct {
	Object    string   `json:"object"`
	ID        string   `json:"id"`
	Type      string   `json:"type"`
	Actor     string   `json:"actor"` // user, backend or system
	UserID    *string  `json:"user_id"`
	SubjectID *string  `json:"subject_id"` // what it was done to
	Strategy  *string  `json:"strategy"`
	Network   *string  `json:"network"`  // IPv4 /24 or IPv6 /48
	Settings  []string `json:"settings"` // that changed
	// Notify reports that the user should be told, by another channel than Strategy.
	Notify bool `json:"notify"`
	// Operator is the person who acted through the Backend API, and Reason why, as the caller said.
	Operator  *string `json:"operator"`
	Reason    *string `json:"reason"`
	CreatedAt int64   `json:"created_at"`
}

// NewEvent returns an entry of the event log.
func NewEvent(e account.Event) Event {
	return Event{
		Object: "event", ID: e.ID, Type: string(e.Name), Actor: string(e.By), UserID: Nullable(e.User), SubjectID: Nullable(e.Subject), Strategy: Nullable(string(e.Method)),
		Network: Nullable(e.Address), Settings: settings.Names(e.Fields), Notify: e.Name.Kind().Notify,
		Operator: Nullable(e.OperatorName), Reason: Nullable(e.Reason), CreatedAt: e.At.UnixMilli(),
	}
}

// envelope is the body of a webhook in Clerk's form.
type envelope struct {
	Object          string      `json:"object"`
	Type            string      `json:"type"`
	Data            any         `json:"data"`
	Timestamp       int64       `json:"timestamp"`
	InstanceID      string      `json:"instance_id"`
	EventAttributes eventSource `json:"event_attributes"`
}

// eventSource is where the request came from. The user agent is not stored.
type eventSource struct {
	Request struct {
		ClientIP  string `json:"client_ip"`
		UserAgent string `json:"user_agent"`
	} `json:"http_request"`
}

// sessionEvent is the data of a webhook about a session.
type sessionEvent struct {
	Object       string     `json:"object"`
	ID           string     `json:"id"`
	UserID       string     `json:"user_id"`
	User         *AdminUser `json:"user"`
	ClientID     string     `json:"client_id"`
	Actor        *struct{}  `json:"actor"`
	Status       string     `json:"status"`
	LastActiveAt int64      `json:"last_active_at"`
	ExpireAt     int64      `json:"expire_at"`
	AbandonAt    int64      `json:"abandon_at"`
	CreatedAt    int64      `json:"created_at"`
	UpdatedAt    int64      `json:"updated_at"`
}

// sessionStatus maps an event to the status of its session in Clerk's webhooks.
var sessionStatus = map[eventtype.Name]account.SessionStatus{
	eventtype.SignedIn: account.SessionActive, eventtype.SignedOut: account.SessionEnded, eventtype.SessionRemoved: account.SessionRemoved, eventtype.SessionRevoked: account.SessionRevoked,
}

// EventBody returns the body of a webhook: Clerk's own events in Clerk's form, others as the event
// log lists them. The user is in its present state; of a deleted user only the id is left.
func EventBody(e account.Event, u *account.User, now account.Instant) ([]byte, error) {
	body := envelope{Object: "event", Type: string(e.Name), Data: eventData(e, u, now), Timestamp: e.At.UnixMilli(), InstanceID: InstanceID}
	if p, err := netip.ParsePrefix(e.Address); err == nil {
		body.EventAttributes.Request.ClientIP = p.Addr().String()
	}
	out, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	return out, nil
}

func eventData(e account.Event, u *account.User, now account.Instant) any {
	var user *AdminUser
	if u != nil {
		shown := NewAdminUser(u, now)
		user = &shown
	}
	if status, ok := sessionStatus[e.Name]; ok {
		at, ends := e.At.UnixMilli(), int64(e.SessionEnds())
		return sessionEvent{
			Object: "session", ID: e.Subject, UserID: e.User, User: user, ClientID: (&account.Session{ID: e.Subject}).ClientWireID(), Status: string(status),
			LastActiveAt: at, ExpireAt: ends, AbandonAt: ends, CreatedAt: int64(e.Began), UpdatedAt: at,
		}
	}
	switch {
	case e.Name == eventtype.UserDeleted:
		return DeletedObject{Object: "user", ID: e.User, Deleted: true}
	case (e.Name == eventtype.UserCreated || e.Name == eventtype.UserUpdated) && user != nil:
		return user
	}
	return NewEvent(e)
}
