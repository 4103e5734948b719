package backend

import (
	"time"

	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
)

// SMSMessagesList is GET /v1/sms_messages.
func SMSMessagesList() operation.Operation {
	return row("sms-messages-list", "GET /v1/sms_messages",
		"What was decided on text messages, newest first", operation.Latest, listMessages)
}

// SMSUsageGet is GET /v1/sms_usage.
func SMSUsageGet() operation.Operation {
	return row("sms-usage-get", "GET /v1/sms_usage",
		"Limits and costs of text messages, and what was used today", 0, getSMSUsage)
}

// SMSMessage is a decision of the SMS guard on one message, and the message's status.
type SMSMessage struct {
	Object        string  `json:"object"`
	ID            string  `json:"id"`
	UserID        string  `json:"user_id"`
	PhoneNumberID string  `json:"phone_number_id"`
	PhoneNumber   string  `json:"phone_number"` // masked
	Country       *string `json:"country"`
	Prefix        string  `json:"prefix"`
	Purpose       string  `json:"purpose"`
	Network       *string `json:"network"`
	KnownDevice   bool    `json:"known_device"`
	Decision      string  `json:"decision"`
	Reason        *string `json:"reason"`
	Price         float64 `json:"price_usd"`
	Test          bool    `json:"test"`
	Status        string  `json:"status"`
	// UndeliveredReason is why a message of status "undelivered" did not arrive.
	UndeliveredReason *string `json:"undelivered_reason"`
	VerifiedAt        *int64  `json:"verified_at"`
	CreatedAt         int64   `json:"created_at"`
}

// The statuses of a message. A message counts as sent until the network reports a failure: at once,
// or for one that it had accepted, up to days later.
const (
	messageSent        = "sent"
	messageFailed      = "failed"
	messageRefused     = "refused"
	messageUndelivered = "undelivered"
)

func presentMessage(t sms.LogEntry) SMSMessage {
	status := messageSent
	switch {
	case t.Decision == account.Refused:
		status = messageRefused
	case t.Failed:
		status = messageFailed
	case t.Undelivered != "":
		status = messageUndelivered
	}
	return SMSMessage{
		Object: "sms_message", ID: t.WireID(), UserID: t.UserID(), PhoneNumberID: t.Phone, PhoneNumber: t.Number, Country: wire.Nullable(t.Country), Prefix: t.Prefix,
		Purpose: string(t.Purpose), Network: wire.Nullable(t.Network), KnownDevice: t.Known, Decision: string(t.Decision), Reason: wire.Nullable(string(t.Reason)),
		Price: t.Price.Dollars(), Test: t.Test, Status: status, UndeliveredReason: wire.Nullable(string(t.Undelivered)), VerifiedAt: wire.Milliseconds(t.Verified), CreatedAt: int64(t.At),
	}
}

// SMSMessages is a page of decisions. The log is not counted, so total_count is that of the page.
type SMSMessages struct {
	Data       []SMSMessage `json:"data"`
	TotalCount int          `json:"total_count"`
	// HasMore reports that there may be older messages: ask for those before the last created_at.
	HasMore bool `json:"has_more"`
}

type messagesInput struct {
	Limit int `query:"limit" rules:"min=1 max=500 default=10" doc:"messages of one second stay together, so a page may hold a few more"`
	// Before is limited to 2^50, which is far beyond every time.
	Before int `query:"before" rules:"min=1 max=1125899906842624" doc:"created_at of the last message of the page before, or the end of a period; its second is left out"`
	After  int `query:"created_at_after" rules:"min=0 max=1125899906842624" doc:"milliseconds since 1970; not part of the period itself"`
}

func listMessages(c *operation.Call, in messagesInput) (SMSMessages, error) {
	texts, err := c.Service.SMS.Log(c, sms.LogQuery{After: account.Instant(in.After), Until: account.Instant(in.Before), Limit: in.Limit})
	if err != nil {
		return SMSMessages{}, err
	}
	out := SMSMessages{Data: []SMSMessage{}, TotalCount: len(texts), HasMore: len(texts) >= in.Limit}
	for _, t := range texts {
		out.Data = append(out.Data, presentMessage(t))
	}
	return out, nil
}

// SMSUsage is today's use of text messages and their limits. Amounts are in US dollars.
type SMSUsage struct {
	Object     string  `json:"object"`
	RecordOnly bool    `json:"record_only"`
	DailyCap   float64 `json:"daily_cap_usd"`
	SpentToday float64 `json:"spent_today_usd"`
	DayEndsAt  int64   `json:"day_ends_at"`
	// Unverified counts the messages of this clock hour, less five for each verified one. Its limit
	// grows by a message for each four numbers that verified in the hour before.
	Unverified      int64        `json:"unverified_this_hour"`
	UnverifiedLimit int64        `json:"unverified_limit"`
	HourEndsAt      int64        `json:"hour_ends_at"`
	UnknownPrice    float64      `json:"unknown_price_usd"`
	PricesCompiled  string       `json:"prices_compiled"`
	Countries       []SMSCountry `json:"countries"`
	Limits          []SMSLimit   `json:"limits"`
}

// SMSCountry is today's use of one country that messages may go to.
type SMSCountry struct {
	Country         string   `json:"country"`
	Price           float64  `json:"price_usd"`
	OwnPrice        bool     `json:"own_price"` // from the settings
	Cap             *float64 `json:"cap_usd"`
	SpentToday      float64  `json:"spent_today_usd"`
	SentToday       int64    `json:"sent_today"`
	VerifiedToday   int64    `json:"verified_today"`
	Unverified      int64    `json:"unverified_this_hour"`
	UnverifiedLimit int64    `json:"unverified_limit"`
}

// SMSLimit is a limit of the SMS guard.
type SMSLimit struct {
	Per           string `json:"per"`
	Of            string `json:"of"`
	Limit         int64  `json:"limit"`
	PeriodSeconds int64  `json:"period_seconds"`
}

func getSMSUsage(c *operation.Call, _ operation.Empty) (SMSUsage, error) {
	w, err := c.Service.SMS.Usage(c)
	if err != nil {
		return SMSUsage{}, err
	}
	out := SMSUsage{
		Object: "sms_usage", RecordOnly: w.Settings.SMSRecordOnly, DailyCap: w.Settings.DailyCap().Dollars(), SpentToday: w.Spent.Dollars(), DayEndsAt: int64(w.DayEnds),
		Unverified: w.Unverified, UnverifiedLimit: w.UnverifiedLimit, HourEndsAt: int64(w.HourEnd), UnknownPrice: smsprice.Highest.Dollars(), PricesCompiled: smsprice.Compiled,
		Countries: []SMSCountry{}, Limits: []SMSLimit{},
	}
	for _, l := range sms.Limits(&w.Settings) {
		out.Limits = append(out.Limits, SMSLimit{Per: l.Scope, Of: l.Counts, Limit: l.Max, PeriodSeconds: int64(l.Period / time.Second)})
	}
	for _, of := range w.Countries {
		shown := SMSCountry{
			Country: of.Country, Price: of.Price.Dollars(), SpentToday: of.Spent.Dollars(), SentToday: of.Sent, VerifiedToday: of.Verified,
			Unverified: of.Unverified, UnverifiedLimit: of.UnverifiedLimit,
		}
		_, shown.OwnPrice = w.Settings.SMSPrices[of.Country]
		if limit, ok := w.Settings.SMSCountryCaps[of.Country]; ok {
			usd := limit.Dollars()
			shown.Cap = &usd
		}
		out.Countries = append(out.Countries, shown)
	}
	return out, nil
}
