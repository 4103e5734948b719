package mfa

import (
	"crypto/rand"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/ratelimit"
)

// TestAnExportedUserIsWhole: every field of a user is the same after a move, but for those that are named here because they stay behind. A new field
// fails this test until it moves too, or is named.
func TestAnExportedUserIsWhole(t *testing.T) {
	stays := []string{
		"User.Sessions", "User.Trail", "User.Erasing", "Phone.Sealed", "Phone.Plain", "Phone.Pending", "Phone.For", "Phone.Wrong", "TOTP.By", "TOTP.Wrong", // sessions, codes under way, and the trail, whose key stays
		"User.Generation", "User.FirstSince", "User.SecondSince", "User.BackupSince", // no session moves along
		"TOTP.Sealed", "BackupSet.Version", "BackupSet.Key", "BackupSet.Recent", "BackupSet.RecentTo", // sealed anew
	}
	instance := func(key byte) *Service {
		ring, err := seal.NewRing(1, map[uint32]seal.Key{1: {key}}, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return &Service{ring: ring, rand: rand.Reader}
	}
	here, there := instance(1), instance(2)
	id := strings.Repeat("a", idLen)
	was := &User{
		ID: id, Username: "u", FirstName: "f", LastName: "l", ExternalID: "x", Emails: []Email{{prefixID + id, "a@example.com", 1}}, Public: json.RawMessage(`{"a":1}`),
		Private: json.RawMessage(`{"b":2}`), Unsafe: json.RawMessage(`{"c":3}`), Password: aDigest, PasswordAt: 1,
		Phones: []Phone{{
			ID: prefixID + id + id, Tail: id, Number: aMoved, Country: "US", Line: 2, Verified: 1, By: "b", Reserved: true, Default: true, Failures: 1, Primary: true,
			CreatedAt: 1, UpdatedAt: 2,
		}},
		TOTP:          &TOTP{ID: id, Verified: 1, LastStep: 2, Failures: 3, CreatedAt: 4},
		Backup:        &BackupSet{ID: "b", Version: 1, Foreign: true, Imported: []string{aDigest}, Failures: 2, CreatedAt: 3},
		FirstFailures: FailureCounters{FailureCounter{1, 2, 3}, FailureCounter{4, 5, 6}}, SecondFailures: FailureCounters{FailureCounter{4, 5, 6}, FailureCounter{7, 8, 9}}, FailureLog: failureLog{1}, SMSLog: ratelimit.Log{1}, Notices: ratelimit.Log{3}, NewNumberLog: ratelimit.Log{2}, Banned: true, LockedUntil: 1,
		StrandedAt:      4,
		SessionsEndedAt: 2, LastSignInAt: 1, MFAEnabledAt: 2, MFADisabledAt: 3, CreatedAt: 4, UpdatedAt: 5,
	}
	if err := (&txn{s: here}).sealSecret(was, secret.New("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")); err != nil {
		t.Fatal(err)
	}
	tags, err := here.backupTags(was, was.Backup)
	if err != nil {
		t.Fatal(err)
	}
	was.Backup.Tags, was.Backup.Used = append(tags.of("one"), tags.of("two")...), tags.of("three")

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
	if err := (&txn{s: there}).importExported(is, read); err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]any{{*was, *is}, {was.Phones[0], is.Phones[0]}, {*was.TOTP, *is.TOTP}, {*was.Backup, *is.Backup}} {
		a, b := reflect.ValueOf(pair[0]), reflect.ValueOf(pair[1])
		for i := range a.NumField() {
			f := a.Type().Field(i)
			name := a.Type().Name() + "." + f.Name
			if !f.IsExported() || slices.Contains(stays, name) || slices.Contains([]string{"User.Phones", "User.TOTP", "User.Backup"}, name) {
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
	key, err := (&txn{s: there}).openSecret(is)
	if err != nil || key.Reveal() != "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP" {
		t.Errorf("the authenticator secret did not move: %v", err)
	}
	moved, err := there.backupTags(is, is.Backup)
	if err != nil || moved.find(is.Backup.Tags, "two") != backupTagSize || moved.find(is.Backup.Used, "three") != 0 || moved.find(is.Backup.Tags, "three") >= 0 {
		t.Errorf("the backup codes did not move: %v", err)
	}
}

const (
	aMoved  = "+12125550123"
	aDigest = "$2a$10$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
)

// TestAnExportedUserIsChecked: a file is input like any other.
func TestAnExportedUserIsChecked(t *testing.T) {
	ring, err := seal.NewRing(1, map[uint32]seal.Key{1: {1}}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := &Service{ring: ring, rand: rand.Reader}
	id, other := strings.Repeat("a", idLen), strings.Repeat("b", idLen)
	good := func() Export {
		return Export{
			ID: prefixUser + id, EmailAddresses: []ExportedEmail{{prefixID + id, "a@example.com", 1}},
			PhoneNumbers: []ExportedPhone{{ID: prefixID + id + other, Number: aMoved}},
			TOTP:         &ExportedTOTP{ID: prefixTOTP + id, Secret: Disclosed{secret.New("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")}},
			BackupCodes:  &ExportedCodes{ID: prefixBackup + "b", Key: Disclosed{secret.New(strings.Repeat("A", 43) + "=")}, Unused: [][]byte{make([]byte, backupTagSize)}},
		}
	}
	restore := func(p Export) error {
		u, err := p.user(id)
		if err != nil {
			return err
		}
		return (&txn{s: s}).importExported(u, p)
	}
	if err := restore(good()); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Export){
		"another user's phone":       func(p *Export) { p.PhoneNumbers[0].ID = prefixID + other + other },
		"a phone without a tail":     func(p *Export) { p.PhoneNumbers[0].ID = prefixID + id },
		"no number":                  func(p *Export) { p.PhoneNumbers[0].Number = "12125550123" },
		"a number with spaces":       func(p *Export) { p.PhoneNumbers[0].Number = "+1 212 555 0123" },
		"one number twice":           func(p *Export) { p.PhoneNumbers = append(p.PhoneNumbers, p.PhoneNumbers[0]) },
		"an address without an @":    func(p *Export) { p.EmailAddresses[0].Address = "a" },
		"an address in capitals":     func(p *Export) { p.EmailAddresses[0].Address = "A@example.com" },
		"an e-mail id that is none":  func(p *Export) { p.EmailAddresses[0].ID = "x" },
		"an app without a secret":    func(p *Export) { p.TOTP.Secret = Disclosed{} },
		"an app's id that is none":   func(p *Export) { p.TOTP.ID = prefixTOTP },
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
			p.BackupCodes.Used = slices.Repeat([][]byte{make([]byte, backupTagSize)}, backupCodesPerUser)
		},
		"a set without an id": func(p *Export) { p.BackupCodes.ID = prefixBackup },
	} {
		p := good()
		spoil(&p)
		if err := restore(p); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
