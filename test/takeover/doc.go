// Package takeover searches for a way to steal an account. It drives the real handlers over a store
// in memory, with a clock that is moved, and lets actors act in any order: the owner, a thief with
// the password, a thief with a stale session cookie, and an administrator.
//
// A [Step] is one request of one actor, or a move of the clock. The steps are drawn at random;
// short plans make the states that matter common. Their arguments are drawn too, and only from what
// the actor knows: [Knowledge] says what an actor starts with, and learns from every answer. The
// table of operations is [api.Operations]: an operation that is added there is part of the search
// as soon as every name of a parameter has a generator.
//
// After each step the [oracle] looks at what the thieves were told and compares it with what must
// never be. A journey that reaches a goal is shortened, by leaving out steps as long as the goal is
// still reached, and told as a story.
//
// A seed decides a journey: the times, the arguments, and all that the service draws. Only its RSA
// key differs, which changes no answer but a signature.
//
// The package is for tests: no program links it.
package takeover
