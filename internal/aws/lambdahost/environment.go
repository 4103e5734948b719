package lambdahost

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The names of a function's environment variables. The infrastructure sets them.
const (
	EnvTable          = "COUNTERSIGN_TABLE"           // name of the DynamoDB table
	EnvKey            = "COUNTERSIGN_KEY"             // ARN of the KMS key that wraps master keys
	EnvURL            = "COUNTERSIGN_URL"             // where clients reach the API, without a slash at the end
	EnvAppName        = "COUNTERSIGN_APP_NAME"        // shown in authenticator apps and text messages
	EnvPublishableKey = "COUNTERSIGN_PUBLISHABLE_KEY" // the application's
	EnvOrigins        = "COUNTERSIGN_ORIGINS"         // the applications' origins, separated by commas
	EnvSMSHost        = "COUNTERSIGN_SMS_HOST"        // the host that a text message binds its code to
	EnvSenderID       = "COUNTERSIGN_SMS_SENDER_ID"   // optional
	EnvNumber         = "COUNTERSIGN_SMS_NUMBER"      // optional: the number to send from, E.164
	EnvMaxPrice       = "COUNTERSIGN_SMS_MAX_PRICE"   // optional: the most that one message may cost, US dollars
	EnvRestoredAt     = "COUNTERSIGN_RESTORED_AT"     // optional: RFC 3339; what was made before is dead, after a restore
	EnvEventBus       = "COUNTERSIGN_EVENT_BUS"       // optional: name of the EventBridge bus that gets every event
	EnvSecret         = "COUNTERSIGN_SECRET"          // keys-rotate and pages: ARN of the secret with the Backend API's key
	EnvAppearance     = "COUNTERSIGN_APPEARANCE"      // pages, optional: how the pages look, as JSON
)

// Environment is what a function is told about its deployment.
type Environment struct {
	Table, Key, URL, AppName, PublishableKey, SMSHost string
	Secret, Appearance, EventBus                      string
	Origins                                           []string
	SenderID, Number                                  string
	MaxPrice                                          float64
	RestoredAt                                        time.Time

	// What Lambda itself sets.
	Region, AccessKeyID, SecretAccessKey, SessionToken string
	// Endpoint replaces the services' own, for tests.
	Endpoint string
}

// ReadEnvironment reads the environment, or says all that is wrong with it.
func ReadEnvironment(lookup func(string) string) (Environment, error) {
	var wrong []error
	need := func(name string) string {
		value := lookup(name)
		if value == "" {
			wrong = append(wrong, fmt.Errorf("%s is not set", name))
		}
		return value
	}
	e := Environment{
		Table: need(EnvTable), Key: need(EnvKey), URL: need(EnvURL), AppName: need(EnvAppName), PublishableKey: need(EnvPublishableKey), SMSHost: need(EnvSMSHost),
		Secret: lookup(EnvSecret), Appearance: lookup(EnvAppearance), EventBus: lookup(EnvEventBus), SenderID: lookup(EnvSenderID), Number: lookup(EnvNumber),
		Region: need("AWS_REGION"), AccessKeyID: need("AWS_ACCESS_KEY_ID"), SecretAccessKey: need("AWS_SECRET_ACCESS_KEY"),
		SessionToken: lookup("AWS_SESSION_TOKEN"), Endpoint: lookup("AWS_ENDPOINT_URL"),
	}
	if u, err := url.Parse(e.URL); e.URL != "" && (err != nil || u.Host == "" || strings.HasSuffix(e.URL, "/")) {
		wrong = append(wrong, fmt.Errorf("%s is not an absolute URL without a slash at the end", EnvURL))
	}
	if list := lookup(EnvOrigins); list != "" {
		e.Origins = strings.Split(list, ",")
	}
	if text := lookup(EnvMaxPrice); text != "" {
		var err error
		if e.MaxPrice, err = strconv.ParseFloat(text, 64); err != nil || e.MaxPrice <= 0 {
			wrong = append(wrong, fmt.Errorf("%s is not a price", EnvMaxPrice))
		}
	}
	if text := lookup(EnvRestoredAt); text != "" {
		var err error
		if e.RestoredAt, err = time.Parse(time.RFC3339, text); err != nil {
			wrong = append(wrong, fmt.Errorf("%s is not a time as in 2026-01-02T03:04:05Z", EnvRestoredAt))
		}
	}
	return e, errors.Join(wrong...)
}
