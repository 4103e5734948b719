package domain_test

import (
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
)

// banned reports whether the user is banned.
func (p *person) banned() bool {
	p.Helper()
	u, err := p.Admin.User(p.Context(), p.id)
	p.Must(err)
	return u.Banned
}

// crowd returns users and their ids.
func (w *world) crowd(n int) (people []*person, ids []string) {
	w.Helper()
	for range n {
		p := w.newcomer()
		people, ids = append(people, p), append(ids, p.id)
	}
	return people, ids
}

// TestUsersAreBannedTogether: every user of the list is banned or let in once, in the order of the
// list, and sessions end. Up to 16 users are one read and one commit, more are one read before.
func TestUsersAreBannedTogether(t *testing.T) {
	for n, want := range map[int][2]int{2: {1, 1}, 16: {1, 1}, 32: {3, 2}} {
		w := newWorld(t)
		people, ids := w.crowd(n)
		people[0].signInWithTicket()
		_, err := w.Engine.Settings(t.Context()) // a warm process
		w.Must(err)
		w.counts.Reset()
		got, err := w.Admin.BanAll(t.Context(), append(ids, ids[0]))
		w.Must(err)
		if c := w.counts.Counts(); c.Gets != want[0] || c.Commits != want[1] {
			t.Errorf("%d users: %d reads and %d commits, want %v", n, c.Gets, c.Commits, want)
		}
		if len(got) != n {
			t.Fatalf("%d users are answered, want %d", len(got), n)
		}
		for i, p := range people {
			if got[i].WireID() != p.id || !p.banned() {
				t.Errorf("user %d of %d is not banned or not in its place", i, n)
			}
		}
		if people[0].alive() {
			t.Error("a session of a banned user lives on")
		}
		if told := w.happened(eventtype.UserBanned); told != n {
			t.Errorf("%d events of %d users", told, n)
		}
		_, err = w.Admin.UnbanAll(t.Context(), ids)
		w.Must(err)
		if people[n-1].banned() {
			t.Error("a user is still banned")
		}
	}
}

// TestAnUnknownUserBansNobody: a list with an id that does not exist changes no user, wherever it
// stands.
func TestAnUnknownUserBansNobody(t *testing.T) {
	w := newWorld(t)
	people, ids := w.crowd(30)
	gone := w.newcomer()
	w.Must(w.Admin.DeleteUser(t.Context(), gone.id))
	for name, id := range map[string]string{
		"unknown": "user_" + strings.Repeat("a", account.IDLen), "malformed": "user_1", "of a session": "sess_1", "empty": "", "deleted": gone.id,
	} {
		_, err := w.Admin.BanAll(t.Context(), append(ids, id))
		w.want(apierr.ResourceNotFound, err)
		if people[0].banned() {
			t.Fatalf("an id that is %s: a user is banned", name)
		}
	}
}

// TestBansAtOnce: lists that share users do not lose a ban.
func TestBansAtOnce(t *testing.T) {
	w := newWorld(t)
	people, ids := w.crowd(4)
	answers := race(4, func(i int) error {
		_, err := w.Admin.BanAll(t.Context(), []string{ids[i], ids[(i+1)%4]})
		return err
	})
	if answers[""] != 4 {
		t.Fatalf("answers %v, want 4 successes", answers)
	}
	for i, p := range people {
		if !p.banned() {
			t.Errorf("user %d is not banned", i)
		}
	}
}

// TestFullAuditLogsAreBannedTogether: users whose audit logs fill pages at the same time fit into
// the commits, also once pages are overwritten. Twenty-five such users had 101 parts.
func TestFullAuditLogsAreBannedTogether(t *testing.T) {
	w := newWorld(t)
	_, ids := w.crowd(25)
	for round := range account.PagesKept*account.PageEntries/2 + account.KeptEntries {
		_, err := w.Admin.BanAll(t.Context(), ids)
		if err == nil {
			_, err = w.Admin.UnbanAll(t.Context(), ids)
		}
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
}
