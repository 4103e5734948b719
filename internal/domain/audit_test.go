package domain_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// acts returns the names of the entries of the audit log, oldest first.
func (p *person) acts() []string {
	p.Helper()
	trail, err := p.Audit.UserTrail(p.Context(), p.id)
	p.Must(err)
	if trail.Broken != 0 {
		p.Errorf("the chain breaks at entry %d", trail.Broken)
	}
	var names []string
	for _, e := range trail.Events {
		names = append(names, fmt.Sprintf("%s×%d", e.Name, e.Times))
	}
	slices.Reverse(names)
	return names
}

// TestAuditTrail: a change of an account writes its entry in the same commit.
func TestAuditTrail(t *testing.T) {
	ctx := t.Context()
	backend := func(do func(p *person) (*account.User, error)) func(*person) {
		return func(p *person) {
			_, err := do(p)
			p.Must(err)
		}
	}
	check := func(p *person, code string) { _, _ = p.Admin.VerifyTOTP(ctx, p.id, secret.New(code)) }
	for name, tc := range map[string]struct {
		do   func(p *person)
		want []string
	}{
		"nothing":                      {func(*person) {}, nil},
		"wrong code":                   {func(p *person) { check(p, p.wrong()); check(p, p.wrong()) }, []string{"code.wrong×2"}},
		"right code after a wrong one": {func(p *person) { check(p, p.wrong()); check(p, p.totpCode()) }, []string{"code.wrong×1", "factor.used×1"}},
		"a code every hour for two days": {func(p *person) {
			for range 48 {
				check(p, p.totpCode())
				p.Advance(time.Hour)
			}
		}, []string{"factor.used×24", "factor.used×24"}},
		"backup code": {func(p *person) { check(p, p.backup[0]) }, []string{"backup_code.used×1"}},
		"a sign-in with a text": {func(p *person) {
			p.signInWithTicket()
			p.text()
			p.Must(p.secondFactor(account.PhoneCode, p.Code()))
		}, []string{"sign_in_token.used×1", "code.sent×1", "factor.used×1", "session.created×1"}},
		"new backup codes": {func(p *person) {
			p.inside()
			_, err := p.MFA.CreateBackupCodes(ctx, p.browser)
			p.Must(err)
		}, []string{"sign_in_token.used×1", "factor.used×1", "session.created×1", "backup_code.made×1"}},
		"the same right code from another client": {func(p *person) {
			p.signInWithTicket()
			code := p.totpCode()
			p.Must(p.secondFactor(account.TOTPCode, code))
			q := p.stranger()
			q.signInWithTicket()
			for range 3 {
				p.want(apierr.FormCodeIncorrect, q.secondFactor(account.TOTPCode, code))
			}
		}, []string{"sign_in_token.used×1", "factor.used×1", "session.created×1", "sign_in_token.used×1", "code.replayed×3"}},
		"the same right code by the Backend API": {func(p *person) {
			code := p.totpCode()
			check(p, code)
			check(p, code)
		}, []string{"factor.used×1"}},
		"stepping up": {func(p *person) {
			p.inside()
			_, err := p.MFA.StartReverification(ctx, p.browser, p.browser.Session, "second_factor")
			p.Must(err)
			_, err = p.MFA.AttemptReverificationSecondFactor(ctx, p.browser, p.browser.Session, mfa.Proof{Strategy: account.BackupCode, Code: secret.New(p.backup[1])})
			p.Must(err)
		}, []string{"sign_in_token.used×1", "factor.used×1", "session.created×1", "backup_code.used×1", "session.reverified×1"}},
		"another default": {func(p *person) {
			yes := true
			_, err := p.Admin.ChangeUserPhone(ctx, p.phone, admin.PhoneChange{Default: &yes})
			p.Must(err)
		}, []string{"factor.default_changed×1"}},
		"number no longer verified": {func(p *person) {
			no := false
			_, err := p.Admin.ChangeUserPhone(ctx, p.phone, admin.PhoneChange{Verified: &no})
			p.Must(err)
		}, []string{"phone_number.unverified×1", "factor.removed×1"}},
		"somebody else's number": {func(p *person) {
			_, err := p.Admin.CreateUser(ctx, admin.UserInput{Username: "holder", Phones: []string{anotherNumber}})
			p.Must(err)
			p.inside()
			_, err = p.MFA.AddPhone(ctx, p.browser, mfa.PhoneInput{Number: anotherNumber})
			p.want(apierr.FormIdentifierExists, err)
		}, []string{"sign_in_token.used×1", "factor.used×1", "session.created×1", "phone_number.refused×1"}},
		"renamed twice": {func(p *person) {
			for _, name := range []string{"Ann", "Anne"} {
				_, err := p.Admin.UpdateUser(ctx, p.id, admin.UserChange{FirstName: &name})
				p.Must(err)
			}
		}, []string{"user.updated×2"}},
		"sign-out": {func(p *person) {
			p.inside()
			p.signOut()
		}, []string{"sign_in_token.used×1", "factor.used×1", "session.created×1", "session.removed×1"}},
		"all others signed out, twice": {func(p *person) {
			other := p.elsewhere()
			other.Must(other.secondFactor(account.TOTPCode, p.totpCode()))
			p.Advance(30 * time.Second)
			p.inside()
			for range 2 {
				_, err := p.Sessions.RevokeOthers(ctx, p.browser)
				p.Must(err)
			}
		}, []string{"sign_in_token.used×1", "factor.used×1", "session.created×2", "sign_in_token.used×1", "factor.used×1", "session.others_revoked×1"}},
		"tickets of an application and of operators": {func(p *person) {
			for _, by := range []account.Operator{{}, {OperatorName: "Jane"}, {Reason: "new phone"}} {
				_, err := p.MFA.CreateTicket(tx.WithOperator(ctx, by), p.id, 0)
				p.Must(err)
			}
		}, []string{"sign_in_token.created×1", "sign_in_token.created×1"}},
		"lock":   {backend(func(p *person) (*account.User, error) { return p.Admin.Lock(ctx, p.id) }), []string{"user.locked×1"}},
		"unlock": {backend(func(p *person) (*account.User, error) { return p.Admin.Unlock(ctx, p.id) }), []string{"user.unlocked×1"}},
		"ban":    {backend(func(p *person) (*account.User, error) { return p.Admin.Ban(ctx, p.id) }), []string{"session.all_revoked×1", "user.banned×1"}},
		"unban":  {backend(func(p *person) (*account.User, error) { return p.Admin.Unban(ctx, p.id) }), []string{"user.unbanned×1"}},
		"reset":  {backend(func(p *person) (*account.User, error) { return p.Admin.RemoveMFA(ctx, p.id) }), []string{"factor.reset×1"}},
		"no app": {backend(func(p *person) (*account.User, error) { return p.Admin.RemoveTOTP(ctx, p.id) }), []string{"factor.removed×1"}},
		"number removed": {func(p *person) { _, err := p.Admin.DeleteUserPhone(ctx, p.phone); p.Must(err) },
			[]string{"phone_number.removed×1", "factor.removed×1"}},
		"new password": {func(p *person) {
			pw := secret.New("correct horse battery")
			_, err := p.Admin.UpdateUser(ctx, p.id, admin.UserChange{Password: &pw})
			p.Must(err)
			p.Must(p.Admin.VerifyPassword(ctx, p.id, pw))
			_ = p.Admin.VerifyPassword(ctx, p.id, secret.New("wrong horse battery"))
		}, []string{"password.changed×1", "user.updated×1", "password.wrong×1"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newWorld(t).member()
			before := p.acts()
			tc.do(p)
			after := p.acts()
			if !slices.Equal(after[:len(before)], before) || !slices.Equal(after[len(before):], tc.want) {
				t.Errorf("acts %v\nafter %v\nwant also %v", after, before, tc.want)
			}
		})
	}
}

// TestTheTrailIsBounded: after any number of events the newest entries stay, the records stay few
// and small, and deleting the user removes them.
func TestTheTrailIsBounded(t *testing.T) {
	ctx := t.Context()
	p := newWorld(t).member()
	for range 500 {
		_, err := p.Admin.Lock(ctx, p.id)
		p.Must(err)
		_, err = p.Admin.Unlock(ctx, p.id)
		p.Must(err)
	}
	trail, err := p.Audit.UserTrail(ctx, p.id)
	p.Must(err)
	if len(trail.Events) < 750 || len(trail.Events) > 766 || trail.Total < 1000 || trail.Broken != 0 || trail.Events[0].Sequence != trail.Total {
		t.Errorf("%d entries of %d, the newest %d, broken at %d", len(trail.Events), trail.Total, trail.Events[0].Sequence, trail.Broken)
	}
	pages := func() []store.Record {
		records, _, err := p.counts.List(ctx, store.KindAudit, "", 1000)
		p.Must(err)
		return slices.DeleteFunc(records, func(r store.Record) bool { return strings.HasPrefix(r.Key.ID, "instance") })
	}
	if n := len(pages()); n != 100 {
		t.Errorf("%d pages", n)
	}
	p.Must(p.Admin.DeleteUser(ctx, p.id))
	if n := len(pages()); n != 0 {
		t.Errorf("%d pages outlive their user", n)
	}
}

// TestATrailThatWasTamperedWith: a change of stored entries is detected, also when the attacker
// recomputes the hashes.
func TestATrailThatWasTamperedWith(t *testing.T) {
	ctx := t.Context()
	for name, tc := range map[string]struct {
		kind   store.Kind
		change func(record map[string]any)
	}{
		"an entry of a page":     {store.KindAudit, func(r map[string]any) { entries(r)[2]["k"] = "factor.used" }},
		"a page without its end": {store.KindAudit, func(r map[string]any) { r["e"] = r["e"].([]any)[:5] }},
		"a page of another time": {store.KindAudit, func(r map[string]any) { r["n"] = 6 }},
		"an entry of the user":   {store.KindUser, func(r map[string]any) { entries(r["at"].(map[string]any))[0]["k"] = "factor.used" }},
		"the newest entry gone": {store.KindUser, func(r map[string]any) {
			at := r["at"].(map[string]any)
			at["e"] = at["e"].([]any)[:len(at["e"].([]any))-1]
		}},
		"all of it gone": {store.KindUser, func(r map[string]any) { r["at"] = map[string]any{"e": []any{}, "h": ""} }},
	} {
		t.Run(name, func(t *testing.T) {
			p := newWorld(t).member()
			p.inside()
			p.signOut()
			records, _, err := p.counts.List(ctx, tc.kind, "", 1)
			p.Must(err)
			var decoded map[string]any
			p.Must(json.Unmarshal(records[0].Data, &decoded))
			tc.change(decoded)
			records[0].Data, err = json.Marshal(decoded)
			p.Must(err)
			p.Must(p.counts.Commit(ctx, []store.Write{{Record: records[0]}}))
			trail, err := p.Audit.UserTrail(ctx, p.id)
			p.Must(err)
			if trail.Broken == 0 {
				t.Error("not noticed")
			}
		})
	}
}

func entries(of map[string]any) []map[string]any {
	var out []map[string]any
	for _, e := range of["e"].([]any) {
		out = append(out, e.(map[string]any))
	}
	return out
}

// TestATrailHoldsNoSecret: an audit log holds only ids.
func TestATrailHoldsNoSecret(t *testing.T) {
	p := newWorld(t).member()
	p.signInWithTicket()
	p.text()
	code := p.Code()
	p.Must(p.secondFactor(account.PhoneCode, code))
	trail, err := p.Audit.UserTrail(t.Context(), p.id)
	p.Must(err)
	text, err := json.Marshal(trail)
	p.Must(err)
	for _, never := range append(slices.Clone(p.backup), aNumber, aNumber[2:], `"`+code+`"`) {
		if strings.Contains(string(text), never) {
			t.Errorf("%q is in the trail %s", never, text)
		}
	}
}

// TestSettingsHaveATrail: the audit log of the settings says when each was changed.
func TestSettingsHaveATrail(t *testing.T) {
	w := newWorld(t)
	_, err := w.Settings.Change(t.Context(), func(s *account.Settings) { s.SMSCode, s.MFARequired = false, true })
	w.Must(err)
	trail, err := w.Audit.SettingsTrail(t.Context())
	w.Must(err)
	if got := trail.Events[0]; got.Name != eventtype.SettingsChanged || !slices.Equal(got.Fields, []string{"sms", "required"}) || trail.Broken != 0 {
		t.Errorf("%+v", trail)
	}
}
