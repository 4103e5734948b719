package local

import (
	_ "embed"
	"html/template"
)

//go:embed home.html
var homeText string

var homeTemplate = template.Must(template.New("home").Parse(homeText))

// homeData is the data of the first page.
type homeData struct {
	App, URL, Dir                     string
	SecretKey, PublishableKey, Readme string
	Users                             []homePerson
	SignedIn                          string // the user's name, or ""
	Session, Status                   string
	Messages                          []homeMessage
	Notice                            string
}

// homePerson is a user with a sign-in button. Password is that of a demo user.
type homePerson struct{ ID, Name, Email, Note, Password string }

// homeMessage is a text message in the outbox.
type homeMessage struct{ To, Text, At string }
