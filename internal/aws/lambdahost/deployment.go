package lambdahost

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/countersign-mfa/countersign/internal/aws/kms"
	"github.com/countersign-mfa/countersign/internal/clock"
	"github.com/countersign-mfa/countersign/internal/crypto/keyring"
	"github.com/countersign-mfa/countersign/internal/crypto/password"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/internal/store/dynamo"
)

// Deps are dependencies that only some functions need. A function that does not name one does not
// link it.
type Deps struct {
	// Sender constructs the SMS sender.
	Sender func(Environment, aws.Config) tx.Sender
	// Numbers constructs the parser of new phone numbers. Its error means a wrong environment.
	Numbers func(Environment) (Numbers, error)
}

// Numbers parses new phone numbers, as a region writes them.
type Numbers interface {
	Parse(text, region string) (phone.Number, error)
	// String is the age of the numbering plans, for the log.
	String() string
}

// Deployment holds what every function of a deployment uses.
type Deployment struct {
	Environment
	Config aws.Config
	Store  store.Store
	Keys   *keyring.Keyring
	Log    *slog.Logger
	Meter  *Meter
}

// Connect builds the clients. It makes no request.
func Connect(e Environment) *Deployment {
	config := e.AWS()
	log := slog.New(viewerLog{Lines(os.Stdout)})
	d := &Deployment{Environment: e, Config: config, Log: log, Meter: NewMeter(log, e.Table, time.Now)}
	d.Store = dynamo.New(dynamodb.NewFromConfig(config), e.Table, time.Now)
	d.Keys = keyring.New(d.Store, kms.New(awskms.NewFromConfig(config), e.Key), time.Now)
	return d
}

// Lines returns a handler that writes a function's log as JSON lines. They have no time: CloudWatch
// adds its own, and logs are an eighth of the price of a check.
func Lines(to io.Writer) slog.Handler {
	return slog.NewJSONHandler(to, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
}

// AWS returns the configuration of the SDK's clients. It is built by hand: reading profiles and
// other sources would cost every start milliseconds and every binary 2 MB.
func (e Environment) AWS() aws.Config {
	config := aws.Config{
		Region:      e.Region,
		Credentials: credentials.NewStaticCredentialsProvider(e.AccessKeyID, e.SecretAccessKey, e.SessionToken),
		HTTPClient:  &http.Client{Transport: newTransport()},
	}
	if e.Endpoint != "" {
		config.BaseEndpoint = &e.Endpoint
	}
	return config
}

// errNoSender is returned by Send in a function without a sender.
var errNoSender = errors.New("lambdahost: this function sends no SMS")

type noSender struct{}

func (noSender) Send(context.Context, tx.Message) error { return errNoSender }

// Service opens the keyring and builds the domain. Its requests warm the connection to the store,
// so that the first request of a user costs little more than the next.
func (d *Deployment) Service(ctx context.Context, deps Deps) (*domain.Service, error) {
	ring, err := d.Keys.Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("open keyring: %w", err)
	}
	var sender tx.Sender = noSender{}
	if deps.Sender != nil {
		sender = deps.Sender(d.Environment, d.Config)
	}
	var parse func(text, region string) (phone.Number, error)
	if deps.Numbers != nil {
		numbers, err := deps.Numbers(d.Environment)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", EnvNumberRanges, err)
		}
		d.Log.Info("numbers", "plans", numbers.String())
		parse = numbers.Parse
	}
	return domain.New(domain.Config{
		Store: d.Store, Sender: sender, Ring: ring, Passwords: password.New(password.DefaultParams, rand.Reader), Numbers: parse,
		Now: time.Now, Pause: clock.Pause, Rand: rand.Reader, Issuer: d.URL, AppName: d.AppName, SMSHost: d.SMSHost, RestoredAt: d.RestoredAt,
		Bus: d.EventBus != "", Notify: d.notify,
	})
}

func (d *Deployment) notify(e account.Event) {
	d.Log.Info("event", "name", e.Name, "user", e.User)
	switch e.Name {
	case eventtype.UserLocked:
		d.Meter.Count(MetricLocked, 1)
	case eventtype.SendFailed:
		d.Meter.Count(MetricFailed, 1)
	case eventtype.SMSRefused:
		d.Meter.Count(MetricStopped, 1)
	case eventtype.BreakerTripped:
		d.Meter.Count(MetricBreaker, 1)
	case eventtype.SpentHalf:
		d.Meter.Count(MetricSpent, 50)
	case eventtype.SpentMost:
		d.Meter.Count(MetricSpent, 80)
	case eventtype.SpentAll:
		d.Meter.Count(MetricSpent, 100)
	}
}
