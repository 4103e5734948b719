package domain_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/directory"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/store"
)

var kinds = []store.Kind{
	store.KindUser, store.KindClient, store.KindClaim, store.KindTicket, store.KindNumber, store.KindNonce, store.KindSettings, store.KindSigningKey, store.KindKeyring, store.KindAudit, store.KindSMS,
}

// records returns all stored records.
func (w *world) records() []store.Record {
	w.Helper()
	var all []store.Record
	for _, kind := range kinds {
		found, _, err := w.counts.List(w.Context(), kind, "", 10_000)
		w.Must(err)
		all = append(all, found...)
	}
	return all
}

// found returns the keys of the records that hold a text.
func (w *world) found(text string) (where []store.Key) {
	w.Helper()
	for _, r := range w.records() {
		if strings.Contains(r.Key.ID, text) || bytes.Contains(r.Data, []byte(text)) {
			where = append(where, r.Key)
		}
	}
	return where
}

// rewrite changes a user's record in the store directly.
func (p *person) rewrite(change func(record map[string]any)) {
	p.Helper()
	key := store.Key{Kind: store.KindUser, ID: strings.TrimPrefix(p.id, "user_")}
	found, err := p.counts.Get(p.Context(), key)
	p.Must(err)
	record := map[string]any{}
	d := json.NewDecoder(bytes.NewReader(found[0].Data))
	d.UseNumber()
	p.Must(d.Decode(&record))
	change(record)
	found[0].Data, err = json.Marshal(record)
	p.Must(err)
	p.Must(p.counts.Commit(p.Context(), []store.Write{{Record: found[0]}}))
}

func storedPhone(record map[string]any) map[string]any {
	return record["ph"].([]any)[0].(map[string]any)
}

// stored returns the user's first number as it is stored.
func (p *person) stored() (kept string) {
	p.Helper()
	p.rewrite(func(record map[string]any) { kept, _ = storedPhone(record)["s"].(string) })
	return kept
}

// TestNoNumberAtRest: no record holds a user's number, or a number typed at a sign-in, in any
// spelling.
func TestNoNumberAtRest(t *testing.T) {
	w := newWorld(t)
	p := w.member()
	for _, typed := range []string{aNumber, "+1 (212) 555-0123", "2125550123"} {
		other := p.stranger()
		r, err := p.MFA.CreateSignIn(t.Context(), other.browser, mfa.SignInInput{Identifier: typed})
		p.Must(err)
		other.keepToken(r.Snapshot)
		if r.SignIn.Identifier != typed {
			t.Errorf("the answer shows %q, not what was typed", r.SignIn.Identifier)
		}
		again, err := p.MFA.SignIn(t.Context(), other.browser, r.SignIn.ID)
		p.Must(err)
		if again.SignIn.Identifier != typed {
			t.Errorf("later it shows %q", again.SignIn.Identifier)
		}
		for _, text := range []string{aNumber, aNumber[2:], typed} {
			if where := w.found(text); where != nil {
				t.Errorf("%s is in %v", text, where)
			}
		}
	}
	if len(w.records()) < 6 || len(w.found(p.phone[len("idn_")+26:])) == 0 {
		t.Fatal("the search finds nothing at all")
	}
	u, err := w.Admin.User(t.Context(), p.id)
	w.Must(err)
	if u.Phones[0].Number != aNumber {
		t.Errorf("the number came back as %v", u.Phones[0].Number)
	}
	all, err := w.Directory.Users(t.Context(), directory.Query{Filter: directory.Filter{Numbers: []string{aNumber}}, Limit: 10})
	if err != nil || len(all) != 1 || all[0].WireID() != p.id {
		t.Errorf("the list does not know the number: %d, %v", len(all), err)
	}
}

// TestAPlainNumberFromBefore: a plain number of an earlier release is read, and sealed with the
// next write.
func TestAPlainNumberFromBefore(t *testing.T) {
	p := newWorld(t).member()
	p.rewrite(func(record map[string]any) {
		ph := storedPhone(record)
		delete(ph, "s")
		ph["n"] = aNumber
	})
	if p.found(aNumber) == nil {
		t.Fatal("the old record is not there")
	}
	p.signInWithTicket()
	p.text()
	if to := p.Sent()[len(p.Sent())-1].To.E164(); to != aNumber {
		t.Errorf("the code went to %s", to)
	}
	p.Must(p.secondFactor(account.PhoneCode, p.Code()))
	if where := p.found(aNumber); where != nil {
		t.Errorf("after a write the number is in %v", where)
	}
	if u, err := p.Admin.User(t.Context(), p.id); err != nil || u.Phones[0].Number != aNumber {
		t.Errorf("the number did not survive: %v", err)
	}
}

// TestASealedNumberMoved: a number copied into another record does not open, and operations that
// need it fail.
func TestASealedNumberMoved(t *testing.T) {
	for name, move := range map[string]func(p *person, theirs string){
		"another user's": func(p *person, theirs string) {
			p.rewrite(func(record map[string]any) { storedPhone(record)["s"] = theirs })
		},
		"another phone's": func(p *person, _ string) {
			p.rewrite(func(record map[string]any) { storedPhone(record)["i"] = strings.Repeat("a", 26) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newWorld(t).member()
			other, err := p.Admin.CreateUser(t.Context(), admin.UserInput{Phones: []string{anotherNumber}})
			p.Must(err)
			theirs := &person{world: p.world, id: other.WireID()}
			p.signInWithTicket()
			texts := len(p.Sent())
			move(p, theirs.stored())
			_, err = p.MFA.PrepareSecondFactor(t.Context(), p.browser, p.signIn, account.PhoneCode, p.phone)
			p.want(apierr.InternalClerkError, err)
			_, err = p.Admin.VerifyTOTP(t.Context(), p.id, secret.New(p.totpCode()))
			p.want(apierr.InternalClerkError, err)
			_, err = p.Directory.Users(t.Context(), directory.Query{Limit: 10})
			p.want(apierr.InternalClerkError, err)
			if len(p.Sent()) != texts {
				t.Error("a text was sent")
			}
		})
	}
}

// TestANumberMovesToTheNewestKey: the first write after a rotation seals the number under the
// newest key; until then the ciphertext stays.
func TestANumberMovesToTheNewestKey(t *testing.T) {
	p := newWorld(t).member()
	use := func() string {
		p.Advance(time.Minute)
		_, err := p.Admin.VerifyTOTP(t.Context(), p.id, secret.New(p.totpCode()))
		p.Must(err)
		return p.stored()
	}
	first := use()
	if use() != first {
		t.Error("a number that did not change was sealed again")
	}
	p.Must(p.Config.Ring.Replace(2, map[uint32]seal.Key{1: {1, 2, 3}, 2: {4, 5, 6}}))
	second := use()
	if second == first || use() != second {
		t.Error("the number did not move to the new key, once")
	}
	var sealed []byte
	p.Must(json.Unmarshal([]byte(`"`+second+`"`), &sealed))
	if !p.Config.Ring.Current(sealed) {
		t.Error("the number is not under the new key")
	}
	if u, err := p.Admin.User(t.Context(), p.id); err != nil || u.Phones[0].Number != aNumber {
		t.Errorf("the number did not survive: %v", err)
	}
}
