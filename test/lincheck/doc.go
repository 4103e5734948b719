// Package lincheck runs several clients at once against a store, writes down what each asked and
// was told, and looks for an order of the operations, one after another, that explains every
// answer: linearisability, checked with porcupine. What the operations mean is said by small
// sequential models, the [Scenario]s; nothing in them knows of records, versions or commits.
//
// Faults are part of a history. A call that fails before it is applied, or whose answer is lost
// after it was, leaves its client without knowledge: such an operation happened or did not, and the
// checker may choose. Clocks move in the middle of operations, also backwards; an operation may
// have seen any time that was shown between its call and its answer.
//
// Over [store.Memory] a run is decided by its seed alone: clients take turns, and change places at
// every call of the store (see turns.go). So a failure is repeated with -seed. Over other stores
// the clients really run at once, and the seed decides only what they ask and which calls fail.
//
// The package is for tests, and apart from them so that several packages can use it.
package lincheck
