package domain_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/directory"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/migration"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// crowded returns a user of an earlier release: 300 addresses, the most sessions, and a full audit
// log.
func crowded(t *testing.T) *person {
	t.Helper()
	w := newWorld(t)
	p := w.fullUser(60)
	for range 220 {
		_, err := w.Admin.Lock(t.Context(), p.id)
		w.Must(err)
		_, err = w.Admin.Unlock(t.Context(), p.id)
		w.Must(err)
	}
	var addresses []any
	for holder := range 30 {
		var in admin.UserInput
		for n := range 10 {
			in.Emails = append(in.Emails, fmt.Sprintf("maxine%d.%d@example.com", holder, n))
			addresses = append(addresses, map[string]any{"i": fmt.Sprint("idn_", holder, n), "a": in.Emails[n], "c": 1})
		}
		_, err := w.Admin.CreateUser(t.Context(), in)
		w.Must(err)
	}
	for _, r := range w.records() {
		switch {
		case r.Key.Kind == store.KindClaim:
			r.Data = []byte(fmt.Sprintf(`{"u":%q}`, strings.TrimPrefix(p.id, "user_")))
			w.Must(w.counts.Commit(t.Context(), []store.Write{{Record: r}}))
		case r.Key.Kind == store.KindUser && "user_"+r.Key.ID != p.id:
			w.Must(w.counts.Commit(t.Context(), []store.Write{{Record: r, Delete: true}}))
		}
	}
	p.rewrite(func(record map[string]any) { record["em"] = append(record["em"].([]any), addresses...) })
	return p
}

// copied returns the person in a world of its own with a copy of the store.
func (p *person) copied() *person {
	p.Helper()
	w := newWorld(p.TB)
	w.Advance(p.Now().Sub(w.Now()))
	for _, r := range p.records() {
		if r.Key.Kind == store.KindMigration {
			continue // records alone are copied, and the migration below makes their entries
		}
		there, err := w.counts.Get(p.Context(), r.Key)
		p.Must(err)
		r.Version = there[0].Version
		p.Must(w.counts.Commit(p.Context(), []store.Write{{Record: r}}))
	}
	done, err := w.Migrator().Migrate(p.Context(), func(directory.Progress) bool { return true })
	if err != nil || !done.Complete {
		p.Fatalf("the copied users are not listed: %+v, %v", done, err)
	}
	q := *p
	q.world = w
	return &q
}

// absent fails if an operation finds a user whose deletion has begun.
func (p *person) absent() {
	p.Helper()
	ctx := p.Context()
	for name, find := range map[string]func() error{
		"get":      func() error { _, err := p.Admin.User(ctx, p.id); return err },
		"held":     func() error { _, err := p.Admin.DataExport(ctx, p.id); return err },
		"trail":    func() error { _, err := p.Audit.UserTrail(ctx, p.id); return err },
		"sessions": func() error { _, err := p.Admin.UserSessions(ctx, p.id); return err },
		"ticket":   func() error { _, err := p.MFA.CreateTicket(ctx, p.id, 0); return err },
		"change":   func() error { _, err := p.Admin.UpdateUser(ctx, p.id, admin.UserChange{}); return err },
		"app":      func() error { _, err := p.Admin.VerifyTOTP(ctx, p.id, secret.New(p.totpCode())); return err },
		"password": func() error { return p.Admin.VerifyPassword(ctx, p.id, secret.New("correct horse")) },
		"number":   func() error { _, err := p.Admin.UserPhone(ctx, p.phone); return err },
	} {
		if err := find(); apierr.From(err).Code() != apierr.ResourceNotFound {
			p.Errorf("%s: the answer is %v, want %s", name, err, apierr.ResourceNotFound)
		}
	}
	if _, err := p.MFA.Me(ctx, p.browser); err == nil {
		p.Error("a session of the user works")
	}
	_, err := p.MFA.CreateSignIn(ctx, tx.Caller{}, mfa.SignInInput{Strategy: account.Password, Identifier: "maxine.m", Password: secret.New("correct horse")})
	p.want(apierr.FormPasswordOrIdentifierIncorrect, err)
	all, err := p.Directory.Users(ctx, directory.Query{Limit: 100})
	p.Must(err)
	total, err := p.Directory.Count(ctx, directory.Filter{})
	if err != nil || total != 0 || len(all) != 0 {
		p.Errorf("%d users are listed: %v", total, err)
	}
	p.Must(p.exported(ctx, func(migration.Export, error) error { return errors.New("the user is exported") }))
}

// gone fails if a record still names the user.
func (p *person) gone() {
	p.Helper()
	id := strings.TrimPrefix(p.id, "user_")
	for _, r := range p.records() {
		switch r.Key.Kind {
		case store.KindUser, store.KindAudit, store.KindClaim, store.KindClient:
			if strings.Contains(r.Key.ID+string(r.Data), id) {
				p.Errorf("%v still names the user", r.Key)
			}
		}
	}
	p.want(apierr.ResourceNotFound, p.Admin.DeleteUser(p.Context(), p.id))
}

// TestAUserOfAnySizeIsDeletedInSteps: from the first step on no operation finds the user, for any
// number of records and any interruption. A second call finishes the deletion.
func TestAUserOfAnySizeIsDeletedInSteps(t *testing.T) {
	if testing.Short() {
		t.Skip("it makes large users")
	}
	p := crowded(t)
	whole := p.copied()
	whole.counts.Reset()
	whole.Must(whole.Admin.DeleteUser(t.Context(), p.id))
	steps := whole.counts.Counts().Commits
	whole.gone()
	if steps < 7 || steps > 9 {
		t.Errorf("the deletion of some 430 records has %d steps", steps)
	}
	for n := 1; n <= steps; n++ {
		for name, fault := range map[string]store.Fault{"fails": store.FailCommit(n), "loses its answer": store.LoseCommit(n), "conflicts": store.ConflictCommit(n)} {
			q := p.copied()
			q.faults.Inject(fault)
			err := q.Admin.DeleteUser(t.Context(), q.id)
			if name == "conflicts" {
				q.Must(err)
				q.gone()
				continue
			}
			if err == nil {
				t.Fatalf("step %d %s, and the deletion succeeds", n, name)
			}
			stored := n - 1
			if name != "fails" {
				stored++
			}
			if _, err := q.MFA.Me(t.Context(), q.browser); stored == 0 && err != nil {
				t.Fatalf("nothing was stored, and the session has ended: %v", err)
			}
			if stored > 0 {
				q.absent()
			}
			if stored < steps {
				q.Must(q.Admin.DeleteUser(t.Context(), q.id))
			}
			q.gone()
			page, err := q.Audit.Events(t.Context(), audit.EventQuery{Limit: 100})
			q.Must(err)
			told := slices.DeleteFunc(page.Events, func(e account.Event) bool { return e.Name != eventtype.UserDeleted })
			if len(told) != 1 || told[0].User != q.id {
				t.Errorf("step %d %s: the deletion was told of %d times", n, name, len(told))
			}
		}
	}
}

// TestTheCleanupFinishesADeletion: an interrupted deletion needs no second call.
func TestTheCleanupFinishesADeletion(t *testing.T) {
	p := crowded(t)
	p.faults.Inject(store.FailCommit(3))
	if err := p.Admin.DeleteUser(t.Context(), p.id); !errors.Is(err, store.ErrUnavailable) {
		t.Fatal(err)
	}
	p.Advance(25 * time.Hour)
	for range 100 {
		_, err := p.Service.Admin.Cleanup(t.Context(), 10)
		p.Must(err)
	}
	p.gone()
}

// TestAStepOfADeletionIsBoundedInBytes: a transaction takes 4 MB.
func TestAStepOfADeletionIsBoundedInBytes(t *testing.T) {
	if testing.Short() {
		t.Skip("it makes large users")
	}
	p := newWorld(t).fullUser(30)
	for _, r := range p.records() {
		if r.Key.Kind != store.KindClient {
			continue
		}
		var o map[string]any
		p.Must(json.Unmarshal(r.Data, &o))
		o["zz"] = strings.Repeat("x", 300<<10)
		r.Data, _ = json.Marshal(o)
		p.Must(p.counts.Commit(t.Context(), []store.Write{{Record: r}}))
	}
	p.Must(p.Admin.DeleteUser(t.Context(), p.id))
	p.gone()
}

// TestAnIdentifierOfAHalfErasedUserIsFree: another user may take the identifier, and the rest of
// the deletion does not remove it from that user.
func TestAnIdentifierOfAHalfErasedUserIsFree(t *testing.T) {
	p := crowded(t)
	p.faults.Inject(store.FailCommit(2))
	if err := p.Admin.DeleteUser(t.Context(), p.id); err == nil {
		t.Fatal("the deletion was not cut off")
	}
	u, err := p.Admin.CreateUser(t.Context(), admin.UserInput{Username: "Maxine.M", Emails: []string{"maxine29.9@example.com"}, Password: secret.New("another horse")})
	p.Must(err)
	p.Must(p.Admin.DeleteUser(t.Context(), p.id))
	for _, name := range []string{"maxine.m", "maxine29.9@example.com"} {
		r, err := p.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Strategy: account.Password, Identifier: name, Password: secret.New("another horse")})
		p.Must(err)
		if r.User == nil || r.User.WireID() != u.WireID() {
			t.Errorf("%s leads to %v", name, r.User)
		}
	}
}

// TestAHalfErasedUserIsNotRestored: an import of the user fails while the old record exists, and
// the error says to try again.
func TestAHalfErasedUserIsNotRestored(t *testing.T) {
	p := crowded(t)
	var kept migration.Export
	p.Must(p.exported(t.Context(), func(u migration.Export, err error) error { kept = u; return err }))
	kept.EmailAddresses = kept.EmailAddresses[:1]
	p.faults.Inject(store.FailCommit(2))
	if err := p.Admin.DeleteUser(t.Context(), p.id); err == nil {
		t.Fatal("the deletion was not cut off")
	}
	p.want(apierr.ResourceLocked, p.Migration.ImportUser(t.Context(), kept))
	p.Must(p.Admin.DeleteUser(t.Context(), p.id))
	p.Must(p.Migration.ImportUser(t.Context(), kept))
}

// TestIdentifiersPerUserAreBounded: a user has at most ten identifiers of each kind, however they
// were added.
func TestIdentifiersPerUserAreBounded(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	many := func(n int, form string) (out []string) {
		for i := range n {
			out = append(out, fmt.Sprintf(form, i))
		}
		return out
	}
	const emails, numbers = "e%d@example.com", "+121255501%02d"
	for name, in := range map[string]admin.UserInput{
		"eleven addresses":         {Emails: many(11, emails)},
		"hundreds of addresses":    {Emails: many(400, emails)},
		"eleven numbers":           {Phones: many(11, numbers)},
		"eleven reserved numbers":  {ReservedPhones: many(11, numbers)},
		"eleven numbers of either": {Phones: many(6, numbers), ReservedPhones: many(11, numbers)[6:]},
	} {
		_, err := w.Admin.CreateUser(ctx, in)
		if apierr.From(err).Code() != apierr.FormParamArraySizeExceeded {
			t.Errorf("%s: %v", name, err)
		}
	}
	u, err := w.Admin.CreateUser(ctx, admin.UserInput{Emails: many(10, emails), Phones: many(10, numbers)})
	w.Must(err)
	p := &person{world: w, id: u.WireID()}
	_, err = w.Admin.AddUserPhone(ctx, u.WireID(), "+12125550142", admin.PhoneChange{})
	w.want(apierr.FormParamArraySizeExceeded, err)
	p.signInWithTicket()
	_, err = w.MFA.AddPhone(ctx, p.browser, mfa.PhoneInput{Number: "+12125550142"})
	w.want(apierr.FormParamArraySizeExceeded, err)
	w.Must(w.Admin.DeleteUser(ctx, u.WireID()))
}

// TestUsernames: the rules of usernames hold wherever a username is set.
func TestUsernames(t *testing.T) {
	w := newWorld(t)
	ctx := context.WithoutCancel(t.Context())
	for name, want := range map[string]apierr.Code{
		"ann": "", "A": "", "ann.b-c_d": "", "1st": "", "a!#$^`~": "", strings.Repeat("a", 64): "",
		strings.Repeat("a", 65): apierr.FormUsernameInvalidLength,
		"12125550123":           apierr.FormUsernameNeedsNonNumberChar,
		"ann@example.com":       apierr.FormUsernameInvalidCharacter, "+12125550123": apierr.FormUsernameInvalidCharacter, "a+b": apierr.FormUsernameInvalidCharacter,
		" ann": apierr.FormUsernameInvalidCharacter, "ann ": apierr.FormUsernameInvalidCharacter, "a b": apierr.FormUsernameInvalidCharacter, " ": apierr.FormUsernameInvalidCharacter,
		"ann\n": apierr.FormUsernameInvalidCharacter, "ann\r\nbcc: x": apierr.FormUsernameInvalidCharacter, "a\tb": apierr.FormUsernameInvalidCharacter,
		"ann\u2028": apierr.FormUsernameInvalidCharacter, "a\u200bb": apierr.FormUsernameInvalidCharacter, "\u202eann": apierr.FormUsernameInvalidCharacter,
		"\u0430nn": apierr.FormUsernameInvalidCharacter, "\uff41nn": apierr.FormUsernameInvalidCharacter, "a\u0308": apierr.FormUsernameInvalidCharacter,
		"\u212aate": apierr.FormUsernameInvalidCharacter, "<b>": apierr.FormUsernameInvalidCharacter, "a\x00": apierr.FormUsernameInvalidCharacter,
	} {
		wrong := func(err error) bool {
			return (want == "") != (err == nil) || err != nil && apierr.From(err).Code() != want
		}
		u, err := w.Admin.CreateUser(ctx, admin.UserInput{Username: name})
		if wrong(err) {
			t.Errorf("create %q: %v, want %q", name, err, want)
		}
		if err == nil {
			w.Must(w.Admin.DeleteUser(ctx, u.WireID()))
		}
		other, err := w.Admin.CreateUser(ctx, admin.UserInput{Username: "other"})
		w.Must(err)
		if _, err = w.Admin.UpdateUser(ctx, other.WireID(), admin.UserChange{Username: &name}); wrong(err) {
			t.Errorf("change to %q: %v, want %q", name, err, want)
		}
		var moved migration.Export
		w.Must(w.exported(ctx, func(p migration.Export, err error) error { moved = p; return err }))
		w.Must(w.Admin.DeleteUser(ctx, other.WireID()))
		moved.Username = name
		if err = w.Migration.ImportUser(ctx, moved); wrong(err) {
			t.Errorf("restore %q: %v, want %q", name, err, want)
		}
		if err == nil {
			w.Must(w.Admin.DeleteUser(ctx, other.WireID()))
		}
	}
}

// TestAUsernameFromBeforeTheRulesStays: a username that breaks the rules does not make other
// changes fail.
func TestAUsernameFromBeforeTheRulesStays(t *testing.T) {
	p := newWorld(t).member()
	p.rewrite(func(record map[string]any) { record["un"] = "old name " })
	old, first := "old name ", "Ann"
	_, err := p.Admin.UpdateUser(t.Context(), p.id, admin.UserChange{Username: &old, FirstName: &first})
	p.Must(err)
	none := ""
	_, err = p.Admin.UpdateUser(t.Context(), p.id, admin.UserChange{Username: &none})
	p.Must(err)
}

// TestProfilesAreBounded: the limits of names, ids and metadata also hold for several small
// changes.
func TestProfilesAreBounded(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	long := strings.Repeat("n", 257)
	half := json.RawMessage(`{"a":"` + strings.Repeat("x", 5<<10) + `"}`)
	for code, inputs := range map[apierr.Code][]admin.UserInput{
		apierr.FormParamMaxLengthExceeded:  {{FirstName: long}, {LastName: long}, {ExternalID: long}},
		apierr.FormParamExceedsAllowedSize: {{Public: half, Private: half}, {Unsafe: half, Private: half}},
		apierr.FormParamFormatInvalid:      {{Emails: []string{"a@b@example.com"}}, {Emails: []string{"a\u00a0b@example.com"}}, {Emails: []string{"a\u200b@example.com"}}},
	} {
		for i, in := range inputs {
			_, err := w.Admin.CreateUser(ctx, in)
			if apierr.From(err).Code() != code {
				t.Errorf("%d: %v, want %s", i, err, code)
			}
		}
	}
	u, err := w.Admin.CreateUser(ctx, admin.UserInput{Username: "u", Public: half})
	w.Must(err)
	for _, in := range []admin.UserChange{{Private: half}, {Unsafe: half}} {
		_, err = w.Admin.UpdateUser(ctx, u.WireID(), in)
		w.want(apierr.FormParamExceedsAllowedSize, err)
	}
	for _, in := range []admin.UserChange{{FirstName: &long}, {LastName: &long}, {ExternalID: &long}} {
		_, err = w.Admin.UpdateUser(ctx, u.WireID(), in)
		w.want(apierr.FormParamMaxLengthExceeded, err)
	}
	if slices.Contains([]string{u.FirstName, u.LastName, u.ExternalID}, long) {
		t.Error("a refused change was stored")
	}
}

// exported calls do for every user of an export.
func (w *world) exported(ctx context.Context, do func(migration.Export, error) error) error {
	_, err := w.Migration.ExportUsers(ctx, "", math.MaxInt, do)
	return err
}
