// Package mfa is the domain of Countersign: users and their factors, attempts to prove them,
// clients and their sessions, and the policy that binds them.
//
// It knows no HTTP, no cloud service, no environment and no wall clock; all of those arrive through
// [Config]. Every operation of [Service] is one or two strongly consistent reads, plain Go on
// what was read, and at most one conditional commit. An answer leaves only after its commit, so
// a guess that did not count was never answered, and nothing can be accepted twice.
package mfa
