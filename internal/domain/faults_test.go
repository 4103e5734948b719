package domain_test

import (
	"context"
	"errors"
	"testing"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/store"
)

// TestAFailingStoreDenies: an operation whose store fails changes nothing, and the same request
// succeeds later.
func TestAFailingStoreDenies(t *testing.T) {
	for name, fault := range map[string]store.Fault{
		"the read fails":                   store.FailGet(1),
		"the commit fails, nothing stored": store.FailCommit(1),
	} {
		t.Run(name, func(t *testing.T) {
			p := newWorld(t).member()
			p.signInWithTicket()
			p.faults.Inject(fault)
			err := p.secondFactor(account.BackupCode, p.backup[0])
			if !errors.Is(err, store.ErrUnavailable) || errors.As(err, new(*apierr.Error)) {
				t.Fatalf("error %v, want one that is unavailable and not of the catalogue", err)
			}
			p.Must(p.secondFactor(account.BackupCode, p.backup[0]))
		})
	}
}

// TestALostAnswerNeverGivesASecondUse: the store commits, but its answer is lost. The code is used
// up, and a fresh one signs in.
func TestALostAnswerNeverGivesASecondUse(t *testing.T) {
	p := newWorld(t).member()
	code := p.totpCode()
	p.faults.Inject(store.LoseCommit(1))
	if _, err := p.Admin.VerifyTOTP(t.Context(), p.id, secret.New(code)); err == nil {
		t.Fatal("the answer was not lost")
	}
	_, err := p.Admin.VerifyTOTP(t.Context(), p.id, secret.New(code))
	p.want(apierr.FormCodeIncorrect, err)
	p.unlocked()
	p.Advance(60e9)
	_, err = p.Admin.VerifyTOTP(t.Context(), p.id, secret.New(p.totpCode()))
	p.Must(err)
}

func TestNoMessageWithoutItsCommit(t *testing.T) {
	p := newWorld(t).member()
	p.signInWithTicket()
	before := len(p.Sent())
	p.faults.Inject(store.FailCommit(1))
	if _, err := p.MFA.PrepareSecondFactor(t.Context(), p.browser, p.signIn, account.PhoneCode, p.phone); err == nil {
		t.Fatal("the commit did not fail")
	}
	if len(p.Sent()) != before {
		t.Error("a message went out for a code that is not stored")
	}
	p.text()
}

func TestAConflictIsTriedAgain(t *testing.T) {
	p := newWorld(t).member()
	p.signInWithTicket()
	p.faults.Inject(store.ConflictCommit(1), store.ConflictCommit(2), store.ConflictCommit(3))
	p.Must(p.secondFactor(account.TOTPCode, p.totpCode()))
}

func TestEndlessConflictsAreAnswered(t *testing.T) {
	p := newWorld(t).member()
	p.signInWithTicket()
	for n := range 100 {
		p.faults.Inject(store.ConflictCommit(n + 1))
	}
	p.want(apierr.ResourceLocked, p.secondFactor(account.TOTPCode, p.totpCode()))
}

func TestACancelledRequestLeavesNothingRunning(t *testing.T) {
	p := newWorld(t).member()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Admin.VerifyTOTP(ctx, p.id, secret.New(p.totpCode())); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	_, err := p.Admin.VerifyTOTP(t.Context(), p.id, secret.New(p.totpCode()))
	p.Must(err)
}

func TestCleanup(t *testing.T) {
	w := newWorld(t)
	p := w.newcomer()
	p.signInWithTicket()
	_, err := w.MFA.CreateTicket(t.Context(), p.id, 0)
	w.Must(err)
	count := func(kind store.Kind) int {
		records, _, err := w.counts.List(t.Context(), kind, "", 100)
		w.Must(err)
		return len(records)
	}
	r, err := w.Service.Admin.Cleanup(t.Context(), 100)
	w.Must(err)
	if r.Found != 0 {
		t.Errorf("the cleanup touched %d live records", r.Found)
	}
	w.Advance(9 * 24 * 3600e9) // the session ended two days ago, the tickets long before
	for more := true; more; {
		r, err = w.Service.Admin.Cleanup(t.Context(), 2)
		w.Must(err)
		more = r.More
	}
	if n := count(store.KindTicket); n != 0 {
		t.Errorf("%d tickets are left", n)
	}
	if count(store.KindUser) != 1 || count(store.KindClient) != 1 {
		t.Error("the cleanup removed what is alive")
	}
	records, _, err := w.counts.List(t.Context(), store.KindClient, "", 1)
	w.Must(err)
	if s := string(records[0].Data); len(s) > 300 {
		t.Errorf("the dead session is still there: %s", s)
	}
	w.Advance(400 * 24 * 3600e9)
	_, err = w.Service.Admin.Cleanup(t.Context(), 100)
	w.Must(err)
	if count(store.KindClient) != 0 {
		t.Error("a client outlived its token")
	}
}
