package mfa

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/countersign-mfa/countersign/internal/password"
	"github.com/countersign-mfa/countersign/internal/phone"
	"github.com/countersign-mfa/countersign/internal/seal"
	"github.com/countersign-mfa/countersign/internal/secret"
)

// Sender delivers text messages.
type Sender interface {
	// Send hands one message to the network. It is called at most once per message.
	Send(ctx context.Context, m Message) error
}

// Message is a text message. Test messages go to numbers that cannot receive any and must not be sent for money.
type Message struct {
	To   phone.Number
	Text secret.Value
	Test bool
}

// EventName names something that a user or an operator should learn of.
type EventName string

// The events. A notification of the user goes by another channel than the one that changed.
const (
	EventUserLocked      EventName = "user.locked"
	EventFactorAdded     EventName = "factor.added"
	EventFactorRemoved   EventName = "factor.removed"
	EventFactorDisabled  EventName = "factor.disabled"
	EventFactorUsed      EventName = "factor.used"
	EventFactorReset     EventName = "factor.reset" // every second factor, by the team's servers
	EventFactorDefault   EventName = "factor.default_changed"
	EventBackupUsed      EventName = "backup_code.used"
	EventBackupMade      EventName = "backup_code.made"
	EventBackupRemoved   EventName = "backup_code.removed"
	EventReplay          EventName = "code.replayed"
	EventCodeSent        EventName = "code.sent"
	EventCodeWrong       EventName = "code.wrong"
	EventPasswordWrong   EventName = "password.wrong"
	EventPasswordSet     EventName = "password.changed"
	EventNumberAdded     EventName = "phone_number.added"
	EventNumberVerified  EventName = "phone_number.verified"
	EventNumberRemoved   EventName = "phone_number.removed"
	EventNumberRefused   EventName = "phone_number.refused" // another user holds it
	EventNumberDoubted   EventName = "phone_number.unverified"
	EventSignedIn        EventName = "session.created"
	EventSignedOut       EventName = "session.ended"
	EventSessionRemoved  EventName = "session.removed"
	EventSessionRevoked  EventName = "session.revoked"
	EventSignedOutAll    EventName = "session.all_revoked"
	EventReverified      EventName = "session.reverified"
	EventTicketUsed      EventName = "sign_in_token.used"
	EventSendFailed      EventName = "sms.failed"
	EventSettingsChanged EventName = "settings.changed"
	EventUserCreated     EventName = "user.created"
	EventUserUpdated     EventName = "user.updated"
	EventUserDeleted     EventName = "user.deleted"
	EventUserUnlocked    EventName = "user.unlocked"
	EventUserBanned      EventName = "user.banned"
	EventUserUnbanned    EventName = "user.unbanned"
	EventTextRefused     EventName = "sms.refused"
	EventBreakerTripped  EventName = "sms.breaker_tripped" // a refusal of too many unverified messages
	EventSpentHalf       EventName = "sms.spent_50"        // of the day's money; once a day and process
	EventSpentMost       EventName = "sms.spent_80"
	EventSpentAll        EventName = "sms.spent_100" // whenever a message is refused for it
)

// Event is one such occurrence. It holds ids only.
type Event struct {
	Name EventName
	User string
	At   time.Time
}

// Config is what the domain needs from the world.
type Config struct {
	Store     Store
	Sender    Sender
	Ring      *seal.Ring
	Passwords *password.Hasher
	// Numbers reads a phone number that is to be added; nil where none is.
	Numbers func(text string) (phone.Number, error)
	Now     func() time.Time
	// Pause waits, or returns the context's error; only between tries of a commit.
	Pause func(context.Context, time.Duration) error
	Rand  io.Reader
	// Issuer is the public URL of the API: the iss of session tokens.
	Issuer string
	// AppName is shown in authenticator apps and text messages.
	AppName string
	// SMSHost is the host that the last line of a message binds the code to.
	SMSHost string
	// Epoch is when the store was restored from a backup, or zero: what was made before it no longer counts. See epoch.go.
	Epoch time.Time
	// Notify receives events after their commit; nil drops them.
	Notify func(Event)
}

// Service carries out the operations. It is safe for concurrent use.
type Service struct {
	store     Store
	sender    Sender
	ring      *seal.Ring
	passwords *password.Hasher
	numbers   func(string) (phone.Number, error)
	now       func() time.Time
	pause     func(context.Context, time.Duration) error
	rand      io.Reader
	issuer    string
	appName   string
	smsHost   string
	epoch     time.Time
	notify    func(Event)
	cache     settingsCache
	spending  spending
	keys      keyMemo
}

// New returns a service, or an error that says what is missing.
func New(c Config) (*Service, error) {
	if c.Store == nil || c.Sender == nil || c.Ring == nil || c.Passwords == nil || c.Now == nil || c.Pause == nil || c.Rand == nil {
		return nil, errors.New("mfa: Store, Sender, Ring, Passwords, Now, Pause and Rand are needed")
	}
	if c.Issuer == "" || c.AppName == "" || c.SMSHost == "" {
		return nil, errors.New("mfa: Issuer, AppName and SMSHost are needed")
	}
	if c.Notify == nil {
		c.Notify = func(Event) {}
	}
	return &Service{
		store: c.Store, sender: c.Sender, ring: c.Ring, passwords: c.Passwords, numbers: c.Numbers, now: c.Now, pause: c.Pause, rand: c.Rand,
		issuer: c.Issuer, appName: c.AppName, smsHost: c.SMSHost, epoch: c.Epoch, notify: c.Notify,
	}, nil
}

// Now is the service's clock.
func (s *Service) Now() time.Time { return s.now() }

// Issuer is the public URL of the API.
func (s *Service) Issuer() string { return s.issuer }
