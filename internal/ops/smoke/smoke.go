// Package smoke tries a deployment from outside: a throw-away user enrols, proves a second factor
// and is deleted.
package smoke

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/client"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
)

// Config are the parameters of [Run].
type Config struct {
	URL       string
	SecretKey secret.Value
	// Now returns this machine's time, which an authenticator app would use for its codes.
	Now func() time.Time
	// Done is called when a step ends, with its error if it failed.
	Done func(step string, err error)
	// SMS is nil for a run that sends no message.
	SMS *SMS
}

// requestLimit is how long one request may take.
const requestLimit = 15 * time.Second

// visit is a user's browser and the application's server in one.
type visit struct {
	Config
	server  *client.Client
	browser *http.Client
	user    string
	session string
	key     secret.Value
	signIn  string
}

// Run creates a user, runs the steps, and always deletes the user. The error says which step
// failed.
func Run(ctx context.Context, c Config) (err error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return fmt.Errorf("cookies: %w", err)
	}
	v := &visit{Config: c, server: client.New(c.URL, c.SecretKey.Reveal(), 1), browser: &http.Client{Jar: jar, Timeout: requestLimit}}
	defer func() {
		if v.user != "" {
			err = errors.Join(err, v.step(ctx, "the user is deleted", v.forget))
		}
	}()
	for _, s := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"it answers", v.health},
		{"it publishes its keys", v.keys},
		{"the Backend API refuses a wrong key", v.wrongKey},
		{"a user is made", v.create},
		{"the user signs in with a ticket", func(ctx context.Context) error { return v.enter(ctx, "complete") }},
		{"an authenticator app is enrolled", v.enrol},
		{"the app's code cannot be used again", v.replay},
		{"the next sign-in asks for the second factor", func(ctx context.Context) error { return v.enter(ctx, "needs_second_factor") }},
		{"a wrong code is refused", v.wrong},
		{"the app's next code signs in", v.second},
	} {
		if err := v.step(ctx, s.what, s.do); err != nil {
			return err
		}
	}
	if c.SMS != nil {
		return v.sms(ctx)
	}
	return nil
}

func (v *visit) step(ctx context.Context, what string, do func(context.Context) error) error {
	err := do(ctx)
	v.Done(what, err)
	if err != nil {
		return fmt.Errorf("%q failed: %w", what, err)
	}
	return nil
}

// ask sends a request and decodes the answer, which must have the given status.
func (v *visit) ask(r *http.Request, want int, into any) error {
	res, err := v.browser.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	const most = 1 << 20
	body, err := io.ReadAll(io.LimitReader(res.Body, most))
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if res.StatusCode != want {
		failed := &client.Error{Method: r.Method, Path: r.URL.Path, Status: res.StatusCode}
		_ = json.Unmarshal(body, failed) // a proxy's answer is not JSON
		return fmt.Errorf("%w, want %d", failed, want)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%s %s: the answer is no JSON of the right form", r.Method, r.URL.Path)
	}
	return nil
}

// refused checks that the Backend API answered with an error status.
func refused(err error, status int) error {
	answer := (*client.Error)(nil)
	switch {
	case err == nil:
		return fmt.Errorf("the answer is 200, want %d", status)
	case errors.As(err, &answer) && answer.Status == status:
		return nil
	}
	return err
}

// page calls the Frontend API as a browser.
func (v *visit) page(ctx context.Context, path string, form url.Values, want int, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, v.URL+path+"?_clerk_session_id="+v.session, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return v.ask(r, want, into)
}

func (v *visit) get(ctx context.Context, path string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, v.URL+path, nil)
	if err != nil {
		return err
	}
	return v.ask(r, http.StatusOK, into)
}

func (v *visit) health(ctx context.Context) error { return v.get(ctx, "/healthz", nil) }

func (v *visit) keys(ctx context.Context) error {
	var set struct{ Keys []struct{ Kid, Alg string } }
	if err := v.get(ctx, "/.well-known/jwks.json", &set); err != nil {
		return err
	}
	if len(set.Keys) == 0 {
		return errors.New("it has no keys")
	}
	return nil
}

func (v *visit) wrongKey(ctx context.Context) error {
	stranger := client.New(v.URL, "sk_live_of_no_server", 1)
	return refused(stranger.Call(ctx, http.MethodGet, "/v1/users/count", nil, nil), http.StatusUnauthorized)
}

func (v *visit) create(ctx context.Context) error {
	name := fmt.Sprintf("smoke%d", v.Now().UnixNano())
	var user struct{ ID string }
	err := v.server.Call(ctx, http.MethodPost, "/v1/users", map[string]any{"username": name}, &user)
	v.user = user.ID
	return err
}

func (v *visit) forget(ctx context.Context) error {
	return v.server.Call(context.WithoutCancel(ctx), http.MethodDelete, "/v1/users/"+v.user, nil, nil)
}

func (v *visit) enter(ctx context.Context, want string) error {
	if v.session != "" { // as a new browser
		jar, err := cookiejar.New(nil)
		if err != nil {
			return fmt.Errorf("cookies: %w", err)
		}
		v.browser.Jar, v.session = jar, ""
	}
	var ticket struct{ Token string }
	if err := v.server.Call(ctx, http.MethodPost, "/v1/sign_in_tokens", map[string]any{"user_id": v.user}, &ticket); err != nil {
		return err
	}
	var out struct {
		Response struct {
			ID, Status string
			Created    string `json:"created_session_id"`
		}
	}
	if err := v.page(ctx, "/v1/client/sign_ins", url.Values{"strategy": {"ticket"}, "ticket": {ticket.Token}}, http.StatusOK, &out); err != nil {
		return err
	}
	if out.Response.Status != want {
		return fmt.Errorf("the sign-in is %s, want %s", out.Response.Status, want)
	}
	v.session, v.signIn = out.Response.Created, out.Response.ID
	return nil
}

func (v *visit) enrol(ctx context.Context) error {
	var out struct{ Response struct{ Secret string } }
	if err := v.page(ctx, "/v1/me/totp", nil, http.StatusOK, &out); err != nil {
		return err
	}
	v.key = secret.New(out.Response.Secret)
	code, err := totp.Code(v.key, v.Now())
	if err != nil {
		return err
	}
	return v.page(ctx, "/v1/me/totp/attempt_verification", url.Values{"code": {code}}, http.StatusOK, nil)
}

func (v *visit) replay(ctx context.Context) error {
	code, err := totp.Code(v.key, v.Now())
	if err != nil {
		return err
	}
	return refused(v.server.Call(ctx, http.MethodPost, "/v1/users/"+v.user+"/verify_totp", map[string]any{"code": code}, nil), http.StatusUnprocessableEntity)
}

// attempt sends the code of a given time as the second factor.
func (v *visit) attempt(ctx context.Context, at time.Time, want int, into any) error {
	code, err := totp.Code(v.key, at)
	if err != nil {
		return err
	}
	return v.page(ctx, "/v1/client/sign_ins/"+v.signIn+"/attempt_second_factor", url.Values{"strategy": {"totp"}, "code": {code}}, want, into)
}

func (v *visit) wrong(ctx context.Context) error {
	return v.attempt(ctx, v.Now().Add(-time.Hour), http.StatusUnprocessableEntity, nil)
}

// second uses the next code, which a clock that is slightly ahead would show.
func (v *visit) second(ctx context.Context) error {
	var out struct{ Response struct{ Status string } }
	if err := v.attempt(ctx, v.Now().Add(totp.Period), http.StatusOK, &out); err != nil {
		return err
	}
	if out.Response.Status != "complete" {
		return fmt.Errorf("the sign-in is %s", out.Response.Status)
	}
	return nil
}
