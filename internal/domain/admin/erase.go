package admin

import (
	"context"
	"fmt"
	"slices"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/identifier"
	"github.com/countersign-mfa/countersign/internal/domain/passkeys"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Limits of one step of a deletion. A store takes 100 parts and 4 MB in a commit. The rest is for
// the user's own record and the event.
const (
	erasedAtOnce = 55
	erasedBytes  = 2 << 20
)

// DeleteUser removes a user with all factors, frees the identifiers, and removes the user's
// sessions from their clients.
//
// A user may have more records than one commit can hold, so the deletion has steps. The first step
// makes the user unusable: it removes the factors and the profile, marks the record, and emits the
// event. From then on every read answers that there is no such user. The record itself goes last. A
// second call, or the cleanup a day later, finishes an interrupted deletion.
//
// Records that the user's record does not name stay until the cleanup finds them expired: unused
// tickets, sign-ins in progress, and ended sessions whose browser was away. They hold the random id
// and nothing else of the user. The limits per number also stay until they expire, under a keyed
// hash: otherwise deleting a user would reset them.
func (s *Service) DeleteUser(ctx context.Context, id string) error {
	k := store.Key{Kind: store.KindUser, ID: account.BareID(account.PrefixUser, id)}
	for {
		done := false
		err := s.Update(ctx, []store.Key{k}, func(t *tx.Tx) error {
			u, err := tx.Load[*account.User](t, k)
			if err != nil {
				return err
			}
			if u == nil {
				return apierr.New(apierr.ResourceNotFound)
			}
			t.ByBackend = true
			done, err = EraseStep(t, u)
			return err
		})
		if err != nil || done {
			return err
		}
	}
}

// EraseStep carries out one step of the deletion of a user, the first one if the deletion has not
// begun, and reports whether it was the last. See [Service.DeleteUser].
func EraseStep(t *tx.Tx, u *account.User) (done bool, err error) {
	if u.Erasing == nil {
		beginErasure(t, u)
	}
	return erase(t, u)
}

// beginErasure makes a user unusable and keeps only what leads to the user's other records. The ban
// is for processes of an older version, which do not know the mark.
func beginErasure(t *tx.Tx, u *account.User) {
	pages, kept := 0, 0
	if u.Trail != nil {
		pages, kept = min(u.Trail.Pages(), account.PagesKept), len(u.Trail.KeptKeys(u.Key()))
	}
	*u = account.User{
		ID: u.ID, Version: u.Version, Policy: u.Policy, Erasing: &account.Erasure{Since: t.Now, Pages: pages, Kept: kept}, Banned: true, SessionsEndedAt: max(t.Now, u.SessionsEndedAt+1),
		Username: u.Username, ExternalID: u.ExternalID, Emails: u.Emails, Phones: slices.Clone(u.Phones), Passkeys: erasedPasskeys(u), Sessions: u.Sessions, Remembered: u.Remembered, CreatedAt: u.CreatedAt, UpdatedAt: t.Now,
	}
	for i := range u.Phones {
		p := &u.Phones[i]
		p.Verified, p.Pending, p.Backend = 0, nil, nil
	}
	delete(t.UnknownFields, u.Key()) // fields of a newer version are as personal as the others
	audit.Publish(t, account.Event{Name: eventtype.UserDeleted, User: u.WireID()})
}

// erasedPasskeys returns what leads to the claims of a user's passkeys.
func erasedPasskeys(u *account.User) []account.Passkey {
	var left []account.Passkey
	for _, p := range u.Passkeys {
		if p.Verified != 0 {
			left = append(left, account.Passkey{ID: p.ID, Credential: p.Credential, Verified: p.Verified})
		}
	}
	return left
}

// erase carries out one step: it removes as many records as fit into a commit, and reports whether
// those were all.
func erase(t *tx.Tx, u *account.User) (done bool, err error) {
	work := append(erasedClients(u), claimsOf(t, u)...)
	for n := u.Erasing.Pages - 1; n >= 0; n-- {
		work = append(work, account.PageKey(u.Key(), n))
	}
	for n := u.Erasing.Kept - 1; n >= 0; n-- {
		work = append(work, account.KeptKey(u.Key(), n))
	}
	now := work[:min(len(work), erasedAtOnce)]
	if err := t.Read(now...); err != nil {
		return false, err
	}
	room := erasedBytes
	for i, k := range now {
		size, err := size(t, k)
		if err != nil {
			return false, err
		}
		if room -= size; room < 0 && i > 0 {
			now = now[:i]
			break
		}
		if err := eraseOne(t, u, k); err != nil {
			return false, err
		}
	}
	if len(now) == len(work) {
		t.Delete(u)
		return true, nil
	}
	removeErased(t, u, now)
	t.Put(u)
	return false, nil
}

// size returns about how many bytes a record adds to a commit.
func size(t *tx.Tx, k store.Key) (int, error) {
	e := t.Seen[k]
	if e == nil || e.StoredVersion() == 0 {
		return 0, nil
	}
	data, err := t.Engine.Encode(e, t.UnknownFields[k])
	if err != nil {
		return 0, fmt.Errorf("measure: %w", err)
	}
	return len(data), nil
}

// eraseOne removes the user from one record.
func eraseOne(t *tx.Tx, u *account.User, k store.Key) error {
	switch k.Kind {
	case store.KindClient:
		return eraseClient(t, u, k.ID)
	case store.KindClaim: // another user may have verified a number that this one only added
		return t.ReleaseKey(k, u)
	}
	page, err := tx.Load[*account.AuditPage](t, k)
	if err == nil && page != nil {
		t.Delete(page)
	}
	return err
}

// removeErased removes from the user's record the names of records that are done.
func removeErased(t *tx.Tx, u *account.User, done []store.Key) {
	is := func(k store.Key) bool { return slices.Contains(done, k) }
	u.Sessions = slices.DeleteFunc(slices.Clone(u.Sessions), func(r account.SessionRef) bool { return is(store.Key{Kind: store.KindClient, ID: r.Client}) })
	u.Remembered = slices.DeleteFunc(slices.Clone(u.Remembered), func(d account.RememberedDevice) bool { return is(store.Key{Kind: store.KindClient, ID: d.Client}) })
	// An identifier stays until the last of its claims is done: the next step finds them by it.
	released := func(kind identifier.Kind, text string) bool {
		keys := t.Engine.ClaimKeys(kind, text)
		return len(keys) > 0 && is(keys[len(keys)-1])
	}
	u.Emails = slices.DeleteFunc(slices.Clone(u.Emails), func(e account.Email) bool { return released(identifier.Email, e.Address) })
	u.Phones = slices.DeleteFunc(u.Phones, func(p account.Phone) bool { return released(identifier.Phone, p.Number) })
	u.Passkeys = slices.DeleteFunc(u.Passkeys, func(p account.Passkey) bool { return released(identifier.Credential, passkeys.CredentialText(&p)) })
	if released(identifier.Username, u.Username) {
		u.Username = ""
	}
	if released(identifier.ExternalID, u.ExternalID) {
		u.ExternalID = ""
	}
	for u.Erasing.Pages > 0 && is(account.PageKey(u.Key(), u.Erasing.Pages-1)) {
		u.Erasing.Pages--
	}
	for u.Erasing.Kept > 0 && is(account.KeptKey(u.Key(), u.Erasing.Kept-1)) {
		u.Erasing.Kept--
	}
}

// erasedClients returns the clients of the user's sessions and remembered devices, each once.
func erasedClients(u *account.User) []store.Key {
	var keys []store.Key
	add := func(client string) {
		if k := (store.Key{Kind: store.KindClient, ID: client}); !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	for _, ref := range u.Sessions {
		add(ref.Client)
	}
	for _, d := range u.Remembered {
		add(d.Client)
	}
	return keys
}

func eraseClient(t *tx.Tx, u *account.User, id string) error {
	c, err := t.Client(id)
	if err != nil || c == nil {
		return err
	}
	for _, session := range slices.Clone(c.Sessions) {
		if session.User() == u.ID {
			c.Drop(session.ID, account.SessionRemoved, t.Now)
		}
	}
	if c.SignIn != nil && c.SignIn.User == u.ID {
		c.SignIn = nil
	}
	sessions.MakeUnknown(t, c, u)
	if len(c.KnownUsers) == 0 {
		c.Agent = ""
	}
	t.Put(c)
	return nil
}
