package mfa

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
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
	ring, err := seal.NewRing(1, map[uint32]seal.Key{1: {9}}, zeros{})
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

// TestACodeIsBoundToEverything: moved to another user, number, purpose, verification or session, a stored code is worth nothing.
func TestACodeIsBoundToEverything(t *testing.T) {
	ring, err := seal.NewRing(1, map[uint32]seal.Key{1: {9}}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tx := &txn{s: &Service{ring: ring}, now: 1000}
	spend := func(change func(u *User, ch *challenge, c *Code)) bool {
		u, c := &User{ID: "user"}, &Code{ID: "code", Phone: "phone", Expires: 2000}
		ch := challenge{&c, SignInSecondFactor, "sign-in"}
		c.Tag = tx.tag(u, ch, c, "123456")
		change(u, &ch, c)
		right, err := tx.consume(u, ch, "123456")
		if err != nil {
			t.Fatal(err)
		}
		return right
	}
	if !spend(func(*User, *challenge, *Code) {}) {
		t.Fatal("the code does not work where it belongs")
	}
	for name, change := range map[string]func(u *User, ch *challenge, c *Code){
		"user":         func(u *User, _ *challenge, _ *Code) { u.ID = "other" },
		"number":       func(_ *User, _ *challenge, c *Code) { c.Phone = "other" },
		"verification": func(_ *User, _ *challenge, c *Code) { c.ID = "other" },
		"purpose":      func(_ *User, ch *challenge, _ *Code) { ch.purpose = ReverifySecond },
		"session":      func(_ *User, ch *challenge, _ *Code) { ch.bound = "other" },
	} {
		if spend(change) {
			t.Errorf("the code works for another %s", name)
		}
	}
}

// Law: a session id that parses is written back as it was, and its parts are ids.
func FuzzParseSession(f *testing.F) {
	id := strings.Repeat("a", idLen)
	f.Add("sess_" + id + id + id)
	f.Add("sess_")
	f.Fuzz(func(t *testing.T, text string) {
		n, ok := parseSession(text)
		if ok && (n.String() != text || !isID(n.client) || !isID(n.user) || !isID(n.nonce)) {
			t.Errorf("%q parsed as %+v", text, n)
		}
	})
}

// Law: a ticket that parses consists of its parts, and a key is never made of anything but ids.
func FuzzParseTicket(f *testing.F) {
	id := strings.Repeat("b", idLen)
	f.Add(id + id + "secret")
	f.Fuzz(func(t *testing.T, text string) {
		ticket, user, random, ok := parseTicket(secret.New(text))
		if ok && (ticket+user+random != strings.TrimSpace(text) || !isID(ticket) || !isID(user) || random == "") {
			t.Errorf("%q parsed as %q %q %q", text, ticket, user, random)
		}
	})
}

// Law: whatever names a client in a token is an id.
func FuzzTokenClient(f *testing.F) {
	f.Add("dvb_"+strings.Repeat("c", idLen)+"x", 1)
	f.Fuzz(func(t *testing.T, text string, carrier int) {
		if id := tokenClient(Credential{TokenTransport(carrier), secret.New(text)}); id != "" && (!isID(id) || !strings.Contains(text, id)) {
			t.Errorf("%q names %q", text, id)
		}
	})
}

// TestSentCodesAreUniform: every digit is as likely as the others at every place, also a zero in front.
func TestSentCodesAreUniform(t *testing.T) {
	tx := &txn{s: &Service{rand: rand.Reader}, state: &settingsState{}}
	const draws, places = 200_000, 6
	var counts [places][10]int
	for range draws {
		code, err := tx.newCode(phone.Number{})
		if err != nil || !isCode(code) {
			t.Fatalf("%q %v", code, err)
		}
		for i := range places {
			counts[i][code[i]-'0']++
		}
	}
	for place, all := range counts {
		sum := 0.0 // chi-square with 9 degrees of freedom: beyond 60 once in a billion runs
		for _, n := range all {
			const expected = draws / 10.0
			sum += (float64(n) - expected) * (float64(n) - expected) / expected
		}
		if sum > 60 {
			t.Errorf("place %d: chi-square %.0f", place, sum)
		}
	}
}

// TestSegments: what a message counts as, at the edges of 3GPP TS 23.038 and 23.040.
func TestSegments(t *testing.T) {
	for _, tc := range []struct {
		text string
		want int
	}{
		{"", 1}, {strings.Repeat("a", 160), 1}, {strings.Repeat("a", 161), 2}, {strings.Repeat("a", 306), 2}, {strings.Repeat("a", 307), 3},
		{strings.Repeat("[", 80), 1}, {strings.Repeat("[", 81), 2}, {strings.Repeat("で", 70), 1}, {strings.Repeat("で", 71), 2}, {strings.Repeat("で", 135), 3},
		{strings.Repeat("😀", 35), 1}, {strings.Repeat("😀", 36), 2}, {"`" + strings.Repeat("a", 70), 2},
	} {
		if got := segments(tc.text); got != tc.want {
			t.Errorf("%d characters like %q count as %d, want %d", len([]rune(tc.text)), tc.text[:min(len(tc.text), 4)], got, tc.want)
		}
	}
}

// TestANetworkIsNoAddress: of an address a record keeps the first 24 bits, of an IPv6 one the first 48, and nothing of its zone.
func TestANetworkIsNoAddress(t *testing.T) {
	for address, want := range map[string]string{
		"203.0.113.77": "203.0.113.0/24", "::ffff:203.0.113.77": "203.0.113.0/24", "2001:db8:1:2:3:4:5:6": "2001:db8:1::/48", "fe80::1%eth0": "fe80::/48", "255.255.255.255": "255.255.255.0/24",
	} {
		if got := maskNetwork(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s is kept as %s, want %s", address, got, want)
		}
	}
}
