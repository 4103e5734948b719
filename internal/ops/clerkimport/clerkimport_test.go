package clerkimport_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/countersign-mfa/countersign/internal/crypto/password"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/directory"
	"github.com/countersign-mfa/countersign/internal/domain/numberplan"
	"github.com/countersign-mfa/countersign/internal/local"
	"github.com/countersign-mfa/countersign/internal/ops/clerkimport"
	"github.com/countersign-mfa/countersign/test/mfatest"
)

// fixture is a server and a file to import.
type fixture struct {
	mfatest.TB
	*clerkimport.Config
	app *local.App
	out bytes.Buffer
	// intercept is called with every request first, and says whether it answered. Requests come at
	// once.
	intercept func(http.ResponseWriter, *http.Request) bool
	posts     atomic.Int32
	demo      int // users that the server has before
}

// open starts a server, with the numbering plans of this build unless others are given.
func open(t testing.TB, plans ...*numberplan.Plan) *fixture {
	t.Helper()
	p := &fixture{TB: mfatest.TB{TB: t}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			p.posts.Add(1)
		}
		if p.intercept == nil || !p.intercept(w, r) {
			p.app.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	var err error
	p.app, err = local.Open(t.Context(), local.Config{
		Dir: t.TempDir(), PublicURL: server.URL, AppName: "Example", SecretKey: secret.New("sk_test"), Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Passwords: password.Params{Memory: 64, Time: 1, Threads: 1}, Numbers: append(plans, numberplan.BuiltIn())[0],
	})
	p.Must(err)
	t.Cleanup(func() { _ = p.app.Close() })
	p.demo = p.count()
	input := filepath.Join(t.TempDir(), "users.jsonl")
	p.Config = &clerkimport.Config{
		Input: input, State: input + ".state", URL: server.URL, SecretKey: secret.New("sk_test"), Out: &p.out, Now: time.Now,
		Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
	return p
}

func (p *fixture) lines(lines ...string) {
	p.Helper()
	p.Must(os.WriteFile(p.Input, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
}

// run imports and compares the counts.
func (p *fixture) run(want clerkimport.Result) {
	p.Helper()
	p.out.Reset()
	got, err := clerkimport.Run(p.Context(), *p.Config)
	p.Must(err)
	if got != want {
		p.Errorf("%+v, want %+v\n%s", got, want, &p.out)
	}
}

// users returns the users whose external id is among those given.
func (p *fixture) users(ids ...string) []*account.User {
	p.Helper()
	users, err := p.app.Service.Directory.Users(p.Context(), directory.Query{Filter: directory.Filter{ExternalIDs: ids}, Limit: 500})
	p.Must(err)
	return users
}

// count returns the number of users that the import created.
func (p *fixture) count() int {
	p.Helper()
	n, err := p.app.Service.Directory.Count(p.Context(), directory.Filter{})
	p.Must(err)
	return n - p.demo
}

// prints checks that the import's output holds texts.
func (p *fixture) prints(words ...string) {
	p.Helper()
	for _, w := range words {
		if !strings.Contains(p.out.String(), w) {
			p.Errorf("no %q in:\n%s", w, &p.out)
		}
	}
}

// isAbout reports whether a request creates the user of line i, and leaves its body to be read.
func isAbout(r *http.Request, i int) bool {
	if r.Method != http.MethodPost {
		return false
	}
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return err == nil && strings.Contains(string(body), fmt.Sprintf(`"user_%d"`, i))
}

// manyLines returns the lines of users 0 to n-1.
func manyLines(n int) (lines []string) {
	for i := range n {
		lines = append(lines, line(i))
	}
	return lines
}

func line(i int) string { return fmt.Sprintf(`{"id":"user_%d","username":"moved%d"}`, i, i) }

const full = `{"object":"user","id":"user_full","external_id":null,"username":"full","first_name":"Ada","last_name":"L","image_url":"x",
"primary_email_address_id":"idn_2","primary_phone_number_id":"idn_5","email_addresses":[
{"id":"idn_1","object":"email_address","email_address":"Second@example.com","verification":{"status":"verified","strategy":"email_code"}},
{"id":"idn_2","email_address":"first@example.com","verification":{"status":"verified"}},
{"id":"idn_3","email_address":"unproved@example.com","verification":null}],
"phone_numbers":[
{"id":"idn_4","phone_number":"+12015550111","reserved_for_second_factor":true,"default_second_factor":false,"verification":{"status":"verified"}},
{"id":"idn_5","phone_number":"+12015550112","reserved_for_second_factor":false,"default_second_factor":false,"verification":{"status":"verified"}},
{"id":"idn_6","phone_number":"+12015550113","reserved_for_second_factor":true,"default_second_factor":true,"verification":{"status":"verified"}},
{"id":"idn_7","phone_number":"+12015550114","reserved_for_second_factor":false,"default_second_factor":false,"verification":{"status":"unverified"}}],
"password_enabled":true,"two_factor_enabled":true,"totp_enabled":true,"backup_code_enabled":true,"banned":false,"locked":true,"mfa_required":true,"mfa_required_from":1900000000000,
"password_digest":%q,"password_hasher":"bcrypt","totp_secret":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ","backup_codes":["aaaaa-aaaaa","bbbbb-bbbbb"],
"public_metadata":{"plan":"gold"},"private_metadata":{"note":1},"unsafe_metadata":{},"passkeys":[{}],"created_at":1600000000123,"updated_at":1700000000000}`

// TestEveryFieldIsImported: the password, the app and the backup codes of an imported user work.
func TestEveryFieldIsImported(t *testing.T) {
	p := open(t)
	digest, err := bcrypt.GenerateFromPassword([]byte("correct horse"), bcrypt.MinCost)
	p.Must(err)
	p.lines(strings.ReplaceAll(fmt.Sprintf(full, digest), "\n", ""))
	p.run(clerkimport.Result{Lines: 1, Created: 1})
	p.prints("not imported: an e-mail address that is not verified",
		"not imported: a phone number that is not verified", "not imported: passkeys")
	users := p.users("user_full")
	if len(users) != 1 {
		t.Fatalf("%d users", len(users))
	}
	u := users[0]
	var got []string
	for _, e := range u.Emails {
		got = append(got, e.Address)
	}
	for _, n := range u.Phones {
		got = append(got, fmt.Sprintf("%s primary=%v reserved=%v default=%v", n.Number, n.Primary, n.Reserved, n.Default))
	}
	want := []string{
		"first@example.com", "second@example.com", "+12015550112 primary=true reserved=false default=false",
		"+12015550113 primary=false reserved=true default=true", "+12015550111 primary=false reserved=true default=false",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if u.Username != "full" || u.FirstName != "Ada" || u.CreatedAt != 1600000000123 || string(u.Public) != `{"plan":"gold"}` || string(u.Private) != `{"note":1}` || u.LockedUntil == 0 || u.RequiredFrom != 1900000000000 {
		t.Errorf("%+v", u)
	}
	id := u.WireID()
	_, err = p.app.Service.Admin.Unlock(t.Context(), id)
	p.Must(err)
	p.Must(p.app.Service.Admin.VerifyPassword(t.Context(), id, secret.New("correct horse")))
	key, err := totp.ParseSecret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
	p.Must(err)
	code, err := totp.Code(key, time.Now())
	p.Must(err)
	for _, c := range []string{code, "bbbbb-bbbbb"} {
		if _, err := p.app.Service.Admin.VerifyTOTP(t.Context(), id, secret.New(c)); err != nil {
			t.Errorf("%v", err)
		}
	}
}

// TestRefusals: the import and the dry run refuse each bad line for the same reason, and print no
// secret.
func TestRefusals(t *testing.T) {
	const hidden = "hidden0secret0text"
	for name, c := range map[string]struct{ line, why string }{
		"no JSON":            {`{"id":"user_1","totp_secret":"` + hidden, "it is not a JSON object"},
		"an array":           {`["` + hidden + `"]`, "it is not a JSON object: write one user a line"},
		"bcrypt too costly":  {`{"id":"user_1","username":"u","totp_enabled":true,"password_hasher":"bcrypt","password_digest":"$2a$14$` + strings.Repeat("a", 53) + `"}`, "password_digest has bcrypt cost 14, at most 12; totp_enabled, but there is no totp_secret"},
		"wrong type":         {`{"id":"user_1","username":"u","backup_codes":"` + hidden + `"}`, "backup_codes has the wrong type"},
		"no identifier":      {`{"id":"user_1","password":"` + hidden + `"}`, "no verified e-mail"},
		"not verified":       {`{"id":"user_1","email_addresses":[{"email_address":"a@example.com","verification":{"status":"unverified"}}]}`, "no verified e-mail"},
		"bad address":        {`{"id":"user_1","email_address":["` + hidden + `"]}`, "the server refuses email_address (form_param_format_invalid)"},
		"bad number":         {`{"id":"user_1","phone_number":["12"]}`, "the server refuses phone_number"},
		"foreign hasher":     {`{"id":"user_1","username":"u","password_digest":"x","password_hasher":"` + hidden + `"}`, "password_hasher is not bcrypt, argon2i or argon2id"},
		"digest of no form":  {`{"id":"user_1","username":"u","password_digest":"` + hidden + `","password_hasher":"bcrypt"}`, "the server refuses password_digest"},
		"password missing":   {`{"id":"user_1","username":"u","password_enabled":true}`, "password_enabled, but there is no password_digest"},
		"passkeys only":      {`{"id":"user_1","username":"u","passkeys":[{}]}`, "its passkeys cannot be moved, and it has no other second factor"},
		"app missing":        {`{"id":"user_1","username":"u","totp_enabled":true}`, "totp_enabled, but there is no totp_secret"},
		"bad app":            {`{"id":"user_1","username":"u","totp_secret":"` + hidden + `!"}`, "the server refuses totp_secret"},
		"bad codes":          {`{"id":"user_1","username":"u","backup_codes":["` + hidden + `!"]}`, "the server refuses backup_codes"},
		"from the future":    {`{"id":"user_1","username":"u","created_at":99999999999999}`, "the server refuses created_at"},
		"no time":            {`{"id":"user_1","username":"u","created_at":"` + hidden + `"}`, "the server refuses created_at"},
		"time of no type":    {`{"id":"user_1","username":"u","created_at":{}}`, "created_at has the wrong type"},
		"too much metadata":  {`{"id":"user_1","username":"u","public_metadata":{"a":"` + strings.Repeat("a", 9000) + `"}}`, "the server refuses public_metadata"},
		"metadata no object": {`{"id":"user_1","username":"u","private_metadata":["` + hidden + `"]}`, "the server refuses private_metadata"},
		"same id":            {`{"id":"user_0","username":"u"}`, "the same user as line 1"},
		"in Latin-1":         {"{\"id\":\"user_1\",\"username\":\"u\",\"first_name\":\"Jos\xe9\"}", "it is not UTF-8"},
		"too large":          {`{"id":"user_1","username":"u","public_metadata":{"a":"` + strings.Repeat("a", 70_000) + `"}}`, "it is too large for a request"},
		"10 MB":              {`{"id":"user_1","username":"u","public_metadata":{"a":"` + strings.Repeat("a", 10_000_000) + `"}}`, "it is too large for a request"},
		"same name":          {`{"id":"user_1","username":"MOVED0"}`, "username belongs to an existing user"},
	} {
		t.Run(name, func(t *testing.T) {
			p := open(t)
			p.lines(line(0), "", c.line, line(2))
			for _, p.DryRun = range []bool{true, false} {
				p.run(clerkimport.Result{Lines: 4, Created: 2, Refused: 1})
				p.prints("line 3", "refused: "+c.why)
				if strings.Contains(p.out.String(), hidden) {
					t.Errorf("a secret is printed:\n%s", &p.out)
				}
				if want := map[bool]int{true: 0, false: 2}[p.DryRun]; len(p.users("user_0", "user_2")) != want || len(p.users("user_1")) != 0 {
					t.Errorf("%d users, want %d", len(p.users("user_0", "user_2")), want)
				}
			}
		})
	}
}

func TestCreateWithout(t *testing.T) {
	p := open(t)
	p.lines(`{"id":"user_1","username":"u","password_enabled":true,"totp_enabled":true,"backup_code_enabled":true,"external_accounts":[{}]}`)
	p.Missing = clerkimport.CreateWithout
	p.run(clerkimport.Result{Lines: 1, Created: 1})
	p.prints("not imported: the password", "not imported: the authenticator app",
		"not imported: backup codes", "not imported: external accounts")
}

// TestARepairedFile: a second run sends the refused users again, and no created one.
func TestARepairedFile(t *testing.T) {
	p := open(t)
	p.lines(line(0), `{"id":"user_1"}`, line(2))
	p.run(clerkimport.Result{Lines: 3, Created: 2, Refused: 1})
	p.lines(line(1), line(2), line(0))
	p.posts.Store(0)
	p.run(clerkimport.Result{Lines: 3, Created: 1, Before: 2})
	if n := p.posts.Load(); n != 1 {
		t.Errorf("%d users were sent again", n-1)
	}
	text, err := os.ReadFile(p.State)
	p.Must(err)
	if info, _ := os.Stat(p.State); info.Mode().Perm() != 0o600 {
		t.Errorf("the state file is %v", info.Mode())
	}
	if want := fmt.Sprintf(`{"from":"user_1","to":%q}`, p.users("user_1")[0].WireID()); !strings.Contains(string(text), want) {
		t.Errorf("no %s in %s", want, text)
	}
}

// TestInterrupt: an import that stops while a user is being created can be continued, whatever
// became of that request. No other user is sent after the interrupt.
func TestInterrupt(t *testing.T) {
	if testing.Short() {
		t.Skip("creates thousands of users")
	}
	const users, stopAt = 600, 550
	for name, end := range map[string]func(p *fixture, stop func(), w http.ResponseWriter, r *http.Request){
		"the user is created": func(p *fixture, stop func(), w http.ResponseWriter, r *http.Request) {
			stop()
			p.app.ServeHTTP(w, r)
		},
		"the answer is lost": func(p *fixture, stop func(), _ http.ResponseWriter, r *http.Request) {
			p.app.ServeHTTP(httptest.NewRecorder(), r)
			stop()
			panic(http.ErrAbortHandler)
		},
		"the request is lost": func(_ *fixture, stop func(), _ http.ResponseWriter, _ *http.Request) {
			stop()
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := open(t)
			p.lines(manyLines(users)...)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			var sent atomic.Int32
			p.intercept = func(w http.ResponseWriter, r *http.Request) bool {
				if !isAbout(r, stopAt) {
					return false
				}
				end(p, func() { stop(); sent.Store(p.posts.Load()) }, w, r)
				return true
			}
			got, err := clerkimport.Run(ctx, *p.Config)
			if !errors.Is(err, clerkimport.ErrInterrupted) || got.Created != got.Lines || got.Lines < 512 || got.Lines >= users {
				t.Fatalf("%+v %v", got, err)
			}
			// Of 32 requests at once 31 may be on their way, however late the server reads them.
			if late := p.posts.Load() - sent.Load(); late > 31 {
				t.Errorf("%d users were sent after the interrupt", late)
			}
			p.intercept = nil
			there := p.count()
			if extra := there - got.Created; extra < 0 || extra > 1 {
				t.Errorf("%d users after the interrupt, and the import created %d", there, got.Created)
			}
			p.run(clerkimport.Result{Lines: users, Created: users - there, Before: there})
			p.run(clerkimport.Result{Lines: users, Before: users})
		})
	}
}

// TestAServerThatFails: the import tries again after a temporary failure without creating a user
// twice. A permanent failure ends it.
func TestAServerThatFails(t *testing.T) {
	answer := func(status int, body string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	for name, c := range map[string]struct {
		says  string // "" for an import that ends well
		times int
		with  func(http.ResponseWriter)
		runs  bool // the server runs the request, but its answer is lost
	}{
		"busy":                  {"", 2, answer(429, `{"errors":[{"code":"too_many_requests"}]}`), false},
		"down for a moment":     {"", 3, answer(503, ``), false},
		"answers get lost":      {"", 1, func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, true},
		"failed after creating": {"", 1, answer(500, ``), true},
		"down":                  {"answers 503", 100, answer(503, ``), false},
		"wrong key":             {"rejects the secret key", 1, answer(401, `{"errors":[{"code":"clerk_key_invalid"}]}`), false},
		"something else":        {"is that the URL", 1, answer(404, `<html>`), false},
		"no user":               {"is not a user", 1, answer(200, `[]`), false},
	} {
		t.Run(name, func(t *testing.T) {
			p := open(t)
			p.lines(line(0), line(1), line(2))
			failed := 0 // the requests for one user come one after another
			p.intercept = func(w http.ResponseWriter, r *http.Request) bool {
				if !isAbout(r, 1) || failed >= c.times {
					return false
				}
				failed++
				if c.runs {
					p.app.ServeHTTP(httptest.NewRecorder(), r)
				}
				c.with(w)
				return true
			}
			got, err := clerkimport.Run(t.Context(), *p.Config)
			if c.says == "" && (err != nil || got.Created+got.Before != 3) || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("%+v %v\n%s", got, err, &p.out)
			}
			if waits := strings.Count(p.out.String(), "trying again"); waits != min(c.times, 5) && c.says == "" || c.times == 100 && waits != 5 {
				t.Errorf("the output names %d waits\n%s", waits, &p.out)
			}
			p.intercept = nil
			there := p.count()
			if len(p.users("user_1")) != 0 && c.says != "" {
				t.Errorf("a user is created by an error")
			}
			p.run(clerkimport.Result{Lines: 3, Created: 3 - there, Before: there})
		})
	}
}

// TestStateFile: an incomplete last line is ignored. A file of another server or of another kind is
// an error and is not changed.
func TestStateFile(t *testing.T) {
	for name, c := range map[string]struct{ state, says string }{
		"torn":           {`{"server":"URL"}` + "\n" + `{"from":"user_0","t`, ""},
		"torn at once":   {`{"serv`, ""},
		"another server": {`{"server":"https://other.example"}` + "\n", "belongs to an import to https://other.example"},
		"something else": {"precious\n", "is not a state file"},
	} {
		t.Run(name, func(t *testing.T) {
			p := open(t)
			p.lines(line(0))
			before := strings.ReplaceAll(c.state, "URL", p.URL)
			p.Must(os.WriteFile(p.State, []byte(before), 0o600))
			got, err := clerkimport.Run(t.Context(), *p.Config)
			if c.says == "" {
				p.Must(err)
				p.run(clerkimport.Result{Lines: 1, Before: 1})
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.says) || got.Created != 0 {
				t.Errorf("%+v %v", got, err)
			}
			if after, _ := os.ReadFile(p.State); string(after) != before {
				t.Errorf("the file is now %q", after)
			}
		})
	}
}

// TestWithoutTheStateFile: the server refuses identifiers that are taken, so no user is created
// twice.
func TestWithoutTheStateFile(t *testing.T) {
	p := open(t)
	p.lines(line(0), line(1))
	p.run(clerkimport.Result{Lines: 2, Created: 2})
	p.Must(os.Remove(p.State))
	p.run(clerkimport.Result{Lines: 2, Refused: 2})
	if n := len(p.users("user_0", "user_1")); n != 2 {
		t.Errorf("%d users", n)
	}
}

func TestProgress(t *testing.T) {
	p := open(t)
	p.lines(line(0), line(1), line(2))
	var heard []string
	p.Progress = func(done clerkimport.Result, total int) { heard = append(heard, fmt.Sprint(done.Lines, " of ", total)) }
	p.run(clerkimport.Result{Lines: 3, Created: 3})
	if want := []string{"1 of 3", "2 of 3", "3 of 3"}; !slices.Equal(heard, want) {
		t.Errorf("%q, want %q", heard, want)
	}
}
