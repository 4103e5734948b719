package dynamo_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/clock"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store/dynamo"
	"github.com/countersign-mfa/countersign/test/mfatest"
)

// TestTheSMSGuardUnderLoad: the counters of the SMS guard are the hottest items of the table. Two
// hundred callers at once get an answer and no limit is exceeded, whether all of them may be sent a
// message or only fifty.
func TestTheSMSGuardUnderLoad(t *testing.T) {
	const senders = 200
	for name, tc := range map[string]struct {
		change func(*account.Settings)
		sent   int64
	}{
		"all may pass":    {func(s *account.Settings) { s.SMSRecordOnly, s.SMSDailyCap = true, 1000*smsprice.Dollar }, senders},
		"the breaker":     {func(*account.Settings) {}, 50},
		"the day's money": {func(s *account.Settings) { s.SMSRecordOnly, s.SMSDailyCap = true, 20*smsprice.Of("US") }, 20},
	} {
		t.Run(name, func(t *testing.T) {
			client := newClient(t)
			s := mfatest.New(t, domain.Config{Store: dynamo.New(client, newTable(t, client), time.Now), Now: time.Now, Pause: clock.Pause})
			if _, err := s.Settings.Change(t.Context(), tc.change); err != nil {
				t.Fatal(err)
			}
			tries := make([]func() error, senders)
			for i := range tries {
				tries[i] = asking(t, s.Service, fmt.Sprintf("+1212%03d%04d", 201+i%20, 1000+i))
			}
			answers := map[apierr.Code]int{}
			var mu sync.Mutex
			var wait sync.WaitGroup
			begin := make(chan struct{})
			for _, try := range tries {
				wait.Go(func() {
					<-begin
					code := apierr.Code("")
					if err := try(); err != nil {
						code = apierr.From(err).Code()
					}
					mu.Lock()
					defer mu.Unlock()
					answers[code]++
				})
			}
			close(begin)
			wait.Wait()
			if int64(len(s.Sent())) != tc.sent || int64(answers[""]) != tc.sent || answers[apierr.TooManyRequests] != senders-int(tc.sent) {
				t.Errorf("%d messages, answers %v; want %d and the rest refused", len(s.Sent()), answers, tc.sent)
			}
		})
	}
}

// asking creates an account with a number and returns a function that asks for its code.
func asking(t *testing.T, s *domain.Service, number string) func() error {
	t.Helper()
	u, err := s.Admin.CreateUser(t.Context(), admin.UserInput{Username: "bot" + number[1:]})
	if err != nil {
		t.Fatal(err)
	}
	ticket, err := s.MFA.CreateTicket(t.Context(), u.WireID(), 0)
	if err != nil {
		t.Fatal(err)
	}
	in, err := s.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Strategy: account.TicketCode, Ticket: ticket.Token})
	if err != nil {
		t.Fatal(err)
	}
	ph, err := s.Admin.AddUserPhone(t.Context(), u.WireID(), number, admin.PhoneChange{})
	if err != nil {
		t.Fatal(err)
	}
	from := tx.Caller{Session: in.SignIn.Created, Credentials: []tx.Credential{{Transport: tx.Cookie, Token: in.Snapshot.Token}}}
	return func() error {
		_, err := s.MFA.PreparePhone(t.Context(), from, ph.Phone.ID, account.PhoneCode)
		return err
	}
}
