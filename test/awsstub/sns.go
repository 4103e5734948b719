package awsstub

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/countersign-mfa/countersign/internal/domain/numberplan"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
)

// SMSAccount is what the stand-in for SNS knows of the account. The zero value delivers every
// message that a new production account could send.
type SMSAccount struct {
	// Sandbox accounts reach only Verified numbers:
	// https://docs.aws.amazon.com/sns/latest/dg/sns-sms-sandbox.html
	Sandbox  bool
	Verified []string
	// SpendLimit of the month in US dollars; 0 is none. "Amazon SNS stops sending SMS messages within
	// minutes of the limit being crossed", and Publish answers as before:
	// https://docs.aws.amazon.com/sns/latest/api/API_SetSMSAttributes.html
	SpendLimit float64
	// OptedOut numbers get no messages. The answer of Publish is a message id; the log says why.
	OptedOut []string
	// NoOrigination accounts have no sender that countries with a registered sender accept.
	NoOrigination bool
	// Second is how many messages SNS accepts in a second; 0 means [smsPerSecond].
	Second int
	// Role is the setting DeliveryStatusIAMRole; without one nothing is logged.
	Role, Rate string
	// Subscriptions are the destinations of the log of failed deliveries, by the filter's name.
	Subscriptions map[string]string
}

const (
	// smsPerSecond is the default quota of transactional messages a second:
	// https://docs.aws.amazon.com/general/latest/gr/sns.html ("Rate of sending SMS messages").
	smsPerSecond = 20
	// smsBytes is "the total size quota for a single SMS publish action":
	// https://docs.aws.amazon.com/sns/latest/dg/sms_publish-to-phone.html
	smsBytes = 1600
	// filtersOfAGroup: "Each log group can have up to two subscription filters":
	// API_PutSubscriptionFilter of the CloudWatch Logs API reference.
	filtersOfAGroup = 2
)

// FailureGroup is the name of the log group of failed deliveries in a region and account:
// https://docs.aws.amazon.com/sns/latest/dg/sms_stats_cloudwatch.html
func FailureGroup(region, account string) string {
	return "sns/" + region + "/" + account + "/DirectPublishToPhoneNumber/Failure"
}

// The forms of a message's attributes:
// https://docs.aws.amazon.com/sns/latest/dg/sms_publish-to-phone.html
var (
	// e164Form: "a maximum of 15 digits along with the prefix of a plus sign (+) and the country
	// code".
	e164Form = regexp.MustCompile(`^\+[1-9][0-9]{1,14}$`)
	// senderForm: "1-11 alphanumeric characters, including at least one letter and no spaces". The
	// hyphen of AWS End User Messaging is not in this list.
	senderForm = regexp.MustCompile(`^[A-Za-z0-9]{1,11}$`)
	// originationForm: a number of 5 to 14 digits, with or without the plus.
	originationForm = regexp.MustCompile(`^\+?[0-9]{5,14}$`)
)

// SetSMSAccount changes what the stand-in knows of the account.
func (s *Server) SetSMSAccount(change func(*SMSAccount)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.account)
}

// SMSAccount returns what the stand-in knows of the account.
func (s *Server) SMSAccount() SMSAccount {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.account
}

// FailedDeliveries returns the lines of the log of failed deliveries that were not taken yet.
func (s *Server) FailedDeliveries() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := s.failures
	s.failures = nil
	return lines
}

// publishing is a request of Publish: a message to a phone number.
type publishing struct {
	number, text         string
	sender, origin, kind string
	maxPrice             float64
}

// invalid is why Publish refuses a request with InvalidParameter, 400.
type invalid string

// Error implements error.
func (e invalid) Error() string { return string(e) }

// readPublishing returns the message of a form, or an [invalid] error.
func readPublishing(form url.Values) (publishing, error) {
	p := publishing{number: form.Get("PhoneNumber"), text: form.Get("Message")}
	attributes := map[string]string{}
	for n := 1; form.Has(fmt.Sprintf("MessageAttributes.entry.%d.Name", n)); n++ {
		at := fmt.Sprintf("MessageAttributes.entry.%d.", n)
		attributes[form.Get(at+"Name")+" "+form.Get(at+"Value.DataType")] = form.Get(at + "Value.StringValue")
	}
	for name, value := range attributes {
		var err error
		switch name {
		case "AWS.SNS.SMS.SenderID String":
			p.sender = value
		case "AWS.SNS.SMS.SMSType String":
			p.kind = value
		case "AWS.MM.SMS.OriginationNumber String":
			p.origin = value
		case "AWS.SNS.SMS.MaxPrice Number":
			p.maxPrice, err = strconv.ParseFloat(value, 64)
		default:
			err = invalid("an attribute of another name or type")
		}
		if err != nil {
			return p, invalid("MessageAttributes: " + name)
		}
	}
	return p, p.check()
}

// check returns the parameter that Publish refuses, or nil.
func (p publishing) check() error {
	switch {
	case !e164Form.MatchString(p.number):
		return invalid("PhoneNumber")
	case p.text == "" || len(p.text) > smsBytes:
		return invalid("Message")
	case p.kind != "" && p.kind != "Transactional" && p.kind != "Promotional":
		return invalid("SMSType")
	case p.sender != "" && (!senderForm.MatchString(p.sender) || !strings.ContainsFunc(p.sender, unicode.IsLetter)), p.origin != "" && !originationForm.MatchString(p.origin):
		return invalid("SenderID or OriginationNumber")
	case p.maxPrice < 0:
		return invalid("MaxPrice")
	}
	return nil
}

// undelivered returns why SNS drops a message that it accepts, in the words of its log, or "".
func (a SMSAccount) undelivered(p publishing, spent float64) string {
	country := ""
	if n, err := numberplan.Parse(p.number); err == nil {
		country = n.Country()
	}
	price := smsprice.Of(country).Dollars()
	switch {
	case slices.Contains(a.OptedOut, p.number):
		return "Phone number is opted out"
	case a.Sandbox && !slices.Contains(a.Verified, p.number):
		return "Phone number is not verified in the SMS sandbox" // AWS does not document these words
	case a.NoOrigination && p.origin == "" && smsprice.Origin(country) == smsprice.Number:
		return "No origination entities available to send"
	case p.maxPrice > 0 && price > p.maxPrice:
		return "This delivery would exceed max price"
	case a.SpendLimit > 0 && spent+price > a.SpendLimit:
		return "No quota left for account"
	}
	return ""
}

// newID returns an id in the form of a UUID.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// publish answers Publish. A message that SNS will not deliver gets a message id like any other.
func (s *Server) publish(w http.ResponseWriter, form url.Values) {
	p, err := readPublishing(form)
	if err != nil {
		snsFault(w, "InvalidParameter", "Invalid parameter: "+err.Error()+" Reason: "+p.number+" is not valid")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now().UTC()
	if s.throttled(now) {
		// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html: "Throttled".
		snsFault(w, "Throttled", "Rate exceeded")
		return
	}
	id := newID()
	if why := s.account.undelivered(p, s.spent); why == "" {
		s.messages = append(s.messages, SMS{p.number, p.text})
		if n, err := numberplan.Parse(p.number); err == nil {
			s.spent += smsprice.Of(n.Country()).Dollars()
		}
	} else if s.account.Role != "" {
		s.failures = append(s.failures, failure(id, now, p, why))
	}
	w.Header().Set("Content-Type", "text/xml")
	_, _ = io.WriteString(w, `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>`+id+
		`</MessageId></PublishResult><ResponseMetadata><RequestId>`+newID()+`</RequestId></ResponseMetadata></PublishResponse>`)
}

// throttled counts the messages of a second.
func (s *Server) throttled(now time.Time) bool {
	most := s.account.Second
	if most == 0 {
		most = smsPerSecond
	}
	if second := now.Unix(); s.second != second {
		s.second, s.inSecond = second, 0
	}
	s.inSecond++
	return s.inSecond > most
}

// failure returns a line of the log of failed deliveries, in the form of "Example log for failed
// SMS delivery" (https://docs.aws.amazon.com/sns/latest/dg/sms_stats_cloudwatch.html). The
// destination is the whole number.
func failure(id string, at time.Time, p publishing, why string) string {
	line, err := json.Marshal(map[string]any{
		"notification": map[string]string{"messageId": id, "timestamp": at.Format("2006-01-02 15:04:05.999")},
		"delivery":     map[string]any{"destination": p.number, "smsType": p.kind, "providerResponse": why, "dwellTimeMs": 118},
		"status":       "FAILURE",
	})
	if err != nil {
		panic(err) // texts and a number
	}
	return string(line)
}

// snsFault writes an error of the Query API, with status 400.
func snsFault(w http.ResponseWriter, code, text string) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = io.WriteString(w, `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>`+code+`</Code><Message>`+text+
		`</Message></Error><RequestId>`+newID()+`</RequestId></ErrorResponse>`)
}

// sns answers the Query API of SNS.
func (s *Server) sns(w http.ResponseWriter, caller string, body []byte) {
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("Version") != "2010-03-31" {
		snsFault(w, "InvalidParameter", "the request is not of SNS")
		return
	}
	s.note(Call{Caller: caller, Action: "sns:" + form.Get("Action")})
	switch form.Get("Action") {
	case "Publish":
		s.publish(w, form)
	case "GetSMSAttributes":
		a := s.SMSAccount()
		var entries strings.Builder
		for name, value := range map[string]string{"DeliveryStatusIAMRole": a.Role, "DeliveryStatusSuccessSamplingRate": a.Rate} {
			if value != "" { // an attribute that was never set is left out
				entries.WriteString("<entry><key>" + name + "</key><value>" + value + "</value></entry>")
			}
		}
		_, _ = io.WriteString(w, `<GetSMSAttributesResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><GetSMSAttributesResult><attributes>`+entries.String()+
			`</attributes></GetSMSAttributesResult></GetSMSAttributesResponse>`)
	case "SetSMSAttributes":
		s.setSMSAttributes(w, form)
	default:
		snsFault(w, "InvalidAction", "the stand-in does not know it")
	}
}

func (s *Server) setSMSAttributes(w http.ResponseWriter, form url.Values) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := 1; form.Has(fmt.Sprintf("attributes.entry.%d.key", n)); n++ {
		value := form.Get(fmt.Sprintf("attributes.entry.%d.value", n))
		switch form.Get(fmt.Sprintf("attributes.entry.%d.key", n)) {
		case "DeliveryStatusIAMRole":
			if !strings.HasPrefix(value, "arn:aws:iam::") {
				snsFault(w, "InvalidParameter", "DeliveryStatusIAMRole")
				return
			}
			s.account.Role = value
		case "DeliveryStatusSuccessSamplingRate": // "an integer from 0 - 100"
			if rate, err := strconv.Atoi(value); err != nil || rate < 0 || rate > 100 {
				snsFault(w, "InvalidParameter", "DeliveryStatusSuccessSamplingRate")
				return
			}
			s.account.Rate = value
		default:
			snsFault(w, "InvalidParameter", "attributes")
			return
		}
	}
	_, _ = io.WriteString(w, `<SetSMSAttributesResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><SetSMSAttributesResult/></SetSMSAttributesResponse>`)
}

// logs answers the part of CloudWatch Logs that a deployment uses.
func (s *Server) logs(w http.ResponseWriter, action string, body []byte) {
	var in struct {
		Group       string `json:"logGroupName"`
		Filter      string `json:"filterName"`
		Destination string `json:"destinationArn"`
	}
	if err := json.Unmarshal(body, &in); err != nil || in.Group == "" {
		fault(w, "InvalidParameterException")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	exists := s.groups[in.Group]
	switch {
	case action == "CreateLogGroup" && exists:
		fault(w, "ResourceAlreadyExistsException")
		return
	case action == "CreateLogGroup":
		s.groups[in.Group] = true
	case !exists:
		fault(w, "ResourceNotFoundException")
		return
	case action == "PutSubscriptionFilter":
		if s.account.Subscriptions == nil {
			s.account.Subscriptions = map[string]string{}
		}
		if _, held := s.account.Subscriptions[in.Filter]; !held && len(s.account.Subscriptions) >= filtersOfAGroup {
			fault(w, "LimitExceededException")
			return
		}
		s.account.Subscriptions[in.Filter] = in.Destination
	case action == "DeleteSubscriptionFilter":
		if _, held := s.account.Subscriptions[in.Filter]; !held {
			fault(w, "ResourceNotFoundException")
			return
		}
		delete(s.account.Subscriptions, in.Filter)
	case action != "PutRetentionPolicy":
		fault(w, "UnknownOperationException")
		return
	}
	reply(w, map[string]any{})
}
