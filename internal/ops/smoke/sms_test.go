package smoke_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/local"
	"github.com/countersign-mfa/countersign/internal/ops/smoke"
)

// number is in the instance's countries. It is fictional, so it is a test number in test mode.
const number = "+12065550188"

// noTests are the settings of an instance that sends messages to test numbers too.
const noTests = `{"test_mode":false}`

// set changes the instance's settings.
func set(t *testing.T, url, settings string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, url+"/v1/instance", strings.NewReader(settings))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer sk_test")
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if _ = res.Body.Close(); res.StatusCode >= http.StatusMultipleChoices {
		t.Fatalf("the setting %s is not taken: %d", settings, res.StatusCode)
	}
}

// arrived returns the code of the newest message.
func arrived(t *testing.T, app *local.App) string {
	t.Helper()
	all := app.Outbox.Messages(number)
	if len(all) != 1 {
		t.Fatalf("%d messages", len(all))
	}
	return all[0].Code
}

// What an operator types.
const (
	right = "right"
	wrong = "wrong"
	none  = "none"
	late  = "late"
)

// typed is the operator, in place of standard input.
func typed(ctx context.Context, what, code string) (secret.Value, error) {
	switch what {
	case right:
		return secret.New(code), nil
	case wrong:
		if code == "000000" {
			return secret.New("000001"), nil
		}
		return secret.New("000000"), nil
	case late:
		<-ctx.Done()
		return secret.Value{}, ctx.Err()
	}
	return secret.Value{}, nil
}

func undelivered(reason account.Undelivered) func(*testing.T, *local.App) {
	return func(t *testing.T, app *local.App) {
		at := app.Outbox.Messages(number)[0].SentAt
		if marked, err := app.Service.SMS.MarkUndelivered(t.Context(), sms.Report{Number: number, At: at, Reason: reason}); err != nil || !marked {
			t.Fatal(marked, err)
		}
	}
}

// TestRunSendsACode: a run with a number ends well only if the operator types the code that was
// sent. Otherwise it says what to look at. It deletes the user and shows neither number nor code.
func TestRunSendsACode(t *testing.T) {
	for name, c := range map[string]struct {
		types   []string
		wait    time.Duration
		network func(*testing.T, *local.App) // what happens to the message
		before  func(*local.App)
		fails   string
		advice  []string
	}{
		"the right code":        {types: []string{right}},
		"a wrong code first":    {types: []string{wrong, right}},
		"only wrong codes":      {types: []string{wrong, wrong, wrong}, fails: "3 codes were wrong"},
		"an empty line":         {types: []string{none}, fails: "no code arrived", advice: []string{`"sent"`, "Sandbox", "Spending limit", "Origination number", "sms_countries", "sms-dropped"}},
		"an empty line, second": {types: []string{wrong, none}, fails: "no code arrived", advice: []string{`"sent"`}},
		"the time is over":      {types: []string{late}, wait: time.Millisecond, fails: "no code arrived within 1ms", advice: []string{`"sent"`, "Sandbox"}},
		"no limit left":         {types: []string{none}, network: undelivered(sms.UndeliveredBudget), fails: "no code arrived", advice: []string{`"undelivered", because of "spending_limit"`, "AWS Support raises it", "sms-dropped"}},
		"a phone that is off":   {types: []string{none}, network: undelivered(sms.UndeliveredUnreachable), fails: "no code arrived", advice: []string{`"unreachable"`, "switch the phone on"}},
		"SNS does not accept":   {before: func(a *local.App) { a.Outbox.Fail() }, fails: "a code is sent", advice: []string{`"failed"`, "sms-failing"}},
	} {
		t.Run(name, func(t *testing.T) {
			url, app := serve(t, nil)
			set(t, url, noTests)
			if c.before != nil {
				c.before(*app)
			}
			var said, advice []string
			code, took := "", time.Duration(-1)
			text := &smoke.SMS{
				Number: number, Wait: time.Minute,
				Code: func(ctx context.Context) (secret.Value, error) {
					code = arrived(t, *app)
					if c.network != nil {
						c.network(t, *app)
					}
					next := c.types[0]
					c.types = c.types[1:]
					return typed(ctx, next, code)
				},
				Arrived: func(after time.Duration) { took = after },
				Advise:  func(s string) { advice = append(advice, s) },
			}
			if c.wait > 0 {
				text.Wait = c.wait
			}
			err := smoke.Run(t.Context(), smoke.Config{URL: url, SecretKey: secret.New("sk_test"), Now: time.Now, SMS: text, Done: func(step string, err error) {
				said = append(said, fmt.Sprint(step, err))
			}})
			if c.fails == "" && (err != nil || took < 0) || c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails) || took >= 0) {
				t.Errorf("%v after %v, want %q", err, took, c.fails)
			}
			checkAdvice(t, advice, c.advice)
			if len(c.types) > 0 {
				t.Errorf("not asked for %q", c.types)
			}
			shown := fmt.Sprint(err, said, advice)
			if strings.Contains(shown, number[4:]) || code != "" && strings.Contains(shown, code) {
				t.Errorf("shows the number or the code: %s", shown)
			}
			checkDeleted(t, *app)
		})
	}
}

func checkAdvice(t *testing.T, got, want []string) {
	t.Helper()
	all := strings.Join(got, "\n")
	if (len(want) == 0) != (len(got) == 0) {
		t.Errorf("the advice is %q", all)
	}
	for _, w := range want {
		if !strings.Contains(all, w) {
			t.Errorf("the advice has no %q: %s", w, all)
		}
	}
}

// TestRunRefused: a message that the SMS guard refuses is explained by the reason.
func TestRunRefused(t *testing.T) {
	for name, c := range map[string]struct{ settings, says string }{
		"country":  {`{"sms_countries":["FR"]}`, "sms_countries"},
		"no money": {`{"sms_daily_cap_usd":0.001}`, "sms_daily_cap_usd"},
	} {
		t.Run(name, func(t *testing.T) {
			url, app := serve(t, nil)
			set(t, url, noTests)
			set(t, url, c.settings)
			var advice []string
			text := &smoke.SMS{Number: number, Wait: time.Minute, Advise: func(s string) { advice = append(advice, s) }}
			if err := smoke.Run(t.Context(), smoke.Config{URL: url, SecretKey: secret.New("sk_test"), Now: time.Now, SMS: text, Done: func(string, error) {}}); err == nil {
				t.Error("it passes")
			}
			checkAdvice(t, advice, []string{`"refused"`, c.says})
			checkDeleted(t, *app)
		})
	}
}

// TestRunInterrupted: an operator who stops the run while it waits leaves no user.
func TestRunInterrupted(t *testing.T) {
	url, app := serve(t, nil)
	ctx, stop := context.WithCancel(t.Context())
	text := &smoke.SMS{Number: number, Wait: time.Minute, Code: func(ctx context.Context) (secret.Value, error) {
		stop()
		return secret.Value{}, ctx.Err()
	}}
	err := smoke.Run(ctx, smoke.Config{URL: url, SecretKey: secret.New("sk_test"), Now: time.Now, SMS: text, Done: func(string, error) {}})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	checkDeleted(t, *app)
}
