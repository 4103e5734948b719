package domain_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/profile"
)

// rename changes the username of the person in the person's session.
func (p *person) rename(name string) error {
	_, err := p.Profile.ChangeProfile(p.Context(), p.browser, profile.Change{Username: &name})
	return err
}

// record returns the person's user.
func (p *person) record() *account.User {
	p.Helper()
	u, err := p.Admin.User(p.Context(), p.id)
	p.Must(err)
	return u
}

// TestAUserChangesTheProfile: names and metadata change with a session, however old; an equal
// profile writes nothing.
func TestAUserChangesTheProfile(t *testing.T) {
	p := newWorld(t).newcomer()
	p.signInWithTicket()
	p.Advance(time.Hour)
	in := profile.Change{FirstName: new("Ann"), LastName: new("Lee"), Unsafe: json.RawMessage(`{"theme":"dark"}`)}
	before := p.record().UpdatedAt
	r, err := p.Profile.ChangeProfile(t.Context(), p.browser, in)
	p.Must(err)
	if u := p.record(); u.FirstName != "Ann" || u.LastName != "Lee" || string(u.Unsafe) != `{"theme":"dark"}` || u.UpdatedAt <= before || r.User.FirstName != "Ann" {
		t.Errorf("the user is %+v", u)
	}
	if acts := p.acts(); acts[len(acts)-1] != "user.updated×1" {
		t.Errorf("the audit log has %v", acts)
	}
	p.counts.Reset()
	_, err = p.Profile.ChangeProfile(t.Context(), p.browser, in)
	p.Must(err)
	if n := p.counts.Counts().Commits; n != 0 {
		t.Errorf("an equal profile is written with %d commits", n)
	}
	_, err = p.Profile.ChangeProfile(t.Context(), p.browser, profile.Change{LastName: new("")})
	p.Must(err)
	if u := p.record(); u.LastName != "" || u.FirstName != "Ann" {
		t.Errorf("an empty name is %+v", u)
	}
	_, err = p.Profile.ChangeProfile(t.Context(), p.browser, profile.Change{FirstName: new(strings.Repeat("x", account.NameLength+1))})
	p.want(apierr.FormParamMaxLengthExceeded, err)
	_, err = p.Profile.ChangeProfile(t.Context(), p.browser, profile.Change{Unsafe: json.RawMessage(`{"a":"` + strings.Repeat("x", account.MetadataBytes) + `"}`)})
	p.want(apierr.FormParamExceedsAllowedSize, err)
}

// TestAUserMergesMetadata: a merge keeps the other keys and touches no other metadata.
func TestAUserMergesMetadata(t *testing.T) {
	p := newWorld(t).newcomer()
	_, err := p.Admin.UpdateUser(t.Context(), p.id, admin.UserChange{Public: json.RawMessage(`{"role":"admin"}`), Unsafe: json.RawMessage(`{"a":{"b":1,"c":2},"d":3}`)})
	p.Must(err)
	p.signInWithTicket()
	_, err = p.Profile.MergeMetadata(t.Context(), p.browser, json.RawMessage(`{"a":{"b":null},"e":4}`))
	p.Must(err)
	if u := p.record(); string(u.Unsafe) != `{"a":{"c":2},"d":3,"e":4}` || string(u.Public) != `{"role":"admin"}` {
		t.Errorf("the metadata is %s and %s", u.Unsafe, u.Public)
	}
	_, err = p.Profile.MergeMetadata(t.Context(), p.browser, nil)
	p.want(apierr.FormParamMissing, err)
	_, err = p.Profile.MergeMetadata(t.Context(), p.browser, json.RawMessage(`{"x":"`+strings.Repeat("x", account.MetadataBytes)+`"}`))
	p.want(apierr.FormParamExceedsAllowedSize, err)
	if u := p.record(); string(u.Unsafe) != `{"a":{"c":2},"d":3,"e":4}` {
		t.Errorf("a refused merge left %s", u.Unsafe)
	}
}

// TestANewUsernameNeedsARecentProof: a username is an identifier, so a change needs a step-up and
// is told to the owner. The old name is free, the new one is taken.
func TestANewUsernameNeedsARecentProof(t *testing.T) {
	w := newWorld(t)
	p, other := w.newcomer(), w.newcomer()
	p.signInWithTicket()
	other.signInWithTicket()
	p.Must(p.rename("Ann"))
	p.Advance(11 * time.Minute)
	p.want(apierr.SessionReverificationRequired, p.rename("lee"))
	p.Must(p.rename("Ann")) // the same name is no change
	p.prove()
	other.prove()
	p.want(apierr.FormIdentifierExists, other.rename("ANN"))
	p.Must(p.rename("lee"))
	p.Must(other.rename("ann"))
	if acts := p.acts(); !slices.Contains(acts, "username.changed×2") || !eventtype.UsernameSet.Kind().Notify {
		t.Errorf("the owner is not told: %v", acts)
	}
	for name, code := range map[string]apierr.Code{"a@b.c": apierr.FormUsernameInvalidCharacter, "12345": apierr.FormUsernameNeedsNonNumberChar, strings.Repeat("x", 65): apierr.FormUsernameInvalidLength} {
		p.want(code, p.rename(name))
	}
}

// TestTheLastIdentifierStays: a user without any other identifier keeps the username.
func TestTheLastIdentifierStays(t *testing.T) {
	w := newWorld(t)
	u, err := w.Admin.CreateUser(t.Context(), admin.UserInput{Username: "ann", Password: secret.New("correct horse")})
	w.Must(err)
	p := &person{world: w, id: u.WireID()}
	p.signInWithTicket()
	p.want(apierr.LastRequiredIdentificationDeletionFailed, p.rename(""))
	if p.record().Username != "ann" {
		t.Error("the username is gone")
	}
	q := w.newcomer() // has an e-mail address
	q.signInWithTicket()
	q.Must(q.rename("lee"))
	q.Must(q.rename(""))
}

// TestOneUserGetsAUsername: of users that want a username at once, one gets it.
func TestOneUserGetsAUsername(t *testing.T) {
	w := newWorld(t)
	var people [8]*person
	for i := range people {
		people[i] = w.newcomer()
		people[i].signInWithTicket()
	}
	var got [len(people)]error
	var all sync.WaitGroup
	for i, p := range people {
		all.Go(func() { got[i] = p.rename("wanted") })
	}
	all.Wait()
	holders := 0
	for i, p := range people {
		if got[i] == nil {
			holders++
		} else {
			w.want(apierr.FormIdentifierExists, got[i])
		}
		if has := p.record().Username == "wanted"; has != (got[i] == nil) {
			t.Errorf("user %d has the name %v, and its answer was %v", i, has, got[i])
		}
	}
	if holders != 1 {
		t.Errorf("%d users got the name", holders)
	}
}

// TestProbingUsernamesIsLimited: an address finds out of ten usernames in ten minutes whether they
// are taken.
func TestProbingUsernamesIsLimited(t *testing.T) {
	w := newWorld(t)
	_, err := w.Settings.Change(t.Context(), func(s *account.Settings) { s.IPLimits = true })
	w.Must(err)
	holder, p := w.newcomer(), w.newcomer()
	holder.signInWithTicket()
	holder.Must(holder.rename("taken"))
	p.browser.Address = aNetwork
	p.signInWithTicket()
	for range 10 {
		p.want(apierr.FormIdentifierExists, p.rename("taken"))
	}
	p.want(apierr.TooManyRequests, p.rename("taken"))
	p.want(apierr.TooManyRequests, p.rename("free"))
}

// TestARefusedUsernameKeepsTheOldOne: a user whose new username is taken still holds the old one,
// and the rest of the request changes nothing.
func TestARefusedUsernameKeepsTheOldOne(t *testing.T) {
	w := newWorld(t)
	holder, p, other := w.newcomer(), w.newcomer(), w.newcomer()
	for _, user := range []*person{holder, p, other} {
		user.signInWithTicket()
	}
	holder.Must(holder.rename("taken"))
	p.Must(p.rename("ann"))
	taken, name := "taken", "Ann"
	_, err := p.Profile.ChangeProfile(t.Context(), p.browser, profile.Change{Username: &taken, FirstName: &name})
	p.want(apierr.FormIdentifierExists, err)
	if u := p.record(); u.Username != "ann" || u.FirstName == name {
		t.Errorf("a refused change left %q, %q", u.Username, u.FirstName)
	}
	other.want(apierr.FormIdentifierExists, other.rename("ann"))
}

// TestEveryProbeOfAUsernameCounts: a request that is wrong in another field looks a username up,
// too.
func TestEveryProbeOfAUsernameCounts(t *testing.T) {
	w := newWorld(t)
	_, err := w.Settings.Change(t.Context(), func(s *account.Settings) { s.IPLimits = true })
	w.Must(err)
	p := w.newcomer()
	p.browser.Address = aNetwork
	p.signInWithTicket()
	name, long := "free", strings.Repeat("x", account.NameLength+1)
	probe := func() error {
		_, err := p.Profile.ChangeProfile(t.Context(), p.browser, profile.Change{Username: &name, FirstName: &long})
		return err
	}
	for range 10 {
		p.want(apierr.FormParamMaxLengthExceeded, probe())
	}
	p.want(apierr.TooManyRequests, probe())
}

// TestAPrimaryNumberIsVerified: a primary number is a verified one of the user.
func TestAPrimaryNumberIsVerified(t *testing.T) {
	p := newWorld(t).newcomer()
	p.signInWithTicket()
	verified, code := p.add(aNumber, false)
	_, err := p.MFA.AttemptPhone(t.Context(), p.browser, verified, mfa.Proof{Code: secret.New(code)})
	p.Must(err)
	p.Advance(time.Minute)
	unverified, _ := p.add("+12125550177", false)
	primary := func(id string) error {
		_, err := p.Profile.ChangeProfile(t.Context(), p.browser, profile.Change{PrimaryPhone: &id})
		return err
	}
	p.Must(primary(verified))
	if ph := p.record().Phone(verified); !ph.Primary {
		t.Error("the number is not primary")
	}
	for _, id := range []string{unverified, "idn_unknown"} {
		p.want(apierr.FormParamValueInvalid, primary(id))
	}
	p.Advance(time.Hour)
	p.want(apierr.SessionReverificationRequired, primary(""))
}

// TestAPendingSessionChangesNoProfile: a session that must enrol a second factor changes nothing
// else.
func TestAPendingSessionChangesNoProfile(t *testing.T) {
	w := newWorld(t)
	_, err := w.Settings.Change(t.Context(), func(s *account.Settings) { s.MFARequired, s.DeleteSelf = true, true })
	w.Must(err)
	p := w.newcomer()
	p.signInWithTicket()
	for name, do := range map[string]func() error{
		"profile": func() error { return p.rename("ann") },
		"metadata": func() error {
			_, err := p.Profile.MergeMetadata(t.Context(), p.browser, json.RawMessage(`{"a":1}`))
			return err
		},
		"password": func() error { return p.newPassword("", "another horse", false) },
		"removal":  func() error { _, err := p.MFA.RemovePassword(t.Context(), p.browser, secret.Value{}); return err },
		"deletion": func() error { _, err := p.Profile.Delete(t.Context(), p.browser); return err },
	} {
		if got := apierr.From(do()).Code(); got != apierr.AuthorizationInvalid {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestAUserDeletesTheAccount: the deletion needs the setting and a recent proof of the strongest
// factor. It ends the user's sessions everywhere and frees the identifiers.
func TestAUserDeletesTheAccount(t *testing.T) {
	w := newWorld(t)
	p := w.member()
	p.inside()
	p.prove()
	_, err := p.Profile.Delete(t.Context(), p.browser)
	p.want(apierr.UserDeleteSelfNotEnabled, err)
	_, err = w.Settings.Change(t.Context(), func(s *account.Settings) { s.DeleteSelf = true })
	w.Must(err)
	if !p.record().DeleteSelf {
		t.Error("the user does not say that the account may be deleted")
	}
	waiting := p.stranger() // a sign-in that waits for the second factor
	waiting.signInWithTicket()
	p.Advance(11 * time.Minute)
	p.prove() // the first factor is not the strongest
	_, err = p.Profile.Delete(t.Context(), p.browser)
	p.want(apierr.SessionReverificationRequired, err)
	p.signOut()
	p.inside()
	r, err := p.Profile.Delete(t.Context(), p.browser)
	p.Must(err)
	if r.ID != p.id || len(r.Snapshot.Client.Sessions) != 0 || len(r.Snapshot.Tokens) != 0 {
		t.Errorf("the answer still has a session: %+v", r.Snapshot.Client)
	}
	_, err = w.Admin.User(t.Context(), p.id)
	w.want(apierr.ResourceNotFound, err)
	if p.alive() {
		t.Error("the session lives")
	}
	if err := waiting.secondFactor(account.TOTPCode, p.totpCode()); err == nil {
		t.Error("a sign-in of the deleted user went on")
	}
	_, err = w.Admin.CreateUser(t.Context(), admin.UserInput{Phones: []string{aNumber}})
	w.Must(err)
	found, err := w.Audit.Events(t.Context(), audit.EventQuery{Limit: 10})
	w.Must(err)
	if i := slices.IndexFunc(found.Events, func(e account.Event) bool { return e.Name == eventtype.UserDeleted }); i < 0 || found.Events[i].By != account.ByUser {
		t.Errorf("the events are %+v", found.Events)
	}
}

// TestAUserWithManySessionsDeletesTheAccount: a deletion of more records than one commit holds is
// finished, too.
func TestAUserWithManySessionsDeletesTheAccount(t *testing.T) {
	w := newWorld(t)
	_, err := w.Settings.Change(t.Context(), func(s *account.Settings) { s.DeleteSelf = true })
	w.Must(err)
	p := w.newcomer()
	for range 90 {
		other := p.stranger()
		other.signInWithTicket()
	}
	p.signInWithTicket()
	_, err = p.Profile.Delete(t.Context(), p.browser)
	p.Must(err)
	for _, r := range w.records() {
		if fmt.Sprint("user_", r.Key.ID) == p.id {
			t.Errorf("%v is left", r.Key)
		}
	}
}

// TestNamesThatMislead: a name holds no character that makes a page or a log show something else.
func TestNamesThatMislead(t *testing.T) {
	for name, tc := range map[string]struct {
		name string
		ok   bool
	}{
		"letters": {"Zoë O’Brien-García", true}, "a joiner of Persian": {"می\u200cنا", true}, "a bell": {"a\ab", false}, "a line end": {"a\nb", false},
		"a line separator": {"a\u2028b", false}, "a right-to-left override": {"a\u202eb", false}, "an isolate": {"a\u2066b", false}, "a zero-width space": {"\u200b", false},
		"a heart with a variation selector": {"Ann \u2764\ufe0f", true}, "a Hangul filler": {"\u3164", false}, "a combining grapheme joiner": {"a\u034fb", false}, "a joiner alone": {"\u200d", false},
	} {
		w := newWorld(t)
		u, err := w.Admin.CreateUser(t.Context(), admin.UserInput{Username: "ann", LastName: tc.name})
		if tc.ok && (err != nil || strings.Contains(u.LastName, "\ufe0f")) {
			t.Errorf("%s: %v", name, err)
		}
		if !tc.ok {
			w.want(apierr.FormParamFormatInvalid, err)
		}
	}
}
