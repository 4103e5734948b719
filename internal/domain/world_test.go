package domain_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/password"
	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/numberplan"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/test/sessionkeys"
)

const (
	aNumber       = "+12125550123"
	anotherNumber = "+13105550142"
)

var aNetwork = netip.MustParseAddr("203.0.113.77")

// world is a service over a store in memory, with a clock that is moved and an outbox.
type world struct {
	testing.TB
	*domain.Service
	faults *store.Faulty
	counts *store.Counting

	config domain.Config

	mu   sync.Mutex
	at   time.Time
	sent []tx.Message
	down bool

	events []account.EventName
}

// happened is how often an event was told of.
func (w *world) happened(name account.EventName) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, e := range w.events {
		if e == name {
			n++
		}
	}
	return n
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldOf(t, rand.Reader)
}

// newWorldOf is a world whose service draws from random.
func newWorldOf(t testing.TB, random io.Reader) *world {
	t.Helper()
	w := &world{TB: t, at: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)}
	w.faults = store.NewFaulty(store.NewMemory())
	w.counts = store.NewCounting(w.faults)
	ring, err := seal.NewRing(1, map[uint32]seal.Key{1: {1, 2, 3}}, random)
	w.must(err)
	w.config = domain.Config{
		Store: w.counts, Sender: w, Ring: ring, Passwords: password.New(password.Params{Memory: 64, Time: 1, Threads: 1}, random), Numbers: numberplan.Parse,
		Now: w.now, Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }, Rand: random, Key: sessionkeys.Keys(),
		Issuer: "https://clerk.example.com", AppName: "Example", SMSHost: "example.com",
		Notify: func(e account.Event) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.events = append(w.events, e.Name)
		},
	}
	w.Service, err = domain.New(w.config)
	w.must(err)
	_, err = w.Settings.Change(t.Context(), func(s *account.Settings) { s.IPLimits = false })
	w.must(err)
	return w
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

// advance moves the clock.
func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

// Send stores a message in sent, or fails if the test asked for that.
func (w *world) Send(_ context.Context, m tx.Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down {
		return errors.New("network down")
	}
	w.sent = append(w.sent, m)
	return nil
}

var codeIn = regexp.MustCompile(`#(\d{6})$`)

// sms is the code of the last message.
func (w *world) sms() string {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.sent) == 0 {
		w.Fatal("no message was sent")
	}
	return codeIn.FindStringSubmatch(w.sent[len(w.sent)-1].Body.Reveal())[1]
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// want fails unless err is the catalogue's error for a code; "" wants none.
func (w *world) want(code apierr.Code, err error) {
	w.Helper()
	switch {
	case code == "" && err != nil:
		w.Fatalf("unexpected error %v", err)
	case code != "" && err == nil:
		w.Fatalf("no error, want %s", code)
	case code != "" && apierr.From(err).Code() != code:
		w.Fatalf("error %v, want %s", err, code)
	}
}

// person is a user with a browser.
type person struct {
	*world
	id      string
	browser tx.Caller
	key     secret.Value // of the authenticator app
	backup  []string
	phone   string
	signIn  string
}

func (w *world) newcomer() *person {
	w.Helper()
	u, err := w.Admin.CreateUser(w.Context(), admin.UserInput{Emails: []string{fmt.Sprintf("p%d@example.com", w.count())}, Password: secret.New("correct horse")})
	w.must(err)
	return &person{world: w, id: u.WireID()}
}

var made struct {
	sync.Mutex
	n int
}

func (w *world) count() int {
	made.Lock()
	defer made.Unlock()
	made.n++
	return made.n
}

// keepToken makes the browser present its new client token.
func (p *person) keepToken(s *sessions.Snapshot) {
	if s != nil && !s.Token.IsZero() {
		p.browser.Credentials = []tx.Credential{{Transport: s.Transport, Token: s.Token}}
	}
}

// signInWithTicket signs in with a ticket; what follows is a session, or a wait for the second
// factor.
func (p *person) signInWithTicket() *mfa.SignInResult {
	p.Helper()
	ticket, err := p.MFA.CreateTicket(p.Context(), p.id, 0)
	p.must(err)
	r, err := p.MFA.CreateSignIn(p.Context(), p.browser, mfa.SignInInput{Strategy: account.TicketCode, Ticket: ticket.Token})
	p.must(err)
	p.keepToken(r.Snapshot)
	p.signIn, p.browser.Session = r.SignIn.ID, r.SignIn.Created
	return r
}

// prove proves the first factor again, with a ticket.
func (p *person) prove() {
	p.Helper()
	ticket, err := p.MFA.CreateTicket(p.Context(), p.id, 0)
	p.must(err)
	_, err = p.MFA.StartReverification(p.Context(), p.browser, p.browser.Session, authority.FirstFactor)
	p.must(err)
	_, err = p.MFA.AttemptReverificationFirstFactor(p.Context(), p.browser, p.browser.Session, mfa.Proof{Strategy: account.TicketCode, Ticket: ticket.Token})
	p.must(err)
}

// signOut ends all sessions of the browser.
func (p *person) signOut() {
	p.Helper()
	_, err := p.Sessions.EndAll(p.Context(), p.browser)
	p.must(err)
	p.browser.Session = ""
}

// secondFactor attempts the second factor of the sign-in.
func (p *person) secondFactor(by account.Strategy, code string) error {
	r, err := p.MFA.AttemptSecondFactor(p.Context(), p.browser, p.signIn, mfa.Proof{Strategy: by, Code: secret.New(code)})
	if err == nil {
		p.keepToken(r.Snapshot)
		p.browser.Session = r.SignIn.Created
	}
	return err
}

// text has a second-factor code sent.
func (p *person) text() {
	p.Helper()
	_, err := p.MFA.PrepareSecondFactor(p.Context(), p.browser, p.signIn, account.PhoneCode, p.phone)
	p.must(err)
}

// enrolPhone adds, verifies and reserves a number, in a session.
func (p *person) enrolPhone(number string) {
	p.Helper()
	r, err := p.MFA.AddPhone(p.Context(), p.browser, mfa.PhoneInput{Number: number})
	p.must(err)
	p.phone = r.Phone.ID
	_, err = p.MFA.PreparePhone(p.Context(), p.browser, p.phone, account.PhoneCode)
	p.must(err)
	_, err = p.MFA.AttemptPhone(p.Context(), p.browser, p.phone, mfa.Proof{Code: secret.New(p.sms())})
	p.must(err)
	r, err = p.MFA.ChangePhone(p.Context(), p.browser, p.phone, mfa.PhoneChange{Reserved: new(true)})
	p.must(err)
	if r.BackupCodes != nil {
		p.backup = r.BackupCodes
	}
}

// enrolApp adds and confirms an authenticator app, in a session.
func (p *person) enrolApp() {
	p.Helper()
	r, err := p.MFA.CreateTOTP(p.Context(), p.browser)
	p.must(err)
	p.key = r.Secret
	r, err = p.MFA.ConfirmTOTP(p.Context(), p.browser, secret.New(p.totpCode()))
	p.must(err)
	if r.BackupCodes != nil {
		p.backup = r.BackupCodes
	}
	p.advance(totp.Period)
}

// totpCode is what the authenticator app shows now.
func (p *person) totpCode() string {
	p.Helper()
	code, err := totp.Code(p.key, p.now())
	p.must(err)
	return code
}

// wrong is a well-formed code that the app does not show around now.
func (p *person) wrong() string {
	p.Helper()
	for _, candidate := range []string{"000000", "111111", "222222", "333333", "444444"} {
		right := false
		for step := -1; step <= 1; step++ {
			code, err := totp.Code(p.key, p.now().Add(time.Duration(step)*totp.Period))
			p.must(err)
			right = right || code == candidate
		}
		if !right {
			return candidate
		}
	}
	p.Fatal("every candidate is right")
	return ""
}

// member is a person with a number, an authenticator app and backup codes, signed out.
func (w *world) member() *person {
	w.Helper()
	p := w.newcomer()
	p.signInWithTicket()
	p.enrolPhone(aNumber)
	p.enrolApp()
	p.signOut()
	p.advance(time.Hour)
	return p
}

// stranger is the same user on a browser that never passed.
func (p *person) stranger() *person {
	other := *p
	other.browser = tx.Caller{Address: netip.MustParseAddr("198.51.100.7")}
	return &other
}

// banAndUnban ends the person's sessions on the server only.
func (p *person) banAndUnban() {
	p.Helper()
	_, err := p.Admin.Ban(p.Context(), p.id)
	p.must(err)
	_, err = p.Admin.Unban(p.Context(), p.id)
	p.must(err)
}
