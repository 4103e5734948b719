package account

import (
	"fmt"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
)

// Decision is the SMS guard's decision on a message.
type Decision string

// The decisions.
const (
	Allowed     Decision = "allowed"
	Refused     Decision = "refused"
	WouldRefuse Decision = "would_refuse" // sent, because the SMS guard only records
)

// SMSRecord records the SMS guard's decision on one message. It is written in the commit that
// decided. Sending and verifying are counted beside it, so that neither reads it. Only the report
// that the message did not arrive, which is rare, changes it. It holds neither code nor number.
type SMSRecord struct {
	Base
	User     string          `json:"us"`
	Phone    string          `json:"p"`
	Number   string          `json:"n"` // masked
	Country  string          `json:"y,omitempty"`
	Prefix   string          `json:"-"` // the block of numbers; stored in Sealed
	Sealed   SealedText      `json:"xs,omitzero"`
	Purpose  Purpose         `json:"pu"`
	Network  string          `json:"nw,omitempty"` // /24 or /48
	Known    bool            `json:"kn,omitempty"` // from a known device: not counted as unverified
	Decision Decision        `json:"d"`
	Reason   Reason          `json:"r,omitempty"`
	Price    smsprice.Micros `json:"m,omitempty"`
	Test     bool            `json:"t,omitempty"`
	At       Instant         `json:"c"`
	// Undelivered is set when the network reports that the message did not arrive.
	Undelivered Undelivered `json:"ud,omitempty"`
}

// SMSKept is how long decisions can be listed.
const SMSKept = 30 * 24 * time.Hour

// VisitSealed implements [Sealer].
func (t *SMSRecord) VisitSealed(do sealing) error {
	if err := do("text/"+t.ID.ID+"/prefix", &t.Prefix, &t.Sealed); err != nil {
		return fmt.Errorf("prefix: %w", err)
	}
	return nil
}

// NextExpiry implements [Entity] with a whole second: records of one second are on one page of a
// list.
func (t *SMSRecord) NextExpiry() time.Time { return t.At.Time().Truncate(time.Second).Add(SMSKept) }

// EndsAt implements [Entity].
func (t *SMSRecord) EndsAt() time.Time { return t.NextExpiry() }

// WireID returns the id that clients see.
func (t *SMSRecord) WireID() string { return prefixSMS + t.ID.ID }

// UserID returns the user's wire id.
func (t *SMSRecord) UserID() string { return PrefixUser + t.User }

// Reason is why the SMS guard refused a message. Package sms has the reasons.
type Reason string

// Undelivered is why the network did not deliver a message that it had accepted. Package sms has
// the reasons.
type Undelivered string
