// Package outbox keeps SMS instead of sending them, for development.
package outbox

import (
	"context"
	"errors"
	"regexp"
	"sync"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// Message is an SMS as it would have arrived.
type Message struct {
	PhoneNumber string    `json:"phone_number"`
	Text        string    `json:"text"`
	Code        string    `json:"code"`
	SentAt      time.Time `json:"sent_at"`
}

// kept is how many messages an outbox holds; the oldest is dropped first.
const kept = 500

// ErrDown is returned by Send while the outbox simulates a failing network.
var ErrDown = errors.New("outbox: sending is switched off")

// Outbox is a [tx.Sender]. It is safe for concurrent use.
type Outbox struct {
	now func() time.Time

	mu       sync.Mutex
	messages []Message
	down     bool
}

// New returns an empty outbox.
func New(now func() time.Time) *Outbox { return &Outbox{now: now} }

// bound finds the code in the last line of a message, where browsers find it too.
var bound = regexp.MustCompile(`(?m)^@\S+ #(\S+)$`)

// Send keeps a message.
func (o *Outbox) Send(_ context.Context, m tx.Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.down {
		return ErrDown
	}
	message := Message{PhoneNumber: m.To.E164(), Text: m.Body.Reveal(), SentAt: o.now().UTC()}
	if found := bound.FindStringSubmatch(message.Text); found != nil {
		message.Code = found[1]
	}
	o.messages = append(o.messages, message)
	if over := len(o.messages) - kept; over > 0 {
		o.messages = append([]Message(nil), o.messages[over:]...)
	}
	return nil
}

// Fail makes every send fail until [Outbox.Recover].
func (o *Outbox) Fail() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.down = true
}

// Recover undoes [Outbox.Fail].
func (o *Outbox) Recover() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.down = false
}

// Messages returns the messages to a number, or all for "", oldest first.
func (o *Outbox) Messages(to string) []Message {
	o.mu.Lock()
	defer o.mu.Unlock()
	found := []Message{}
	for _, m := range o.messages {
		if to == "" || m.PhoneNumber == to {
			found = append(found, m)
		}
	}
	return found
}
