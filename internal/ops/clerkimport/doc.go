// Package clerkimport imports users from Clerk. It reads JSON lines in the shapes of Clerk's
// Backend API, and creates the users through the Backend API of a running server.
//
// No user is created twice. The state file names every user that was begun, and every one that was
// created. After a lost answer or a crash the import looks a begun user up before it gives the line
// up. Without the state file the server still rejects an identifier that is taken.
//
// The input holds secrets, so the output is limited to counts, line numbers, Clerk's user ids,
// field names, error codes, and the country or line type of a phone number.
package clerkimport
