package sms

import (
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
)

// sentKept is how many messages a number's record names. With more, a busy number's record would
// grow beyond a kilobyte, the unit by which DynamoDB bills writes.
const sentKept = 3

// AddSent adds a message that is handed to the network to its number's record.
func AddSent(n *account.NumberRecord, m account.SentSMS) {
	n.Sent = append(n.Sent, m)
	n.Sent = n.Sent[max(0, len(n.Sent)-sentKept):]
}

// removeSent removes a message that the network refused.
func removeSent(n *account.NumberRecord, id string) {
	n.Sent = slices.DeleteFunc(n.Sent, func(m account.SentSMS) bool { return m.SMS == id })
}

// The network accepts a message within a request after the decision. Clocks differ a little.
const (
	acceptedWithin = account.ResendAfter
	clocksDiffer   = 2 * time.Second
)

// sentAt returns the id of the message that the network accepted at a time, or "". It is the
// message whose decision is nearest to that time.
func sentAt(n *account.NumberRecord, at account.Instant) string {
	id, nearest := "", acceptedWithin+1
	for _, m := range n.Sent {
		since := at.Sub(m.At)
		if since < -clocksDiffer || since.Abs() >= nearest {
			continue
		}
		id, nearest = m.SMS, since.Abs()
	}
	return id
}
