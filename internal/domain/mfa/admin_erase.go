package mfa

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// Limits of one step of an erasure. A store takes 100 parts and 4 MB in a commit. What is left is
// for the user's own record and for the event.
const (
	erasedAtOnce = 60
	erasedBytes  = 2 << 20
)

// erasure marks a user whose deletion has begun. No operation finds such a user; only the next
// step of the deletion does.
type erasure struct {
	Since Instant `json:"t"`
	Pages int     `json:"p,omitempty"` // of the trail, still to be removed
	Kept  int     `json:"k,omitempty"` // pages of kept entries, too
}

// DeleteUser removes a user with its factors, frees its identifiers, and takes it off the clients
// that it is signed in on.
//
// A user may have more records than one commit can hold, so the deletion has steps. The first one
// makes the user unusable: it drops the factors and the profile, marks the record, and emits the
// event. From then on every read answers that there is no such user. The record itself goes last.
// A deletion that was interrupted is finished by a second call, or by the cleanup a day later.
//
// What the user's record does not name stays until it runs out and the cleanup finds it: unused
// tickets, sign-ins in progress, and sessions that were ended from elsewhere while their browser
// was away. They hold the random id and nothing else of the user. The limits per number stay
// under a keyed hash until they run out: otherwise deleting a user would reset them.
func (s *Service) DeleteUser(ctx context.Context, id string) error {
	k := Key{KindUser, bareID(prefixUser, id)}
	for {
		done := false
		err := s.update(ctx, []Key{k}, func(t *txn) error {
			u, err := load[*User](t, k)
			if err != nil {
				return err
			}
			if u == nil {
				return apierr.New(apierr.ResourceNotFound)
			}
			t.byBackend = true
			if u.Erasing == nil {
				t.beginErasure(u)
			}
			done, err = t.erase(u)
			return err
		})
		if err != nil || done {
			return err
		}
	}
}

// beginErasure makes a user unusable. Only what leads to the user's other records is kept. The
// ban is for processes of an older version, which do not know the mark.
func (t *txn) beginErasure(u *User) {
	pages, kept := 0, 0
	if u.Trail != nil {
		pages, kept = min(u.Trail.pages(), pagesKept), len(u.Trail.keptKeys(u.key()))
	}
	*u = User{
		ID: u.ID, version: u.version, policy: u.policy, Erasing: &erasure{Since: t.now, Pages: pages, Kept: kept}, Banned: true, SessionsEndedAt: max(t.now, u.SessionsEndedAt+1),
		Username: u.Username, Emails: u.Emails, Phones: slices.Clone(u.Phones), Sessions: u.Sessions, CreatedAt: u.CreatedAt, UpdatedAt: t.now,
	}
	for i := range u.Phones {
		p := &u.Phones[i]
		p.Verified, p.Pending = 0, nil
	}
	delete(t.unknownFields, u.key()) // fields of a newer version are as personal as the others
	t.publish(Event{Name: EventUserDeleted, User: u.WireID()})
}

// erase is one step. It takes as much as fits into a commit and says whether that was all.
func (t *txn) erase(u *User) (done bool, err error) {
	work := append(u.erasedClients(), t.claimsOf(u)...)
	for n := u.Erasing.Pages - 1; n >= 0; n-- {
		work = append(work, pageKey(u.key(), n))
	}
	for n := u.Erasing.Kept - 1; n >= 0; n-- {
		work = append(work, keptKey(u.key(), n))
	}
	now := work[:min(len(work), erasedAtOnce)]
	if err := t.read(now...); err != nil {
		return false, err
	}
	room := erasedBytes
	for i, k := range now {
		size, err := t.size(k)
		if err != nil {
			return false, err
		}
		if room -= size; room < 0 && i > 0 {
			now = now[:i]
			break
		}
		if err := t.eraseOne(u, k); err != nil {
			return false, err
		}
	}
	if len(now) == len(work) {
		t.delete(u)
		return true, nil
	}
	t.removeErased(u, now)
	t.put(u)
	return false, nil
}

// size is about what a record adds to a commit.
func (t *txn) size(k Key) (int, error) {
	e := t.seen[k]
	if e == nil || e.storedVersion() == 0 {
		return 0, nil
	}
	data, err := t.s.encode(e, t.unknownFields[k])
	if err != nil {
		return 0, fmt.Errorf("measure: %w", err)
	}
	return len(data), nil
}

// eraseOne removes the user from one record.
func (t *txn) eraseOne(u *User, k Key) error {
	switch k.Kind {
	case KindClient:
		return t.eraseClient(u, k.ID)
	case KindClaim: // another user may have verified a number that this one only added
		return t.releaseKey(k, u)
	}
	page, err := load[*auditPage](t, k)
	if err == nil && page != nil {
		t.delete(page)
	}
	return err
}

// removeErased notes which records the next step need not look at.
func (t *txn) removeErased(u *User, done []Key) {
	is := func(k Key) bool { return slices.Contains(done, k) }
	u.Sessions = slices.DeleteFunc(slices.Clone(u.Sessions), func(r SessionRef) bool { return is(Key{KindClient, r.Client}) })
	u.Emails = slices.DeleteFunc(slices.Clone(u.Emails), func(e Email) bool { return is(t.s.claimKey("email", e.Address)) })
	u.Phones = slices.DeleteFunc(u.Phones, func(p Phone) bool { return is(t.s.claimKey("phone", p.Number)) })
	if is(t.s.claimKey("username", strings.ToLower(u.Username))) {
		u.Username = ""
	}
	for u.Erasing.Pages > 0 && is(pageKey(u.key(), u.Erasing.Pages-1)) {
		u.Erasing.Pages--
	}
	for u.Erasing.Kept > 0 && is(keptKey(u.key(), u.Erasing.Kept-1)) {
		u.Erasing.Kept--
	}
}

// erasedClients are the clients that the user's list of sessions names, each once.
func (u *User) erasedClients() []Key {
	var keys []Key
	for _, ref := range u.Sessions {
		if k := (Key{KindClient, ref.Client}); !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	return keys
}

func (t *txn) eraseClient(u *User, id string) error {
	c, err := t.client(id)
	if err != nil || c == nil {
		return err
	}
	for _, session := range slices.Clone(c.Sessions) {
		if session.User() == u.ID {
			c.drop(session.ID, SessionRemoved, t.now)
		}
	}
	if c.SignIn != nil && c.SignIn.User == u.ID {
		c.SignIn = nil
	}
	t.forgetDevice(c, u)
	t.put(c)
	return nil
}

// claimsOf are the records that a user is found by.
func (t *txn) claimsOf(u *User) []Key {
	var keys []Key
	add := func(kind, value string) {
		if k := t.s.claimKey(kind, value); k.ID != "" && !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	add("username", strings.ToLower(u.Username))
	for _, e := range u.Emails {
		add("email", e.Address)
	}
	for _, p := range u.Phones {
		add("phone", p.Number)
	}
	return keys
}
