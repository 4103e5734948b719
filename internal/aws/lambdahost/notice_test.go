package lambdahost

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/sessiontoken"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

type keptTexts struct{ text string }

func (k *keptTexts) Send(_ context.Context, m tx.Message) error {
	k.text = m.Body.Reveal()
	return nil
}

// TestWhatTheServiceIsTold: each variable of the environment arrives where users and applications
// see it.
func TestWhatTheServiceIsTold(t *testing.T) {
	d, out := local(t, Environment{})
	texts := &keptTexts{}
	s := d.service(t, Deps{Numbers: builtIn, Sender: func(Environment, aws.Config) tx.Sender { return texts }})
	ctx := t.Context()
	u := must[*account.User](t)(s.Admin.CreateUser(ctx, admin.UserInput{Username: "maxine"}))
	ticket := must[*mfa.TicketResult](t)(s.MFA.CreateTicket(ctx, u.WireID(), 0))
	in := must[*mfa.SignInResult](t)(s.MFA.CreateSignIn(ctx, tx.Caller{}, mfa.SignInInput{Strategy: account.TicketCode, Ticket: ticket.Token}))
	from := tx.Caller{Session: in.SignIn.Created, Credentials: []tx.Credential{{Transport: tx.Cookie, Token: in.Snapshot.Token}}}
	ph := must[*mfa.PhoneResult](t)(s.MFA.AddPhone(ctx, from, mfa.PhoneInput{Number: "+12125550123"}))
	must[*mfa.PhoneResult](t)(s.MFA.PreparePhone(ctx, from, ph.Phone.ID, account.PhoneCode))
	if !strings.Contains(texts.text, "Example") || !strings.Contains(texts.text, "\n@example.com #") {
		t.Errorf("the message is %q", texts.text)
	}
	if app := must[*mfa.TOTPResult](t)(s.MFA.CreateTOTP(ctx, from)); !strings.Contains(app.URI.Reveal(), "issuer=Example") {
		t.Error("the authenticator app is told another issuer")
	}
	token := must[secret.Value](t)(s.Sessions.SessionToken(ctx, from, from.Session))
	if _, err := sessiontoken.Verify(token.Reveal(), must[[]*sessiontoken.Key](t)(s.Tokens.PublishedKeys(ctx)), "https://clerk.example.com", d.Meter.now()); err != nil {
		t.Errorf("the token: %v", err)
	}
	if !strings.Contains(out.String(), `"msg":"event","name":"user.created"`) {
		t.Errorf("no event in the log: %s", out)
	}
}

// TestWhatTheHandlerIsTold: origins, name and publishable key reach the answers, the caller's
// address the records, and the metrics the log.
func TestWhatTheHandlerIsTold(t *testing.T) {
	d, out := local(t, Environment{Origins: []string{"https://app.example.com"}})
	if err := d.Keys.SetSecret(t.Context(), secret.New("sk_live_one")); err != nil {
		t.Fatal(err)
	}
	serve := Handle(must[http.Handler](t)(d.Handler(t.Context(), Deps{}, api.Operations()...)))
	ask := func(method, path, body string, headers map[string]string) answer {
		e := event{RawPath: path, Body: body, Headers: headers}
		e.RequestContext.HTTP = events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: method, SourceIP: "192.0.2.7"}
		e.RequestContext.DomainName = "clerk.example.com"
		return must[answer](t)(serve(t.Context(), e))
	}
	a := ask("GET", "/v1/environment", "", map[string]string{"origin": "https://app.example.com"})
	if a.StatusCode != 200 || a.Headers["access-control-allow-origin"] != "https://app.example.com" || !strings.Contains(a.Body, `"Example"`) {
		t.Errorf("%d %v %.300s", a.StatusCode, a.Headers, a.Body)
	}
	key := map[string]string{"authorization": "Bearer sk_live_one", "content-type": "application/json"}
	a = ask("POST", "/v1/users", `{"username":"maxine","password":"correct horse battery","totp_secret":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}`, key)
	if a.StatusCode != 200 {
		t.Fatalf("%d %s", a.StatusCode, a.Body)
	}
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(a.Body), &made); err != nil {
		t.Fatal(err)
	}
	code := must[string](t)(totp.Code(secret.New("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), time.Now()))
	if a = ask("POST", "/v1/users/"+made.ID+"/verify_totp", `{"code":"`+code+`"}`, key); a.StatusCode != 200 || metricsIn(t, out) != MetricVerified+" 1, "+MetricRefused+" 0" {
		t.Errorf("%d %s, metrics %q", a.StatusCode, a.Body, metricsIn(t, out))
	}
	ask("POST", "/v1/users", `{"username":"ada","password":"correct horse battery"}`, key)
	form := map[string]string{"content-type": "application/x-www-form-urlencoded", "origin": "https://app.example.com"}
	if a = ask("POST", "/v1/client/sign_ins", "identifier=ada&password=correct+horse+battery", form); a.StatusCode != 200 {
		t.Fatalf("%d %s", a.StatusCode, a.Body)
	}
	kept := ""
	for _, r := range list(t, d.Store, store.KindEvent) {
		kept += string(r.Data)
	}
	if !strings.Contains(kept, "192.0.2.") {
		t.Errorf("no record names the caller's network: %s", kept)
	}
}
