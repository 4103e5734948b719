package migrate_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/countersign-mfa/countersign/internal/clock"
	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/ops/migrate"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/test/mfatest"
)

const (
	number = "+12125550123"
	seed   = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
)

// instance is a service with keys of its own.
type instance struct {
	*mfatest.World
	store *store.Memory
}

// newInstance returns an instance that reads a clock that several instances share.
func newInstance(t testing.TB, c *clock.Clock) *instance {
	t.Helper()
	var key seal.Key
	_, _ = rand.Read(key[:])
	i := &instance{store: store.NewMemory()}
	i.World = mfatest.New(t, domain.Config{Store: i.store, Ring: mfatest.Ring(rand.Reader, key), Now: c.Now})
	i.Clock = c
	return i
}

func (i *instance) app() secret.Value {
	i.Helper()
	code, err := totp.Code(secret.New(seed), i.Now())
	i.Must(err)
	return secret.New(code)
}

// want checks a code of the app or a backup code.
func (i *instance) want(code apierr.Code, id string, given secret.Value) {
	i.Helper()
	_, err := i.Admin.VerifyTOTP(i.Context(), id, given)
	if code == "" && err != nil || code != "" && (err == nil || apierr.From(err).Code() != code) {
		i.Errorf("%v, want %q", err, code)
	}
}

// enter signs a user in with its app and makes a set of backup codes.
func (i *instance) enter(id string) (tx.Caller, []string) {
	i.Helper()
	var from tx.Caller
	ticket, err := i.MFA.CreateTicket(i.Context(), id, 0)
	i.Must(err)
	r, err := i.MFA.CreateSignIn(i.Context(), from, mfa.SignInInput{Strategy: account.TicketCode, Ticket: ticket.Token})
	i.Must(err)
	from.Credentials = []tx.Credential{{Token: r.Snapshot.Token}}
	r, err = i.MFA.AttemptSecondFactor(i.Context(), from, r.SignIn.ID, mfa.Proof{Strategy: account.TOTPCode, Code: i.app()})
	i.Must(err)
	from = tx.Caller{Credentials: []tx.Credential{{Token: r.Snapshot.Token}}, Session: r.SignIn.Created}
	codes, err := i.MFA.CreateBackupCodes(i.Context(), from)
	i.Must(err)
	return from, codes.Codes
}

// member creates a user with everything that a user can have.
func (i *instance) member(name string, numbers ...string) (id string, codes []string) {
	i.Helper()
	u, err := i.Admin.CreateUser(i.Context(), admin.UserInput{
		Username: name, FirstName: "Maxine", Emails: []string{name + "@example.com"}, ReservedPhones: numbers, TOTPSecret: secret.New(seed),
		Password: secret.New("correct horse"), Private: []byte(`{"note":"likes roses"}`),
	})
	i.Must(err)
	i.Advance(time.Minute)
	_, codes = i.enter(u.WireID())
	i.Advance(time.Minute)
	return u.WireID(), codes
}

func identity(t testing.TB) *age.X25519Identity {
	t.Helper()
	k, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (i *instance) export(to age.Recipient) []byte {
	i.Helper()
	var file bytes.Buffer
	_, err := migrate.Export(i.Context(), &file, []age.Recipient{to}, i.Service, i.Now(), migrate.Progress{}, math.MaxInt)
	i.Must(err)
	return file.Bytes()
}

func (i *instance) restore(file []byte, key age.Identity) (migrate.ImportResult, string, error) {
	var report strings.Builder
	got, err := migrate.Import(i.Context(), bytes.NewReader(file), []age.Identity{key}, i.Service, 1, &report)
	return got, report.String(), err
}

// TestAMoveLosesNothing: users work the same on a new instance with its own keys, and used codes
// stay used.
func TestAMoveLosesNothing(t *testing.T) {
	c := mfatest.NewClock()
	old, key := newInstance(t, c), identity(t)
	_, err := old.Settings.Change(t.Context(), func(s *account.Settings) { s.MFARequired, s.IPLimits = true, false })
	old.Must(err)
	id, codes := old.member("maxine", number, "+13105550142")
	locked, _ := old.member("lou")
	_, err = old.Admin.Lock(t.Context(), locked)
	old.Must(err)
	old.want("", id, secret.New(codes[0]))
	last := old.app()
	old.want("", id, last)
	for range 3 {
		old.want(apierr.FormCodeIncorrect, id, secret.New("aaaaa-aaaaa"))
	}
	before, err := old.Admin.User(t.Context(), id)
	old.Must(err)
	file := old.export(key.Recipient())
	for _, text := range []string{id, "maxine", "roses", number, seed} {
		if bytes.Contains(file, []byte(text)) {
			t.Errorf("the file shows %q", text)
		}
	}

	fresh := newInstance(t, c)
	got, report, err := fresh.restore(file, key)
	if want := (migrate.ImportResult{Users: 2, Created: 2, SettingsApplied: true, Parts: 1}); err != nil || got != want || report != "" {
		t.Fatalf("%+v %q %v, want %+v", got, report, err, want)
	}
	after, err := fresh.Admin.User(t.Context(), id)
	fresh.Must(err)
	for i := range before.Phones {
		a, b := before.Phones[i], after.Phones[i]
		if a.ID != b.ID || a.Number != b.Number || a.Default != b.Default || !b.Reserved || a.Verified != b.Verified {
			t.Errorf("the number was %+v and is %+v", a, b)
		}
	}
	if after.WireID() != id || after.TOTP.WireID() != before.TOTP.WireID() || mfa.WireID(after.Backup) != mfa.WireID(before.Backup) || after.SecondFailures.Failures != 3 || len(after.FailureLog) != 3 {
		t.Errorf("the user was\n%+v and is\n%+v", before, after)
	}
	if set, err := fresh.Engine.Settings(t.Context()); err != nil || !set.MFARequired || set.IPLimits {
		t.Errorf("the settings are %+v (%v)", set, err)
	}
	fresh.want(apierr.FormCodeIncorrect, id, last) // the last step was exported
	fresh.want(apierr.FormCodeIncorrect, id, secret.New(codes[0]))
	fresh.want("", id, secret.New(codes[1]))
	fresh.want(apierr.FormCodeIncorrect, id, secret.New(codes[1]))
	c.Advance(time.Minute)
	fresh.want("", id, fresh.app())
	fresh.want(apierr.UserLocked, locked, fresh.app())
	fresh.Must(fresh.Admin.VerifyPassword(t.Context(), id, secret.New("correct horse")))
	fresh.signInBySMS(id)

	// A second import changes no user, and a second move loses nothing either.
	if got, _, err := fresh.restore(file, key); err != nil || got.Existing != 2 || got.Created != 0 || got.SettingsApplied {
		t.Errorf("the second time: %+v %v", got, err)
	}
	fresh.want(apierr.FormCodeIncorrect, id, secret.New(codes[1]))
	third := newInstance(t, c)
	if got, _, err := third.restore(fresh.export(key.Recipient()), key); err != nil || got.Created != 2 {
		t.Fatalf("%+v %v", got, err)
	}
	third.want(apierr.FormCodeIncorrect, id, secret.New(codes[1]))
	third.want("", id, secret.New(codes[2]))
}

// signInBySMS signs in by e-mail address and password, and with an SMS to the default number.
func (i *instance) signInBySMS(id string) {
	i.Helper()
	r, err := i.MFA.CreateSignIn(i.Context(), tx.Caller{}, mfa.SignInInput{Identifier: "maxine@example.com", Password: secret.New("correct horse")})
	i.Must(err)
	from := tx.Caller{Credentials: []tx.Credential{{Token: r.Snapshot.Token}}}
	_, err = i.MFA.PrepareSecondFactor(i.Context(), from, r.SignIn.ID, account.PhoneCode, "")
	i.Must(err)
	if m := i.Sent()[len(i.Sent())-1]; m.To.E164() != number {
		i.Errorf("the code went to %s", m.To)
	}
	r, err = i.MFA.AttemptSecondFactor(i.Context(), from, r.SignIn.ID, mfa.Proof{Strategy: account.PhoneCode, Code: secret.New(i.Code())})
	i.Must(err)
	if r.User.WireID() != id {
		i.Errorf("%s is signed in, want %s", r.User.WireID(), id)
	}
	// The number's limit applies over all users: it is still counted under the number and not under
	// the phone's foreign id.
	if found, _, err := i.store.List(i.Context(), store.KindNumber, "", 10); err != nil || len(found) != 1 || found[0].Key.ID == r.User.Phones[0].Tail {
		i.Errorf("the message was counted in %v (%v)", found, err)
	}
}

// TestOnlyAWholeFileOfTheRightKeyIsTaken: an export that is cut off, changed or encrypted to
// another recipient is an error.
func TestOnlyAWholeFileOfTheRightKeyIsTaken(t *testing.T) {
	c := mfatest.NewClock()
	old, key := newInstance(t, c), identity(t)
	old.member("maxine")
	file := old.export(key.Recipient())
	if _, _, err := newInstance(t, c).restore(file, identity(t)); !errors.Is(err, migrate.ErrKey) {
		t.Errorf("another identity: %v, want ErrKey", err)
	}
	for n := 0; n < len(file); n += 53 {
		if _, _, err := newInstance(t, c).restore(file[:n], key); err == nil {
			t.Errorf("cut to %d of %d bytes it is taken for whole", n, len(file))
		}
		broken := bytes.Clone(file)
		broken[n] ^= 1
		if _, _, err := newInstance(t, c).restore(broken, key); err == nil {
			t.Errorf("with byte %d changed it is taken", n)
		}
	}
	if _, err := migrate.Export(t.Context(), io.Discard, nil, old.Service, c.Now(), migrate.Progress{}, 1); err == nil {
		t.Error("it was written without a recipient")
	}
}

// encrypt encrypts lines that the test makes.
func encrypt(t *testing.T, key *age.X25519Identity, lines ...string) []byte {
	t.Helper()
	var file bytes.Buffer
	w, err := age.Encrypt(&file, key.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(w, strings.Join(lines, "\n"))
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func TestLinesOutOfPlace(t *testing.T) {
	const head, end = `{"object":"countersign_export","version":1,"settings":{}}`, `{"object":"end","users":0}`
	key, c := identity(t), mfatest.NewClock()
	if _, _, err := newInstance(t, c).restore(encrypt(t, key, head, end), key); err != nil {
		t.Fatal(err)
	}
	for name, lines := range map[string][]string{
		"nothing":              {},
		"no end":               {head},
		"no head":              {end},
		"more after the end":   {head, end, end},
		"one user too few":     {head, `{"object":"end","users":1}`},
		"another version":      {`{"object":"countersign_export","version":2,"settings":{}}`, end},
		"another object":       {head, `{"object":"organization"}`, end},
		"no JSON":              {head, "maxine", end},
		"a user without an id": {head, `{"object":"user"}`, end},
	} {
		_, _, err := newInstance(t, c).restore(encrypt(t, key, lines...), key)
		if err == nil || strings.Contains(fmt.Sprint(err), "maxine") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestARefusedUserIsReported: a user whose identifier is taken here does not stop the others. The
// report names only its line and id.
func TestARefusedUserIsReported(t *testing.T) {
	c := mfatest.NewClock()
	old, fresh, key := newInstance(t, c), newInstance(t, c), identity(t)
	id, _ := old.member("maxine", number)
	other, _ := old.member("lou")
	_, err := fresh.Admin.CreateUser(t.Context(), admin.UserInput{Phones: []string{number}})
	fresh.Must(err)
	got, report, err := fresh.restore(old.export(key.Recipient()), key)
	if err != nil || got.Refused != 1 || got.Created != 1 {
		t.Fatalf("%+v %v", got, err)
	}
	if !strings.Contains(report, id) || strings.Contains(report, number[2:]) || strings.Contains(report, "maxine") {
		t.Errorf("the report is %q", report)
	}
	if _, err := fresh.Admin.User(t.Context(), id); err == nil {
		t.Error("half of the refused user is there")
	}
	fresh.want("", other, fresh.app())
}

// TestAnExportIsStreamed: an export holds one page of users at a time.
func TestAnExportIsStreamed(t *testing.T) {
	c := mfatest.NewClock()
	old, key := newInstance(t, c), identity(t)
	const users = 450
	for range users {
		_, err := old.Admin.CreateUser(t.Context(), admin.UserInput{Unsafe: []byte(`{"x":"` + strings.Repeat("x", 4000) + `"}`)})
		old.Must(err)
	}
	pages := &pages{}
	got, err := migrate.Export(t.Context(), pages, []age.Recipient{key.Recipient()}, old.Service, c.Now(), migrate.Progress{}, math.MaxInt)
	if err != nil || got.Users != users {
		t.Fatalf("%+v %v", got, err)
	}
	if pages.n < 20 {
		t.Errorf("the file was written in %d pieces", pages.n)
	}
}

type pages struct{ n int }

func (p *pages) Write(b []byte) (int, error) {
	p.n++
	return len(b), nil
}
