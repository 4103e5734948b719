// Package takeover searches for sequences of requests that take over an account. It drives the real
// handlers over a store in memory with a simulated clock. The actors act in any order: the owner, a
// thief with the password, a thief with a stale session cookie, and an administrator.
//
// A [Step] is one request of one actor, or a change of the clock. The planner draws steps at
// random. Short plans make the interesting states common. Arguments are drawn from what the actor
// knows: [Knowledge] holds what an actor starts with and what each answer adds. The operations come
// from [api.Operations], so a new operation is part of the search once every parameter has a
// generator.
//
// After each step the [oracle] compares what the thieves received with the goals, which no thief
// may reach. A journey that reaches a goal is shortened: steps are left out as long as it still
// reaches the goal. Then it is printed in words.
//
// The seed decides a journey: times, arguments, and the service's random numbers. Only the RSA key
// differs, which changes nothing but signatures.
//
// Only tests use the package.
package takeover
