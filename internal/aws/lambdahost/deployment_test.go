package lambdahost

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/api/frontend"
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/crypto/keyring"
	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/numberplan"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// local returns a deployment over a store in memory. It uses the machine's clock, as a function
// does.
func local(t *testing.T, e Environment) (*Deployment, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	ring, err := seal.NewRing(1, map[uint32]seal.Key{1: {8}}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	memory := store.NewMemory()
	e.URL, e.AppName, e.SMSHost, e.PublishableKey = "https://clerk.example.com", "Example", "example.com", "pk_live_x"
	d := &Deployment{
		Environment: e, Store: memory, Log: log, Meter: NewMeter(log, "the-table", time.Now),
		Keys: keyring.New(memory, keyring.File{Ring: ring, Rand: rand.Reader}, time.Now),
	}
	if err := d.Keys.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d, &out
}

// same returns another function of a deployment, with a different environment.
func (d *Deployment) same(e Environment) *Deployment {
	other := *d
	e.URL, e.AppName, e.SMSHost, e.PublishableKey = d.URL, d.AppName, d.SMSHost, d.PublishableKey
	other.Environment = e
	return &other
}

func (d *Deployment) service(t *testing.T, l Deps) *domain.Service {
	t.Helper()
	s, err := d.Service(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// TestARestoreReachesAFunction: a function with the time of a restore refuses sessions, tickets and
// backup codes from before it. A function without that time accepts them.
func TestARestoreReachesAFunction(t *testing.T) {
	d, _ := local(t, Environment{})
	before := d.service(t, Deps{})
	ctx := t.Context()
	u := must[*account.User](t)(before.Admin.CreateUser(ctx, admin.UserInput{Username: "maxine"}))
	enter := func(s *domain.Service) (*mfa.SignInResult, error) {
		ticket := must[*mfa.TicketResult](t)(before.MFA.CreateTicket(ctx, u.WireID(), 0))
		return s.MFA.CreateSignIn(ctx, tx.Caller{}, mfa.SignInInput{Strategy: account.TicketCode, Ticket: ticket.Token})
	}
	in := must[*mfa.SignInResult](t)(enter(before))
	from := tx.Caller{Session: in.SignIn.Created, Credentials: []tx.Credential{{Transport: tx.Cookie, Token: in.Snapshot.Token}}}
	app := must[*mfa.TOTPResult](t)(before.MFA.CreateTOTP(ctx, from))
	codes := must[*mfa.TOTPResult](t)(before.MFA.ConfirmTOTP(ctx, from, secret.New(must[string](t)(totp.Code(app.Secret, time.Now()))))).BackupCodes
	second := func(s *domain.Service, code secret.Value) error {
		in, err := enter(before)
		if err != nil {
			return err
		}
		half := tx.Caller{Credentials: []tx.Credential{{Transport: tx.Cookie, Token: in.Snapshot.Token}}}
		_, err = s.MFA.AttemptSecondFactor(ctx, half, in.SignIn.ID, mfa.Proof{Strategy: account.BackupCode, Code: code})
		return err
	}
	told := map[string]string{EnvTable: "t", EnvKey: "k", EnvURL: d.URL, EnvAppName: "a", EnvPublishableKey: "p", EnvSMSHost: "h", "AWS_REGION": "r", "AWS_ACCESS_KEY_ID": "i", "AWS_SECRET_ACCESS_KEY": "s"}
	for _, restored := range []bool{false, true} {
		if restored {
			told[EnvRestoredAt] = time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		}
		e := must[Environment](t)(ReadEnvironment(func(name string) string { return told[name] }))
		s := d.same(e).service(t, Deps{})
		_, err := enter(s)
		if (err == nil) == restored {
			t.Errorf("a ticket from before, restored %v: %v", restored, err)
		}
		if _, err := s.MFA.Me(ctx, from); (err == nil) == restored {
			t.Errorf("a session from before, restored %v: %v", restored, err)
		}
		if err := second(s, secret.New(codes[0])); (err == nil) == restored {
			t.Errorf("a backup code from before, restored %v: %v", restored, err)
		}
		codes = codes[1:]
	}
}

// TestEventsRaiseTheirMetrics: events count for the metrics that infra's alarms watch, with the
// dimension that they compare. No other event counts for any, and no line has more than an event's
// name and user.
func TestEventsRaiseTheirMetrics(t *testing.T) {
	want := map[eventtype.Name]string{
		eventtype.UserLocked: "UsersLocked 1", eventtype.SendFailed: "SMSFailed 1", eventtype.SMSRefused: "SMSRefused 1", eventtype.BreakerTripped: "SMSBreakerTripped 1",
		eventtype.SpentHalf: "SMSSpentPercent 50", eventtype.SpentMost: "SMSSpentPercent 80", eventtype.SpentAll: "SMSSpentPercent 100",
	}
	others := []eventtype.Name{eventtype.UserCreated, eventtype.CodeWrong, "unheard.of"}
	for _, name := range append(slices.Collect(maps.Keys(want)), others...) {
		d, out := local(t, Environment{})
		d.notify(account.Event{Name: name, User: "user_1", Subject: "subject"})
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if !strings.Contains(lines[0], fmt.Sprintf(`"msg":"event","name":%q,"user":"user_1"}`, name)) {
			t.Errorf("%s: %s", name, lines[0])
		}
		if got := metricsIn(t, out); got != want[name] {
			t.Errorf("%s raises %q, want %q", name, got, want[name])
		}
	}
}

// metricsIn returns the metrics that CloudWatch makes of log lines.
func metricsIn(t *testing.T, out *bytes.Buffer) string {
	t.Helper()
	var found []string
	for _, text := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		embedded, ok := line["_aws"].(map[string]any)
		if !ok {
			continue
		}
		metric := embedded["CloudWatchMetrics"].([]any)[0].(map[string]any)
		for _, m := range metric["Metrics"].([]any) {
			name := m.(map[string]any)["Name"].(string)
			if metric["Namespace"] != "Countersign" || fmt.Sprint(metric["Dimensions"]) != "[[Table]]" || line["Table"] != "the-table" {
				t.Errorf("%s belongs to nothing: %s", name, text)
			}
			found = append(found, fmt.Sprint(name, " ", line[name]))
		}
	}
	return strings.Join(found, ", ")
}

// TestAnswersRaiseTheirMetrics: a message counts when SNS accepted it, and a code when it was
// checked, right or wrong. A code counts for both metrics, for one of them 0, because an alarm on
// both needs data for each. Nothing else counts.
func TestAnswersRaiseTheirMetrics(t *testing.T) {
	of := func(name string) operation.Operation {
		for _, op := range api.Operations() {
			if op.Name == name {
				return op
			}
		}
		t.Fatalf("there is no operation %s", name)
		return operation.Operation{}
	}
	d, out := local(t, Environment{})
	for _, c := range []struct {
		operation string
		status    int
		code      apierr.Code
		want      string
	}{
		{"me-phone-number-prepare", 200, "", "SMSSent 1"},
		{"me-phone-number-prepare", 422, apierr.TooManyRequests, ""},
		{"me-phone-number-attempt", 200, "", "CodesVerified 1, CodesRefused 0"},
		{"me-phone-number-attempt", 422, apierr.FormCodeIncorrect, "CodesRefused 1, CodesVerified 0"},
		{"me-phone-number-attempt", 422, apierr.UserLocked, ""},
		{"me-get", 200, "", ""},
	} {
		out.Reset()
		served := of(c.operation)
		d.Log.LogAttrs(t.Context(), slog.LevelInfo, "request", d.observe(api.Outcome{Operation: &served, Status: c.status, Code: c.code})...)
		if got := metricsIn(t, out); got != c.want {
			t.Errorf("%s answers %d %s: counts for %q, want %q", c.operation, c.status, c.code, got, c.want)
		}
	}
}

// TestTheHandlerOfAFunction: it serves its own operations with the deployment's keys. It loads new
// keys, and keeps working with its keys when the store of keys is unavailable.
func TestTheHandlerOfAFunction(t *testing.T) {
	d, out := local(t, Environment{Origins: []string{"https://app.example.com"}})
	faults := store.NewFaulty(d.Store)
	now := time.Now()
	d.Keys = keyring.New(faults, keyring.File{Ring: must[*seal.Ring](t)(seal.NewRing(1, map[uint32]seal.Key{1: {8}}, rand.Reader)), Rand: rand.Reader}, func() time.Time { return now })
	if err := d.Keys.SetSecret(t.Context(), secret.New("sk_live_one")); err != nil {
		t.Fatal(err)
	}
	h := must[http.Handler](t)(d.Handler(t.Context(), Deps{}, named(t, "users-count")))
	ask := func(path, key string) int {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Authorization", "Bearer "+key)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	if got := []int{ask("/v1/users/count", "sk_live_one"), ask("/v1/users/count", "sk_live_two"), ask("/v1/users", "sk_live_one")}; fmt.Sprint(got) != "[200 401 404]" {
		t.Errorf("with its key, with another, and for what it does not serve: %v", got)
	}
	if err := keyring.New(d.Store, nil, func() time.Time { return now }).SetSecret(t.Context(), secret.New("sk_live_two")); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	faults.Inject(store.FailGet(1))
	if got := ask("/v1/users/count", "sk_live_one"); got != http.StatusOK || !strings.Contains(out.String(), "keys not refreshed") {
		t.Errorf("while the keys are away: %d\n%s", got, out)
	}
	now = now.Add(time.Hour)
	if got := ask("/v1/users/count", "sk_live_two"); got != http.StatusOK {
		t.Errorf("with the new key: %d", got)
	}
	if strings.Contains(out.String(), "sk_live") {
		t.Error("a key is in the log")
	}
}

// named returns the operation of a name.
func named(t *testing.T, name string) operation.Operation {
	t.Helper()
	for _, op := range api.Operations() {
		if op.Name == name {
			return op
		}
	}
	t.Fatalf("no operation %s", name)
	return operation.Operation{}
}

// TestTheInstanceSaysTheAgeOfItsPlans: a deployment answers the age that its environment tells, and
// not that of the program that asks.
func TestTheInstanceSaysTheAgeOfItsPlans(t *testing.T) {
	d, _ := local(t, Environment{NumberingPlans: "numbering plans of 2020-02-02"})
	if err := d.Keys.SetSecret(t.Context(), secret.New("sk_live_one")); err != nil {
		t.Fatal(err)
	}
	h := must[http.Handler](t)(d.Handler(t.Context(), Deps{}, named(t, "instance-get")))
	r, w := httptest.NewRequest(http.MethodGet, "/v1/instance", nil), httptest.NewRecorder()
	r.Header.Set("Authorization", "Bearer sk_live_one")
	h.ServeHTTP(w, r)
	if !strings.Contains(w.Body.String(), `"numbering_plans":"numbering plans of 2020-02-02"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestAServiceWithoutKeys fails in the init phase, because it could answer no request.
func TestAServiceWithoutKeys(t *testing.T) {
	d, _ := local(t, Environment{})
	d.Keys = keyring.New(store.NewMemory(), keyring.File{}, time.Now)
	if _, err := d.Service(t.Context(), Deps{}); !errors.Is(err, keyring.ErrEmpty) {
		t.Errorf("%v", err)
	}
	if _, err := d.Handler(t.Context(), Deps{}); !errors.Is(err, keyring.ErrEmpty) {
		t.Errorf("%v", err)
	}
}

// builtIn is the plans of this build.
func builtIn(Environment) (Numbers, error) { return numberplan.BuiltIn(), nil }

type heardTexts struct{ n int }

func (h *heardTexts) Send(context.Context, tx.Message) error { h.n++; return nil }

// TestDeps: a function that names a sender uses it, with the settings of the environment. A
// function without one sends nothing, says so, and parses no numbers.
func TestDeps(t *testing.T) {
	d, _ := local(t, Environment{SenderID: "EXAMPLE"})
	texts := &heardTexts{}
	links := Deps{Numbers: builtIn, Sender: func(e Environment, _ aws.Config) tx.Sender {
		if e.SenderID != "EXAMPLE" {
			t.Errorf("the sender is told %+v", e)
		}
		return texts
	}}
	for _, c := range []struct {
		links Deps
		sent  int
		ok    bool
	}{{links, 1, true}, {Deps{Numbers: builtIn}, 1, false}} {
		s := d.service(t, c.links)
		u := must[*account.User](t)(s.Admin.CreateUser(t.Context(), admin.UserInput{Username: fmt.Sprint("u", rand.Text()[:8])}))
		ticket := must[*mfa.TicketResult](t)(s.MFA.CreateTicket(t.Context(), u.WireID(), 0))
		in := must[*mfa.SignInResult](t)(s.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Strategy: account.TicketCode, Ticket: ticket.Token}))
		from := tx.Caller{Session: in.SignIn.Created, Credentials: []tx.Credential{{Transport: tx.Cookie, Token: in.Snapshot.Token}}}
		ph := must[*mfa.PhoneResult](t)(s.MFA.AddPhone(t.Context(), from, mfa.PhoneInput{Number: "+12125550123"}))
		_, err := s.MFA.PreparePhone(t.Context(), from, ph.Phone.ID, account.PhoneCode)
		if (err == nil) != c.ok || texts.n != c.sent {
			t.Errorf("with a sender %v: %d sent, %v", c.links.Sender != nil, texts.n, err)
		}
	}
}

// TestWrongRangesStopTheStart: a function with wrong ranges does not answer, and the error names
// the variable.
func TestWrongRangesStopTheStart(t *testing.T) {
	d, _ := local(t, Environment{NumberRanges: "x"})
	_, err := d.Service(t.Context(), Deps{Numbers: func(e Environment) (Numbers, error) { return numberplan.Extend(e.NumberRanges) }})
	if err == nil || !strings.HasPrefix(err.Error(), EnvNumberRanges+`: line 1, "x": `) {
		t.Errorf("%v", err)
	}
}

// list returns up to 100 records of a kind.
func list(t *testing.T, s store.Store, kind store.Kind) []store.Record {
	t.Helper()
	records, _, err := s.List(t.Context(), kind, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// TestTheBusIsToldToTheService: with a bus every event is staged for delivery, without one none is.
func TestTheBusIsToldToTheService(t *testing.T) {
	for bus, want := range map[string]bool{"": false, "default": true} {
		d, _ := local(t, Environment{EventBus: bus})
		must[*account.User](t)(d.service(t, Deps{}).Admin.CreateUser(t.Context(), admin.UserInput{Username: "maxine"}))
		waiting := list(t, d.Store, store.KindDelivery)
		if (len(waiting) > 0) != want {
			t.Errorf("bus %q: %d deliveries", bus, len(waiting))
		}
	}
}

// TestTheConfigurationOfTheSDK: region, credentials and endpoint come from the environment.
func TestTheConfigurationOfTheSDK(t *testing.T) {
	c := Environment{Region: "eu-central-1", AccessKeyID: "id", SecretAccessKey: "hidden", SessionToken: "session", Endpoint: "http://127.0.0.1:1"}.AWS()
	keys := must[aws.Credentials](t)(c.Credentials.Retrieve(t.Context()))
	if c.Region != "eu-central-1" || keys.AccessKeyID != "id" || keys.SecretAccessKey != "hidden" || keys.SessionToken != "session" || *c.BaseEndpoint != "http://127.0.0.1:1" {
		t.Errorf("%s %s %v", c.Region, keys.AccessKeyID, c.BaseEndpoint)
	}
	if (Environment{}).AWS().BaseEndpoint != nil {
		t.Error("an endpoint that nobody named")
	}
}

// TestConnectMakesNoRequest: a function builds its clients before it knows whether a service
// answers.
func TestConnectMakesNoRequest(t *testing.T) {
	asked := make(chan string, 8)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Header.Get("X-Amz-Target")
		w.WriteHeader(http.StatusBadRequest)
	}))
	defer server.Close()
	d := Connect(Environment{Table: "t", Key: "k", Region: "eu-central-1", AccessKeyID: "a", SecretAccessKey: "b", Endpoint: server.URL})
	if len(asked) > 0 {
		t.Errorf("a request %s was made", <-asked)
	}
	if _, err := d.Service(t.Context(), Deps{}); err == nil {
		t.Error("a function without keys can start")
	}
	if target := <-asked; target != "DynamoDB_20120810.BatchGetItem" && target != "DynamoDB_20120810.GetItem" {
		t.Errorf("the first request is %q", target)
	}
}

// TestLogLinesHaveNoTime: CloudWatch adds its own, and each byte of a log line costs.
func TestLogLinesHaveNoTime(t *testing.T) {
	var out bytes.Buffer
	slog.New(Lines(&out)).Warn("late", slog.Group("g", "time", 7))
	if got, want := out.String(), `{"level":"WARN","msg":"late","g":{"time":7}}`+"\n"; got != want {
		t.Errorf("a line is %s, want %s", got, want)
	}
}

// TestAFunctionStartsWhileTheTableIsThrottled: its handler answers once the table does.
func TestAFunctionStartsWhileTheTableIsThrottled(t *testing.T) {
	d, out := local(t, Environment{})
	table := store.NewFaulty(d.Store)
	d.Store = table
	table.Throttle()
	h, err := d.Handler(t.Context(), Deps{}, frontend.EnvironmentGet())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "could not read ahead") {
		t.Errorf("the log is %s", out)
	}
	table.Recover()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/environment", nil))
	if w.Code != http.StatusOK {
		t.Errorf("answer %d %s", w.Code, w.Body)
	}
}
