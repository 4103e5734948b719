package migration

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/language"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/ratelimit"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tokens"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// TestAnExportedUserIsWhole: a move keeps every field of a user, except the fields listed here. A
// new field fails this test until it moves too or is listed.
func TestAnExportedUserIsWhole(t *testing.T) {
	stays := []string{
		// of the record, not of the user
		"User.Version", "User.Policy", "User.DeleteSelf", "User.SwitchedFrom", "User.RPID", "User.Listed", "User.ReadFactors", "User.ReadSecond",
		// sessions, pending codes, and the audit log, whose key stays
		"User.Sessions", "User.Remembered", "User.Trail", "User.Erasing", "Phone.Sealed", "Phone.Plain", "Phone.Pending", "Phone.Backend", "Phone.For", "Phone.Wrong", "TOTP.By", "TOTP.Wrong",
		// no session moves along
		"User.Generation", "User.FirstSince", "User.SecondSince", "User.BackupSince", "User.PasskeySince", "Passkey.By", "Passkey.Challenge",
		// a request that waits ends: its channels are those of the instance before
		"User.Recovery",
		// sealed anew
		"TOTP.Sealed", "BackupSet.Version", "BackupSet.Key", "BackupSet.Recent", "BackupSet.RecentTo",
	}
	instance := func(key byte) *Service {
		ring, err := seal.NewRing(1, map[uint32]seal.Key{1: {key}}, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		engine := &tx.Engine{Ring: ring, Rand: rand.Reader}
		return &Service{Service: &sessions.Service{Service: &tokens.Service{Engine: engine}}}
	}
	here, there := instance(1), instance(2)
	id := strings.Repeat("a", account.IDLen)
	was := &account.User{
		ID: id, Username: "u", FirstName: "f", LastName: "l", ExternalID: "x", Emails: []account.Email{{ID: account.PrefixID + id + id, Name: account.PrefixID + id, Address: "a@example.com", Unverified: true, Primary: true, CreatedAt: 1, UpdatedAt: 2}}, Public: json.RawMessage(`{"a":1}`),
		Private: json.RawMessage(`{"b":2}`), Unsafe: json.RawMessage(`{"c":3}`), Password: aDigest, PasswordAt: 1,
		Phones: []account.Phone{{
			ID: account.PrefixID + id + id, Tail: id, Number: aMoved, Name: "Home", Used: 5, Country: "US", Line: 2, Verified: 1, By: "b", Reserved: true, Default: true, Failures: 1, Primary: true, Lost: true,
			CreatedAt: 1, UpdatedAt: 2,
		}},
		Passkeys: []account.Passkey{{
			ID: id, Name: "Phone", Credential: []byte{1}, Key: aPasskey(t), RPID: "example.com", Transports: "u", Counter: 3, Eligible: true, BackedUp: true,
			Verified: 1, Used: 2, Copied: 3, CreatedAt: 4, ChangedAt: 5,
		}},
		TOTP:          &account.TOTP{ID: id, Name: "Work phone", Used: 6, Verified: 1, LastStep: 2, Failures: 3, CreatedAt: 4},
		Backup:        &account.BackupSet{ID: "b", Version: 1, Foreign: true, Imported: []string{aDigest}, Failures: 2, CreatedAt: 3},
		FirstFailures: account.FailureCounters{FailureCounter: account.FailureCounter{Failures: 1, WaitUntil: 2, LockedUntil: 3}, KnownDevices: account.FailureCounter{Failures: 4, WaitUntil: 5, LockedUntil: 6}}, SecondFailures: account.FailureCounters{FailureCounter: account.FailureCounter{Failures: 4, WaitUntil: 5, LockedUntil: 6}, KnownDevices: account.FailureCounter{Failures: 7, WaitUntil: 8, LockedUntil: 9}}, FailureLog: account.FailureLog{1}, SMSLog: ratelimit.Log{1}, Notices: ratelimit.Log{3}, NewNumberLog: ratelimit.Log{2}, Banned: true, LockedUntil: 1,
		StrandedAt: 4, RequiredFrom: 6,
		RecoveryLog: ratelimit.Log{4}, RecoveryNotices: ratelimit.Log{5}, Language: language.German,
		SessionsEndedAt: 2, LastSignInAt: 1, MFAEnabledAt: 2, MFADisabledAt: 3, CreatedAt: 4, UpdatedAt: 5,
	}
	if err := mfa.SealSecret((&tx.Tx{Engine: here.Engine}), was, secret.New("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")); err != nil {
		t.Fatal(err)
	}
	tags, err := mfa.OpenTags(here.Engine, was, was.Backup)
	if err != nil {
		t.Fatal(err)
	}
	was.Backup.Tags, was.Backup.Used = append(tags.Of("one"), tags.Of("two")...), tags.Of("three")

	p, err := here.exportUser(was)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var read Export
	if err := json.Unmarshal(data, &read); err != nil {
		t.Fatal(err)
	}
	is, err := read.user(id)
	if err != nil {
		t.Fatal(err)
	}
	if err := importExported((&tx.Tx{Engine: there.Engine}), is, read); err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]any{{*was, *is}, {was.Phones[0], is.Phones[0]}, {was.Passkeys[0], is.Passkeys[0]}, {*was.TOTP, *is.TOTP}, {*was.Backup, *is.Backup}} {
		a, b := reflect.ValueOf(pair[0]), reflect.ValueOf(pair[1])
		for i := range a.NumField() {
			f := a.Type().Field(i)
			name := a.Type().Name() + "." + f.Name
			if !f.IsExported() || slices.Contains(stays, name) || slices.Contains([]string{"User.Phones", "User.Passkeys", "User.TOTP", "User.Backup"}, name) {
				continue
			}
			if a.Field(i).IsZero() {
				t.Errorf("%s is empty before: it shows nothing", name)
			}
			if !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
				t.Errorf("%s was %v and is %v", name, a.Field(i), b.Field(i))
			}
		}
	}
	key, err := mfa.OpenSecret((&tx.Tx{Engine: there.Engine}), is)
	if err != nil || key.Reveal() != "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP" {
		t.Errorf("the authenticator secret did not move: %v", err)
	}
	moved, err := mfa.OpenTags(there.Engine, is, is.Backup)
	if err != nil || moved.Find(is.Backup.Tags, "two") != account.BackupTagSize || moved.Find(is.Backup.Used, "three") != 0 || moved.Find(is.Backup.Tags, "three") >= 0 {
		t.Errorf("the backup codes did not move: %v", err)
	}
}

const (
	aMoved  = "+12125550123"
	aDigest = "$2a$10$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
)

// aPasskey is a COSE_Key of EdDSA, with the public key of RFC 8032 section 7.1, test 1.
func aPasskey(t *testing.T) []byte {
	t.Helper()
	key, err := hex.DecodeString("a4010103272006215820" + "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestAnExportedUserIsChecked: a file is input like any other.
func TestAnExportedUserIsChecked(t *testing.T) {
	ring, err := seal.NewRing(1, map[uint32]seal.Key{1: {1}}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := &tx.Engine{Ring: ring, Rand: rand.Reader}
	id, other := strings.Repeat("a", account.IDLen), strings.Repeat("b", account.IDLen)
	good := func() Export {
		return Export{
			ID: account.PrefixUser + id, EmailAddresses: []ExportedEmail{{ID: account.PrefixID + id, Address: "a@example.com", CreatedAt: 1}},
			PhoneNumbers: []ExportedPhone{{ID: account.PrefixID + id + other, Number: aMoved}},
			Passkeys:     []ExportedPasskey{{ID: account.PrefixPasskey + id, CredentialID: []byte{1}, PublicKey: aPasskey(t), RPID: "example.com", VerifiedAt: 1}},
			TOTP:         &ExportedTOTP{ID: account.PrefixTOTP + id, Secret: Disclosed{secret.New("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")}},
			BackupCodes:  &ExportedCodes{ID: account.PrefixBackup + "b", Key: Disclosed{secret.New(strings.Repeat("A", 43) + "=")}, Unused: [][]byte{make([]byte, account.BackupTagSize)}},
		}
	}
	restore := func(p Export) error {
		u, err := p.user(id)
		if err != nil {
			return err
		}
		return importExported((&tx.Tx{Engine: s}), u, p)
	}
	if err := restore(good()); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Export){
		"another user's phone":       func(p *Export) { p.PhoneNumbers[0].ID = account.PrefixID + other + other },
		"a phone without a tail":     func(p *Export) { p.PhoneNumbers[0].ID = account.PrefixID + id },
		"no number":                  func(p *Export) { p.PhoneNumbers[0].Number = "12125550123" },
		"a number with spaces":       func(p *Export) { p.PhoneNumbers[0].Number = "+1 212 555 0123" },
		"one number twice":           func(p *Export) { p.PhoneNumbers = append(p.PhoneNumbers, p.PhoneNumbers[0]) },
		"an address without an @":    func(p *Export) { p.EmailAddresses[0].Address = "a" },
		"an address of no domain":    func(p *Export) { p.EmailAddresses[0].Address = "a@xn--0.example" },
		"an e-mail id that is none":  func(p *Export) { p.EmailAddresses[0].ID = "x" },
		"an app without a secret":    func(p *Export) { p.TOTP.Secret = Disclosed{} },
		"an app's name in two lines": func(p *Export) { p.TOTP.Name = "a\nb" },
		"a number's long name":       func(p *Export) { p.PhoneNumbers[0].Name = strings.Repeat("x", 101) },
		"an app's id that is none":   func(p *Export) { p.TOTP.ID = account.PrefixTOTP },
		"codes without a key":        func(p *Export) { p.BackupCodes.Key = Disclosed{} },
		"a short key":                func(p *Export) { p.BackupCodes.Key = Disclosed{secret.New("AAAA")} },
		"a tag of another length":    func(p *Export) { p.BackupCodes.Unused[0] = make([]byte, 4) },
		"a used tag that is nothing": func(p *Export) { p.BackupCodes.Used = [][]byte{{}} },
		"a dear password":            func(p *Export) { p.PasswordDigest = strings.Replace(aDigest, "10", "13", 1) },
		"a password that is none":    func(p *Export) { p.PasswordDigest = "x" },
		"a dear backup code":         func(p *Export) { p.BackupCodes.BCrypt = []string{strings.Replace(aDigest, "10", "31", 1)} },
		"a backup code of argon2": func(p *Export) {
			p.BackupCodes.BCrypt = []string{"$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"}
		},
		"too many codes": func(p *Export) {
			p.BackupCodes.Used = slices.Repeat([][]byte{make([]byte, account.BackupTagSize)}, account.BackupCodesPerUser)
		},
		"a passkey's id that is none":     func(p *Export) { p.Passkeys[0].ID = "x" },
		"a passkey twice":                 func(p *Export) { p.Passkeys = append(p.Passkeys, p.Passkeys[0]) },
		"a passkey without a key":         func(p *Export) { p.Passkeys[0].PublicKey = nil },
		"a long credential id":            func(p *Export) { p.Passkeys[0].CredentialID = make([]byte, 1024) },
		"a passkey in enrolment":          func(p *Export) { p.Passkeys[0].VerifiedAt = 0 },
		"a passkey's name in two lines":   func(p *Export) { p.Passkeys[0].Name = "a\nb" },
		"a passkey's name from the right": func(p *Export) { p.Passkeys[0].Name = "a\u202eb" },
		"a passkey's long name":           func(p *Export) { p.Passkeys[0].Name = strings.Repeat("x", 65) },
		"a passkey's name of blanks":      func(p *Export) { p.Passkeys[0].Name = " " },
		"a key on no curve":               func(p *Export) { p.Passkeys[0].PublicKey[4] = 7 },
		"bytes after a key":               func(p *Export) { p.Passkeys[0].PublicKey = append(p.Passkeys[0].PublicKey, 0) },
		"a transport that is none":        func(p *Export) { p.Passkeys[0].Transports = []string{"<b>"} },
		"nine transports":                 func(p *Export) { p.Passkeys[0].Transports = slices.Repeat([]string{"usb"}, 9) },
		"a date before 1970":              func(p *Export) { p.MFARequiredFrom = -1 },
		"a date after the last":           func(p *Export) { p.MFARequiredFrom = 10_000_000_000_000 },
		"a set without an id":             func(p *Export) { p.BackupCodes.ID = account.PrefixBackup },
	} {
		p := good()
		spoil(&p)
		if err := restore(p); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
