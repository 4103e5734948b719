package domain_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/countersign-mfa/countersign/internal/clock"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/test/mfatest"
)

// holding is a store that takes the time of DynamoDB, on the clock of its test. A transaction holds
// its items as long as it takes, and any other write of a held item conflicts. Updates of one
// counter outside transactions follow each other, a thousand a second.
type holding struct {
	store.Store
	transaction time.Duration

	mu        sync.Mutex
	held      map[string]bool
	free      map[string]time.Time // when a counter's next update may begin
	commits   int
	conflicts int
	slowest   time.Duration // that an update waited for its turn
}

const (
	aRead   = 4 * time.Millisecond
	anItems = time.Millisecond // between two updates of one item
)

func (h *holding) Get(ctx context.Context, keys ...store.Key) ([]store.Record, error) {
	<-time.After(aRead)
	return h.Store.Get(ctx, keys...)
}

func (h *holding) Commit(ctx context.Context, writes []store.Write, increments ...store.Increment) error {
	var items []string
	for _, w := range writes {
		items = append(items, string(w.Key.Kind)+"#"+w.Key.ID)
	}
	for _, inc := range increments {
		items = append(items, "#"+inc.Counter)
	}
	if !h.hold(items) {
		return store.ErrConflict
	}
	<-time.After(h.transaction)
	err := h.Store.Commit(ctx, writes, increments...)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, item := range items {
		delete(h.held, item)
	}
	return err
}

// hold takes items for a transaction, unless another one has one of them.
func (h *holding) hold(items []string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.commits++
	for _, item := range items {
		if h.held[item] {
			h.conflicts++
			return false
		}
	}
	for _, item := range items {
		h.held[item] = true
	}
	return true
}

func (h *holding) Reserve(ctx context.Context, increments ...store.Increment) error {
	var wait time.Duration
	h.mu.Lock()
	for _, inc := range increments {
		if h.held["#"+inc.Counter] {
			h.conflicts++
			h.mu.Unlock()
			return store.ErrConflict
		}
		turn := h.free[inc.Counter]
		if now := time.Now(); turn.Before(now) {
			turn = now
		}
		h.free[inc.Counter] = turn.Add(anItems)
		h.slowest = max(h.slowest, time.Until(turn))
		wait = max(wait, time.Until(turn))
	}
	h.mu.Unlock()
	<-time.After(aRead + wait)
	return h.Store.Reserve(ctx, increments...)
}

// TestAThousandTextsASecond: a thousand users a second have a code sent and use it some seconds
// later, where a transaction takes 8 or 18 ms. In less than 1 % of the texts a transaction
// conflicts, and every text is sent and counted.
func TestAThousandTextsASecond(t *testing.T) {
	if testing.Short() {
		t.Skip("it sends thousands of messages")
	}
	for _, transaction := range []time.Duration{8 * time.Millisecond, 18 * time.Millisecond} {
		t.Run(transaction.String(), func(t *testing.T) { synctest.Test(t, func(t *testing.T) { sendThousands(t, transaction) }) })
	}
}

func sendThousands(t *testing.T, transaction time.Duration) {
	const texts, apart = 1000, time.Millisecond
	memory := store.NewMemory()
	var sent codes
	w := mfatest.New(t, domain.Config{Store: memory, Now: time.Now, Pause: clock.Pause, Sender: &sent})
	_, err := w.Settings.Change(t.Context(), func(s *account.Settings) {
		s.SMSUnverified, s.SMSUnverifiedCountry, s.SMSDailyCap, s.IPLimits = 100_000, 100_000, 10_000*smsprice.Dollar, false
	})
	w.Must(err)
	<-time.After(24 * time.Hour)        // then no limit changed on this day
	_, err = w.Tokens.JWKS(t.Context()) // an instance makes its first signing key once
	w.Must(err)
	people := make([]func() error, texts)
	for i := range people {
		people[i] = textedAndVerified(w, &sent, i)
	}
	h := &holding{Store: memory, transaction: transaction, held: map[string]bool{}, free: map[string]time.Time{}}
	w.Config.Store = h
	w.Restart()
	var wait sync.WaitGroup
	for i, person := range people {
		wait.Go(func() {
			<-time.After(time.Duration(i) * apart)
			w.Must(person())
		})
	}
	wait.Wait()
	if h.conflicts*100 >= texts {
		t.Errorf("%d of %d commits conflict, want less than 1 %% of the texts", h.conflicts, h.commits)
	}
	if h.slowest > 50*time.Millisecond {
		t.Errorf("an update of a counter waited %v for its turn", h.slowest)
	}
	usage, err := w.SMS.Usage(t.Context())
	w.Must(err)
	for _, c := range usage.Countries {
		if c.Country == "US" && (c.Sent != texts || c.Verified != texts || c.Spent != texts*c.Price) {
			t.Errorf("counted are %d sent, %d verified and %v spent", c.Sent, c.Verified, c.Spent)
		}
	}
	t.Logf("%d commits, %d conflicts, an update waits at most %v", h.commits, h.conflicts, h.slowest)
}

// textedAndVerified creates a signed-in user with a number and returns what the user does: request
// a code and, a few seconds later, enter it.
func textedAndVerified(w *mfatest.World, sent *codes, n int) func() error {
	w.Helper()
	u, err := w.Admin.CreateUser(w.Context(), admin.UserInput{Username: fmt.Sprint("user", n)})
	w.Must(err)
	number := fmt.Sprintf("+1212%03d%04d", 201+n%300, 1000+n)
	ph, err := w.Admin.AddUserPhone(w.Context(), u.WireID(), number, admin.PhoneChange{})
	w.Must(err)
	ticket, err := w.MFA.CreateTicket(w.Context(), u.WireID(), 0)
	w.Must(err)
	in, err := w.MFA.CreateSignIn(w.Context(), tx.Caller{}, mfa.SignInInput{Strategy: account.TicketCode, Ticket: ticket.Token})
	w.Must(err)
	from := tx.Caller{Session: in.SignIn.Created, Credentials: []tx.Credential{{Transport: tx.Cookie, Token: in.Snapshot.Token}}}
	return func() error {
		if _, err := w.MFA.PreparePhone(w.Context(), from, ph.Phone.ID, account.PhoneCode); err != nil {
			return fmt.Errorf("prepare: %w", err)
		}
		<-time.After(time.Duration(1000+n%2000) * time.Millisecond)
		_, err := w.MFA.AttemptPhone(w.Context(), from, ph.Phone.ID, mfa.Proof{Code: secret.New(sent.to(number))})
		return err
	}
}

// codes keeps the last code that was sent to each number.
type codes struct{ sync.Map }

func (c *codes) Send(_ context.Context, m tx.Message) error {
	c.Store(m.To.E164(), mfatest.CodeIn(m))
	return nil
}

func (c *codes) to(number string) string {
	code, _ := c.Load(number)
	text, _ := code.(string)
	return text
}
