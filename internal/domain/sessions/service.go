// Package sessions identifies the caller of a request, decides what a session may do, and carries
// out the operations on sessions.
//
// An operation of a browser or an app begins with [Run] or [RunSession]:
//
//	RunSession          snapshot.go: names the records of the caller
//	  RunClient         snapshot.go: reads them in one request to the store
//	    identify        caller.go: compares the presented tokens with the clients' records
//	  RequireSession    caller.go: finds the session and its user
//	  RequireProof      authority.go: asks package authority whether the session may act
//	  do                the operation's own function
//	    snapshot        snapshot.go: the state after the operation, which the answer shows
//	    signTokens      after the commit, snapshot.go: signs a token for each live session
package sessions

import "github.com/countersign-mfa/countersign/internal/domain/tokens"

// Service identifies callers and carries out the operations on sessions. It is safe for concurrent
// use.
type Service struct {
	*tokens.Service
}
