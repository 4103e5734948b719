package mfa

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/domain/ratelimit"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
	"github.com/countersign-mfa/countersign/internal/web/appearance"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestStoredForm freezes the JSON of records: what was stored yesterday must be read tomorrow.
func TestStoredForm(t *testing.T) {
	code := &Code{ID: "c", Phone: "p", Tag: []byte("tag"), Attempts: 1, Tries: 3, SentAt: 2, Expires: 3, SMS: "x", CountedUnverified: true, Charged: true, Credit: true, Generation: 4}
	attempt := Attempt{Strategy: PhoneCode, Proved: 1, Code: code, Wrong: 2}
	budget := FailureCounter{Failures: 1, WaitUntil: 2, LockedUntil: 3}
	entry := auditEntry{Name: EventCodeWrong, At: 1, Method: Password, Ref: "tid", Backend: true, Repeats: 2, Last: 3, Fields: []string{"sms"}}
	end := &trail{Paged: 6, Before: []byte("before"), Entries: []auditEntry{entry}, Kept: 2, Tag: []byte("tag")}
	records := map[string]entity{
		"user": &User{
			Username: "u", FirstName: "f", LastName: "l", ExternalID: "x", Emails: []Email{{"i", "a", 1}}, Public: json.RawMessage(`{}`),
			Private: json.RawMessage(`{}`), Unsafe: json.RawMessage(`{}`), Password: "pw", PasswordAt: 1,
			Phones:        []Phone{{Tail: "t", Number: "+1", Verified: 1, By: "b", Reserved: true, Default: true, Failures: 1, Pending: code, Primary: true, For: "f", CreatedAt: 1, UpdatedAt: 2}},
			TOTP:          &TOTP{ID: "t", Sealed: []byte("s"), Verified: 1, LastStep: 2, Failures: 3, By: "b", Wrong: 4, CreatedAt: 4},
			Backup:        &BackupSet{ID: "b", Version: 1, Key: []byte("k"), Tags: []byte("t"), Used: []byte("u"), Foreign: true, Imported: []string{"i"}, Recent: []byte("r"), RecentTo: 1, Failures: 2, CreatedAt: 3},
			FirstFailures: FailureCounters{FailureCounter: budget, KnownDevices: budget}, SecondFailures: FailureCounters{FailureCounter: budget}, FailureLog: failureLog{1}, SMSLog: ratelimit.Log{1}, NewNumberLog: ratelimit.Log{2}, Notices: ratelimit.Log{3}, Banned: true, LockedUntil: 1,
			SessionsEndedAt: 2, Sessions: []SessionRef{{"c", "n", 1, 2}}, Generation: 3, FirstSince: 1, SecondSince: 2, BackupSince: 1, LastSignInAt: 1, MFAEnabledAt: 2, MFADisabledAt: 3, CreatedAt: 4, UpdatedAt: 5,
			StrandedAt: 6,
			Trail:      end, Erasing: &erasure{Since: 1, Pages: 2, Kept: 3},
		},
		"audit": &auditPage{First: 6, Before: []byte("before"), Entries: []pageEntry{{entry, []byte("hash"), 4}}, Tag: []byte("tag")},
		"client": &Client{
			TokenHash: []byte("h"), FormerHash: []byte("f"), Created: true, SignIn: &SignIn{ID: "s", User: "u", Identifier: "i", First: attempt, Second: attempt, Created: "c", Generation: 3, CreatedAt: 1, Expires: 2},
			Sessions: []Session{{ID: "s", FirstAt: 1, SecondAt: 2, FirstBy: Password, SecondBy: TOTPCode, AloneAt: 3, Enrolled: true, Pending: true,
				Verify:     &Reverification{"second_factor", attempt, attempt, 1, 2},
				LastActive: 3, Agent: "a", CreatedAt: 4, UpdatedAt: 5, Expires: 6}},
			LastActive: "s", KnownUsers: []string{"u"}, CreatedAt: 1, UpdatedAt: 2, Expires: 3,
		},
		"claim":  &Claim{User: "u", Failures: budget, Expires: 4},
		"ticket": &Ticket{User: "u", SecretHash: []byte("h"), Used: 1, Revoked: 2, CreatedAt: 3, UpdatedAt: 4, Expires: 5},
		"number": &numberRecord{Log: ratelimit.Log{1}, End: 2, From: []string{"a"}, Wrong: ratelimit.Log{3}, Credited: 4},
		"text": &SMSRecord{User: "u", Phone: "p", Number: "n", Country: "US", Prefix: "+1", Purpose: VerifyNumber, Network: "nw", Known: true, Decision: Refused,
			Reason: ReasonDailyCap, Price: 1, Test: true, At: 2},
		"nonce": &Nonce{Sealed: []byte("s"), Expires: 1},
		"settings": &Settings{SMSCode: true, AuthenticatorApp: true, BackupCodes: true, MFARequired: true, KeepSessions: true, TestMode: true, EnumerationProtection: true,
			FirstFactorPhoneCode: true, IPLimits: true, StrictGuessing: true, AllowedOrigins: []string{"o"}, SMSCountries: []string{"US"}, SMSDailyCap: 1, SMSCountryCaps: map[string]smsprice.Micros{"US": 2},
			SMSPrices: map[string]smsprice.Micros{"US": 3}, SMSRecordOnly: true,
			Appearance: appearance.Appearance{Name: "n", Logo: "/l", Accent: "#000000", Support: "s", Texts: map[string]map[string]string{"en": {"k": "t"}}}, UpdatedAt: 1, Trail: end,
			ReauthURL:    "https://r",
			QuietChanges: true, Endpoints: []Endpoint{{"i", "w", "d", []EventName{"e"}, true, []hookSecret{{[]byte("s"), 1}}, 1, 2}}},
		"event":      &eventRecord{At: 1, By: ByUser, Address: "a", Events: []storedEvent{{"k", "u", "s", PhoneCode, []string{"f"}, 1}}},
		"delivery":   &deliveryRecord{To: []deliveryTarget{{"i", 1, 2, 3}}, Language: "de"},
		"signingkey": &signingKeys{Keys: []signingKey{{"i", []byte("s"), 1, 2}}},
	}
	ring, err := seal.NewRing(1, map[uint32]seal.Key{1: {9}}, zeroReader{})
	if err != nil {
		t.Fatal(err)
	}
	s := &Service{ring: ring}
	got := map[string]json.RawMessage{}
	for kind, record := range records {
		key := Key{Kind(kind), "id"}
		record.setKey(key, 1)
		data, err := s.encode(record, nil)
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := s.decode(Record{Key: key, Version: 1, Data: data})
		if err != nil {
			t.Fatal(err)
		}
		if second, _ := s.encode(again, nil); !bytes.Equal(data, second) {
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
