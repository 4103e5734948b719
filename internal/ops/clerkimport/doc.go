// Package clerkimport moves users from Clerk: it reads them as JSON lines, in the shapes of Clerk's Backend API, and creates them through the
// Backend API of a running server.
//
// Nobody is created twice. A line that was created is noted in the state file; a line whose answer got lost is asked for before it is given
// up; and without the state file the server still refuses an identifier that somebody has. What it prints holds counts, line numbers, Clerk's user ids,
// names of fields, error codes and the country or line of a number, and nothing else of a line: a line holds secrets.
package clerkimport
