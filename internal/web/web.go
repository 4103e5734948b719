// Package web serves the pages for people: sign-in, an account's factors, and the dashboard. The
// pages are files inside the binary. Their scripts talk to the API of their own origin, so the
// server of the pages holds no user data.
package web

import (
	"embed"
	"fmt"
	"html/template"
	"io"
)

//go:embed *.html
var files embed.FS

var templates = template.Must(template.ParseFS(files, "*.html"))

// Home is the data of the development server's first page.
type Home struct {
	App, URL, Dir                     string
	SecretKey, PublishableKey, Readme string
	Users                             []HomeUser
	SignedIn                          string // the user's name, or ""
	Session, Status                   string
	Messages                          []HomeMessage
	Notice                            string
}

// HomeUser is a user with a sign-in button. Password is that of a demo user.
type HomeUser struct{ ID, Name, Email, Note, Password string }

// HomeMessage is a text message in the outbox.
type HomeMessage struct{ To, Text, At string }

// WriteHome renders the development server's first page.
func WriteHome(w io.Writer, h Home) error {
	if err := templates.ExecuteTemplate(w, "home.html", h); err != nil {
		return fmt.Errorf("render home page: %w", err)
	}
	return nil
}
