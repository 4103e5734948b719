package domain_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// statuses returns why each message of the log did not arrive, newest first.
func (w *world) statuses() (all []account.Undelivered) {
	w.Helper()
	texts, err := w.SMS.Log(w.Context(), sms.LogQuery{Limit: 100})
	w.Must(err)
	for _, m := range texts {
		all = append(all, m.Undelivered)
	}
	return all
}

func (w *world) report(number string, at time.Time, reason account.Undelivered) bool {
	w.Helper()
	marked, err := w.SMS.MarkUndelivered(w.Context(), sms.Report{Number: number, At: at, Reason: reason})
	w.Must(err)
	return marked
}

// TestAnUndeliveredMessageIsMarkedOnce: the report finds the message by number and time, also days
// later in the report's own log. A repeated report changes nothing and publishes no second event.
func TestAnUndeliveredMessageIsMarkedOnce(t *testing.T) {
	w := newWorld(t)
	p := &pumpers{world: w}
	w.Must(p.ask(aNumber, netip.Addr{}))
	first := w.Now()
	w.Advance(time.Minute)
	phones, err := w.Admin.User(t.Context(), p.people[0].id)
	w.Must(err)
	_, err = w.MFA.PreparePhone(t.Context(), p.people[0].browser, phones.Phones[0].ID, account.PhoneCode)
	w.Must(err)
	spent, err := w.SMS.Usage(t.Context())
	w.Must(err)

	w.Advance(time.Hour)
	for i, want := range []bool{true, false} {
		if marked := w.report(aNumber, first.Add(400*time.Millisecond), sms.UndeliveredBudget); marked != want {
			t.Errorf("report %d marks a message: %v, want %v", i, marked, want)
		}
	}
	if got := fmt.Sprint(w.statuses()); got != "[ spending_limit]" {
		t.Errorf("the messages are %s, want the older one undelivered", got)
	}
	if n := w.happened(eventtype.Undelivered); n != 1 {
		t.Errorf("%d events, want one", n)
	}
	after, err := w.SMS.Usage(t.Context())
	w.Must(err)
	if after.Spent != spent.Spent || spent.Spent == 0 {
		t.Errorf("%v is spent after the report, %v before", after.Spent, spent.Spent)
	}
}

// TestReportsOfOtherMessages mark nothing: SNS reports all messages of an account, and some days
// later.
func TestReportsOfOtherMessages(t *testing.T) {
	for name, tc := range map[string]struct {
		number string
		after  time.Duration
		want   bool
	}{
		"of this message":                      {aNumber, time.Second, true},
		"of a clock that is behind":            {aNumber, -time.Second, true},
		"of a slow request":                    {aNumber, 20 * time.Second, true},
		"of a message before":                  {aNumber, -time.Minute, false},
		"of a later message of another sender": {aNumber, time.Minute, false},
		"of another number":                    {anotherNumber, time.Second, false},
		"of no number":                         {"", time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.Must((&pumpers{world: w}).ask(aNumber, netip.Addr{}))
			if marked := w.report(tc.number, w.Now().Add(tc.after), sms.UndeliveredUnknown); marked != tc.want {
				t.Errorf("marked: %v, want %v", marked, tc.want)
			}
		})
	}
}

// TestAReportIsOfTheMessageThatTheNetworkAccepted: a refused message has no report, so the report
// is of the message that replaced it.
func TestAReportIsOfTheMessageThatTheNetworkAccepted(t *testing.T) {
	w := newWorld(t)
	p := &pumpers{world: w}
	w.Fail(errors.New("throttled"))
	if err := p.ask(aNumber, netip.Addr{}); err == nil {
		t.Fatal("the network accepted the message")
	}
	w.Fail(nil)
	w.Advance(time.Second)
	u, err := w.Admin.User(t.Context(), p.people[0].id)
	w.Must(err)
	_, err = w.MFA.PreparePhone(t.Context(), p.people[0].browser, u.Phones[0].ID, account.PhoneCode)
	w.Must(err)
	if !w.report(aNumber, w.Now().Add(-900*time.Millisecond), sms.UndeliveredBlocked) {
		t.Fatal("no message was found")
	}
	if got := fmt.Sprint(w.statuses()); got != "[blocked ]" {
		t.Errorf("the messages are %s, want the newer one undelivered", got)
	}
}

// TestANoticeCanBeUndelivered: a notice is found like a code, and the record of its number does not
// delay the next code.
func TestANoticeCanBeUndelivered(t *testing.T) {
	o := newWebhookWorld(t)
	p := o.imported(aNumber)
	_, err := o.Admin.VerifyTOTP(t.Context(), p.id, secret.New("abcd-efgh-jk"))
	o.Must(err)
	o.run()
	if !o.report(aNumber, o.Now(), sms.UndeliveredOptedOut) {
		t.Fatal("the notice was not found")
	}
	if got := o.statuses(); got[0] != sms.UndeliveredOptedOut {
		t.Errorf("the messages are %v", got)
	}
	// At once, because a notice does not delay a code.
	_, err = o.Admin.PrepareUserPhone(t.Context(), tx.Caller{}, p.phone)
	o.Must(err)
}

// TestTheRecordOfANumberStaysSmall: a write of it costs one unit, however many messages it had.
func TestTheRecordOfANumberStaysSmall(t *testing.T) {
	w := newWorld(t)
	n := &account.NumberRecord{Base: account.Base{ID: w.NumberKey(aNumber)}, End: account.At(w.Now()), Credited: 20_000}
	for range 40 {
		now := w.Now()
		id, err := w.Engine.RandomID()
		w.Must(err)
		n.Log = n.Log.Add(now, sms.PerNumberRules...)
		n.Wrong = n.Wrong.Add(now, sms.PerNumberRules...)
		sms.AddSent(n, account.SentSMS{SMS: id, At: account.At(now)})
		if n.From = append(n.From, id[:8]); len(n.From) > 10 {
			n.From = n.From[1:]
		}
		w.Advance(time.Minute)
	}
	data, err := w.Engine.Encode(n, nil)
	w.Must(err)
	const room = 900 // of a unit of 1,024 bytes; keys and attribute names take the rest
	if len(data) > room {
		t.Errorf("%d bytes, want at most %d", len(data), room)
	}
}
