package domain_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/store"
)

// told are the names of all events of the event log, oldest first, read in pages of a size.
func (w *world) told(pageSize int) []string {
	w.Helper()
	var names []string
	before := ""
	for {
		page, err := w.Audit.Events(w.Context(), audit.EventQuery{Before: before, Limit: pageSize})
		w.Must(err)
		for _, e := range page.Events {
			if before != "" && e.ID >= before {
				w.Errorf("%s comes after %s", e.ID, before)
			}
			names, before = append(names, string(e.Name)), e.ID
		}
		if page.Next == "" {
			slices.Reverse(names)
			return names
		}
		if len(page.Events) != pageSize || page.Next != before {
			w.Fatalf("a page of %d has %d and there are more, after %s", pageSize, len(page.Events), page.Next)
		}
	}
}

// TestEventLog: the log lists events in order, with their actor and address, in pages of any size.
// Routine events are left out.
func TestEventLog(t *testing.T) {
	ctx := t.Context()
	p := newWorld(t).member()
	p.browser.Address = aNetwork
	p.inside()
	_, _ = p.Admin.VerifyTOTP(ctx, p.id, secret.New(p.wrong()))
	_, err := p.Admin.Lock(ctx, p.id)
	p.Must(err)
	p.Advance(time.Millisecond)
	p.Must(p.Admin.DeleteUser(ctx, p.id))
	want := []string{
		"backup_code.made", "code.sent", "factor.added", "factor.added", "phone_number.added", "phone_number.verified", "session.created", "session.removed", "settings.changed",
		"user.created", "session.created", "user.locked", "user.deleted",
	}
	for _, size := range []int{1, 2, 3, 500} {
		got := p.told(size)
		slices.Sort(got[:len(got)-3]) // the events of one moment, whose order is open
		if !slices.Equal(got, want) {
			t.Errorf("in pages of %d:\n%v, want\n%v", size, got, want)
		}
	}
	found, err := p.Audit.Events(ctx, audit.EventQuery{Limit: 3})
	p.Must(err)
	events := found.Events
	gone, locked, signedIn := events[0], events[1], events[2]
	if gone.User != p.id || gone.By != account.ByBackend || gone.Address != "" || locked.By != account.ByBackend {
		t.Errorf("%+v\n%+v", gone, locked)
	}
	if signedIn.By != account.ByUser || signedIn.Address != "203.0.113.0/24" || !strings.HasPrefix(signedIn.Subject, "sess_") || signedIn.Began == 0 {
		t.Errorf("%+v", signedIn)
	}
	for _, wrong := range []string{"x", "evt_", "evt_" + strings.Repeat("!", 26), p.id} {
		if _, err := p.Audit.Events(ctx, audit.EventQuery{Before: wrong, Limit: 1}); codeOf(err) != "form_param_value_invalid" {
			t.Errorf("before %q: %v", wrong, err)
		}
	}
}

// TestTheEventLogHoldsNoSecret: the log holds ids, and of an address only its network.
func TestTheEventLogHoldsNoSecret(t *testing.T) {
	p := newWorld(t).member()
	p.browser.Address = aNetwork
	p.signInWithTicket()
	p.text()
	code := p.Code()
	p.Must(p.secondFactor(account.PhoneCode, code))
	records, _, err := p.counts.List(t.Context(), store.KindEvent, "", 1000)
	p.Must(err)
	for _, r := range records {
		for _, never := range append(slices.Clone(p.backup), aNumber[1:], `"`+code+`"`, aNetwork.String()) {
			if strings.Contains(string(r.Data), never) {
				t.Errorf("%q is in %s", never, r.Data)
			}
		}
	}
}

// TestTheEventLogForgets: the log drops events that are older than 30 days.
func TestTheEventLogForgets(t *testing.T) {
	w := newWorld(t)
	w.newcomer()
	w.Advance(31*24*time.Hour + time.Hour)
	_, err := w.Service.Admin.Cleanup(t.Context(), 1000)
	w.Must(err)
	if got := w.told(10); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

// TestEventsOfOneMomentStayInOrder: a page may end between events of one commit and of one second.
func TestEventsOfOneMomentStayInOrder(t *testing.T) {
	w := newWorld(t)
	var want []string
	w.Advance(time.Millisecond)
	for i := range 12 {
		_, err := w.Admin.CreateUser(t.Context(), admin.UserInput{Username: fmt.Sprint("user", i), Phones: []string{fmt.Sprintf("+1212555%04d", i)}})
		w.Must(err)
		want = append(want, "user.created", "phone_number.verified")
		w.Advance(time.Millisecond)
	}
	if got := w.told(5); !slices.Equal(got[1:], want) {
		t.Errorf("%v", got)
	}
}
