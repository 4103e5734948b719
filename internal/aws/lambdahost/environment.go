package lambdahost

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Names of a function's environment variables, which the infrastructure sets.
const (
	EnvTable = "COUNTERSIGN_TABLE" // name of the DynamoDB table
	EnvKey   = "COUNTERSIGN_KEY"   // ARN of the KMS key that wraps master keys
	// EnvURL is the URL at which clients reach the API, without a slash at the end
	EnvURL            = "COUNTERSIGN_URL"
	EnvAppName        = "COUNTERSIGN_APP_NAME"        // shown in authenticator apps and text messages
	EnvPublishableKey = "COUNTERSIGN_PUBLISHABLE_KEY" // publishable key of the application
	// EnvOrigins are the origins of the applications, separated by commas
	EnvOrigins  = "COUNTERSIGN_ORIGINS"
	EnvSMSHost  = "COUNTERSIGN_SMS_HOST"      // the host that an SMS binds its code to
	EnvSenderID = "COUNTERSIGN_SMS_SENDER_ID" // optional
	EnvNumber   = "COUNTERSIGN_SMS_NUMBER"    // optional: sender's number, E.164
	// EnvMaxPrice is the largest price of one message in US dollars; optional
	EnvMaxPrice = "COUNTERSIGN_SMS_MAX_PRICE"
	// EnvNumberRanges are ranges that the numbering plans lack, as lines of numberplan's
	// additions.txt, separated by commas; optional
	EnvNumberRanges = "COUNTERSIGN_SMS_NUMBER_RANGES"
	// EnvNumberingPlans (instance-get) is the age of the numbering plans of the deployment, for
	// people: functions that take no new numbers do not link the plans
	EnvNumberingPlans = "COUNTERSIGN_NUMBERING_PLANS"
	// EnvRestoredAt is the time of the last restore (RFC 3339; optional). Older sessions and codes
	// are invalid.
	EnvRestoredAt = "COUNTERSIGN_RESTORED_AT"
	// EnvEventBus is the name of the EventBridge bus that receives every event; optional
	EnvEventBus = "COUNTERSIGN_EVENT_BUS"
	// EnvEdge is "believed" or "required" behind CloudFront; optional
	EnvEdge = "COUNTERSIGN_EDGE"
	// EnvSecret (keys-rotate and pages) is the ARN of the secret with the Backend API key
	EnvSecret = "COUNTERSIGN_SECRET"
	// EnvAppearance (pages; optional) is the pages' appearance, as JSON
	EnvAppearance = "COUNTERSIGN_APPEARANCE"
)

// Environment is a function's configuration.
type Environment struct {
	Table, Key, URL, AppName, PublishableKey, SMSHost string
	Secret, Appearance, EventBus, Edge                string
	Origins                                           []string
	SenderID, Number, NumberRanges, NumberingPlans    string
	MaxPrice                                          float64
	RestoredAt                                        time.Time

	// Region and the credentials are set by Lambda.
	Region, AccessKeyID, SecretAccessKey, SessionToken string
	// Endpoint replaces the AWS services' endpoints, for tests.
	Endpoint string
}

// ReadEnvironment reads the environment. Its error lists everything that is wrong.
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
		Secret: lookup(EnvSecret), Appearance: lookup(EnvAppearance), EventBus: lookup(EnvEventBus), Edge: lookup(EnvEdge), SenderID: lookup(EnvSenderID), Number: lookup(EnvNumber),
		NumberRanges: lookup(EnvNumberRanges), NumberingPlans: lookup(EnvNumberingPlans),
		Region: need("AWS_REGION"), AccessKeyID: need("AWS_ACCESS_KEY_ID"), SecretAccessKey: need("AWS_SECRET_ACCESS_KEY"),
		SessionToken: lookup("AWS_SESSION_TOKEN"), Endpoint: lookup("AWS_ENDPOINT_URL"),
	}
	if u, err := url.Parse(e.URL); e.URL != "" && (err != nil || u.Host == "" || strings.HasSuffix(e.URL, "/")) {
		wrong = append(wrong, fmt.Errorf("%s is not an absolute URL without a slash at the end", EnvURL))
	}
	if e.Edge != "" && e.Edge != EdgeBelieved && e.Edge != EdgeRequired {
		wrong = append(wrong, fmt.Errorf("%s is neither %s nor %s", EnvEdge, EdgeBelieved, EdgeRequired))
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
