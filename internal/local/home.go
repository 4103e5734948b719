package local

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/directory"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/local/guide"
	"github.com/countersign-mfa/countersign/internal/web"
)

// cookieName is the cookie with the client token on the pages, as in the API.
const cookieName = "__client"

func (a *App) caller(r *http.Request) tx.Caller {
	from := tx.Caller{Address: remote(r), Agent: r.UserAgent(), Origin: a.PublicURL}
	if c, err := r.Cookie(cookieName); err == nil {
		from.Credentials = []tx.Credential{{Transport: tx.Cookie, Token: secret.New(c.Value)}}
	}
	return from
}

// home is the first page: keys, users and messages of this server.
func (a *App) home(r *http.Request) (web.Document, error) {
	page, err := a.homePage(r)
	return a.document(page.App, homeTemplate, page, err)
}

// document makes a document of a template, and logs why it could not.
func (a *App) document(title string, of *template.Template, data any, err error) (web.Document, error) {
	var b bytes.Buffer
	if err == nil {
		err = of.Execute(&b, data)
	}
	if err != nil {
		a.Log.Error("page", "error", err.Error())
	}
	return web.Document{Title: title, Body: b.Bytes()}, err
}

// guided is what the pages of this package say of the server. A live secret key is not shown.
func (a *App) guided() guide.Server {
	key := a.Key().Reveal()
	if strings.HasPrefix(key, "sk_live_") {
		key = ""
	}
	return guide.Server{URL: a.PublicURL, PublishableKey: a.PublishableKey, SecretKey: key}
}

func (a *App) homePage(r *http.Request) (homeData, error) {
	this := a.guided()
	page := homeData{App: a.AppName, URL: this.URL, Dir: a.Dir, SecretKey: this.SecretKey, PublishableKey: this.PublishableKey, Live: this.SecretKey == ""}
	var err error
	if page.Apps, err = guide.Apps(this); err != nil {
		return page, err
	}
	users, err := a.homeUsers(r.Context())
	if err != nil {
		return page, err
	}
	slices.SortFunc(users, func(x, y *account.User) int {
		return cmp.Or(cmp.Compare(x.CreatedAt, y.CreatedAt), strings.Compare(x.FirstName, y.FirstName))
	})
	for _, u := range users {
		shown := homeUser(u)
		if isDemo(u) {
			shown.Password = demoPassword
			switch shown.Name {
			case "Ada":
				page.Ada = shown.ID
			case "Grace":
				page.Grace = shown.ID
			}
		}
		page.Users = append(page.Users, shown)
	}
	messages := a.Outbox.Messages("")
	slices.Reverse(messages)
	for _, m := range messages[:min(len(messages), 20)] {
		page.Messages = append(page.Messages, homeMessage{To: m.PhoneNumber, Text: m.Text, At: m.SentAt.Format(time.TimeOnly)})
	}
	return page, a.whoIsThere(r, &page)
}

// homeUsers returns the demo users, who may be among many others, and up to 20 others.
func (a *App) homeUsers(ctx context.Context) ([]*account.User, error) {
	var addresses []string
	for _, d := range demos {
		addresses = append(addresses, d.Email)
	}
	var found []*account.User
	for _, q := range []directory.Query{{Filter: directory.Filter{Emails: addresses}, Limit: len(demos)}, {Limit: 20}} {
		users, err := a.Service.Directory.Users(ctx, q)
		if err != nil && !errors.Is(err, apierr.New(apierr.ServiceUnavailable)) { // lists are being made
			return nil, err
		}
		for _, u := range users {
			if !slices.ContainsFunc(found, func(other *account.User) bool { return other.ID == u.ID }) {
				found = append(found, u)
			}
		}
	}
	return found, nil
}

func homeUser(u *account.User) homePerson {
	out := homePerson{ID: u.WireID(), Name: u.FirstName, Note: "no second factor yet"}
	if e := u.PrimaryEmail(); e != nil {
		out.Email = e.Address
	}
	out.Name = cmp.Or(out.Name, u.Username, out.Email, out.ID)
	if u.TwoFactorEnabled() {
		out.Note = "has a second factor"
	}
	return out
}

func (a *App) whoIsThere(r *http.Request, page *homeData) error {
	s, err := a.Service.Sessions.Client(r.Context(), a.caller(r))
	if err != nil || s.Client == nil {
		return err
	}
	for i := range s.Client.Sessions {
		session := &s.Client.Sessions[i]
		page.SignedIn, page.Session, page.Status = homeUser(s.User(session)).Name, session.ID, string(s.Status(session))
	}
	if s.Client.SignIn != nil && s.SigningIn != nil {
		page.Notice = homeUser(s.SigningIn).Name + " has proved the first factor and is asked for the second."
	}
	return nil
}

// signInAs signs the browser in with a ticket, as the application's server would.
func (a *App) signInAs(w http.ResponseWriter, r *http.Request) {
	ctx, from := r.Context(), a.caller(r)
	if s, err := a.Service.Sessions.EndAll(ctx, from); err != nil {
		a.answer(w, nil, err)
		return
	} else if s.Client == nil {
		from.Credentials = nil
	}
	ticket, err := a.Service.MFA.CreateTicket(ctx, r.PostFormValue("user"), 0)
	if err != nil {
		a.answer(w, nil, err)
		return
	}
	result, err := a.Service.MFA.CreateSignIn(ctx, from, mfa.SignInInput{Strategy: account.TicketCode, Ticket: ticket.Token})
	if err != nil {
		a.answer(w, nil, err)
		return
	}
	a.keep(w, result.Snapshot)
	// The page goes on with the second factor, a task or the account.
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
}

func (a *App) keep(w http.ResponseWriter, s *sessions.Snapshot) {
	if !s.Token.IsZero() {
		http.SetCookie(w, &http.Cookie{Name: cookieName, Value: s.Token.Reveal(), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: 365 * 24 * 3600})
	}
}

func (a *App) signOut(w http.ResponseWriter, r *http.Request) {
	if _, err := a.Service.Sessions.EndAll(r.Context(), a.caller(r)); err != nil {
		a.answer(w, nil, err)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
