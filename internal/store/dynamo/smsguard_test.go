package dynamo_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/clock"
	"github.com/countersign-mfa/countersign/internal/crypto/password"
	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/numberplan"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store/dynamo"
)

type counted struct{ n atomic.Int64 }

func (c *counted) Send(context.Context, tx.Message) error { c.n.Add(1); return nil }

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
			out := &counted{}
			s := service(t, out)
			if _, err := s.Settings.Change(t.Context(), tc.change); err != nil {
				t.Fatal(err)
			}
			tries := make([]func() error, senders)
			for i := range tries {
				tries[i] = asking(t, s, fmt.Sprintf("+1212%03d%04d", 201+i%20, 1000+i))
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
			if out.n.Load() != tc.sent || int64(answers[""]) != tc.sent || answers[apierr.TooManyRequests] != senders-int(tc.sent) {
				t.Errorf("%d messages, answers %v; want %d and the rest refused", out.n.Load(), answers, tc.sent)
			}
		})
	}
}

func service(t *testing.T, sender tx.Sender) *domain.Service {
	t.Helper()
	client := newClient(t)
	table := "smsguard-" + time.Now().Format("150405.000000000")
	if _, err := client.CreateTable(t.Context(), dynamo.Schema(table)); err != nil {
		t.Fatal(err)
	}
	ring, err := seal.NewRing(1, map[uint32]seal.Key{1: {7}}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := domain.New(domain.Config{
		Store: dynamo.New(client, table, time.Now), Sender: sender, Ring: ring, Numbers: numberplan.Parse, Rand: rand.Reader,
		Passwords: password.New(password.Params{Memory: 64, Time: 1, Threads: 1}, rand.Reader), Now: time.Now, Pause: clock.Pause,
		Issuer: "https://clerk.example.com", AppName: "Example", SMSHost: "example.com",
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
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
