package mfa

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/sessiontoken"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
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
	Store     Store
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
	Notify func(Event)
}

// Service carries out the operations. It is safe for concurrent use.
type Service struct {
	store      Store
	sender     Sender
	ring       *seal.Ring
	passwords  Passwords
	numbers    func(string) (phone.Number, error)
	now        func() time.Time
	pause      func(context.Context, time.Duration) error
	rand       io.Reader
	key        func(io.Reader) (*sessiontoken.Key, error)
	issuer     string
	appName    string
	smsHost    string
	restoredAt time.Time
	bus        bool
	loopback   bool
	notify     func(Event)
	cache      settingsCache
	spent      smsprice.Milestones
	// beforeCommit runs before each commit, in this order.
	beforeCommit []func(*txn) error
	comparing    comparing
	keys         keyMemo
	blocked      blockedAddresses
}

// NewEngine returns an engine whose commits are prepared by beforeCommit, in its order, or an error
// that says what the configuration lacks.
func NewEngine(c Config, beforeCommit ...func(*txn) error) (*Service, error) {
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
		c.Notify = func(Event) {}
	}
	return &Service{
		store: c.Store, sender: c.Sender, ring: c.Ring, passwords: c.Passwords, numbers: c.Numbers, now: c.Now, pause: c.Pause, rand: c.Rand, key: c.Key,
		issuer: c.Issuer, appName: c.AppName, smsHost: c.SMSHost, restoredAt: c.RestoredAt, bus: c.Bus, loopback: c.Loopback, notify: c.Notify,
		beforeCommit: beforeCommit,
	}, nil
}

// Now is the service's clock.
func (s *Service) Now() time.Time { return s.now() }

// Issuer is the public URL of the API.
func (s *Service) Issuer() string { return s.issuer }
