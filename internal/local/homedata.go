package local

import (
	_ "embed"
	"html/template"

	"github.com/countersign-mfa/countersign/internal/local/guide"
)

//go:embed home.html
var homeText string

var homeTemplate = template.Must(template.New("home").Parse(homeText))

// homeData is the data of the first page.
type homeData struct {
	App, URL, Dir             string
	SecretKey, PublishableKey string
	Live                      bool // the secret key is a live one, which the page does not show
	Apps                      []guide.App
	Ada, Grace                string // the ids of the demo users, or "" when they are gone
	Users                     []homePerson
	SignedIn                  string // the user's name, or ""
	Session, Status           string
	Messages                  []homeMessage
	Notice                    string
}

// homePerson is a user with a sign-in button. Password is that of a demo user.
type homePerson struct{ ID, Name, Email, Note, Password string }

// homeMessage is a text message in the outbox.
type homeMessage struct{ To, Text, At string }
