// Package web is the pages for people: signing in, an account's factors, and the dashboard. They are files inside the binary and talk
// to the API of their own origin; the server that sends them knows nobody and keeps nothing.
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

// Home is what the first page shows.
type Home struct {
	App, URL, Dir                     string
	SecretKey, PublishableKey, Readme string
	Users                             []HomeUser
	SignedIn                          string // who, or ""
	Session, Status                   string
	Messages                          []HomeMessage
	Notice                            string
}

// HomeUser is a demo user with a sign-in button.
type HomeUser struct{ ID, Name, Email, Note string }

// HomeMessage is a text message in the outbox.
type HomeMessage struct{ To, Text, At string }

// WriteHome writes the first page.
func WriteHome(w io.Writer, h Home) error {
	if err := templates.ExecuteTemplate(w, "home.html", h); err != nil {
		return fmt.Errorf("render home page: %w", err)
	}
	return nil
}
