package lincheck

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Invariants reads every record and returns an error for each violated invariant. Invariants hold
// between any two commits, so also after a crash.
func Invariants(ctx context.Context, s store.Store, ring *seal.Ring) error {
	st := state{users: map[string]*account.User{}, clients: map[string]*account.Client{}, claims: map[string]string{}, prices: map[string]smsprice.Micros{}, ring: ring}
	if err := st.read(ctx, s); err != nil {
		return err
	}
	st.identifiers()
	for id, u := range st.users {
		st.factors(id, u)
		st.counters(id, u)
		st.sessionsOf(id, u)
	}
	for id, c := range st.clients {
		st.client(id, c)
	}
	if err := st.money(ctx, s); err != nil {
		return err
	}
	return errors.Join(st.wrong...)
}

// money checks that the price of every sent message was reserved.
func (st *state) money(ctx context.Context, s store.Store) error {
	days := slices.Sorted(maps.Keys(st.prices))
	if len(days) == 0 {
		return nil
	}
	for _, day := range days {
		parts, err := s.Sums(ctx, tx.PartsOf(day)...)
		if err != nil {
			return fmt.Errorf("read sums: %w", err)
		}
		sum := int64(0)
		for _, n := range parts {
			sum += n
		}
		// A sum of 0 is that of a past day, whose counter has expired.
		if sum != 0 && sum < int64(st.prices[day]) {
			st.complain("messages for %d were sent, and %d were reserved", st.prices[day], sum)
		}
	}
	return nil
}

// state holds all records.
type state struct {
	users   map[string]*account.User
	clients map[string]*account.Client
	claims  map[string]string          // from the claim's id to the user
	prices  map[string]smsprice.Micros // of the sent messages, by counter of the day
	ring    *seal.Ring
	wrong   []error
}

func (st *state) complain(format string, args ...any) {
	st.wrong = append(st.wrong, fmt.Errorf(format, args...))
}

func (st *state) read(ctx context.Context, s store.Store) error {
	for _, kind := range []store.Kind{store.KindUser, store.KindClient, store.KindClaim, store.KindTicket, store.KindSMS} {
		for after := store.Position(""); ; {
			records, next, err := s.List(ctx, kind, after, 500)
			if err != nil {
				return fmt.Errorf("list: %w", err)
			}
			for _, r := range records {
				if err := st.add(r); err != nil {
					return fmt.Errorf("decode a %s: %w", kind, err)
				}
			}
			if after = next; after == "" {
				break
			}
		}
	}
	return nil
}

func (st *state) add(r store.Record) error {
	switch r.Key.Kind {
	case store.KindUser:
		u := &account.User{}
		st.users[r.Key.ID] = u
		err := json.Unmarshal(r.Data, u)
		st.net(r, earliest(u))
		return errors.Join(err, st.numbers(r, u))
	case store.KindClient:
		c := &account.Client{}
		st.clients[r.Key.ID] = c
		err := json.Unmarshal(r.Data, c)
		st.net(r, c.Expires.Time())
		return err
	case store.KindClaim:
		c := &account.Claim{}
		err := json.Unmarshal(r.Data, c)
		st.claims[r.Key.ID] = c.User
		return err
	case store.KindSMS:
		t := &account.SMSRecord{}
		err := json.Unmarshal(r.Data, t)
		st.prices[sms.SpendCounter(t.At)] += t.Price
		if t.Decision == account.Refused && t.Price != 0 {
			st.complain("a message that was refused has a price")
		}
		return err
	case store.KindTicket:
		t := &account.Ticket{}
		err := json.Unmarshal(r.Data, t)
		if t.Used != 0 && t.Revoked != 0 {
			st.complain("a ticket was both used and revoked")
		}
		st.net(r, time.Time{})
		if at := t.Expires.Time(); !r.Expires.After(at) {
			st.complain("the cleanup would find a ticket before it expires")
		}
		return err
	}
	return nil
}

// numbers opens the sealed phone numbers of a user.
func (st *state) numbers(r store.Record, u *account.User) error {
	var stored struct {
		Phones []struct {
			Tail   string `json:"i"`
			Plain  string `json:"n"`
			Sealed []byte `json:"s"`
		} `json:"ph"`
	}
	if err := json.Unmarshal(r.Data, &stored); err != nil {
		return err
	}
	for i, p := range stored.Phones {
		u.Phones[i].Number = p.Plain
		if p.Sealed == nil {
			continue
		}
		number, err := st.ring.Open("user/"+r.Key.ID+"/phone/"+p.Tail, p.Sealed)
		if err != nil {
			return fmt.Errorf("open a number: %w", err)
		}
		u.Phones[i].Number = number.Reveal()
	}
	return nil
}

// net checks that the cleanup finds a record when something in it ends; a zero end is never.
func (st *state) net(r store.Record, end time.Time) {
	if !end.IsZero() && (r.Expires.IsZero() || r.Expires.After(end)) {
		st.complain("a %s with something that ends at %v is found at %v", r.Key.Kind, end, r.Expires)
	}
}

// earliest is the time at which the first part of a user record ends.
func earliest(u *account.User) time.Time {
	var first time.Time
	see := func(at account.Instant) {
		if t := at.Time(); at != 0 && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	for _, p := range u.Phones {
		if p.Pending != nil {
			see(p.Pending.Expires)
		}
		if p.Backend != nil {
			see(p.Backend.Expires.Add(account.CleanupKept))
		}
	}
	if u.Backup != nil {
		see(u.Backup.RecentTo)
	}
	for _, s := range u.Sessions {
		see(s.Ends)
	}
	return first
}

// identifiers checks that verified numbers, addresses and usernames have their claims, and that no
// other claims exist.
func (st *state) identifiers() {
	held := map[string]string{}
	hold := func(user, kind, value string) {
		key := st.ring.Digest("claim", kind, value)
		if other, ok := held[key]; ok {
			st.complain("%s and %s both have one %s", other, user, kind)
		}
		held[key] = user
		if st.claims[key] != user {
			st.complain("the %s of %s is claimed by %q", kind, user, st.claims[key])
		}
	}
	for id, u := range st.users {
		for _, p := range u.Phones {
			if p.Verified != 0 {
				hold(id, "phone", p.Number)
			}
		}
		for _, e := range u.Emails {
			hold(id, "email", e.Address)
		}
		if u.Username != "" {
			hold(id, "username", strings.ToLower(u.Username))
		}
	}
	for key, user := range st.claims {
		// A claim without a user only counts guesses at an unknown identifier.
		if user != "" && held[key] != user {
			st.complain("%s claims what it does not have", user)
		}
	}
}

func (st *state) factors(id string, u *account.User) {
	reserved, first := 0, 0
	for _, p := range u.Phones {
		if p.Reserved && p.Verified != 0 {
			reserved++
		}
		if p.Default {
			first++
			if !p.Reserved || p.Verified == 0 {
				st.complain("the default of %s is no second factor", id)
			}
		}
	}
	if first != min(reserved, 1) {
		st.complain("%s has %d numbers as second factors, of which %d are the default", id, reserved, first)
	}
	if u.Backup != nil && !u.TwoFactorEnabled() {
		st.complain("%s has backup codes and no other factor", id)
	}
	if on := u.MFAEnabledAt > u.MFADisabledAt; on != u.TwoFactorEnabled() {
		st.complain("%s has a second factor: %t; by its times: %t", id, u.TwoFactorEnabled(), on)
	}
}

// Limits of counters, as in docs/security/guess-policy.md.
const (
	mostTries    = 5
	mostFailures = 100
	mostLogged   = 20
	mostSessions = 100
)

func (st *state) counters(id string, u *account.User) {
	bound := func(name string, n, most int) {
		if n < 0 || n > most {
			st.complain("%s: %d %s, at most %d", id, n, name, most)
		}
	}
	for _, p := range u.Phones {
		bound("failures of a number", p.Failures, mostFailures)
		if p.Pending != nil {
			bound("tries", p.Pending.Attempts, mostTries)
		}
		if p.Backend != nil {
			bound("tries by the Backend API", p.Backend.Attempts, mostTries)
		}
	}
	if u.TOTP != nil {
		bound("failures of the app", u.TOTP.Failures, mostFailures)
	}
	bound("failures in the failure log", len(u.FailureLog), mostLogged)
	bound("sessions", len(u.Sessions), mostSessions)
	if b := u.Backup; b != nil {
		bound("failures of backup codes", b.Failures, mostFailures)
		used := slices.Collect(slices.Chunk(b.Used, seal.TagSize))
		for tag := range slices.Chunk(b.Tags, seal.TagSize) {
			if slices.ContainsFunc(used, func(t []byte) bool { return string(t) == string(tag) }) {
				st.complain("a backup code of %s is both used and unused", id)
			}
		}
	}
}

// sessionsOf checks that the sessions in a user's list exist.
func (st *state) sessionsOf(id string, u *account.User) {
	if u.Banned && len(u.Sessions) > 0 {
		st.complain("%s is banned and has %d sessions", id, len(u.Sessions))
	}
	for _, ref := range u.Sessions {
		c := st.clients[ref.Client]
		name := "sess_" + ref.Client + id + ref.Nonce
		if c == nil || !slices.ContainsFunc(c.Sessions, func(s account.Session) bool { return s.ID == name }) {
			st.complain("the list of %s names a session that its client does not have", id)
		}
	}
}

// client checks that a session is in both records, because one commit writes both. No second factor
// begins before the first is verified. A session that ended with a change of its user may stay on
// its client, where it has no effect.
func (st *state) client(id string, c *account.Client) {
	for _, s := range c.Sessions {
		u := st.users[s.User()]
		if s.FirstAt == 0 {
			st.complain("a session of %s without a first factor", s.User())
		}
		if u == nil || u.Generation > 0 {
			continue // the session may have ended with its user, password or factors
		}
		nonce := s.ID[len(s.ID)-26:]
		if !slices.ContainsFunc(u.Sessions, func(ref account.SessionRef) bool { return ref.Client == id && ref.Nonce == nonce }) && len(u.Sessions) < mostSessions {
			st.complain("a session of %s is on a client and not in the user's list", s.User())
		}
	}
	if si := c.SignIn; si != nil {
		if si.First.Proved == 0 && (si.Second.Code != nil || si.Second.Proved != 0) {
			st.complain("a sign-in asks for the second factor before the first was proved")
		}
		if si.Created != "" {
			st.complain("a sign-in that became a session is still there")
		}
		for _, code := range []*account.Code{si.First.Code, si.First.Waiting, si.Second.Code, si.Second.Waiting} {
			if code != nil && (code.Attempts < 0 || code.Attempts > mostTries) {
				st.complain("%d tries of one code", code.Attempts)
			}
		}
	}
}
