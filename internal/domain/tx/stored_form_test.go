package tx

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/deliverylog"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/ratelimit"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/domain/statistics"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/internal/web/appearance"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestStoredForm freezes the JSON of records: what was stored yesterday must be read tomorrow.
func TestStoredForm(t *testing.T) {
	code := &account.Code{ID: "c", Phone: "p", Tag: []byte("tag"), Attempts: 1, Tries: 3, SentAt: 2, Expires: 3, SMS: "x", CountedUnverified: true, Charged: true, Credit: true, Generation: 4}
	accepted := &account.Code{ID: "c", Phone: "p", Tag: []byte("tag"), SentAt: 2, Expires: 3, Accepted: 4}
	attempt := account.Attempt{Strategy: account.PhoneCode, Proved: 1, Code: code, Wrong: 2, Challenge: &account.Challenge{Text: "c", Expires: 3}}
	budget := account.FailureCounter{Failures: 1, WaitUntil: 2, LockedUntil: 3}
	entry := account.AuditEntry{Name: eventtype.CodeWrong, At: 1, Method: account.Password, Ref: "tid", Backend: true, Repeats: 2, Last: 3, Fields: []string{"sms"}, Operator: account.Operator{OperatorName: "o", Reason: "w"}, Values: []json.RawMessage{json.RawMessage("true"), json.RawMessage("false")}}
	end := &account.Trail{Paged: 6, Before: []byte("before"), Entries: []account.AuditEntry{entry}, Kept: 2, Tag: []byte("tag")}
	records := map[string]account.Entity{
		"user": &account.User{
			Username: "u", FirstName: "f", LastName: "l", ExternalID: "x", Emails: []account.Email{{Name: "i", Address: "a", CreatedAt: 1}}, Public: json.RawMessage(`{}`),
			Private: json.RawMessage(`{}`), Unsafe: json.RawMessage(`{}`), Password: "pw", PasswordAt: 1,
			Phones: []account.Phone{{Tail: "t", Number: "+1", Name: "n", Used: 3, Verified: 1, By: "b", Reserved: true, Default: true, Failures: 1, Pending: code, Backend: accepted, Primary: true, Lost: true, For: "f", CreatedAt: 1, UpdatedAt: 2}},
			TOTP:   &account.TOTP{ID: "t", Name: "n", Used: 5, Sealed: []byte("s"), Verified: 1, LastStep: 2, Failures: 3, By: "b", Wrong: 4, CreatedAt: 4},
			Backup: &account.BackupSet{ID: "b", Version: 1, Key: []byte("k"), Tags: []byte("t"), Used: []byte("u"), Foreign: true, Imported: []string{"i"}, Recent: []byte("r"), RecentTo: 1, Failures: 2, CreatedAt: 3},
			Passkeys: []account.Passkey{{
				ID: "i", Name: "n", Credential: []byte("c"), Key: []byte("k"), RPID: "r", Transports: "u", Counter: 1, Eligible: true, BackedUp: true, Verified: 2, Used: 3, Copied: 4, By: "b",
				Challenge: &account.Challenge{Text: "c", Expires: 5}, CreatedAt: 6, ChangedAt: 7,
			}},
			FirstFailures: account.FailureCounters{FailureCounter: budget, KnownDevices: budget}, SecondFailures: account.FailureCounters{FailureCounter: budget}, FailureLog: account.FailureLog{1}, SMSLog: ratelimit.Log{1}, NewNumberLog: ratelimit.Log{2}, Notices: ratelimit.Log{3}, RecoveryNotices: ratelimit.Log{4}, Language: "de", Banned: true, LockedUntil: 1,
			SessionsEndedAt: 2, Sessions: []account.SessionRef{{Client: "c", Nonce: "n", Ends: 1, Generation: 2}}, Generation: 3, FirstSince: 1, SecondSince: 2, BackupSince: 1, PasskeySince: 2, LastSignInAt: 1, MFAEnabledAt: 2, MFADisabledAt: 3, CreatedAt: 4, UpdatedAt: 5,
			StrandedAt: 6, Listed: 1, RequiredFrom: 7,
			Recovery: &account.Recovery{RequestedAt: 1, CompletesAt: 2, ToldAt: 3, Language: "de"}, RecoveryLog: ratelimit.Log{5},
			Trail: end, Erasing: &account.Erasure{Since: 1, Pages: 2, Kept: 3},
		},
		"audit": &account.AuditPage{First: 6, Before: []byte("before"), Entries: []account.PageEntry{{AuditEntry: entry, Hash: []byte("hash"), Sequence: 4}}, Tag: []byte("tag")},
		"client": &account.Client{
			TokenHash: []byte("h"), FormerHash: []byte("f"), Created: true, SignIn: &account.SignIn{ID: "s", User: "u", Identifier: "i", First: attempt, Second: attempt, Created: "c", Generation: 3, CreatedAt: 1, Expires: 2},
			Sessions: []account.Session{{ID: "s", FirstAt: 1, SecondAt: 2, FirstBy: account.Password, SecondBy: account.TOTPCode, AloneAt: 3, Enrolled: true, Pending: true,
				Verify:     &account.Reverification{Level: "second_factor", First: attempt, Second: attempt, Expires: 1, Generation: 2},
				LastActive: 3, Agent: "a", CreatedAt: 4, UpdatedAt: 5, Expires: 6}},
			LastActive: "s", KnownUsers: []string{"u"}, CreatedAt: 1, UpdatedAt: 2, Expires: 3,
		},
		"claim":  &account.Claim{User: "u", Failures: budget, Expires: 4},
		"ticket": &account.Ticket{User: "u", SecretHash: []byte("h"), Used: 1, Revoked: 2, CreatedAt: 3, UpdatedAt: 4, Expires: 5},
		"number": &account.NumberRecord{Log: ratelimit.Log{1}, End: 2, From: []string{"a"}, Wrong: ratelimit.Log{3}, Credited: 4, Sent: []account.SentSMS{{SMS: "i", At: 5}}},
		"text": &account.SMSRecord{User: "u", Phone: "p", Number: "n", Country: "US", Prefix: "+1", Purpose: account.VerifyNumber, Network: "nw", Known: true, Decision: account.Refused,
			Reason: "daily_cap", Price: 1, Test: true, At: 2, Undelivered: "unknown"},
		"migration": &account.Migration{Began: 1, PassBegan: 2, Position: "p", Seen: 3, Complete: 4, Done: 5, New: true},
		"nonce":     &account.Nonce{Sealed: []byte("s"), Expires: 1},
		"settings": &account.Settings{SMSCode: true, AuthenticatorApp: true, BackupCodes: true, MFARequired: true, MFARequiredFrom: 7, MFAGraceDays: 8, KeepOtherSessions: true, TestMode: true, EnumerationProtection: true,
			FirstFactorPhoneCode: true, IPLimits: true, StrictGuessing: true, AllowedOrigins: []string{"o"}, SMSCountries: []string{"US"}, SMSDailyCap: 1, SMSCountryCaps: map[string]smsprice.Micros{"US": 2},
			SMSPrices: map[string]smsprice.Micros{"US": 3}, SMSRecordOnly: true, SMSLimitsAt: 4, SMSUnverified: 5, SMSUnverifiedCountry: 6, SMSUnverifiedBlock: 7, SMSFixedLimits: true,
			Appearance: appearance.Appearance{Name: "n", Logo: "/l", Accent: "#000000", Support: "s", Texts: map[string]map[string]string{"en": {"k": "t"}}}, UpdatedAt: 1, Trail: end,
			Passkeys: true, PasskeySecondFactor: true, PasskeySatisfies: true, PasskeyRPID: "r", PasskeyAppleApps: []string{"a"}, PasskeyAndroidApps: []string{"d"},
			ReauthURL: "https://r", PasswordResetURL: "https://p",
			QuietChanges: true, RecoveryDays: 3, RecoverySince: 4, Endpoints: []account.Endpoint{{ID: "i", URL: "w", Description: "d", Events: []eventtype.Name{"e"}, Disabled: true, Secrets: []account.HookSecret{{Sealed: []byte("s"), Ends: 1}}, CreatedAt: 1, UpdatedAt: 2}}},
		"event":    &account.EventRecord{At: 1, By: account.ByUser, Address: "a", Operator: account.Operator{OperatorName: "o", Reason: "w"}, Events: []account.StoredEvent{{Name: "k", User: "u", Subject: "s", Method: account.PhoneCode, Fields: []string{"f"}, Began: 1}}},
		"delivery": &account.DeliveryRecord{To: []account.DeliveryTarget{{ID: "i", Tries: 1, Next: 2, Done: 3, Only: 4}}, Language: "de"},
		"attempts": &account.DeliveryLog{Log: deliverylog.Log{Tries: []deliverylog.Try{{Event: "e", Name: "k", Number: 1, At: 2, Took: 3, Status: 4, Problem: deliverylog.Status}}}},
		"statistics": &statistics.DayStatistics{Counts: statistics.Counts{
			Verified: map[account.Strategy]int{account.TOTPCode: 1}, Failed: map[eventtype.Name]int{eventtype.CodeWrong: 2},
			SMS: map[string]statistics.SMSCounts{"US": {Sent: 3, Refused: 4, Spent: 5}},
		}},
		"feed":       &statistics.FeedPosition{Sequence: "1", Until: 2},
		"signingkey": &account.SigningKeys{Keys: []account.SigningKey{{ID: "i", Sealed: []byte("s"), SignFrom: 1, Until: 2}}},
	}
	ring, err := seal.NewRing(1, map[uint32]seal.Key{1: {9}}, zeroReader{})
	if err != nil {
		t.Fatal(err)
	}
	s := &Engine{Ring: ring}
	got := map[string]json.RawMessage{}
	for kind, record := range records {
		key := store.Key{Kind: store.Kind(kind), ID: "id"}
		record.SetKey(key, 1)
		data, err := s.Encode(record, nil)
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := s.Decode(store.Record{Key: key, Version: 1, Data: data})
		if err != nil {
			t.Fatal(err)
		}
		if second, _ := s.Encode(again, nil); !bytes.Equal(data, second) {
			t.Errorf("%s does not survive storage:\n%s\n%s", kind, data, second)
		}
		got[kind] = data
	}
	have, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/records.json"
	if *update {
		if err := os.WriteFile(golden, append(have, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(have)+"\n"); diff != "" {
		t.Errorf("stored form (-golden +code):\n%s", diff)
	}
}

// zeroReader reads zeros, so that what is sealed is the same in each run.
type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { return len(p), nil }
