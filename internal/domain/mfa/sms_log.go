package mfa

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
)

// Decision is what the SMS guard said to a message.
type Decision string

// The decisions.
const (
	Allowed     Decision = "allowed"
	Refused     Decision = "refused"
	WouldRefuse Decision = "would_refuse" // sent, because the SMS guard only records
)

// SMSRecord is the SMS guard's decision on one message. It is written once, in the commit that decided; what became of the message is counted
// beside it, so that neither sending nor verifying needs to read it. It holds neither code nor number.
type SMSRecord struct {
	base
	User     string          `json:"us"`
	Phone    string          `json:"p"`
	Number   string          `json:"n"` // masked
	Country  string          `json:"y,omitempty"`
	Prefix   string          `json:"-"` // the block of numbers; with the mask it is nearly the number, so at rest it is Sealed
	Sealed   sealedText      `json:"xs,omitzero"`
	Purpose  Purpose         `json:"pu"`
	Network  string          `json:"nw,omitempty"` // /24 or /48
	Known    bool            `json:"kn,omitempty"` // past the breakers
	Decision Decision        `json:"d"`
	Reason   Reason          `json:"r,omitempty"`
	Price    smsprice.Micros `json:"m,omitempty"`
	Test     bool            `json:"t,omitempty"`
	At       Instant         `json:"c"`
}

// smsKept is how long decisions can be looked at.
const smsKept = 30 * 24 * time.Hour

// sealed implements [sealer].
func (t *SMSRecord) sealed(do sealing) error {
	if err := do("text/"+t.id.ID+"/prefix", &t.Prefix, &t.Sealed); err != nil {
		return fmt.Errorf("prefix: %w", err)
	}
	return nil
}

// expires is a whole second: records of one second are on one page of a list.
func (t *SMSRecord) expires() time.Time { return t.At.Time().Truncate(time.Second).Add(smsKept) }
func (t *SMSRecord) ends() time.Time    { return t.expires() }

// WireID is the id that clients see.
func (t *SMSRecord) WireID() string { return prefixSMS + t.id.ID }

// UserID is the id of the user as clients see it.
func (t *SMSRecord) UserID() string { return prefixUser + t.User }

// maskNetwork is as much of an address as a record keeps.
func maskNetwork(a netip.Addr) string {
	bits := 24
	if a = a.Unmap(); a.Is6() {
		bits = 48
	}
	p, _ := a.WithZone("").Prefix(bits)
	return p.String()
}

// The outcomes of a message, by its record's id. That of a code is the time of its use: it works once.
func usedCounter(id string) string   { return "sms:used:" + id }
func failedCounter(id string) string { return "sms:failed:" + id }

// SMSRecordResult is a decision and what became of the message.
type SMSRecordResult struct {
	*SMSRecord
	Failed   bool    // the network did not take it
	Verified Instant // when its code was used, or 0
}

// SMSRecords returns up to limit decisions of the last thirty days that were made before a second, the newest first, and with the last one all of its second.
// Before 0 means now.
func (s *Service) SMSRecords(ctx context.Context, before Instant, limit int) ([]SMSRecordResult, error) {
	end := s.now().Add(2 * smsKept)
	if before != 0 {
		end = before.Time().Truncate(time.Second).Add(smsKept)
	}
	records, err := s.store.Latest(ctx, KindSMS, end, limit)
	if err != nil {
		return nil, fmt.Errorf("read decisions: %w", err)
	}
	out := make([]SMSRecordResult, len(records))
	counters := make([]string, 0, 2*len(records))
	for i, r := range records {
		e, _, err := s.decode(r)
		if err != nil {
			return nil, err
		}
		out[i].SMSRecord = e.(*SMSRecord)
		counters = append(counters, usedCounter(r.Key.ID), failedCounter(r.Key.ID))
	}
	if len(out) == 0 {
		return out, nil
	}
	sums, err := s.store.Sums(ctx, counters...)
	if err != nil {
		return nil, fmt.Errorf("read outcomes: %w", err)
	}
	for i := range out {
		out[i].Verified, out[i].Failed = Instant(sums[2*i]), sums[2*i+1] > 0
	}
	// The store tells seconds apart and no more; a page holds whole ones, so this is the order over all pages too.
	slices.SortStableFunc(out, func(a, b SMSRecordResult) int { return cmp.Compare(b.At, a.At) })
	return out, nil
}
