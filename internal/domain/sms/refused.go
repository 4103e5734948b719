package sms

import (
	"slices"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// codesIn returns the codes that a record holds: those of a user's numbers, or of a client's
// sign-in and step-ups. Some are nil.
func codesIn(e account.Entity) []*account.Code {
	var out []*account.Code
	add := func(attempts ...account.Attempt) {
		for _, a := range attempts {
			out = append(out, a.Code, a.Waiting)
		}
	}
	switch e := e.(type) {
	case *account.User:
		for i := range e.Phones {
			out = append(out, e.Phones[i].Pending, e.Phones[i].Backend)
		}
	case *account.Client:
		if e.SignIn != nil {
			add(e.SignIn.First, e.SignIn.Second)
		}
		for i := range e.Sessions {
			if step := e.Sessions[i].Verify; step != nil {
				add(step.First, step.Second)
			}
		}
	}
	return out
}

// LeftAt returns when the last message with a code left that the network accepted, or 0.
func LeftAt(c *account.Code) account.Instant {
	if c.Refused {
		return c.Before
	}
	return c.SentAt
}

func isCodeOfMessage(id string) func(*account.Code) bool {
	return func(c *account.Code) bool { return c != nil && c.SMS == id }
}

// holders returns the keys of the records of a commit that hold the code of a message.
func holders(t *tx.Tx, message string) []store.Key {
	var out []store.Key
	for k, e := range t.Seen {
		if slices.ContainsFunc(codesIn(e), isCodeOfMessage(message)) {
			out = append(out, k)
		}
	}
	return out
}

// markRefused records that the network refused a message, on the codes that it had.
func markRefused(t *tx.Tx, keys []store.Key, message string) {
	for _, k := range keys {
		for _, c := range codesIn(t.Seen[k]) {
			if isCodeOfMessage(message)(c) {
				c.Refused = true
				t.Put(t.Seen[k])
			}
		}
	}
}
