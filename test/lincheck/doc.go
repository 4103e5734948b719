// Package lincheck checks linearizability. Several clients run operations on a store at once, and
// the package records each request and answer. Porcupine then looks for a sequential order of the
// operations that explains every answer. Small sequential models, the [Scenario]s, define the
// meaning of the operations; they know nothing of records, versions or commits.
//
// Faults are part of a history. A call may fail before it is applied, or its answer may be lost
// afterwards. Its client then knows nothing, and the checker may assume either. Clocks change
// during operations, also backwards. An operation may have seen any time that the clock showed
// between its call and its answer.
//
// Over [store.Memory] the seed alone decides a run: one client runs at a time, and the clients
// switch at every call of the store (see turns.go). So -seed repeats a failure. Over other stores
// the clients run concurrently, and the seed decides only what they request and which calls fail.
//
// The package is for tests. It is a package of its own so that several packages can use it.
package lincheck
