// Package store defines the port to the database, [Store], and what every implementation shares:
// the rules of a commit ([Validate], [Exceeds]) and a reference implementation in memory
// ([Memory]). Two wrappers serve tests and development: [Faulty] fails on purpose and [Counting]
// counts.
//
// The conformance suite is in package storetest, so that no product links the testing package.
//
// # Versions
//
// A replaced record moves to the version after the one that was read. A created record starts at a
// version that no record with its key had before. A writer that read a record before it was deleted
// and created again therefore gets [ErrConflict], and cannot overwrite the new one.
package store
