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
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// lastingEntries returns the entries of an audit log that no caller can repeat at will, oldest
// first, with their places and hashes.
func (p *person) lastingEntries() []string {
	p.Helper()
	trail, err := p.Audit.UserTrail(p.Context(), p.id)
	p.Must(err)
	if trail.Broken != 0 {
		p.Errorf("the chain breaks at entry %d", trail.Broken)
	}
	var out []string
	for i, e := range trail.Events {
		if i > 0 && e.Sequence >= trail.Events[i-1].Sequence {
			p.Errorf("entry %d comes after entry %d", e.Sequence, trail.Events[i-1].Sequence)
		}
		if !e.Name.Kind().AtWill {
			out = append(out, fmt.Sprintf("%d %s %x", e.Sequence, e.Name, e.Hash))
		}
	}
	slices.Reverse(out)
	return out
}

// TestActsAtWillPushNothingOut: no repetition of an act, at any pace, pushes a change of factors or
// password, a lock or a ban out of the audit log.
func TestActsAtWillPushNothingOut(t *testing.T) {
	if testing.Short() {
		t.Skip("it fills audit logs")
	}
	ctx := t.Context()
	changeAccount := func(p *person) {
		pw := secret.New("another horse battery")
		_, err := p.Admin.UpdateUser(ctx, p.id, admin.UserChange{Password: &pw})
		p.Must(err)
		p.banAndUnban()
		_, err = p.Admin.Lock(ctx, p.id)
		p.Must(err)
		_, err = p.Admin.Unlock(ctx, p.id)
		p.Must(err)
	}
	signIn := func(p *person) {
		p.browser = tx.Caller{}
		p.inside()
		p.signOut()
	}
	for name, flood := range map[string]func(p *person, i int){
		"sign-ins": func(p *person, _ int) { signIn(p) },
		"sign-ins and what goes with them": func(p *person, i int) {
			p.browser = tx.Caller{}
			p.signInWithTicket()
			if i < 10 {
				_ = p.secondFactor(account.TOTPCode, p.wrong())
			}
			p.Must(p.secondFactor(account.TOTPCode, p.totpCode()))
			_, err := p.MFA.StartReverification(ctx, p.browser, p.browser.Session, "second_factor")
			p.Must(err)
			p.Advance(30 * time.Second)
			_, err = p.MFA.AttemptReverificationSecondFactor(ctx, p.browser, p.browser.Session, mfa.Proof{Strategy: account.TOTPCode, Code: secret.New(p.totpCode())})
			p.Must(err)
			if i%2 == 0 {
				_, err = p.Sessions.RevokeOwn(ctx, p.browser, p.browser.Session)
				p.Must(err)
			}
			_ = p.Admin.VerifyPassword(ctx, p.id, secret.New("wrong horse")) // or refused, after a while
			name := fmt.Sprint("Ann", i)
			_, err = p.Admin.UpdateUser(ctx, p.id, admin.UserChange{FirstName: &name})
			p.Must(err)
			p.Advance(30 * time.Second)
		},
	} {
		for pace, wait := range map[string]time.Duration{"at once": 0, "one a day": 25 * time.Hour} {
			t.Run(name+" "+pace, func(t *testing.T) {
				p := newWorld(t).member()
				changeAccount(p)
				before := p.lastingEntries()
				all, err := p.Audit.UserTrail(ctx, p.id)
				p.Must(err)
				for i := range 200 {
					flood(p, i)
					p.Advance(wait)
				}
				if after := p.lastingEntries(); !slices.Equal(before, after[:min(len(before), len(after))]) {
					t.Errorf("before:\n%s\nafter:\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
				}
				now, err := p.Audit.UserTrail(ctx, p.id)
				p.Must(err)
				if wait > 0 && now.Total-all.Total < 400 {
					t.Errorf("only %d entries were added: nothing gave way", now.Total-all.Total)
				}
				if name == "sign-ins" && wait == 0 && now.Total-all.Total > 12 {
					t.Errorf("the sign-ins of a day are %d entries", now.Total-all.Total)
				}
				p.Must(p.Admin.DeleteUser(ctx, p.id))
				for _, r := range p.records() {
					if r.Key.Kind == store.KindAudit && strings.HasPrefix("user_"+r.Key.ID, p.id) {
						t.Errorf("%v outlives its user", r.Key)
					}
				}
			})
		}
	}
}

// TestKeptEntriesThatWereTamperedWith: a kept entry is in no page of the chain any more, and still
// cannot be changed, dropped or rolled back unnoticed.
func TestKeptEntriesThatWereTamperedWith(t *testing.T) {
	if testing.Short() {
		t.Skip("it fills audit logs")
	}
	ctx := t.Context()
	flood := func(p *person, n int) {
		for range n {
			p.browser = tx.Caller{}
			p.inside()
			p.signOut()
			p.Advance(25 * time.Hour)
		}
	}
	keptPage := func(p *person) store.Record {
		for _, r := range p.records() {
			if r.Key.Kind == store.KindAudit && strings.HasSuffix(r.Key.ID, ".k00") && strings.HasPrefix("user_"+r.Key.ID, p.id) {
				return r
			}
		}
		t.Fatal("nothing is kept")
		return store.Record{}
	}
	for name, tamper := range map[string]func(p *person, page store.Record, record map[string]any) bool{
		"an entry is changed": func(_ *person, _ store.Record, record map[string]any) bool {
			entries(record)[0]["k"] = "user.updated"
			return false
		},
		"an entry is dropped": func(_ *person, _ store.Record, record map[string]any) bool {
			record["e"] = record["e"].([]any)[1:]
			return false
		},
		"the page is removed": func(*person, store.Record, map[string]any) bool { return true },
		"another user's page": func(_ *person, _ store.Record, record map[string]any) bool {
			record["g"] = "AAAAAGFub3RoZXI="
			return false
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newWorld(t).member()
			flood(p, 130)
			p.lastingEntries()
			page := keptPage(p)
			var record map[string]any
			p.Must(json.Unmarshal(page.Data, &record))
			remove := tamper(p, page, record)
			var err error
			page.Data, err = json.Marshal(record)
			p.Must(err)
			p.Must(p.counts.Commit(ctx, []store.Write{{Record: page, Delete: remove}}))
			trail, err := p.Audit.UserTrail(ctx, p.id)
			p.Must(err)
			if trail.Broken == 0 {
				t.Error("not noticed")
			}
		})
	}
}
