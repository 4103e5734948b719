package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/web/appearance"
)

// Settings are what a team chooses. infra/settings.yaml explains each.
type Settings struct {
	Name        string     `yaml:"name"`
	Data        string     `yaml:"data"`
	Existing    Existing   `yaml:"existing"`
	Canary      bool       `yaml:"canary"`
	KeyOperator string     `yaml:"key_operator"`
	Backup      Backup     `yaml:"backup"`
	Warm        Warm       `yaml:"warm"`
	AppName     string     `yaml:"app_name"`
	Origins     []string   `yaml:"origins"`
	SMSHost     string     `yaml:"sms_host"`
	Domain      Domain     `yaml:"domain"`
	Countries   []string   `yaml:"countries"`
	SMS         SMS        `yaml:"sms"`
	MFARequired bool       `yaml:"mfa_required"`
	Throttle    Throttle   `yaml:"throttle"`
	AlarmMail   string     `yaml:"alarm_mail"`
	LogDays     int        `yaml:"log_days"`
	Tracing     bool       `yaml:"tracing"`
	Appearance  Appearance `yaml:"appearance"`
	KeepWarm    bool       `yaml:"keep_warm"`
	RestoredAt  string     `yaml:"restored_at"`
	EventBus    string     `yaml:"event_bus"`
	SAMLocal    bool       `yaml:"sam_local"`
	Edge        *Edge      `yaml:"edge"`
}

// Domain is a custom domain name for the API.
type Domain struct {
	Name        string `yaml:"name"`
	Certificate string `yaml:"certificate"`
}

// SMS says how SMS are sent.
type SMS struct {
	SenderID      string  `yaml:"sender_id"`
	Number        string  `yaml:"number"`
	MaxPrice      float64 `yaml:"max_price"`
	MonthlyBudget float64 `yaml:"monthly_budget"`
	Concurrency   int     `yaml:"concurrency"`
	// Unchecked are countries for which the synth does not ask whether messages can arrive.
	Unchecked []string `yaml:"unchecked"`
	// NumberRanges are lines as in additions.txt of package numberplan.
	NumberRanges []string `yaml:"number_ranges"`
}

// Appearance is how the pages look; see docs/use/pages.md.
type Appearance struct {
	Logo    string `yaml:"logo" json:"logo,omitempty"`
	Accent  string `yaml:"accent" json:"accent,omitempty"`
	Support string `yaml:"support" json:"support,omitempty"`
}

func (b Appearance) json() string {
	text, err := json.Marshal(b)
	if err != nil {
		panic(err) // three strings
	}
	return string(text)
}

// Throttle is the gateway's request limit.
type Throttle struct {
	Rate  float64 `yaml:"rate"`
	Burst int     `yaml:"burst"`
}

// ReadSettings reads a settings file. Its error lists everything that is wrong, in sentences.
func ReadSettings(path string) (Settings, error) {
	var s Settings
	text, err := os.ReadFile(path) //nolint:gosec // the operator names it
	if err != nil {
		return s, fmt.Errorf("read settings: %w", err)
	}
	if err := decode(text, &s); err != nil {
		return s, fmt.Errorf("%s:\n%w", path, err)
	}
	if s.Data == "" {
		s.Data = s.Name + ownData
	}
	if err := s.check(); err != nil {
		return s, fmt.Errorf("%s:\n%w", path, err)
	}
	return s, nil
}

// sendsAtOnce is the request limit, per second, of each function that sends SMS where the settings
// reserve no concurrency.
const sendsAtOnce = 5

// sends returns the request limit, per second, of each function that sends SMS.
func (s SMS) sends() int {
	if s.Concurrency == 0 {
		return sendsAtOnce
	}
	return s.Concurrency
}

// reserved returns a function's reserved concurrency, or 0 for none. It caps concurrent sends if
// every other limit fails. The function that delivers events needs none, because one schedule
// starts it and callers cannot.
func (s SMS) reserved(f plan.Function) int {
	if f.Sends() && f.Job == "" {
		return s.Concurrency
	}
	return 0
}

// maxFunctionName is the greatest length of a Lambda function's name.
const maxFunctionName = 64

// maxStackName returns the greatest length of a stack's name, and the function that limits it. In
// AWS a function's name is the stack's name, a hyphen and the name in the plan.
func maxStackName() (most int, longest string) {
	for _, f := range plan.Functions() {
		if len(f.Name) > len(longest) {
			longest = f.Name
		}
	}
	return maxFunctionName - len("-"+longest), longest
}

// label is one part of a host name (RFC 1123).
const label = `[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?`

var (
	nameForm   = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]*$`)
	hostForm   = regexp.MustCompile(`^(` + label + `\.)+([a-z]{2,63}|xn--[a-z0-9-]{1,58}[a-z0-9])$`)
	senderForm = regexp.MustCompile(`^[A-Za-z0-9]{1,11}$`)
	numberForm = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	// A name with a slash is that of a partner's bus, which takes no events of the account:
	// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html
	busForm  = regexp.MustCompile(`^[A-Za-z0-9._-]{1,256}$`)
	mailForm = regexp.MustCompile("^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)+$")
	certForm = regexp.MustCompile(`^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[a-zA-Z0-9-]+$`)
	logDays  = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365}
)

const (
	maxAppName = 20 // keeps an SMS at one segment
	maxOrigins = 50
	// maxOriginBytes keeps a function's environment under its 4 KB.
	maxOriginBytes = 2000
	maxRangeBytes  = 700 // of the same 4 KB
	maxHost        = 253
	maxMail        = 254
	maxBudget      = 1_000_000
	leastRequests  = 0.01  // a second
	leastPrice     = 0.001 // US dollars
)

// check returns every rule that the settings break.
func (s Settings) check() error {
	var wrong []error
	rule := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf("  "+format, args...))
		}
	}
	rule(nameForm.MatchString(s.Name), "name: %q is not a stack name of letters, digits and hyphens", s.Name)
	most, longest := maxStackName()
	rule(len(s.Name) <= most, "name: %q has %d characters and may have %d: a Lambda function's name has at most %d, and the longest is %s-%s", s.Name, len(s.Name), most, maxFunctionName, s.Name, longest)
	wrong = append(wrong, s.checkData())
	rule(isAppName(s.AppName),
		"app_name: %q is not a text of 1 to %d ASCII characters, without a colon, and without space at its ends", s.AppName, maxAppName)
	rule(len(s.Origins) > 0 && len(s.Origins) <= maxOrigins, "origins: there are %d, and at least one and at most %d are needed", len(s.Origins), maxOrigins)
	for _, o := range s.Origins {
		rule(isOrigin(o), "origins: %q is not an origin as in https://app.example.com, in lower case, without a path, wildcard or default port", o)
	}
	rule(twice(s.Origins) == "", "origins: %q stands twice", twice(s.Origins))
	rule(len(strings.Join(s.Origins, ",")) <= maxOriginBytes, "origins: they have more than %d characters, the share of a function's environment; add others with PATCH /v1/instance", maxOriginBytes)
	rule(isHost(s.SMSHost) && len(s.SMSHost) <= sms.MaxHost, "sms_host: %q is not a host name in lower case of at most %d characters, so that a message has one segment", s.SMSHost, sms.MaxHost)
	if s.Domain != (Domain{}) {
		rule(isHost(s.Domain.Name), "domain.name: %q is not a host name in lower case", s.Domain.Name)
		rule(certForm.MatchString(s.Domain.Certificate), "domain.certificate: %q is not the ARN of a certificate of AWS Certificate Manager", s.Domain.Certificate)
	}
	rule(len(s.Countries) > 0, "countries: there are none; list those that text messages may go to")
	for _, c := range s.Countries {
		rule(smsprice.IsCountry(c), "countries: %q: %s", c, smsprice.NoCountry(c))
	}
	rule(twice(s.Countries) == "", "countries: %q stands twice", twice(s.Countries))
	wrong = append(wrong, s.SMS.check(), s.checkDelivery())
	if s.Edge != nil {
		wrong = append(wrong, s.Edge.check(s.Domain))
	}
	rule(s.Throttle.Rate >= leastRequests && s.Throttle.Rate <= 10000, "throttle.rate: %v is not between %v and 10000 requests a second", s.Throttle.Rate, leastRequests)
	rule(s.Throttle.Burst > 0 && s.Throttle.Burst <= 5000, "throttle.burst: %d is not between 1 and 5000", s.Throttle.Burst)
	rule(s.EventBus == "" || busForm.MatchString(s.EventBus), "event_bus: %q is not the name of an event bus: at most 256 letters, digits, dots, hyphens and underscores", s.EventBus)
	rule(s.AlarmMail == "" || mailForm.MatchString(s.AlarmMail) && len(s.AlarmMail) <= maxMail && isASCII(s.AlarmMail), "alarm_mail: %q is not an e-mail address", s.AlarmMail)
	rule(slices.Contains(logDays, s.LogDays), "log_days: %d is not one of %v", s.LogDays, logDays)
	err := appearance.Check(appearance.Appearance{Logo: s.Appearance.Logo, Accent: s.Appearance.Accent, Support: s.Appearance.Support})
	rule(err == nil, "%v", err)
	if s.RestoredAt != "" {
		_, err := time.Parse(time.RFC3339, s.RestoredAt)
		rule(err == nil, "restored_at: %q is not a time as in 2026-01-02T03:04:05Z", s.RestoredAt)
	}
	return errors.Join(wrong...)
}

// isAppName reports whether a text can name the application in a message and in an otpauth URI,
// whose label may hold no colon.
func isAppName(s string) bool {
	return s != "" && len(s) <= maxAppName && isASCII(s) && strings.TrimSpace(s) == s && !strings.Contains(s, ":")
}

func (s SMS) check() error {
	var wrong []error
	rule := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf("  sms."+format, args...))
		}
	}
	rule(s.SenderID == "" || isSenderID(s.SenderID), "sender_id: %q is not 1 to 11 letters and digits with a letter among them", s.SenderID)
	rule(s.Number == "" || numberForm.MatchString(s.Number), "number: %q is not a number as in \"+12065550100\"", s.Number)
	rule(s.MaxPrice >= leastPrice && s.MaxPrice <= 5, "max_price: %v is not between %v and 5 US dollars for one message", s.MaxPrice, leastPrice)
	rule(s.MonthlyBudget > 0 && s.MonthlyBudget <= maxBudget, "monthly_budget: %v is not between 0 and %d US dollars", s.MonthlyBudget, maxBudget)
	rule(s.Concurrency >= 0 && s.Concurrency <= 100, "concurrency: %d is not between 0 and 100", s.Concurrency)
	_, err := s.plan()
	rule(err == nil, "number_ranges: %v", err)
	rule(err != nil || len(s.addedRanges()) <= maxRangeBytes, "number_ranges: they have more than %d characters, the share of a function's environment", maxRangeBytes)
	return errors.Join(wrong...)
}

// twice returns a text that stands twice in a list, or nothing.
func twice(list []string) string {
	seen := map[string]bool{}
	for _, text := range list {
		if seen[text] {
			return text
		}
		seen[text] = true
	}
	return ""
}

func isHost(s string) bool { return hostForm.MatchString(s) && len(s) <= maxHost }

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}

// isOrigin reports whether a browser sends this text as the header Origin of a web page.
func isOrigin(s string) bool {
	return (strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")) && operation.IsOrigin(s)
}
