package mfa

import (
	"context"
	"slices"
	"strings"
)

// clientsErasedAtOnce bounds a commit: a database takes a hundred records in one, and the trail alone has up to [pagesKept].
const clientsErasedAtOnce = 20

// DeleteUser removes a user with its factors, frees its identifiers, and takes it off the clients that it is signed in on. From the commit on every
// session, sign-in and ticket of the user is refused, because each needs the user's record.
//
// What that record does not name stays until it runs out and the cleanup finds it: unused tickets, sign-ins in progress, and sessions that were ended from
// elsewhere while their browser was away. They hold the random id and nothing else of the user. The limits per number stay for a day, under a keyed hash: whoever could
// reset them by deleting a user could send without limit.
func (s *Service) DeleteUser(ctx context.Context, id string) error {
	for {
		more := false
		err := s.admin(ctx, id, func(t *txn, u *User) error {
			if err := t.read(append(u.erased(), t.claimsOf(u)...)...); err != nil {
				return err
			}
			if err := t.leaveClients(u); err != nil {
				return err
			}
			if more = len(u.Sessions) > 0; more {
				u.Banned = true // nobody begins sessions faster than they are taken off
				t.put(u)
				return nil
			}
			if err := t.releaseAll(u); err != nil {
				return err
			}
			if err := t.dropTrail(u); err != nil {
				return err
			}
			t.delete(u)
			t.emit(Event{Name: EventUserDeleted, User: u.wireID()})
			return nil
		})
		if err != nil || !more {
			return err
		}
	}
}

// erased are the clients that the next commit takes a user off.
func (u *User) erased() []Key {
	var keys []Key
	for _, ref := range u.Sessions[:min(len(u.Sessions), clientsErasedAtOnce)] {
		keys = append(keys, Key{KindClient, ref.Client})
	}
	return keys
}

func (t *txn) leaveClients(u *User) error {
	keys := u.erased()
	for _, k := range keys {
		c, err := t.client(k.ID)
		if err != nil {
			return err
		}
		if c == nil {
			continue
		}
		for _, session := range slices.Clone(c.Sessions) {
			if session.User() == u.ID {
				c.drop(session.ID, SessionRemoved, t.now)
			}
		}
		if c.SignIn != nil && c.SignIn.User == u.ID {
			c.SignIn = nil
		}
		t.unlearn(c, u)
		t.put(c)
	}
	u.Sessions = u.Sessions[len(keys):]
	return nil
}

// claimsOf are the records that a user is found by.
func (t *txn) claimsOf(u *User) []Key {
	keys := []Key{t.s.claimKey("username", strings.ToLower(u.Username))}
	for _, e := range u.Emails {
		keys = append(keys, t.s.claimKey("email", e.Address))
	}
	for _, p := range u.Phones {
		keys = append(keys, t.s.claimKey("phone", p.Number))
	}
	return keys
}

// releaseAll gives them up. Another user may have verified a number that this one only added.
func (t *txn) releaseAll(u *User) error {
	for _, k := range t.claimsOf(u) {
		if err := t.releaseKey(k, u); err != nil {
			return err
		}
	}
	return nil
}
