package tx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/sessiontoken"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Sender delivers SMS.
type Sender interface {
	// Send hands one message to the SMS provider. The domain calls it at most once a message.
	Send(ctx context.Context, m Message) error
}

// Message is an SMS. A test message goes to a number that receives none, and must not cost money.
type Message struct {
	To   phone.Number
	Body secret.Value
	Test bool
}

// Config is what the domain needs from its program.
type Config struct {
	Store     store.Store
	Sender    Sender
	Ring      *seal.Ring
	Passwords Passwords
	// Numbers parses a phone number that is to be added, as a region writes it; nil where none is
	// added.
	Numbers func(text, region string) (phone.Number, error)
	Now     func() time.Time
	// Pause waits between the tries of a commit, or returns the context's error.
	Pause func(context.Context, time.Duration) error
	Rand  io.Reader
	// Key makes a signing key; nil means sessiontoken.GenerateKey.
	Key func(random io.Reader) (*sessiontoken.Key, error)
	// Issuer is the public URL of the API: the claim iss of session tokens.
	Issuer string
	// AppName is shown in authenticator apps and SMS.
	AppName string
	// SMSHost is the host in the last line of an SMS, to which browsers bind the code.
	SMSHost string
	// RestoredAt is when the store was restored from a backup, or zero. See
	// [InvalidateBefore].
	RestoredAt time.Time
	// Bus sends events to an event bus as well.
	Bus bool
	// Loopback allows webhooks to http://localhost, for development only.
	Loopback bool
	// Notify receives events after their commit; nil drops them.
	Notify func(account.Event)
}

// Engine carries out the operations. It is safe for concurrent use.
type Engine struct {
	Store      store.Store
	Sender     Sender
	Ring       *seal.Ring
	Passwords  Passwords
	numbers    func(text, region string) (phone.Number, error)
	clock      func() time.Time
	pause      func(context.Context, time.Duration) error
	Rand       io.Reader
	Key        func(io.Reader) (*sessiontoken.Key, error)
	issuer     string
	host       string // of issuer
	AppName    string
	SMSHost    string
	RestoredAt time.Time
	Bus        bool
	Loopback   bool
	Notify     func(account.Event)
	Cache      settingsCache
	Spent      smsprice.Milestones
	// beforeCommit runs before each commit, in this order.
	beforeCommit []func(*Tx) error
	comparing    comparing
	past         pastSums
}

// NewEngine returns an engine that runs beforeCommit, in its order, before each commit. An error
// names what the configuration lacks.
func NewEngine(c Config, beforeCommit ...func(*Tx) error) (*Engine, error) {
	if c.Store == nil || c.Sender == nil || c.Ring == nil || c.Passwords == nil || c.Now == nil || c.Pause == nil || c.Rand == nil {
		return nil, errors.New("domain: Store, Sender, Ring, Passwords, Now, Pause and Rand are needed")
	}
	if c.Issuer == "" || c.AppName == "" || c.SMSHost == "" {
		return nil, errors.New("domain: Issuer, AppName and SMSHost are needed")
	}
	if c.Notify == nil {
		c.Notify = func(account.Event) {}
	}
	at, err := url.Parse(c.Issuer)
	if err != nil {
		return nil, fmt.Errorf("domain: Issuer is no URL: %w", err)
	}
	return &Engine{
		host:  at.Hostname(),
		Store: c.Store, Sender: c.Sender, Ring: c.Ring, Passwords: c.Passwords, numbers: c.Numbers, clock: c.Now, pause: c.Pause, Rand: c.Rand, Key: c.Key,
		issuer: c.Issuer, AppName: c.AppName, SMSHost: c.SMSHost, RestoredAt: c.RestoredAt, Bus: c.Bus, Loopback: c.Loopback, Notify: c.Notify,
		beforeCommit: beforeCommit,
	}, nil
}

// Now returns the time of the configured clock.
func (s *Engine) Now() time.Time { return s.clock() }

// Issuer returns the public URL of the API.
func (s *Engine) Issuer() string { return s.issuer }

// PasskeyDomain returns the RP id of passkeys, whether they are on or off: that of the settings,
// else the host of the public URL.
func (s *Engine) PasskeyDomain(set *account.Settings) string { return cmp.Or(set.PasskeyRPID, s.host) }

// RPID is [Engine.PasskeyDomain], or "" when passkeys are off.
func (s *Engine) RPID(set *account.Settings) string {
	if !set.Passkeys {
		return ""
	}
	return s.PasskeyDomain(set)
}

// RandomID returns 128 random bits as text.
func (s *Engine) RandomID() (string, error) {
	return account.RandomText(s.Rand, 16)
}

// Digest returns a lookup key: stable, keyed, 128 bits.
func (s *Engine) Digest(parts ...string) string {
	sum := s.Ring.Digest(parts...)
	if account.IsID(sum) {
		return sum
	}
	panic("tx: seal.Ring.Digest must return 26 base-32 characters")
}
