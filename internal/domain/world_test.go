package domain_test

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/test/mfatest"
)

const (
	aNumber       = "+12125550123"
	anotherNumber = "+13105550142"
)

var aNetwork = netip.MustParseAddr("203.0.113.77")

// world is a service over a store that fails and counts when a test asks for it.
type world struct {
	*mfatest.World
	memory *store.Memory
	faults *store.Faulty
	counts *store.Counting

	mu     sync.Mutex
	events []eventtype.Name
}

// happened is how often an event was told of.
func (w *world) happened(name eventtype.Name) int {
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
	w := &world{memory: store.NewMemory()}
	w.faults = store.NewFaulty(w.memory)
	w.counts = store.NewCounting(w.faults)
	w.World = mfatest.New(t, domain.Config{Store: w.counts, Rand: random, Notify: func(e account.Event) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.events = append(w.events, e.Name)
	}})
	_, err := w.Settings.Change(t.Context(), func(s *account.Settings) { s.IPLimits = false })
	w.Must(err)
	_, err = w.Tokens.PublishedKeys(t.Context()) // makes the first signing key
	w.Must(err)
	return w
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
	email   string // the id of an unverified e-mail address
	signIn  string
}

func (w *world) newcomer() *person {
	w.Helper()
	u, err := w.Admin.CreateUser(w.Context(), admin.UserInput{Emails: []string{fmt.Sprintf("p%d@example.com", w.count())}, Password: secret.New("correct horse")})
	w.Must(err)
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
	p.Must(err)
	r, err := p.MFA.CreateSignIn(p.Context(), p.browser, mfa.SignInInput{Strategy: account.TicketCode, Ticket: ticket.Token})
	p.Must(err)
	p.keepToken(r.Snapshot)
	p.signIn, p.browser.Session = r.SignIn.ID, r.SignIn.Created
	return r
}

// prove proves the first factor again, with a ticket.
func (p *person) prove() {
	p.Helper()
	ticket, err := p.MFA.CreateTicket(p.Context(), p.id, 0)
	p.Must(err)
	_, err = p.MFA.StartReverification(p.Context(), p.browser, p.browser.Session, authority.FirstFactor)
	p.Must(err)
	_, err = p.MFA.AttemptReverificationFirstFactor(p.Context(), p.browser, p.browser.Session, mfa.Proof{Strategy: account.TicketCode, Ticket: ticket.Token})
	p.Must(err)
}

// signOut ends all sessions of the browser.
func (p *person) signOut() {
	p.Helper()
	_, err := p.Sessions.EndAll(p.Context(), p.browser)
	p.Must(err)
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
	p.Must(err)
}

// enrolPhone adds, verifies and reserves a number, in a session.
func (p *person) enrolPhone(number string) {
	p.Helper()
	r, err := p.MFA.AddPhone(p.Context(), p.browser, mfa.PhoneInput{Number: number})
	p.Must(err)
	p.phone = r.Phone.ID
	_, err = p.MFA.PreparePhone(p.Context(), p.browser, p.phone, account.PhoneCode)
	p.Must(err)
	_, err = p.MFA.AttemptPhone(p.Context(), p.browser, p.phone, mfa.Proof{Code: secret.New(p.Code())})
	p.Must(err)
	r, err = p.MFA.ChangePhone(p.Context(), p.browser, p.phone, mfa.PhoneChange{Reserved: new(true)})
	p.Must(err)
	if r.BackupCodes != nil {
		p.backup = r.BackupCodes
	}
}

// enrolApp adds and confirms an authenticator app, in a session.
func (p *person) enrolApp() {
	p.Helper()
	r, err := p.MFA.CreateTOTP(p.Context(), p.browser)
	p.Must(err)
	p.key = r.Secret
	r, err = p.MFA.ConfirmTOTP(p.Context(), p.browser, secret.New(p.totpCode()))
	p.Must(err)
	if r.BackupCodes != nil {
		p.backup = r.BackupCodes
	}
	p.Advance(totp.Period)
}

// totpCode is what the authenticator app shows now.
func (p *person) totpCode() string {
	p.Helper()
	code, err := totp.Code(p.key, p.Now())
	p.Must(err)
	return code
}

// wrong is a well-formed code that the app does not show around now.
func (p *person) wrong() string {
	p.Helper()
	for _, candidate := range []string{"000000", "111111", "222222", "333333", "444444"} {
		right := false
		for step := -1; step <= 1; step++ {
			code, err := totp.Code(p.key, p.Now().Add(time.Duration(step)*totp.Period))
			p.Must(err)
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
	p.Advance(time.Hour)
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
	p.Must(err)
	_, err = p.Admin.Unban(p.Context(), p.id)
	p.Must(err)
}
