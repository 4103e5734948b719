package tx

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/sessiontoken"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Sender delivers text messages.
type Sender interface {
	// Send hands one message to the network. It is called at most once per message.
	Send(ctx context.Context, m Message) error
}

// Message is a text message. Test messages go to numbers that cannot receive any and must not be sent for money.
type Message struct {
	To   phone.Number
	Body secret.Value
	Test bool
}

// Config is what the domain needs from the world.
type Config struct {
	Store     store.Store
	Sender    Sender
	Ring      *seal.Ring
	Passwords Passwords
	// Numbers reads a phone number that is to be added; nil where none is.
	Numbers func(text string) (phone.Number, error)
	Now     func() time.Time
	// Pause waits, or returns the context's error; only between tries of a commit.
	Pause func(context.Context, time.Duration) error
	Rand  io.Reader
	// Key makes a signing key; nil means sessiontoken.GenerateKey.
	Key func(random io.Reader) (*sessiontoken.Key, error)
	// Issuer is the public URL of the API: the iss of session tokens.
	Issuer string
	// AppName is shown in authenticator apps and text messages.
	AppName string
	// SMSHost is the host that the last line of a message binds the code to.
	SMSHost string
	// RestoredAt is when the store was restored from a backup, or zero: what was made before it no longer counts. See restore.go.
	RestoredAt time.Time
	// Bus says that events also go to an event bus.
	Bus bool
	// Loopback lets webhooks go to http://localhost: development only.
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
	numbers    func(string) (phone.Number, error)
	Clock      func() time.Time
	pause      func(context.Context, time.Duration) error
	Rand       io.Reader
	Key        func(io.Reader) (*sessiontoken.Key, error)
	IssuerURL  string
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
}

// NewEngine returns an engine whose commits are prepared by beforeCommit, in its order, or an error
// that says what the configuration lacks.
func NewEngine(c Config, beforeCommit ...func(*Tx) error) (*Engine, error) {
	if c.Store == nil || c.Sender == nil || c.Ring == nil || c.Passwords == nil || c.Now == nil || c.Pause == nil || c.Rand == nil {
		return nil, errors.New("mfa: Store, Sender, Ring, Passwords, Now, Pause and Rand are needed")
	}
	if c.Issuer == "" || c.AppName == "" || c.SMSHost == "" {
		return nil, errors.New("mfa: Issuer, AppName and SMSHost are needed")
	}
	if c.Key == nil {
		c.Key = sessiontoken.GenerateKey
	}
	if c.Notify == nil {
		c.Notify = func(account.Event) {}
	}
	return &Engine{
		Store: c.Store, Sender: c.Sender, Ring: c.Ring, Passwords: c.Passwords, numbers: c.Numbers, Clock: c.Now, pause: c.Pause, Rand: c.Rand, Key: c.Key,
		IssuerURL: c.Issuer, AppName: c.AppName, SMSHost: c.SMSHost, RestoredAt: c.RestoredAt, Bus: c.Bus, Loopback: c.Loopback, Notify: c.Notify,
		beforeCommit: beforeCommit,
	}, nil
}

// Now is the service's clock.
func (s *Engine) Now() time.Time { return s.Clock() }

// Issuer is the public URL of the API.
func (s *Engine) Issuer() string { return s.IssuerURL }

// RandomID returns 128 random bits as text.
func (s *Engine) RandomID() (string, error) {
	return account.RandomText(s.Rand, 16)
}

// Digest is a lookup key: stable, keyed, 128 bits.
func (s *Engine) Digest(parts ...string) string {
	sum := s.Ring.Digest(parts...)
	if account.IsID(sum) {
		return sum
	}
	panic("mfa: seal.Ring.Digest must return 26 base-32 characters")
}
