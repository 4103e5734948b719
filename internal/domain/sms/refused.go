package sms

import (
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// codesOf returns the codes of a message in a record: among those of a user's numbers, or of a
// client's sign-in and step-ups.
func codesOf(message string, e account.Entity) []*account.Code {
	var out []*account.Code
	add := func(codes ...*account.Code) {
		for _, c := range codes {
			if c != nil && c.SMS == message {
				out = append(out, c)
			}
		}
	}
	switch e := e.(type) {
	case *account.User:
		for i := range e.Phones {
			add(e.Phones[i].Pending, e.Phones[i].Backend)
		}
	case *account.Client:
		if e.SignIn != nil {
			add(e.SignIn.First.Code, e.SignIn.First.Waiting, e.SignIn.Second.Code, e.SignIn.Second.Waiting)
		}
		for i := range e.Sessions {
			if step := e.Sessions[i].Verify; step != nil {
				add(step.First.Code, step.First.Waiting, step.Second.Code, step.Second.Waiting)
			}
		}
	}
	return out
}

// AcceptedAt returns when the network last accepted a message with the code, or 0.
func AcceptedAt(c *account.Code) account.Instant {
	if c.Refused {
		return c.AcceptedBefore
	}
	return c.SentAt
}

// recordsOf returns the keys of the records of a commit that hold a code of a message.
func recordsOf(t *tx.Tx, message string) []store.Key {
	var out []store.Key
	for k, e := range t.Seen {
		if len(codesOf(message, e)) > 0 {
			out = append(out, k)
		}
	}
	return out
}

// markRefused records that the network refused a message, on the codes that it had.
func markRefused(t *tx.Tx, keys []store.Key, message string) {
	for _, k := range keys {
		for _, c := range codesOf(message, t.Seen[k]) {
			c.Refused = true
			t.Put(t.Seen[k])
		}
	}
}
