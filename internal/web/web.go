// Package web serves the pages for people: sign-in, an account's factors, and the dashboard. The
// pages are files inside the binary. Their scripts talk to the API of their own origin, so the
// server of the pages holds no user data.
package web
