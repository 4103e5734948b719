package wire

import (
	"encoding/hex"
	"encoding/json"

	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/settings"
)

// AuditEvent is an entry of an audit trail as its user sees it.
type AuditEvent struct {
	Object    string   `json:"object"`
	Sequence  int      `json:"sequence"` // 1 is the first act of all
	Type      string   `json:"type"`
	Actor     string   `json:"actor"` // user or backend
	Strategy  *string  `json:"strategy"`
	SubjectID *string  `json:"subject_id"` // the factor, number or session that it was done to
	Settings  []string `json:"settings"`   // that changed
	Count     int      `json:"count"`      // how often, from created_at to last_at
	CreatedAt int64    `json:"created_at"`
	LastAt    int64    `json:"last_at"`
	Hash      string   `json:"hash"`
}

// AdminAuditEvent is an entry of an audit trail as the Backend API shows it.
type AdminAuditEvent struct {
	AuditEvent
	// Operator is the person who acted through the Backend API, and Reason why, as the caller said.
	Operator *string `json:"operator"`
	Reason   *string `json:"reason"`
	// Changes are the settings of the entry with their values.
	Changes []SettingChange `json:"changes"`
}

// SettingChange is a setting before and after a change. Both values are null if the entry does not
// have them: it is from an earlier release, or they are long.
type SettingChange struct {
	Setting string   `json:"setting"`
	From    AnyValue `json:"from"`
	To      AnyValue `json:"to"`
}

// AnyValue is a value of any type in JSON, null among them.
type AnyValue struct{ json.RawMessage }

// AuditChain reports whether the hash chain of a trail is unbroken.
type AuditChain struct {
	Verified bool `json:"verified"`
	// BrokenAt is the sequence of the first entry that does not follow from its predecessor.
	BrokenAt *int `json:"broken_at"`
	// From is the sequence of the oldest remaining entry.
	From int `json:"from"`
}

// AuditEvents is part of an audit trail, newest first. TotalCount counts the remaining entries.
type AuditEvents struct {
	Data       []AdminAuditEvent `json:"data"`
	TotalCount int               `json:"total_count"`
	Chain      AuditChain        `json:"chain"`
}

func newAuditEvent(e audit.Event) AuditEvent {
	out := AuditEvent{
		Object: "audit_event", Sequence: e.Sequence, Type: string(e.Name), Actor: "user", Settings: settings.Names(e.Fields), Count: e.Times,
		CreatedAt: int64(e.At), LastAt: int64(e.Last), Hash: hex.EncodeToString(e.Hash),
	}
	if e.Backend {
		out.Actor = "backend"
	}
	if by := string(e.Method); by != "" {
		out.Strategy = &by
	}
	if e.Subject != "" {
		out.SubjectID = &e.Subject
	}
	return out
}

func newAdminAuditEvent(e audit.Event) AdminAuditEvent {
	out := AdminAuditEvent{AuditEvent: newAuditEvent(e), Operator: Nullable(e.OperatorName), Reason: Nullable(e.Reason), Changes: []SettingChange{}}
	for i, name := range out.Settings {
		change := SettingChange{Setting: name}
		if 2*i+1 < len(e.Values) {
			change.From, change.To = AnyValue{e.Values[2*i]}, AnyValue{e.Values[2*i+1]}
		}
		out.Changes = append(out.Changes, change)
	}
	return out
}

// NewOwnAuditEvents returns a user's whole trail for the user, newest first.
func NewOwnAuditEvents(trail *audit.Trail) []AuditEvent {
	out := make([]AuditEvent, len(trail.Events))
	for i, e := range trail.Events {
		out[i] = newAuditEvent(e)
	}
	return out
}

// NewAuditEvents returns a page of a trail.
func NewAuditEvents(trail *audit.Trail, offset, limit int) AuditEvents {
	n := len(trail.Events)
	out := AuditEvents{Data: []AdminAuditEvent{}, TotalCount: n, Chain: AuditChain{Verified: trail.Broken == 0}}
	if n > 0 {
		out.Chain.From = trail.Events[n-1].Sequence
	}
	if trail.Broken != 0 {
		out.Chain.BrokenAt = &trail.Broken
	}
	from := min(offset, n) // before the limit is added, or the sum could overflow
	for _, e := range trail.Events[from:min(from+limit, n)] {
		out.Data = append(out.Data, newAdminAuditEvent(e))
	}
	return out
}
